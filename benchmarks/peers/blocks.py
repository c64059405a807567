"""int4 weights of FULLY_CONNECTED with a scale per channel and per block: Narrow beside ai-edge-quantizer, of the same recipe file.

    blocks.py MODEL.tflite... --cache FOLDER [--narrow PATH] [--markdown FILE]

The recipe names each FULLY_CONNECTED and EMBEDDING_LOOKUP whose rows are a multiple of 256 elements, or of 128 in models with less than half of
their weights in such, so that every size of block is for the same weights; all others stay float. Narrow makes a file from it without data and one with the samples for calibration. SQNR of the first
output against the float model on other samples, XNNPACK; latency: medians of files that take turns, one thread.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

import litert
import samples
import zoo

KINDS = ("CHANNELWISE", "BLOCKWISE_256", "BLOCKWISE_128", "BLOCKWISE_64", "BLOCKWISE_32")
OPERATORS = {"FULLY_CONNECTED": 1, "EMBEDDING_LOOKUP": 1}  # place of the weights


def products(path):
    """(name of the operator, its weights, name of its output)"""
    model, _ = litert.read(path)
    for graph in model.subgraphs:
        for operator in graph.operators:
            name = litert.operator_name(model, operator)
            if name in OPERATORS:
                weight = graph.tensors[operator.inputs[OPERATORS[name]]]
                if weight.buffer and len(weight.shape) == 2:
                    yield name, weight, graph.tensors[operator.outputs[0]].name.decode()


def largest_block(path):
    sizes = [(int(w.shape[0]) * int(w.shape[1]), int(w.shape[1])) for _, w, _ in products(path)]
    return 256 if 2 * sum(n for n, columns in sizes if columns % 256 == 0) >= sum(n for n, _ in sizes) else 128


def recipe(path, granularity, algorithm):
    rules, size = [], largest_block(path)
    for name, weight, output in products(path):
        if weight.shape[1] % size == 0:
            rules.append({"regex": re.sub(r"([\\^$.|?*+()\[\]{}])", r"\\\1", output), "operation": name, "algorithm_key": algorithm, "op_config": {
                "weight_tensor_config": {"num_bits": 4, "symmetric": True, "granularity": granularity, "dtype": "INT"},
                "compute_precision": "INTEGER", "explicit_dequantize": False, "skip_checks": False, "min_weight_elements": 0}})
    return rules


def latencies(files, turns=60):
    interpreters = []
    for path in files:
        it = litert.interpreter(path)
        it.allocate_tensors()
        for detail, value in zip(it.get_input_details(), litert.sample(0, it.get_input_details())):
            it.set_tensor(detail["index"], value)
        interpreters.append(it)
    times = [[] for _ in files]
    for turn in range(-5, turns):
        for i, it in enumerate(interpreters):
            it.invoke()
            start = time.perf_counter()
            it.invoke()
            if turn >= 0:
                times[i].append((time.perf_counter() - start) * 1e3)
    return [statistics.median(t) for t in times]


def measure(path, args):
    name = os.path.basename(path).removesuffix(".tflite")
    folder = os.path.join(os.path.abspath(args.cache), name)
    os.makedirs(folder, exist_ok=True)
    common = {"model": path, "folder": folder, "data": samples.DATA if not args.data else args.data, "kernels": "xnnpack"}
    zoo.run_steps([{**common, "do": "samples"}, {**common, "do": "static reference"}], folder, args.timeout)
    modern = litert.modernize(path, os.path.join(folder, "modern.tflite"))
    files = {}
    kinds = [kind for kind in KINDS if largest_block(path) == 256 or kind != "BLOCKWISE_256"]
    for kind in kinds:
        chosen = os.path.join(folder, kind + ".json")
        with open(chosen, "w") as f:
            json.dump(recipe(path, kind, "min_max_uniform_quantize"), f, indent=1)
        peer = os.path.join(folder, "ai-edge-" + kind + ".tflite")
        if not os.path.exists(peer):
            code = "import sys; from ai_edge_quantizer import quantizer; open(sys.argv[2], 'wb').write(quantizer.Quantizer(sys.argv[1], sys.argv[3])" \
                   ".quantize(enable_progress_report=False).quantized_model)"
            done = subprocess.run([sys.executable, "-c", code, modern, peer, chosen], capture_output=True, text=True)
            if done.returncode != 0 and os.path.exists(peer):
                os.remove(peer)
        files[kind, "ai-edge"] = peer
        files[kind, "narrow"] = os.path.join(folder, "narrow-" + kind + ".tflite")
        zoo.run_narrow(args.narrow, modern, ["--recipe", chosen], files[kind, "narrow"], folder, args.timeout)
        together = os.path.join(folder, "together-" + kind + ".tflite")
        best = os.path.join(folder, kind + "-gptq.json")
        with open(best, "w") as f:
            json.dump(recipe(path, kind, "GPTQ"), f, indent=1)
        data = [word for d in samples.for_narrow(path, folder, "calibrate") for word in ("--calibrate", d)]
        zoo.run_narrow(args.narrow, modern, ["--recipe", best] + data, together, folder, args.timeout)
        files[kind, "together"] = together
    scores = zoo.run_steps([{**common, "do": "static score", "file": file} for file in files.values()], folder, args.timeout)
    running = [key for key, score in zip(files, scores) if "sqnr" in score]
    fast = dict(zip(running, latencies([files[key] for key in running])))
    rows, base = [], latencies([path])[0]
    rows.append([name, "float32", "%d" % os.path.getsize(path), "", "", "", "%.3f" % base])
    for kind in kinds:
        row = [name, kind.lower().replace("_", " ")]
        row.append("%d" % os.path.getsize(files[kind, "narrow"]) if os.path.exists(files[kind, "narrow"]) else "-")
        for tool in ("ai-edge", "narrow", "together"):
            score = scores[list(files).index((kind, tool))]
            row.append("%.1f" % float(score["sqnr"][0]) if "sqnr" in score else "fails: " + zoo.shortened(
                score.get("failure", score.get("skipped", "")), args.width))
        row.append("%.3f" % fast[kind, "narrow"] if (kind, "narrow") in fast else "-")
        rows.append(row)
    return rows


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="+")
    p.add_argument("--cache", required=True)
    p.add_argument("--data", help="folder with the data (default: ../shared/data)")
    p.add_argument("--narrow", default=os.path.join(zoo.HERE, "..", "..", "narrow"))
    p.add_argument("--timeout", type=float, default=1200)
    p.add_argument("--width", type=int, default=60, help="of messages")
    p.add_argument("--markdown", help="also write the table to this file")
    args = p.parse_args()
    head = ["model", "scales", "bytes", "ai-edge dB", "narrow dB", "with data dB", "ms"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    print("\n".join(lines), flush=True)
    for path in args.models:
        for row in measure(path, args):
            lines.append("| " + " | ".join(row) + " |")
            print(lines[-1], flush=True)
    if args.markdown:
        with open(args.markdown, "w") as f:
            f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
