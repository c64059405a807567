"""Calibration of Narrow and ai-edge-quantizer on the same samples: calibrate.py MODEL.tflite... [--help]

Uniform random samples in [-1, 1] go into an .npz file, from which `narrow calibrate` reads them; ai-edge has them in memory. The
two take turns, with --threads each. Milliseconds per sample, by the clock and of processor time, which a busy machine disturbs less.
Narrow's are those of the process with all samples less those with --base samples, so without the start of the JVM, which `whole`
includes; ai-edge's are those of Calibrator.calibrate alone. The recipe is static_wi8_ai8, and ai-edge gets a copy with new operator
codes and a signature where the model lacks them (litert.modernize). Compared are the ranges of all tensors that both have:
ai-edge's are moving averages, and so are Narrow's there. With --memory also the peak of Narrow's resident memory over --base samples
and over ten times --samples, from one archive of as many."""
import argparse
import contextlib
import io
import json
import os
import subprocess
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np

import litert


def narrow(command, model, data, samples, out, *more):
    """Seconds by the clock and of processor time, and the peak of resident memory in KiB."""
    start = time.perf_counter()
    process = subprocess.Popen([command, "calibrate", model, "--data", data, "--samples", str(samples), "-o", out, *more],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    done, peak = 0, 0
    while not done:  # the peak that wait4 tells of is at least this process's own
        try:
            with open("/proc/%d/status" % process.pid) as f:
                peak = max([peak] + [int(line.split()[1]) for line in f if line.startswith("VmHWM")])
        except OSError:
            pass
        done, status, used = os.wait4(process.pid, os.WNOHANG)
        time.sleep(0 if done else 0.005)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("narrow calibrate failed on " + model)
    return np.array([time.perf_counter() - start, used.ru_utime + used.ru_stime]), peak


class AiEdge:
    def __init__(self, model, threads):
        from ai_edge_quantizer import calibrator, recipe, recipe_manager
        self.model, self.calibrator, self.threads = model, calibrator, threads
        self.recipes = recipe_manager.RecipeManager()
        self.recipes.load_quantization_recipe(recipe.static_wi8_ai8())

    def run(self, samples):
        """Seconds as `narrow` gives them, and the ranges."""
        c = self.calibrator.Calibrator(self.model, num_threads=self.threads)
        key, signature = next(iter(c._tfl_interpreter.get_signature_list().items()))
        data = {key: [dict(zip(signature["inputs"], sample)) for sample in samples]}
        start, before = time.perf_counter(), time.process_time()
        with contextlib.redirect_stderr(io.StringIO()):  # a progress bar
            c.calibrate(data, self.recipes)
        return np.array([time.perf_counter() - start, time.process_time() - before]), c.get_model_qsvs()


def ranges(path):
    with open(path) as f:
        return {name: (np.min(r["min"]), np.max(r["max"])) for name, r in json.load(f)["model_qsvs"].items()}


def difference(ours, theirs):
    """The worst difference of a bound, relative to the larger bound, and the number of tensors."""
    worst, common = 0.0, 0
    for name, (low, high) in ours.items():
        if name in theirs and "min" in theirs[name]:
            other = np.min(theirs[name]["min"]), np.max(theirs[name]["max"])
            size = max(abs(other[0]), abs(other[1]), 1e-9)
            worst, common = max(worst, abs(low - other[0]) / size, abs(high - other[1]) / size), common + 1
    return worst, common


def compare(model, args, folder):
    from ai_edge_litert import interpreter
    inputs = interpreter.Interpreter(model).get_input_details()
    random = np.random.default_rng(0)

    def archive(samples):
        path = os.path.join(folder, "samples.npz")
        np.savez(path, **{"arr_%d" % i: np.stack([s[i][0] for s in samples]) for i in range(len(inputs))})
        return path

    samples = [[random.uniform(-1, 1, d["shape"]).astype(np.float32) for d in inputs] for _ in range(args.samples)]
    data = archive(samples)
    out = os.path.join(folder, "ranges.json")
    peer = AiEdge(litert.modernize(model, os.path.join(folder, "modern.tflite")), args.threads)
    threads = ("--threads", str(args.threads))
    ours, whole, theirs = [], [], []
    for _ in range(args.turns):
        base, _ = narrow(args.narrow, model, data, args.base, out, *threads)
        seconds, _ = narrow(args.narrow, model, data, args.samples, out, *threads)
        whole.append(seconds / args.samples * 1e3)
        ours.append((seconds - base) / (args.samples - args.base) * 1e3)
        seconds, found = peer.run(samples)
        theirs.append(seconds / args.samples * 1e3)
    narrow(args.narrow, model, data, args.samples, out, "--range", "moving-average", "--ai-edge")
    worst, common = difference(ranges(out), found)
    ours, whole, theirs = (np.median(times, axis=0) for times in (ours, whole, theirs))
    print("%s, ranges of %d tensors within %.1e" % (os.path.basename(model), common, worst))
    for i, title in enumerate(("clock", "processor")):
        print("  %-10s narrow %7.2f ms (whole %7.2f)  ai-edge %7.2f ms  ratio %.2f (whole %.2f)" % (
            title, ours[i], whole[i], theirs[i], theirs[i] / ours[i], theirs[i] / whole[i]), flush=True)
    if args.memory:
        data = archive(samples * 10)
        few, many = (narrow(args.narrow, model, data, n, out)[1] for n in (args.base, 10 * args.samples))
        print("  peak memory after %d samples %.1f MiB, after %d %.1f MiB: %+.1f %%" % (
            args.base, few / 1024, 10 * args.samples, many / 1024, 100 * (many / few - 1)), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--narrow", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "narrow"))
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--base", type=int, default=10, help="samples of the run whose time is taken off")
    parser.add_argument("--memory", action="store_true", help="measure memory as well")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for path in arguments.models:
            compare(path, arguments, folder)
