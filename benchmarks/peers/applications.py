"""Imports models of keras.applications with random weights, by Narrow and by TensorFlow's converter, and compares the files.

    applications.py [NAME...] [--narrow PATH] [--format h5|keras] [--no-converter] [--keep DIR] [--markdown FILE]
"""
import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = ("ResNet50 ResNet101 ResNet152 ResNet50V2 ResNet101V2 ResNet152V2 VGG16 VGG19 InceptionV3 InceptionResNetV2 Xception "
         "MobileNet MobileNetV2 MobileNetV3Small MobileNetV3Large EfficientNetB0 EfficientNetB1 EfficientNetB2 EfficientNetB3 "
         "EfficientNetB4 EfficientNetB5 EfficientNetB6 EfficientNetB7 EfficientNetV2B0 EfficientNetV2B1 EfficientNetV2B2 "
         "EfficientNetV2B3 EfficientNetV2S EfficientNetV2M EfficientNetV2L DenseNet121 DenseNet169 DenseNet201 NASNetMobile "
         "NASNetLarge ConvNeXtTiny ConvNeXtSmall ConvNeXtBase ConvNeXtLarge").split()
TURNS = 10


def model(name):
    """The model with random weights, and in batch normalization what one pass of random input leaves there: without it the deep ones
    grow from block to block until rounding alone decides what comes out."""
    shape = {"input_shape": (224, 224, 3)} if name.startswith("MobileNetV3") else {}  # the others have one of their own
    keras.utils.set_random_seed(1)
    made = getattr(keras.applications, name)(weights=None, **shape)
    random = np.random.default_rng(0)
    norms = [layer for layer in made.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.set_weights([w + random.uniform(0, 0.2, w.shape).astype(w.dtype) for w in layer.get_weights()])
        layer.momentum = 0.0
    for layer in made.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.set_weights([random.uniform(0.2, 0.5, w.shape).astype(w.dtype) for w in layer.get_weights()])
            layer.finalize_state()  # or the layer keeps computing with what it had before, until it is saved and loaded
    if norms:
        made(np.concatenate(samples(made, 4)), training=True)
    for layer, momentum in zip(norms, momenta):
        layer.momentum = momentum
    return made


def samples(made, count):
    pixels = any(isinstance(layer, keras.layers.Rescaling) for layer in made.layers)  # or what is prepared for the model
    low, high = (0, 255) if pixels else (-1, 1)
    height, width, channels = made.inputs[0].shape[1:]
    tiles = np.ones((1, -(-height // 8), -(-width // 8), 1))  # areas as pictures have them; noise looks the same everywhere
    xs = [np.kron(np.random.default_rng(seed).uniform(low, high, (1, 8, 8, channels)), tiles) for seed in range(count)]
    return [x[:, :height, :width].astype(np.float32) for x in xs]


def converted(made, path):
    import tensorflow as tf
    start = time.time()
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # it lists every variable
        data = tf.lite.TFLiteConverter.from_keras_model(made).convert()
    with open(path, "wb") as file:
        file.write(data)
    return time.time() - start


def opened(path):
    it = Interpreter(path, num_threads=1)
    it.allocate_tensors()
    return it


def operators(path):
    it = Interpreter(path)
    return sum(1 for op in it._get_ops_details() if op["op_name"] != "DELEGATE")


def run(it, x):
    it.set_tensor(it.get_input_details()[0]["index"], x)
    start = time.process_time()  # of one thread: what else the machine does counts little
    it.invoke()
    return it.get_tensor(it.get_output_details()[0]["index"]), time.process_time() - start


def relative(a, b):
    """The largest difference beside the spread of the outputs: of random weights, all classes come out nearly the same."""
    return float(np.max(np.abs(a - b)) / max(1e-12, np.max(b) - np.min(b)))


def row(name, args, folder):
    made = model(name)
    source, ours, theirs = (os.path.join(folder, name + end) for end in ("." + args.format, ".narrow.tflite", ".converter.tflite"))
    made.save(source)
    start = time.time()
    done = subprocess.run([args.narrow, "import", source, "-o", ours], capture_output=True, text=True)
    seconds = time.time() - start
    if done.returncode:
        return [name, "%d: %s" % (done.returncode, done.stderr.strip().splitlines()[-1:])]
    xs = samples(made, 2)
    narrow = opened(ours)
    cells = [name, "%.1e" % max(relative(run(narrow, x)[0], np.array(made(x, training=False))) for x in xs)]
    if args.no_converter:
        return cells + ["-", os.path.getsize(ours), "-", operators(ours), "-", "-", "%.1f" % seconds, "-"]
    wall = converted(made, theirs)
    converter = opened(theirs)
    difference = max(relative(run(narrow, x)[0], run(converter, x)[0]) for x in xs)
    times = ([], [])
    for turn in range(TURNS):
        for k, it in ((0, narrow), (1, converter)) if turn % 2 else ((1, converter), (0, narrow)):
            times[k].append(run(it, xs[0])[1])
    ratio = statistics.median(times[0]) / statistics.median(times[1])
    return cells + ["%.1e" % difference, os.path.getsize(ours), os.path.getsize(theirs), operators(ours), operators(theirs), "%.2f" % ratio,
                    "%.1f" % seconds, "%.1f" % wall]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("names", nargs="*", metavar="NAME", help="functions of keras.applications (default: all families)")
    p.add_argument("--narrow", default=os.path.join(HERE, "..", "..", "narrow"), help="the command to measure")
    p.add_argument("--format", default="h5", choices=["h5", "keras"])
    p.add_argument("--no-converter", action="store_true", help="compare with Keras only")
    p.add_argument("--keep", help="folder for the files")
    p.add_argument("--markdown", help="write the table to this file")
    args = p.parse_args()
    head = ["model", "to Keras", "to converter", "bytes", "converter", "operators", "converter", "latency ratio", "import s", "converter s"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    print("\n".join(lines), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        for name in args.names or NAMES:
            keras.backend.clear_session()
            lines.append("| " + " | ".join(str(cell) for cell in row(name, args, args.keep or temporary)) + " |")
            print(lines[-1], flush=True)
            if not args.keep:
                for file in os.listdir(temporary):
                    os.remove(os.path.join(temporary, file))
    if args.markdown:
        with open(args.markdown, "w") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
