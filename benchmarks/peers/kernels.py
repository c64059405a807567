"""The kernels, native and from Java, beside Java's own ways, numpy and XNNPACK: one run, one table.

    kernels.py --bench BUILD/benchmarks/narrow_bench --jar 17=PATH --jar 25=PATH [--java 17=PATH] [--java 25=PATH]
               [--size N] [--rounds N]

See README.md for what is built first. All take turns, --rounds (3) times; the shortest time of each counts, which on a
shared machine is the one that nobody interrupted.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

KERNELS = {"range": "f32_range", "s8": "f32_to_s8", "f16": "f32_to_f16"}
JMH = {"range": "range", "int8": "s8", "float16": "f16"}  # a method's name starts with one of these

# What is held against what: ours, theirs, and how many times as fast at least, by kernel.
BARS = [
    ("Java 17, arrays", "native", {"range": 0.9, "s8": 0.9, "f16": 0.9}),
    ("native", "numpy", {"range": 2, "s8": 10, "f16": 30}),
    ("native", "numpy, in place", {"s8": 10, "f16": 30}),
    ("native", "XNNPACK", {"s8": 1}),
    ("Java 25, arrays", "Vector API", {"range": 2, "s8": 5}),
    ("Java 25, arrays", "Float.floatToFloat16", {"f16": 1}),
    ("Java 25, direct", "Float.floatToFloat16", {"f16": 1}),
    ("Java 17, arrays", "loop on 17", {"range": 10, "s8": 10, "f16": 10}),
]


def shortest(call, seconds=0.3):
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def numpy_calls(x):
    """As one writes it."""
    inverse = np.float32(1 / 0.03)
    return {
        "range": lambda: (x.min(), x.max()),
        "s8": lambda: np.clip(np.rint(x * inverse) - np.float32(3), -128, 127).astype(np.int8),
        "f16": lambda: x.astype(np.float16),
    }


def numpy_in_place_calls(x):
    scaled, codes, halves = np.empty_like(x), np.empty(x.size, np.int8), np.empty(x.size, np.float16)

    def s8():
        np.multiply(x, np.float32(1 / 0.03), out=scaled)
        np.rint(scaled, out=scaled)
        np.add(scaled, np.float32(-3), out=scaled)
        np.clip(scaled, -128, 127, out=scaled)
        np.copyto(codes, scaled, casting="unsafe")

    return {"s8": s8, "f16": lambda: np.copyto(halves, x, casting="unsafe")}


def xnnpack_call(x):
    """A model of one QUANTIZE, on one thread of the runtime with XNNPACK."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter

    model = schema.ModelT()
    model.version, model.buffers = 3, [schema.BufferT()]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.QUANTIZE
    code.version = 1
    model.operatorCodes = [code]
    graph = schema.SubGraphT()
    for name, kind in (b"x", schema.TensorType.FLOAT32), (b"y", schema.TensorType.INT8):
        tensor = schema.TensorT()
        tensor.name, tensor.type, tensor.shape, tensor.buffer = name, kind, [1, x.size], 0
        graph.tensors = (graph.tensors or []) + [tensor]
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = [0.03], [-3]
    graph.tensors[1].quantization = quantization
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0], [1]
    graph.inputs, graph.outputs, graph.operators = [0], [1], [operator]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    interpreter = Interpreter(model_content=bytes(builder.Output()), num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, x.reshape(1, -1))
    interpreter.invoke()
    codes = interpreter.get_tensor(1).ravel().astype(np.int32)
    expected = np.clip(np.rint(x * np.float32(1 / np.float32(0.03))) - 3, -128, 127)
    assert np.abs(codes - expected).max() <= 1, "the runtime quantizes otherwise"
    return {"s8": interpreter.invoke}


def native(bench, size):
    out = subprocess.run([bench, "--size", str(size), "--json", "--kernel", "f32_"], capture_output=True, check=True)
    rows = json.loads(out.stdout)["rows"]
    fastest = rows[-1]["isa"]
    return {
        (kernel, "native"): row["elements"] / row["gelem_per_s"] * 1e-9
        for kernel, name in KERNELS.items()
        for row in rows
        if row["kernel"] == name and row["isa"] == fastest
    }


def jmh(java, version, jar, size):
    with tempfile.TemporaryDirectory() as folder:
        result = pathlib.Path(folder, "result.json")
        command = [java, "-jar", jar, "Native|Loop|Jdk25", "-p", f"size={size}", "-wi", "2", "-i", "3", "-w", "300ms",
                   "-r", "300ms", "-rf", "json", "-rff", str(result)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        rows = json.loads(result.read_text())
    times = {}
    for row in rows:
        owner, method = row["benchmark"].split(".")[-2:]
        kernel = next(kernel for start, kernel in JMH.items() if method.startswith(start))
        memory = row["params"].get("memory", "").lower() + ("s" if row["params"].get("memory") == "ARRAY" else "")
        way = {
            "NativeBenchmark": f"Java {version}, {memory}",
            "LoopBenchmark": f"loop on {version}",
            "Jdk25Benchmark": "Float.floatToFloat16" if method.endswith("Jdk") else "Vector API",
        }[owner]
        took = row["primaryMetric"]["scorePercentiles"]["0.0"] * 1e-9
        times[kernel, way] = min(took, times.get((kernel, way), float("inf")))
        if way == "Vector API":
            times[kernel, f"  {method}"] = took
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--jar", action="append", default=[], metavar="VERSION=PATH")
    parser.add_argument("--java", action="append", default=[], metavar="VERSION=PATH")
    parser.add_argument("--size", type=int, default=1 << 20)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    jars, javas = (dict(pair.split("=", 1) for pair in pairs) for pairs in (args.jar, args.java))
    x = np.random.default_rng(1).standard_normal(args.size).astype(np.float32)
    peers = {"numpy": numpy_calls(x), "numpy, in place": numpy_in_place_calls(x), "XNNPACK": xnnpack_call(x)}
    times = {}
    for _ in range(args.rounds):
        found = native(args.bench, args.size)
        for peer, calls in peers.items():
            found.update({(kernel, peer): shortest(call) for kernel, call in calls.items()})
        for version, jar in jars.items():
            found.update(jmh(javas.get(version, "java"), version, jar, args.size))
        for key, took in found.items():
            times[key] = min(took, times.get(key, float("inf")))
    print(f"{args.size} elements, 10^9 elements per second")
    print(f"{'':26}" + "".join(f"{kernel:>9}" for kernel in KERNELS))
    for way in dict.fromkeys(way for _, way in times):
        rates = [args.size / times[kernel, way] * 1e-9 if (kernel, way) in times else None for kernel in KERNELS]
        print(f"{way:26}" + "".join(f"{rate:9.2f}" if rate else f"{'':9}" for rate in rates))
    print()
    for ours, theirs, bars in BARS:
        for kernel, bar in bars.items():
            if (kernel, ours) in times and (kernel, theirs) in times:
                ratio = times[kernel, theirs] / times[kernel, ours]
                below = "" if ratio >= bar else "   below"
                print(f"{kernel:6} {ours:16} beside {theirs:22} {ratio:7.2f}   bar {bar}{below}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
