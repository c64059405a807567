"""Carries out steps for zoo.py and static.py, one JSON array of them on standard input, and reports each on standard output.

A step that takes the process down with it is the last one begun; run_steps of zoo.py starts another worker for the rest."""
import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # TensorFlow says how it rounds, in what looks like an error message
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


def write_samples(step):
    import samples
    return {"digest": samples.write(step["model"], step["folder"], step["data"])}


def draw_samples(step):
    import samples
    return {"kind": samples.draw(step["model"], step["folder"], step["draw"])}


def static_reference(step):
    """Runs the float model on the test samples of every signature and keeps its float outputs."""
    import samples
    result = {"zero": True}
    for signature in samples.signatures(step["model"]):
        runner = litert.Runner(step["model"], step["kernels"], signature)
        values, labels = samples.load(step["folder"], "test", signature)
        kept = [i for i, d in enumerate(runner.outputs) if d["dtype"] == np.float32]
        got = [[y[i] for i in kept] for y in map(runner, values)]
        np.savez(samples.archive(step["folder"], "float-" + step["kernels"], signature), kept=np.array(kept, int),
                 **{"v%d" % n: np.stack(column) for n, column in enumerate(zip(*got))})
        result["zero"] &= not any(y.any() for sample in got for y in sample)
        if labels is not None:
            result["accuracy"] = float(np.mean([y[0].reshape(-1).argmax() for y in got] == labels))
    return result


def outputs(step, path, signature):
    """For each test sample what a file gives, in the order of the float model's outputs, then which of them are float, and what the float
    model gives for these."""
    import samples
    with np.load(samples.archive(step["folder"], "float-" + step["kernels"], signature)) as archive:
        kept, expected = archive["kept"], [archive["v%d" % n] for n in range(len(archive.files) - 1)]
    runner = litert.Runner(path, step["kernels"], signature)
    shapes = [runner.shape(i) for i in range(len(runner.inputs))]
    for n, sample in enumerate(samples.load(step["folder"], "test", signature)[0]):
        got = runner(litert.placed(sample, shapes))
        if len(kept) == len(got):
            got = litert.placed(got, [list(x[n].shape) for x in expected])
        yield sample, [got[i] for i in kept], [x[n] for x in expected]


def first_and_worst(powers):
    """Of the sums of powers of every output, [outputs, 2] for each signature: dB of the first output and of the worst."""
    every = [[litert.decibels(*p) for p in of_signature] for of_signature in powers if len(of_signature)]
    return [min(e[0] for e in every), min(min(e) for e in every)] if every else None


def static_score(step):
    """SQNR of the first float output and of the worst, over all signatures; for classes agreement with the float model and accuracy; for
    what reconstructs its input by which share the squared error differs from the float model's."""
    import samples
    if not os.path.exists(step["file"]):
        return {"skipped": "no file"}
    result, powers = {}, []
    for signature in samples.signatures(step["model"]):
        if not os.path.exists(samples.archive(step["folder"], "float-" + step["kernels"], signature)):
            return {"skipped": "float model does not run"}
        labels = samples.load(step["folder"], "test", signature)[1]
        power, agree, right, score = 0, [], [], []
        for n, (sample, got, expected) in enumerate(outputs(step, step["file"], signature)):
            power = power + np.array([litert.powers(x, y) for x, y in zip(expected, got)]).reshape(-1, 2)
            if got and samples.has_classes(step["model"]):
                classes = got[0].shape[-1:] or (1,)
                mine, theirs = (y.reshape(-1, *classes).argmax(axis=-1) for y in (got[0], expected[0]))
                agree.append(np.mean(mine == theirs))
                right += [] if labels is None else [mine[0] == labels[n]]
            if got and samples.reconstructs(step["model"]):
                mine, theirs = (np.square(y - sample[0]).mean() for y in (got[0], expected[0]))
                score.append(abs(mine / theirs - 1))
        powers.append(power)
        result.update({name: float(np.mean(found)) for name, found in (("agreement", agree), ("accuracy", right), ("score", score)) if found})
    measured = first_and_worst(powers)
    return {**result, "sqnr": [str(value) for value in measured]} if measured else {"skipped": "no float output"}  # JSON has no infinity


def static_difference(step):
    """The standard error of the difference of two files' SQNR, both measures, from resampling the test samples 300 times."""
    import samples
    found = [[np.array([[litert.powers(x, y) for x, y in zip(expected, got)] for _, got, expected in outputs(step, path, signature)])
              for signature in samples.signatures(step["model"])] for path in (step["file"], step["other"])]
    random, differences = np.random.RandomState(0), []
    for _ in range(300):
        chosen = [random.randint(0, len(powers), len(powers)) for powers in found[0]]
        mine, other = (first_and_worst([powers[c].sum(axis=0) for powers, c in zip(of_file, chosen)]) for of_file in found)
        differences.append(np.subtract(mine, other))
    return {"error": [float(e) for e in np.std(differences, axis=0)]}


def same_weights(step):
    """How many of the quantized weights of a file are those of the float model."""
    every = litert.quantized_constants(step["model"], step["file"])
    same = litert.quantized_constants(step["model"], step["file"], 3e-3)
    weights = [key for key, (_, shape, _) in every.items() if len(shape) > 1]
    return {"same": sum(":" not in key and key in same for key in weights), "all": len(weights), "bytes": os.path.getsize(step["file"])}


def static_peer(step):
    import static_peers
    start = time.perf_counter()
    size = static_peers.TOOLS[step["tool"]](step["model"], step["folder"], step["calibration"], step["samples"], step["mode"], step["file"])
    return {"bytes": size, "seconds": round(time.perf_counter() - start, 1)}


def float_operators(step):
    if not os.path.exists(step["file"]):
        return {"skipped": "no file"}
    found, total = litert.float_operators(step["file"])
    return {"float": found, "operators": total, "integer": litert.not_float32(*litert.read(step["file"])) is not None}


def compare_tensors(step):
    if not os.path.exists(step["file"]):
        return {"skipped": "no file"}
    return {"tensors": litert.quantized_constants(step["model"], step["file"])}


STEPS = {"float": run_float, "quantized": run_quantized, "ai-edge": run_ai_edge, "tensors": compare_tensors, "samples": write_samples, "draw": draw_samples,
         "static reference": static_reference, "static score": static_score,
         "static peer": static_peer, "static difference": static_difference, "same weights": same_weights, "float operators": float_operators}

if __name__ == "__main__":
    for number, step in enumerate(json.load(sys.stdin)):
        print("@begin", number, flush=True)
        try:
            result = STEPS[step["do"]](step)
        except (Exception, SystemExit) as e:
            result = {"failure": " ".join(("%s: %s" % (type(e).__name__, e)).split())}
        print("@done", json.dumps(result), flush=True)
