"""Vectors from Parquet to int8 codes in Parquet by numpy and pyarrow, one thread: beside IngestBenchmark of java/spark.

    ingest.py DIRECTORY_OF_FLOATS OUTPUT [--rounds N]
"""
import argparse
import pathlib
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("input", type=pathlib.Path)
parser.add_argument("output", type=pathlib.Path)
parser.add_argument("--rounds", type=int, default=2)
options = parser.parse_args()
options.output.mkdir(parents=True, exist_ok=True)


def run():
    for file in sorted(options.input.glob("*.parquet")):
        table = pq.read_table(file, use_threads=False)
        values = table["v"].combine_chunks()
        x = np.asarray(values.values).reshape(len(values), -1)
        low, high = np.minimum(x.min(axis=0), 0), np.maximum(x.max(axis=0), 0)
        scale = (high - low) / np.float32(255)
        codes = np.clip(np.rint(x / scale + (-128 - np.rint(low / scale))), -128, 127).astype(np.int8)
        binary = pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(codes.shape[1]), len(codes), [None, pa.py_buffer(codes.tobytes())])
        pq.write_table(pa.table({"id": table["id"], "codes": binary}), options.output / file.name)


best, least = float("inf"), float("inf")
for _ in range(options.rounds):
    start, processor = time.perf_counter(), time.process_time()
    run()
    best = min(best, time.perf_counter() - start)
    least = min(least, time.process_time() - processor)
print(f"{'numpy and pyarrow':28} {best:8.1f} s, processor {least:8.1f} s")
