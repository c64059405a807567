"""Makes every other file of this folder but the README: a small residual network for 8x8 digits whose channels are pruned by magnitude.

    pip install tensorflow-cpu==2.21.0 scikit-learn && python train.py [OUTDIR]

About a minute. The seeds are fixed; another processor or library version may still round differently.
"""
import contextlib
import io
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras = tf.keras
KEEP = 0.55  # share of all channels that survives
# Widths before pruning. Layers joined by an addition must lose the same channels, so they share an entry.
WIDTHS = {"stream1": 24, "block1": 24, "block2": 24, "stream2": 48, "block3": 48, "block4": 48}
PRODUCERS = {"stream1": ["stem", "block1_b", "block2_b"], "stream2": ["block3_skip", "block3_b", "block4_b"],
             "block1": ["block1_a"], "block2": ["block2_a"], "block3": ["block3_a"], "block4": ["block4_a"]}
# Which entry a layer's input channels come from; the stem reads the image, which has one channel.
CONSUMED = {"block1_a": "stream1", "block1_b": "block1", "block2_a": "stream1", "block2_b": "block2", "block3_skip": "stream1",
            "block3_a": "stream1", "block3_b": "block3", "block4_a": "stream2", "block4_b": "block4", "logits": "stream2"}


def network(widths):
    def conv(x, name, width, size=3, strides=1):
        x = keras.layers.Conv2D(width, size, strides, "same", use_bias=False, name=name)(x)
        return keras.layers.BatchNormalization(name=name + "_bn")(x)

    def block(x, name, stream, strides=1):
        y = keras.layers.ReLU(name=name + "_relu")(conv(x, name + "_a", widths[name], 3, strides))
        y = conv(y, name + "_b", widths[stream])
        skip = conv(x, name + "_skip", widths[stream], 1, strides) if strides > 1 else x
        return keras.layers.ReLU(name=name + "_out")(keras.layers.Add(name=name + "_add")([y, skip]))

    image = keras.Input((8, 8, 1), name="image")
    x = keras.layers.ReLU(name="stem_relu")(conv(image, "stem", widths["stream1"]))
    x = block(block(x, "block1", "stream1"), "block2", "stream1")
    x = block(block(x, "block3", "stream2", 2), "block4", "stream2")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dense(10, name="logits")(x)
    return keras.Model(image, keras.layers.Softmax(name="digit")(x), name="digits")


def fit(model, x, y, epochs, rate, seed):
    shift = keras.Sequential([keras.layers.RandomTranslation(0.13, 0.13, fill_mode="constant", seed=seed),
                              keras.layers.RandomRotation(0.03, fill_mode="constant", seed=seed + 1)])
    data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=seed).batch(64)
    data = data.map(lambda a, b: (shift(a, training=True), b))
    steps = epochs * ((len(x) + 63) // 64)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)), "sparse_categorical_crossentropy")
    model.fit(data, epochs=epochs, shuffle=False, verbose=0)


def survivors(model):
    """Channels to keep, per entry of WIDTHS: the largest by the norm of the filter that batch normalization leaves,
    measured against the mean of its layer so that one threshold serves all layers."""
    def norms(name):
        gamma, _, _, variance = model.get_layer(name + "_bn").get_weights()
        kernel = model.get_layer(name).get_weights()[0]
        norm = np.sqrt((kernel ** 2).sum((0, 1, 2))) * np.abs(gamma) / np.sqrt(variance + 1e-3)
        return norm / norm.mean()

    scores = {entry: np.mean([norms(name) for name in names], axis=0) for entry, names in PRODUCERS.items()}
    threshold = np.quantile(np.concatenate(list(scores.values())), 1 - KEEP)
    return {entry: np.flatnonzero(score > threshold) for entry, score in scores.items()}


def pruned(model, keep):
    small = network({entry: len(channels) for entry, channels in keep.items()})
    made = {name: keep[entry] for entry, names in PRODUCERS.items() for name in names}
    for layer in small.layers:
        weights = model.get_layer(layer.name).get_weights()
        if not weights:
            continue
        if layer.name.endswith("_bn"):
            weights = [w[made[layer.name[:-3]]] for w in weights]
        else:
            if layer.name in CONSUMED:
                weights[0] = weights[0].take(keep[CONSUMED[layer.name]], axis=-2)
            if layer.name in made:
                weights[0] = weights[0].take(made[layer.name], axis=-1)
        layer.set_weights(weights)
    return small


def accuracy(model, x, y):
    return float((model.predict(x, verbose=0).argmax(-1) == y).mean())


def main(out):
    keras.utils.set_random_seed(7)
    tf.config.experimental.enable_op_determinism()
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8, 1).astype(np.uint8)  # grey levels 0..16
    train, test, train_labels, test_labels = train_test_split(images, labels, test_size=600, stratify=labels, random_state=7)
    x, x_test = (train / 16).astype(np.float32), (test / 16).astype(np.float32)

    model = network(WIDTHS)
    fit(model, x, train_labels, 60, 4e-3, 1)
    print("before pruning  %7d parameters, accuracy %.4f" % (model.count_params(), accuracy(model, x_test, test_labels)), flush=True)
    keep = survivors(model)
    model = pruned(model, keep)
    print("pruned          %7d parameters, accuracy %.4f, widths %s" % (
        model.count_params(), accuracy(model, x_test, test_labels), {entry: len(c) for entry, c in keep.items()}), flush=True)
    fit(model, x, train_labels, 60, 2e-3, 3)
    print("fine-tuned      %7d parameters, accuracy %.4f" % (model.count_params(), accuracy(model, x_test, test_labels)), flush=True)

    plain = network({entry: len(c) for entry, c in keep.items()})  # the same network without the optimizer's state
    plain.set_weights(model.get_weights())
    plain.save(os.path.join(out, "digits.h5"))
    with contextlib.redirect_stdout(io.StringIO()):  # the converter prints every variable
        data = tf.lite.TFLiteConverter.from_keras_model(plain).convert()
    with open(os.path.join(out, "digits.tflite"), "wb") as f:
        f.write(data)
    np.savez_compressed(os.path.join(out, "test.npz"), x=test, labels=test_labels.astype(np.int32))
    np.savez_compressed(os.path.join(out, "calibration.npz"), x=train[:100])


main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
