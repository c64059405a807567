"""Small Keras models of every kind of layer: what Narrow's import gives beside what Keras computes, with XNNPACK and without.

    layers.py [NAME...] [--narrow PATH] [--tolerance T]
"""
import argparse
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from keras import Input, Model, Sequential
from keras import layers as L

HERE = os.path.dirname(os.path.abspath(__file__))
ACTIVATIONS = ("relu relu6 tanh sigmoid softmax log_softmax elu selu softplus softsign silu gelu exponential leaky_relu mish hard_silu "
               "hard_sigmoid hard_tanh log_sigmoid tanh_shrink squareplus celu").split()


def chain(shape, *layers):
    x = given = Input(shape)
    for layer in layers:
        x = layer(x)
    return Model(given, x)


def pair(first, second, layer):
    a, b = Input(first), Input(second)
    return Model([a, b], layer([a, b]))


def shared():
    a, b, conv = Input((8, 8, 3), name="a"), Input((8, 8, 3), name="b"), L.Conv2D(4, 3, name="shared")
    x, y = conv(a), conv(b)
    return Model([a, b], [L.GlobalAveragePooling2D()(L.Add()([x, y])), L.Flatten()(x)])


def twins():
    inner, a, b = chain((6,), L.Dense(4, activation="relu")), Input((6,)), Input((6,))
    return Model([a, b], L.Subtract()([inner(a), inner(b)]))


def built(model, shape):
    model.build(shape)
    return model


def one_input(shape, function):
    a = Input(shape)
    return Model(a, function(a))


MODELS = {
    "conv1d": lambda: chain((20, 3), L.Conv1D(5, 3, padding="same", activation="relu"), L.BatchNormalization(),
                            L.Conv1D(4, 3, padding="causal", dilation_rate=2), L.MaxPooling1D(), L.AveragePooling1D(2, padding="same")),
    "conv2d": lambda: chain((11, 13, 4), L.Conv2D(8, 3, groups=2, strides=2, padding="same"),
                            L.Conv2D(6, (3, 2), dilation_rate=2, activation="tanh"), L.Conv2D(4, 1, use_bias=False)),
    "conv3d": lambda: chain((6, 7, 8, 2), L.Conv3D(4, 3, strides=(1, 2, 1), padding="same", activation="relu"), L.BatchNormalization(),
                            L.MaxPooling3D(2), L.AveragePooling3D(2, padding="same")),
    "depthwise": lambda: chain((9, 9, 4), L.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), L.BatchNormalization(), L.ReLU(6),
                               L.SeparableConv2D(5, 3, strides=2), L.BatchNormalization()),
    "depthwise1d": lambda: chain((12, 4), L.DepthwiseConv1D(3, padding="same"), L.SeparableConv1D(5, 3)),
    "transposed": lambda: chain((5, 6, 3), L.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu"),
                                L.Conv2DTranspose(4, 4, strides=3)),
    "transposed1d": lambda: chain((5, 3), L.Conv1DTranspose(4, 3, strides=2)),
    "padded": lambda: chain((12, 12, 3), L.ZeroPadding2D(((0, 1), (0, 1))), L.Conv2D(4, 3, strides=2), L.ZeroPadding2D(1), L.Conv2D(4, 3)),
    "pool": lambda: chain((9, 10, 3), L.MaxPooling2D(3, 2, padding="same"), L.AveragePooling2D(2, 1, padding="same"),
                          L.GlobalMaxPooling2D(keepdims=True)),
    "resize2d": lambda: chain((9, 10, 3), L.ZeroPadding2D(((1, 2), (0, 3))), L.Cropping2D(((2, 1), (1, 1))), L.UpSampling2D((2, 3)),
                              L.UpSampling2D(2, interpolation="bilinear")),
    "resize1d": lambda: chain((9, 3), L.ZeroPadding1D((1, 2)), L.Cropping1D(1), L.UpSampling1D(2)),
    "resize3d": lambda: chain((3, 4, 5, 2), L.ZeroPadding3D(1), L.Cropping3D(((1, 0), (0, 1), (1, 1))), L.UpSampling3D((2, 1, 2))),
    "embedding": lambda: chain((7,), L.Embedding(11, 5), L.GlobalAveragePooling1D()),
    "normalized": lambda: chain((4, 4, 8), L.LayerNormalization(), L.GroupNormalization(4), L.UnitNormalization()),
    "batch_axis": lambda: chain((4, 6), L.BatchNormalization(axis=1), L.BatchNormalization(scale=False), L.BatchNormalization(center=False)),
    "batch_before": lambda: chain((8, 8, 3), L.BatchNormalization(), L.Conv2D(4, 3), L.Flatten(), L.BatchNormalization(), L.Dense(3)),
    "average": lambda: pair((4, 5), (4, 5), L.Average()),
    "maximum": lambda: pair((4, 5), (4, 5), L.Maximum()),
    "minimum": lambda: pair((4, 5), (4, 5), L.Minimum()),
    "concatenate": lambda: pair((4, 5), (3, 5), L.Concatenate(axis=1)),
    "dot": lambda: pair((4, 5), (3, 5), L.Dot(axes=2)),
    "dot_first": lambda: pair((5, 4), (5, 3), L.Dot(axes=1)),
    "broadcast": lambda: pair((4, 4, 5), (1, 1, 5), L.Multiply()),
    "shape": lambda: chain((4, 6), L.Permute((2, 1)), L.Reshape((3, -1)), L.Flatten(), L.RepeatVector(3)),
    "rescaled": lambda: chain((8, 8, 3), L.Rescaling(1 / 127.5, offset=-1), L.Resizing(12, 10), L.Resizing(5, 5, interpolation="nearest")),
    "normalization": lambda: chain((8, 8, 3), L.Normalization(mean=[.1, .2, .3], variance=[1, 2, 3.])),
    "activations": lambda: one_input((4, 6), lambda x: [L.Activation(name)(x) for name in ACTIVATIONS]),
    "activation_layers": lambda: chain((4, 6), L.LeakyReLU(0.1), L.PReLU(alpha_initializer="random_normal"), L.ELU(0.7), L.ReLU(max_value=3),
                                       L.ReLU(negative_slope=.1, max_value=2.), L.Softmax(), L.GaussianNoise(.1), L.Dense(3, activation="gelu")),
    "simple_rnn": lambda: chain((7, 5), L.SimpleRNN(6, return_sequences=True), L.SimpleRNN(4, activation="relu")),
    "lstm": lambda: chain((7, 5), L.LSTM(6, return_sequences=True), L.LSTM(4)),
    "gru": lambda: chain((7, 5), L.GRU(6, return_sequences=True), L.GRU(4, reset_after=False), L.Dense(3)),
    "bidirectional": lambda: chain((7, 5), L.Bidirectional(L.LSTM(6, return_sequences=True)), L.Bidirectional(L.GRU(4), merge_mode="sum")),
    "time_distributed": lambda: chain((5, 8, 8, 3), L.TimeDistributed(L.Conv2D(4, 3)), L.TimeDistributed(L.Flatten()),
                                      L.TimeDistributed(L.Dense(3))),
    "heads": lambda: one_input((6, 8), lambda x: L.MultiHeadAttention(2, 4)(x, x)),
    "attention": lambda: pair((6, 8), (5, 8), L.Attention()),
    "shared": shared,
    "twins": twins,
    "nested": lambda: built(Sequential([chain((8, 8, 3), L.Conv2D(4, 3), L.BatchNormalization(), L.ReLU()), L.Flatten(),
                                        Sequential([L.Dense(5), L.Dense(3, activation="softmax")])]), (None, 8, 8, 3)),
    "no_input": lambda: built(Sequential([L.Dense(4), L.BatchNormalization(), L.Dense(2)]), (None, 7)),
    "operators": lambda: one_input((6, 8), lambda x: (x + 3.0) * 0.5 - x / 2.0),
}


