"""Samples for the models of ../shared/models: real data where ../shared/data has some that fits the model, seeded random elsewhere.

`write` makes two archives for each signature, calibrate*.npz and test*.npz, with different samples: arr_0, arr_1 ... in the order of
the inputs, first axis the samples, and `labels` where there are some. Narrow and the Python tools read the same archives."""
import csv
import glob
import gzip
import hashlib
import os
import re

import numpy as np

import litert

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data")
MOST = 100  # samples of one kind
SPEECH_RATE, FRAME, HOP = 16000, 512, 128


def halves(values, labels=None):
    """Every other one for calibration, the rest to test on."""
    return values[0::2][:MOST], values[1::2][:MOST], None if labels is None else labels[1::2][:MOST]


def cifar10(scale, mean, std):
    def load(data, runner):
        def read(name, count):
            raw = np.fromfile(os.path.join(data, "cifar10", name), np.uint8, count * 3073).reshape(-1, 3073)
            x = raw[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).astype(np.float32)
            return [[v[None]] for v in ((x * np.float32(scale) - np.float32(mean)) / np.float32(std))], raw[:, 0].astype(np.int64)
        calibration, _ = read("train_4660.bin", MOST)
        test, labels = read("test_846.bin", 846)
        return calibration, test, labels
    return load


def mnist(data, runner):
    def read(name, skip):
        with gzip.open(os.path.join(data, "mnist", name)) as f:
            return np.frombuffer(f.read(), np.uint8, offset=skip)
    shape = runner.shape(0)
    x = read("t10k-images-idx3-ubyte.gz", 16).reshape([-1] + shape).astype(np.float32) / 255
    labels = read("t10k-labels-idx1-ubyte.gz", 8).astype(np.int64)
    return [[v] for v in x[:MOST]], [[v] for v in x[1000:2000]], labels[1000:2000]


