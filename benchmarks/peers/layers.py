"""Small Keras models of every kind of layer: what Narrow's import gives beside what Keras computes, with XNNPACK and without.

    layers.py [NAME...] [--keras 3|2] [--narrow PATH] [--tolerance T] [--converter]
    layers.py [NAME...] [--keras 3|2] --examples FILE
    layers.py [NAME...] --optimized ...

--examples writes the models with an input and what Keras makes of it for the tests of java/keras, which need no Python then:
../../java/keras/src/test/resources/io/narrow/keras/keras3.zip.gz and keras2.zip.gz, and optimized.zip.gz of the models that
tensorflow-model-optimization makes (--optimized).
"""
import argparse
import contextlib
import gzip
import os
import subprocess
import sys
import tempfile
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import layer_models

HERE = os.path.dirname(os.path.abspath(__file__))


def shaken(model, keras):
    """Zeros and ones, which layers begin with, would hide what is left out."""
    random = np.random.default_rng(0)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([w + random.uniform(.1, .5, w.shape) for w in layer.get_weights()])
        elif isinstance(layer, keras.layers.Normalization):
            layer.set_weights([w + random.uniform(.1, .5, w.shape) if w.shape else w for w in layer.get_weights()])
            if hasattr(layer, "finalize_state"):
                layer.finalize_state()
    for variable in model.variables:
        if variable.name.split("/")[-1].split(":")[0] in ("bias", "beta", "gamma", "scale"):
            variable.assign(np.array(variable) + random.uniform(.1, .3, variable.shape))
    return model


def is_stateful(model):
    return any(getattr(layer, "stateful", False) for layer in model._flatten_layers())


def inputs(model, details, seed):
    """Seeded input; numbers of words include 0, which stands for none, and some steps are 0 or 1 throughout, which masks mean."""
    random = np.random.default_rng(seed)
    words = any(type(layer).__name__ == "Embedding" for layer in model._flatten_layers())
    xs = []
    for d in details:
        if d["dtype"] == np.float32 and not words:
            x = random.uniform(-1, 1, d["shape"])
            if d["shape"][-1] == 1:
                x = random.choice([-1., 0., 1., .3], d["shape"])
        else:
            x = random.integers(0, 11, d["shape"])
            x.reshape(-1)[0] = 3
            x.reshape(-1)[-1] = 0
        xs.append(x.astype(d["dtype"]))
    return xs


def expected(model, xs, details):
    """What the model computes; inputs in a table are matched by name."""
    table = getattr(model, "_inputs_struct", getattr(model, "_nested_inputs", None))  # of Keras 3, of Keras 2
    given = xs if len(xs) > 1 else xs[0]
    if isinstance(table, dict):
        names = {d["name"]: x for d, x in zip(details, xs)}
        given = {key: names[tensor.name] for key, tensor in table.items()}
    y = model(given, training=False)
    if isinstance(y, dict):
        y = [y[key] for key in sorted(y)]
    flat = []
    for value in y if isinstance(y, (list, tuple)) else [y]:
        flat.extend(value if isinstance(value, (list, tuple)) else [value])
    return [np.array(value) for value in flat]


def difference(model, path, batch):
    worst = 0.0
    for resolver in (OpResolverType.AUTO, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES):
        it = Interpreter(path, experimental_op_resolver_type=resolver)
        if batch > 1:
            if any(len(d["shape"]) == 0 or d["shape_signature"][0] != -1 for d in it.get_input_details()):
                continue
            for d in it.get_input_details():
                it.resize_tensor_input(d["index"], [batch, *d["shape"][1:]])
        it.allocate_tensors()
        details = it.get_input_details()
        for turn in range(2):  # the second shows that a state is kept, or that every run begins anew
            xs = inputs(model, details, batch + 10 * turn)
            for d, x in zip(details, xs):
                it.set_tensor(d["index"], x)
            it.invoke()
            values = expected(model, xs, details)
            outputs = it.get_output_details()
            if len(outputs) != len(values):
                return np.inf
            for d, value in zip(outputs, values):
                ours = it.get_tensor(d["index"])
                worst = max(worst, float(np.max(np.abs(ours.astype(float) - value))) if ours.shape == value.shape else np.inf)
        for layer in model._flatten_layers():
            if getattr(layer, "stateful", False):
                (getattr(layer, "reset_state", None) or layer.reset_states)()
    return worst


def steady(model, details):
    """A seed of inputs for which no number is rounded to another code when sums are taken in another order, as other processors do."""
    biases = [v for v in model.variables if v.name.split("/")[-1].split(":")[0] in ("bias", "beta")]
    before = [np.array(v) for v in biases]
    random = np.random.default_rng(0)
    for seed in range(2, 10000, 10):
        xs = inputs(model, details, seed)
        exact, worst = expected(model, xs, details), 0.
        for _ in range(8):
            for v, b in zip(biases, before):
                v.assign(b + random.uniform(-4e-6, 4e-6, b.shape))
            worst = max([worst] + [np.max(np.abs(y - e)) for y, e in zip(expected(model, xs, details), exact)])
        for v, b in zip(biases, before):
            v.assign(b)
        if worst < 5e-5:
            return seed
    raise ValueError("no steady input")


