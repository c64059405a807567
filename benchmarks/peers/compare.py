"""`narrow compare` and ai-edge-quantizer's validation of the same two files on the same samples: compare.py FLOAT.tflite [--help]

Narrow makes the int8 file (--quantized names another, by whatever tool). The two take turns over all tensors; both load the same
archive of seeded random samples, uniform in [-1, 1]. Narrow's seconds are those of the whole process, ai-edge's those of `validate`
alone, with the samples in memory. Then the squared error of every tensor that both have, and by how much they differ at most."""
import argparse
import json
import os
import subprocess
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np

from ai_edge_litert.interpreter import Interpreter

import litert


def timed(step):
    start, before = time.perf_counter(), os.times()
    result = step()
    after = os.times()
    return (time.perf_counter() - start, sum(after[:4]) - sum(before[:4])), result


def narrow(args, folder, data):
    out = os.path.join(folder, "compare.json")
    command = [args.narrow, "compare", args.model, args.quantized, "--data", data, "--json", *args.options.split()]

    def run():
        with open(out, "wb") as f:
            subprocess.run(command, stdout=f, check=True)
    seconds, _ = timed(run)
    with open(out) as f:
        return seconds, errors(json.load(f))


def errors(document):
    """By name, of inputs, outputs and what is between."""
    return {name: metrics["mse"] for value in document.values() if isinstance(value, dict)
            for kind in ("input_tensors", "output_tensors", "intermediate_tensors") for name, metrics in value.get(kind, {}).items()}


def ai_edge(args, modern, quantized, samples):
    from ai_edge_quantizer import quantizer
    q = quantizer.Quantizer(modern, previous_quantized_model=quantized)
    (key, signature), = Interpreter(modern).get_signature_list().items()
    fed = {key: [{signature["inputs"][0]: sample} for sample in samples]}
    seconds, found = timed(lambda: q.validate(fed, use_xnnpack=not args.built_in, num_threads=args.threads))
    return seconds, {name: metrics["mse"] for name, metrics in found.get_all_tensor_results().items()}


def report(ours, theirs):
    """Squared errors of both, by name."""
    both = sorted(set(ours) & set(theirs))
    apart = {name: abs(ours[name] - theirs[name]) / max(abs(theirs[name]), 1e-30) for name in both if ours[name] != theirs[name]}
    worst = max(apart, key=apart.get, default=None)
    print("  squared error of %d tensors: %d within 1e-5, worst %s" % (
        len(both), sum(apart.get(name, 0) <= 1e-5 for name in both), "equal" if worst is None else "%.1e in %s" % (apart[worst], worst)))


def main(args, folder):
    if args.quantized is None:
        args.quantized = os.path.join(folder, "int8.tflite")
    details = Interpreter(args.model).get_input_details()
    random = np.random.default_rng(0)
    samples = [random.uniform(-1, 1, details[0]["shape"]).astype(np.float32) for _ in range(args.samples)]
    data = os.path.join(folder, "samples.npy")
    np.save(data, np.concatenate(samples))
    if not os.path.exists(args.quantized):
        subprocess.run([args.narrow, "quantize", args.model, "-o", args.quantized, "--mode", "int8", "--calibrate", data, "--samples", "20"],
                       stdout=subprocess.DEVNULL, check=True)
    modern, quantized = (litert.modernize(path, os.path.join(folder, name)) for path, name in (
        (args.model, "modern.tflite"), (args.quantized, "modern_int8.tflite")))
    times = []
    for _ in range(args.turns):
        (mine, ours), (other, theirs) = narrow(args, folder, data), ai_edge(args, modern, quantized, samples)
        times.append((mine, other))
        print("  narrow %6.2f s (processor %6.2f)  ai-edge %6.2f s (processor %6.2f)  ratio %.1f (processor %.1f)" % (
            *mine, *other, other[0] / mine[0], other[1] / mine[1]), flush=True)
    ratios = np.median([[other[0] / mine[0], other[1] / mine[1]] for mine, other in times], axis=0)
    print("%s, %d samples: median ratio %.1f (processor %.1f)" % (os.path.basename(args.model), args.samples, *ratios))
    report(ours, theirs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a float model with one input")
    parser.add_argument("--narrow", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "narrow"))
    parser.add_argument("--quantized", metavar="FILE", help="what was made of it")
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--options", default="--no-local", help="more for narrow, e.g. '--no-local --no-xnnpack'; default %(default)s")
    parser.add_argument("--built-in", action="store_true", help="ai-edge on the built-in kernels")
    parser.add_argument("--threads", type=int, default=16, help="of ai-edge's interpreters; default %(default)s, as its own")
    parser.add_argument("--turns", type=int, default=3)
    with tempfile.TemporaryDirectory() as temporary:
        main(parser.parse_args(), temporary)
