"""How the time of `narrow quantize` grows with the number of operators: models of FULLY_CONNECTED and ADD in turn, every ADD of which
reads the input too, in the modes dynamic (--min-elements 0) and int8 (two random samples).

    growth.py [N ...] [--narrow PATH] [--runs N]

Prints the best processor and wall time of each, and the exponent of the processor time between neighbours: 1 is growth with the work.
"""
import argparse
import math
import os
import subprocess
import tempfile
import time

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH = 8
MODES = {"dynamic": ["--mode", "dynamic", "--min-elements", "0"], "int8": ["--mode", "int8", "--calibrate", "random:2"]}


def table(kind, **fields):
    made = kind()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def model(path, operators):
    random = np.random.RandomState(operators)
    builtin = schema.BuiltinOperator
    buffers, tensors, nodes = [schema.BufferT()], [], []

    def tensor(name, shape, values=None):
        if values is not None:
            buffers.append(table(schema.BufferT, data=values.astype(np.float32).view(np.uint8).ravel()))
        buffer = 0 if values is None else len(buffers) - 1
        tensors.append(table(schema.TensorT, name=name, shape=shape, type=schema.TensorType.FLOAT32, buffer=buffer))
        return len(tensors) - 1

    first = last = tensor("in", [1, WIDTH])
    for i in range(operators):
        out = tensor("block_%d/out" % i, [1, WIDTH])
        if i % 2 == 0:
            weights = 0.9 * np.eye(WIDTH) + 0.05 * random.randn(WIDTH, WIDTH)
            read, kind = [last, tensor("block_%d/weights" % i, [WIDTH, WIDTH], weights), -1], schema.FullyConnectedOptionsT()
            union = schema.BuiltinOptions.FullyConnectedOptions
        else:
            read, kind, union = [last, first], schema.AddOptionsT(), schema.BuiltinOptions.AddOptions
        nodes.append(table(schema.OperatorT, opcodeIndex=i % 2, inputs=read, outputs=[out], builtinOptionsType=union, builtinOptions=kind))
        last = out
    codes = [table(schema.OperatorCodeT, builtinCode=c, deprecatedBuiltinCode=c, version=1) for c in (builtin.FULLY_CONNECTED, builtin.ADD)]
    graph = table(schema.SubGraphT, name="main", tensors=tensors, operators=nodes, inputs=[first], outputs=[last])
    builder = flatbuffers.Builder(1 << 20)
    made = table(schema.ModelT, version=3, description="chain", operatorCodes=codes, buffers=buffers, subgraphs=[graph])
    builder.Finish(made.Pack(builder), b"TFL3")
    with open(path, "wb") as file:
        file.write(builder.Output())


def seconds(command):
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("%s: exit %d" % (" ".join(command), os.waitstatus_to_exitcode(status)))
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - start


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("operators", nargs="*", type=int, default=[1250, 5000, 20000])
    p.add_argument("--narrow", default=os.path.join(HERE, "..", "..", "narrow"))
    p.add_argument("--runs", type=int, default=3)
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([args.narrow, "--version"], check=True, stdout=subprocess.DEVNULL)
        for mode, options in MODES.items():
            before = None
            for count in args.operators:
                path = os.path.join(folder, "chain.tflite")
                model(path, count)
                command = [args.narrow, "quantize", path, "-o", os.path.join(folder, "out.tflite"), *options]
                runs = [seconds(command) for _ in range(args.runs)]
                processor, wall = min(run[0] for run in runs), min(run[1] for run in runs)
                grown = "" if before is None else "%.2f" % (math.log(processor / before[1]) / math.log(count / before[0]))
                print("%-8s %6d operators  processor %6.2f s  wall %6.2f s  exponent %s" % (mode, count, processor, wall, grown), flush=True)
                before = (count, processor)


main()