def shaken(model):
    """Zeros and ones, which layers begin with, would hide what is left out."""
    random = np.random.default_rng(0)
    for layer in model._flatten_layers():
        if isinstance(layer, L.BatchNormalization):
            layer.set_weights([w + random.uniform(.1, .5, w.shape) for w in layer.get_weights()])
    for variable in model.variables:
        if variable.name in ("bias", "beta", "gamma"):
            variable.assign(np.array(variable) + random.uniform(.1, .3, variable.shape))
    return model


def difference(model, path, integers, batch):
    worst = 0.0
    for resolver in (OpResolverType.AUTO, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES):
        it = Interpreter(path, experimental_op_resolver_type=resolver)
        if batch > 1:
            if any(d["shape_signature"][0] != -1 for d in it.get_input_details()):
                continue
            for d in it.get_input_details():
                it.resize_tensor_input(d["index"], [batch, *d["shape"][1:]])
        it.allocate_tensors()
        random = np.random.default_rng(batch)
        xs = []
        for d in it.get_input_details():
            xs.append((random.integers(0, 11, d["shape"]) if integers else random.uniform(-1, 1, d["shape"])).astype(d["dtype"]))
            it.set_tensor(d["index"], xs[-1])
        it.invoke()
        expected = model(xs if len(xs) > 1 else xs[0], training=False)
        expected = expected if isinstance(expected, (list, tuple)) else [expected]
        for d, value in zip(it.get_output_details(), expected):
            ours = it.get_tensor(d["index"])
            worst = max(worst, float(np.max(np.abs(ours - np.array(value)))) if ours.shape == tuple(value.shape) else np.inf)
    return worst


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("names", nargs="*", metavar="NAME", help="some of: " + " ".join(MODELS))
    p.add_argument("--narrow", default=os.path.join(HERE, "..", "..", "narrow"), help="the command to measure")
    p.add_argument("--tolerance", type=float, default=1e-4)
    args = p.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in args.names or MODELS:
            keras.utils.set_random_seed(1)
            model = shaken(MODELS[name]())
            for form in ("h5", "keras"):
                source, ours = (os.path.join(folder, name + end) for end in ("." + form, ".tflite"))
                model.save(source)
                done = subprocess.run([args.narrow, "import", source, "-o", ours], capture_output=True, text=True)
                if done.returncode:
                    text, bad = "exit %d: %s" % (done.returncode, done.stderr.strip()), True
                else:
                    worst = max(difference(model, ours, name == "embedding", batch) for batch in (1, 3))
                    text, bad = "%.1e" % worst, not worst <= args.tolerance
                failed += bad
                print("%-20s %-6s %s%s" % (name, form, text, "   FAILS" if bad else ""), flush=True)
    print("%d failed" % failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