def example(model, name, form, ours, archive, rounds):
    """Adds NAME.form, NAME.inK and NAME.outK (little-endian float32 or int64, a batch of 2), and NAME.next_inK ... for a second run after that."""
    source = ours + "." + form
    model.save(source)
    details = []
    for tensor in model.inputs:
        fixed = [2 if n is None else int(n) for n in tensor.shape]
        kind = tensor.dtype if isinstance(tensor.dtype, str) else tensor.dtype.name
        details.append({"name": tensor.name, "shape": fixed, "dtype": np.dtype(kind).type})
    with open(source, "rb") as file:
        archive.writestr(zipfile.ZipInfo(name + "." + form), file.read())
    first = steady(model, details) if rounds else 2
    for turn in range(2 if is_stateful(model) else 1):
        xs = inputs(model, details, first + 10 * turn)
        for end, values in (("in", xs), ("out", expected(model, xs, details))):
            for i, value in enumerate(values):
                data = value.astype("<f4" if value.dtype.kind == "f" else "<i8").tobytes()
                archive.writestr(zipfile.ZipInfo("%s.%s%s%d" % (name, "next_" if turn else "", end, i)), data)


def converted(model):
    """Bytes and operators of the converter's file, or its complaint."""
    import tensorflow as tf
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            data = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    except Exception as e:
        return "converter: %s" % type(e).__name__
    count = sum(op["op_name"] != "DELEGATE" for op in Interpreter(model_content=data)._get_ops_details())
    return "%d bytes, %d operators" % (len(data), count)


def operators(path):
    return sum(op["op_name"] != "DELEGATE" for op in Interpreter(path)._get_ops_details())


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("names", nargs="*", metavar="NAME", help="only these")
    p.add_argument("--keras", default="3", choices=["3", "2"], help="the version that makes the models; 2 needs the package tf_keras")
    p.add_argument("--optimized", action="store_true", help="quantization-aware, pruned and clustered models of Keras 2")
    p.add_argument("--narrow", default=os.path.join(HERE, "..", "..", "narrow"), help="the command to measure")
    p.add_argument("--tolerance", type=float, default=1e-4)
    p.add_argument("--converter", action="store_true", help="also print what TensorFlow's converter makes")
    p.add_argument("--examples", metavar="FILE", help="write the models and what they compute to this archive, and compare nothing")
    args = p.parse_args()
    if args.keras == "2" or args.optimized:
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
        import tf_keras as keras
    else:
        import keras
    if args.optimized:
        import optimized_models
        made = optimized_models.models(keras)
    else:
        made = layer_models.models(keras)
    failed = 0
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(os.path.join(folder, "examples"), "w") as archive:
        for number, name in enumerate(args.names or made):
            keras.utils.set_random_seed(1)
            try:
                model = made[name]() if args.optimized else shaken(made[name](), keras)
            except Exception as e:
                print("%-28s Keras: %s" % (name, " ".join(str(e).split())[:150]), flush=True)
                continue
            if args.examples:
                form = "keras" if (args.keras == "3" or args.optimized) and number % 2 else "h5"
                try:
                    example(model, name.replace("/", "_"), form, os.path.join(folder, "model"), archive, args.optimized)
                except Exception as e:
                    print("%-28s %-6s Keras: %s" % (name, form, " ".join(str(e).split())[:150]), flush=True)
                continue
            for form in ("h5", "keras"):
                source, ours = (os.path.join(folder, name.replace("/", "_") + end) for end in ("." + form, ".tflite"))
                try:
                    model.save(source)
                except Exception as e:
                    print("%-28s %-6s Keras: %s" % (name, form, " ".join(str(e).split())[:150]), flush=True)
                    continue
                done = subprocess.run([args.narrow, "import", source, "-o", ours], capture_output=True, text=True)
                if done.returncode:
                    text, bad = "exit %d: %s" % (done.returncode, done.stderr.strip()), True
                else:
                    try:
                        worst = max(difference(model, ours, batch) for batch in (1, 3))
                        text, bad = "%.1e" % worst, not worst <= args.tolerance
                    except (RuntimeError, ValueError) as e:
                        text, bad = " ".join(str(e).split())[:300], True
                    text += "   %d bytes, %d operators" % (os.path.getsize(ours), operators(ours)) if args.converter else ""
                failed += bad
                print("%-28s %-6s %s%s" % (name, form, text, "   FAILS" if bad else ""), flush=True)
            if args.converter:
                print("%-28s %-6s         %s" % (name, "", converted(model)), flush=True)
        archive.close()
        if args.examples:  # compressed as a whole, for the models are much alike
            with open(archive.filename, "rb") as file, open(args.examples, "wb") as packed:
                packed.write(gzip.compress(file.read(), mtime=0))
    print("%d failed" % failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