def pixels(path, size, crops):
    """`size`: height and width. `crops`: "whole" is stretched, a number is that share of the largest square in the middle, "left" and
    "right" are the largest squares there. Floats of 0 to 255."""
    import tensorflow as tf
    with open(path, "rb") as f:
        image = tf.io.decode_image(f.read(), channels=3, expand_animations=False).numpy()
    height, width = image.shape[:2]
    side = min(height, width)
    for crop in crops:
        part = image
        if crop != "whole":
            edge = side if isinstance(crop, str) else round(side * crop)
            far = max(height, width) - edge
            at = {"left": 0, "right": far}.get(crop, far // 2)
            across = (side - edge) // 2
            top, left = (across, at) if width >= height else (at, across)
            part = image[top:top + edge, left:left + edge]
        yield tf.image.resize(part.astype(np.float32), size, antialias=True).numpy()


def files(data, *folders):
    found = [p for folder in folders for p in sorted(glob.glob(os.path.join(data, folder, "*")))]
    return [p for p in found if p.endswith((".jpg", ".png", ".bmp"))]


def pictures(scale, offset, bgr=False, most=MOST):
    """Photographs, whole and the square in the middle of each."""
    def load(data, runner):
        size, made = runner.shape(0)[1:3], []
        for path in files(data, "coco64", "photos"):
            made.append([[(x[None, :, :, ::-1] if bgr else x[None]) * np.float32(scale) + np.float32(offset)]
                         for x in pixels(path, size, ["whole", 1.0])])
        calibration, test, _ = halves(made)
        return [s for several in calibration for s in several][:most], [s for several in test for s in several][:most], None
    return load


def patches(data, runner):
    """All samples of one picture: grey squares at seeded places."""
    count, height, width, _ = runner.shape(0)
    random, made = np.random.RandomState(0), []
    for path in files(data, "coco64")[:32]:
        grey = next(pixels(path, (256, 256), ["whole"])).mean(axis=2) / np.float32(255)
        corners = zip(random.randint(0, 256 - height, count), random.randint(0, 256 - width, count))
        made.append([np.stack([grey[y:y + height, x:x + width] for y, x in corners])[..., None]])
    return halves(made)


def imagenet(data, runner):
    with open(os.path.join(data, "imagenet200", "labels.csv"), newline="") as f:
        rows = sorted(csv.DictReader(f), key=lambda row: row["file"])
    made = [[next(pixels(os.path.join(data, "imagenet200", row["file"]), runner.shape(0)[1:3], [0.875]))[None] / np.float32(127.5) - np.float32(1)]
            for row in rows]
    return halves(made, np.array([int(row["class_index_0_999"]) + 1 for row in rows]))


def person(data, runner):
    """Label 1: a person on more than a two-hundredth of the picture."""
    size, test, labels = runner.shape(0)[1:3], [], []
    calibration = [[x[None] / np.float32(255)] for path in files(data, "photos") for x in pixels(path, size, ["whole", "left", "right"])]
    for path in files(data, "coco64"):
        test += [[x[None] / np.float32(255)] for x in pixels(path, size, ["whole"])]
        boxes = np.loadtxt(os.path.splitext(path)[0] + ".txt", ndmin=2) if os.path.exists(os.path.splitext(path)[0] + ".txt") else []
        labels.append(int(any(box[0] == 0 and box[3] * box[4] > 0.005 for box in boxes)))
    return calibration[:MOST], test, np.array(labels)


def wakeword(data, runner):
    with np.load(os.path.join(data, "mlperf_tiny", "sww", "calibration_samples.npz")) as stored:
        return halves([[x[None].astype(np.float32)] for x in stored["specs"]], stored["labels"].astype(np.int64))


def machine(data, runner):
    """Windows of five frames: the first half of the clip, the second half."""
    path, = glob.glob(os.path.join(data, "mlperf_tiny", "ad", "*.bin"))
    frames = np.fromfile(path, "<f4").reshape(-1, 128)
    windows = [[frames[i:i + 5].reshape(1, 640)] for i in range(len(frames) - 4)]
    return windows[:98], windows[98:], None


def speech(data, runner):
    """Magnitude spectra of a seeded sound of changing pitch and loudness with noise, frame after frame, and the state that the float
    model itself has after the frames before."""
    random, frames = np.random.RandomState(0), 2 * MOST
    time = np.arange(FRAME + HOP * frames) / SPEECH_RATE
    pitch = 2 * np.pi * np.cumsum(120 + 40 * np.sin(2 * np.pi * 0.7 * time)) / SPEECH_RATE
    loud = 0.2 * np.maximum(0, np.sin(2 * np.pi * 1.3 * time))
    sound = loud * sum(np.sin(k * pitch) / k for k in range(1, 20)) + 0.01 * random.randn(len(time))
    spectra = [np.abs(np.fft.rfft(sound[i * HOP:i * HOP + FRAME])).astype(np.float32) for i in range(frames)]
    spectrum = 0 if runner.shape(0)[-1] == FRAME // 2 + 1 else 1
    state, made = np.zeros(runner.shape(1 - spectrum), np.float32), []
    for x in spectra:
        made.append([None, None])
        made[-1][spectrum], made[-1][1 - spectrum] = x.reshape(runner.shape(spectrum)), state
        state = next(y for y in runner(made[-1]) if y.shape == state.shape)
    return halves(made)  # the state grows with time: the first half would not show its range


def seeded(make):
    """`make(random, shape, dtype)` gives one input."""
    def load(data, runner):
        def sample(seed):
            random = np.random.RandomState(seed)
            return [make(random, runner.shape(i), d["dtype"]).astype(d["dtype"]) for i, d in enumerate(runner.inputs)]
        return [sample(i) for i in range(MOST)], [sample(i) for i in range(MOST, 2 * MOST)], None
    return load


def below(*limits):
    """Whole numbers, the limit chosen by the length of the input: numbers of words, films, kinds of films."""
    limits = dict(limits)
    return seeded(lambda random, shape, dtype: random.randint(0, limits[shape[-1]], shape))


def anything(count=MOST):
    def load(data, runner):
        return [litert.sample(i, runner.inputs) for i in range(count)], [litert.sample(i, runner.inputs) for i in range(count, 2 * count)], None
    return load


UNIT, SIGNED = (1 / 255, 0), (1 / 127.5, -1)
SOURCES = [  # regular expression for the name of the model, samples; the first that matches
    ("cifar10_resnet18", cifar10(1 / 255, [0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010])),
    ("tiny_ic", cifar10(1, 0, 1)),
    ("conv_fc_mnist|mnist_lstm", mnist),
    ("mobilenet_v1", imagenet),
    ("tiny_vww", person),
    ("tiny_sww", wakeword),
    ("tiny_ad", machine),
    ("dtln", speech),
    ("yunet", pictures(1, 0, bgr=True)),
    ("pefm", pictures(1, 0, most=24)),
    ("deeplab", pictures(*SIGNED, most=24)),
    ("blazeface|facemesh|ultraface|mtcnn", pictures(*SIGNED)),
    ("gender|hand", pictures(*UNIT)),
    ("knift", patches),
    ("text_", below((256, 10000))),
    ("recommendation", below((10, 3953), (32, 19))),
    ("tiny_transformer", below((64, 4000))),
    ("planestrike", seeded(lambda random, shape, dtype: random.randint(-1, 2, shape))),
    ("hello_world", seeded(lambda random, shape, dtype: random.uniform(0, 2 * np.pi, shape))),
    ("topk", seeded(lambda random, shape, dtype: random.uniform(-1, 1, shape) if shape else np.int32(5))),  # 0 crashes the runtime
    ("conformer", anything(16)),
    ("", anything()),
]


def signatures(path):
    """[None] for a model with one signature or none, otherwise the names of all, first those of the first subgraph."""
    defined = litert.read(path)[0].signatureDefs or []
    ordered = sorted(defined, key=lambda d: (d.subgraphIndex, d.signatureKey))
    return [d.signatureKey.decode() for d in ordered] if len(defined) > 1 else [None]


def has_classes(path):
    """Whether the largest value of the first output is an answer: it comes from SOFTMAX, or the model segments pictures."""
    model, _ = litert.read(path)
    graph = model.subgraphs[0]
    writers = [litert.operator_name(model, o) for o in graph.operators if graph.outputs[0] in o.outputs]
    return writers == ["SOFTMAX"] or "deeplab" in os.path.basename(path)


def reconstructs(path):
    """Whether the distance of output and input is the answer."""
    return "tiny_ad" in os.path.basename(path)


def archive(folder, kind, signature=None):
    return os.path.join(folder, kind + ("" if signature is None else "-" + signature) + ".npz")


def load(folder, kind, signature=None):
    """(input lists, labels or None)"""
    with np.load(archive(folder, kind, signature)) as stored:
        arrays = [stored["arr_%d" % i] for i in range(sum(name != "labels" for name in stored.files))]
        return [list(values) for values in zip(*arrays)], stored["labels"] if "labels" in stored.files else None


def for_narrow(model, folder, kind):
    """What `narrow quantize` wants after --calibrate, for each signature. The archives of several have their inputs in the order of names,
    Narrow wants that of the subgraph."""
    read, _ = litert.read(model)
    found = []
    for key in signatures(model):
        path = archive(folder, kind, key)
        if key is None:
            return [path]
        definition, = [d for d in read.signatureDefs if d.signatureKey.decode() == key]
        tensors = [e.tensorIndex for e in sorted(definition.inputs, key=lambda e: e.name)]
        order = [tensors.index(tensor) for tensor in read.subgraphs[definition.subgraphIndex].inputs]
        found.append("%s=%s?inputs=%s" % (key, path, ",".join("arr_%d" % i for i in order)))
    return found


def draw(model, folder, number):
    """Writes the samples for calibration in a seeded order of their own beside those of `write`; returns what to load them as."""
    kind = "calibrate-draw%d" % number
    for signature in signatures(model):
        with np.load(archive(folder, "calibrate", signature)) as stored:
            order = np.random.RandomState(1000 + number).permutation(len(stored["arr_0"]))
            np.savez(archive(folder, kind, signature), **{name: stored[name][order] for name in stored.files})
    return kind


def write(model, folder, data=DATA):
    """Writes the archives; returns a digest of them."""
    digest, found = hashlib.sha256(), signatures(model)
    source = next(source for pattern, source in SOURCES if re.search(pattern, os.path.basename(model)))
    for signature in found:
        runner = litert.Runner(model, "built-in", signature)
        calibration, test, labels = (source if len(found) == 1 else anything())(data, runner)
        for kind, values in (("calibrate", calibration), ("test", test)):
            arrays = {"arr_%d" % i: np.stack([s[i] for s in values]).astype(d["dtype"]) for i, d in enumerate(runner.inputs)}
            if kind == "test" and labels is not None:
                arrays["labels"] = labels
            np.savez(archive(folder, kind, signature), **arrays)
            with open(archive(folder, kind, signature), "rb") as f:
                digest.update(hashlib.sha256(f.read()).digest())
    return digest.hexdigest()[:16]
