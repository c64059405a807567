"""Carries out steps for zoo.py, one JSON array of them on standard input, and reports each on standard output.

A step that takes the process down with it is the last one begun; zoo.py starts another worker for the rest."""
import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np

import litert


def reference(folder, kernels):
    return os.path.join(folder, "float." + kernels + ".npz")


def run_float(step):
    got = litert.run(step["model"], step["kernels"], step["samples"])
    np.savez(reference(step["folder"], step["kernels"]), keys=np.array(list(got)), **{"v%d" % i: v for i, v in enumerate(got.values())})
    return {"zero": not any(value.any() for value in got.values())}  # an output that is zero throughout measures nothing


def run_quantized(step):
    if not os.path.exists(step["file"]):
        return {"skipped": "no file"}
    if not os.path.exists(reference(step["folder"], step["kernels"])):
        return {"skipped": "float model does not run"}
    got = litert.run(step["file"], step["kernels"], step["samples"])
    with np.load(reference(step["folder"], step["kernels"])) as stored:
        expected = {str(key): stored["v%d" % i] for i, key in enumerate(stored["keys"])}
    if set(got) != set(expected):
        raise ValueError("signatures %s, the float model's %s" % (sorted(got), sorted(expected)))
    worst = min(litert.sqnr(expected[key], got[key]) for key in expected)
    return {"sqnr": worst if np.isfinite(worst) else str(worst)}  # JSON has no infinity


def run_ai_edge(step):
    import ai_edge
    path = litert.modernize(step["model"], os.path.join(step["folder"], "modern.tflite"))
    start = time.perf_counter()
    size = ai_edge.quantize(path, step["file"], step["recipe"])
    return {"bytes": size, "seconds": round(time.perf_counter() - start, 3), "modernized": path != step["model"]}


def compare_tensors(step):
    if not os.path.exists(step["file"]):
        return {"skipped": "no file"}
    return {"tensors": litert.quantized_constants(step["model"], step["file"])}


STEPS = {"float": run_float, "quantized": run_quantized, "ai-edge": run_ai_edge, "tensors": compare_tensors}

if __name__ == "__main__":
    for number, step in enumerate(json.load(sys.stdin)):
        print("@begin", number, flush=True)
        try:
            result = STEPS[step["do"]](step)
        except (Exception, SystemExit) as e:
            result = {"failure": " ".join(("%s: %s" % (type(e).__name__, e)).split())}
        print("@done", json.dumps(result), flush=True)
