"""Whole-process time and peak memory for a large model: of dynamic-range quantization, Narrow beside ai-edge-quantizer, or of the
import of a Keras model, beside TensorFlow's converter.

    big.py [FLOAT.tflite | MODEL.h5 | MODEL.keras] [--import] [--pairs N] [--narrow PATH] [--keep DIR]

Nothing but the standard library is imported here: Linux counts the memory of the parent at the time of the fork into the peak of the child,
so a parent that had loaded TensorFlow would be what is measured.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# keras.applications' ResNet50 with random weights, 102 MB as a float model.
MAKE = """
import contextlib, io, sys
import tensorflow as tf
tf.keras.utils.set_random_seed(1)
model = tf.keras.applications.ResNet50(weights=None)
if not sys.argv[1].endswith(".tflite"):
    model.save(sys.argv[1])
    sys.exit()
with contextlib.redirect_stdout(io.StringIO()):
    data = tf.lite.TFLiteConverter.from_keras_model(model).convert()
open(sys.argv[1], "wb").write(data)
"""


def run(command, out):
    """Wall seconds, peak resident MiB of the process and what it started, bytes written."""
    if os.path.exists(out):
        os.remove(out)
    start = time.perf_counter()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0 or not os.path.exists(out):
        sys.exit("%s: exit %d\n%s" % (command[0], child.returncode, said.decode("utf-8", "replace")[-2000:]))
    return seconds, usage.ru_maxrss / 1024, os.path.getsize(out)


def line(name, values, form):
    print(("%-28s " + " ".join([form] * 3)) % (name, min(values), statistics.median(values), max(values)))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model", nargs="?", help="default: ResNet50 with random weights, made in a temporary folder")
    p.add_argument("--import", action="store_true", dest="keras", help="import a Keras model instead of quantizing a float one")
    p.add_argument("--pairs", type=int, default=5, help="measured runs of each, after one that is not (default 5)")
    p.add_argument("--narrow", default=os.path.join(HERE, "..", "..", "narrow"), help="the command to measure (default: ../../narrow)")
    p.add_argument("--keep", help="folder for the model and the two files, instead of a temporary one")
    args = p.parse_args()
    if not os.access(args.narrow, os.X_OK):
        p.error("no command at %s: give --narrow PATH" % args.narrow)
    with tempfile.TemporaryDirectory(prefix="narrow-big-") as folder:
        if args.keep:
            os.makedirs(args.keep, exist_ok=True)
            folder = args.keep
        model = args.model or os.path.join(folder, "ResNet50.h5" if args.keras else "ResNet50.tflite")
        if not os.path.exists(model):
            if args.model:
                p.error("no such file: " + args.model)
            subprocess.run([sys.executable, "-c", MAKE, model], check=True, stderr=subprocess.DEVNULL)
        ours, theirs = os.path.join(folder, "narrow.tflite"), os.path.join(folder, "peer.tflite")
        narrow = os.path.abspath(args.narrow)
        if args.keras:
            peer = "converter"
            commands = {"narrow": ([narrow, "import", model, "-o", ours], ours),
                        peer: ([sys.executable, os.path.join(HERE, "converter.py"), model, theirs], theirs)}
        else:
            peer = "ai-edge"
            commands = {"narrow": ([narrow, "quantize", model, "-o", ours, "--mode", "dynamic"], ours),
                        peer: ([sys.executable, os.path.join(HERE, "ai_edge.py"), model, theirs, "dynamic_wi8_afp32"], theirs)}
        print("%s, %d bytes" % (os.path.basename(model), os.path.getsize(model)))
        for command in commands.values():  # fills the page cache, and builds Narrow if nobody has
            run(*command)
        taken = {name: [] for name in commands}
        for pair in range(args.pairs):
            for name in sorted(commands, reverse=pair % 2 == 0):  # who goes first alternates
                taken[name].append(run(*commands[name]))
            print("pair %d   narrow %6.2f s %6.0f MiB   %s %6.2f s %6.0f MiB" % (
                pair + 1, *taken["narrow"][-1][:2], peer, *taken[peer][-1][:2]), flush=True)
        print("%-28s %8s %8s %8s" % ("", "min", "median", "max"))
        for name, runs in taken.items():
            line(name + " seconds", [r[0] for r in runs], "%8.2f")
            line(name + " peak MiB", [r[1] for r in runs], "%8.0f")
        pairs = list(zip(taken[peer], taken["narrow"]))
        line(peer + " / narrow, seconds", [a[0] / n[0] for a, n in pairs], "%8.2f")
        line(peer + " / narrow, peak MiB", [a[1] / n[1] for a, n in pairs], "%8.2f")
        line("narrow peak / model", [n[1] * 2 ** 20 / os.path.getsize(model) for _, n in pairs], "%8.2f")
        print("bytes written: narrow %d, %s %d" % (taken["narrow"][-1][2], peer, taken[peer][-1][2]))


if __name__ == "__main__":
    main()
