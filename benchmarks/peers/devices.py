"""Files for devices on the tools of devices: TensorFlow Lite Micro's interpreter and Arm's Vela, beside those of ai-edge-quantizer
and of the quantizer in TensorFlow's converter.

python3 -m venv /tmp/devices && /tmp/devices/bin/pip install tflite-micro ethos-u-vela ai-edge-litert
/tmp/devices/bin/python devices.py FLOAT.tflite... [--peers /tmp/peers/bin/python] [--narrow ../../narrow] [--target ethos-u55]

Of each file: by how many codes outputs of TensorFlow Lite Micro differ from those of the reference kernels of LiteRT, on seeded
codes, and the share of operators that Vela puts on the NPU. Exit code 1 if a file of Narrow differs by more than one code (int16x8:
four), or has a smaller share than one of the peers'; what TensorFlow Lite Micro has no kernels for, by `narrow check`, is no fault."""
import argparse
import os
import pickle
import re
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
MOST = {"int8": 1, "int16x8": 4}
PEERS = '''
import sys
sys.path.insert(0, sys.argv[4])
import numpy as np, litert
model, out, tool = sys.argv[1:4]
from ai_edge_litert.interpreter import Interpreter
inputs = Interpreter(model).get_input_details()
random = np.random.RandomState(0)
def sample():
    return [random.rand(*d["shape"]).astype(d["dtype"]) * 2 - 1 for d in inputs]
if tool == "converter":
    from tensorflow.lite.python import convert
    from tensorflow.lite.python.optimize import calibrator
    made = calibrator.Calibrator(open(model, "rb").read()).calibrate(lambda: iter([sample() for _ in range(8)]))
    made = convert.mlir_quantize(made)
else:
    from ai_edge_quantizer import quantizer, recipe
    q = quantizer.Quantizer(litert.modernize(model, out + ".modern"), recipe.static_wi8_ai8())
    key, runner = next((k, Interpreter(out + ".modern").get_signature_runner(k)) for k in Interpreter(out + ".modern").get_signature_list())
    names = runner.get_input_details()
    made = q.quantize(q.calibrate({key: [dict(zip(names, sample())) for _ in range(8)]})).quantized_model
open(out, "wb").write(bytes(made))
'''


def apart(work):
    """Runs work in a process of its own, which may crash; its result, or why there is none."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            said = work()
        except Exception as e:
            said = " ".join(str(e).split())[:60]
        with os.fdopen(write, "wb") as out:
            pickle.dump(said, out)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as results:
        said = results.read()
    os.waitpid(child, 0)
    return pickle.loads(said) if said else "crashed"


def codes(details):
    random = np.random.RandomState(0)
    ends = lambda kind: (0, 2) if kind in (np.int32, np.int64) else (-100, 100)  # of rows to gather there are two at least
    return [random.randint(*ends(d["dtype"]), size=d["shape"]).astype(d["dtype"]) for d in details]


def micro(path, count):
    from tflite_micro.python.tflite_micro import runtime
    it = runtime.Interpreter.from_file(path, arena_size=64 << 20)
    for i, values in enumerate(codes([it.get_input_details(n) for n in range(count[0])])):
        it.set_input(values, i)
    it.invoke()
    return [np.asarray(it.get_output(n)) for n in range(count[1])]


def reference(path):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
    it = Interpreter(path, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    it.allocate_tensors()
    for d, values in zip(it.get_input_details(), codes(it.get_input_details())):
        it.set_tensor(d["index"], values)
    it.invoke()
    return [it.get_tensor(d["index"]) for d in it.get_output_details()], len(it.get_input_details())


def difference(path):
    wanted = apart(lambda: reference(path))
    if isinstance(wanted, str):
        return wanted
    given = apart(lambda: micro(path, (wanted[1], len(wanted[0]))))
    if isinstance(given, str):
        return given
    return max(int(np.abs(a.astype(np.int64) - b.astype(np.int64)).max()) for a, b in zip(given, wanted[0]))


def share(path, accelerator):
    with tempfile.TemporaryDirectory() as out:
        command = [os.path.join(os.path.dirname(sys.executable), "vela"), path, "--output-dir", out]
        r = subprocess.run(command + ["--accelerator-config", accelerator + "-128"], capture_output=True, text=True)
    found = re.search(r"NPU operators = \d+ \(([\d.]+)%\)", r.stdout)
    return float(found.group(1)) if found else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--peers", help="a Python with ai-edge-quantizer and TensorFlow (setup.sh)")
    parser.add_argument("--narrow", default=os.path.join(HERE, "..", "..", "narrow"))
    parser.add_argument("--target", default="ethos-u55", choices=["ethos-u55", "ethos-u65", "ethos-u85"])
    a = parser.parse_args()
    bad = []
    print("| model | file | codes | on the NPU |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for model in a.models:
            name = os.path.splitext(os.path.basename(model))[0]
            shares = {}
            for kind in ["int8", "int16x8", "ai-edge", "converter"]:
                if kind not in MOST and not a.peers:
                    continue
                out = os.path.join(folder, name + "_" + kind + ".tflite")
                command = ([a.narrow, "quantize", model, "-o", out, "--mode", kind, "--target", a.target, "--batch", "1",
                            "--calibrate", "random:8"] if kind in MOST else [a.peers, "-c", PEERS, model, out, kind, HERE])
                made = subprocess.run(command, capture_output=True, text=True)
                if not os.path.exists(out):
                    print("| %s | %s | %s | |" % (name, kind, (made.stderr.strip().splitlines() or ["no file"])[-1][:80]), flush=True)
                    bad += [name + " " + kind] if kind in MOST else []
                    continue
                apart_by, shares[kind] = difference(out), share(out, a.target)
                print("| %s | %s | %s | %.1f %% |" % (name, kind, apart_by, shares[kind]), flush=True)
                checked = [a.narrow, "check", out, "--target", "tflm"]
                runs = kind in MOST and subprocess.run(checked, capture_output=True).returncode == 0
                if runs and (isinstance(apart_by, str) or apart_by > MOST[kind]):
                    bad.append("%s %s: %s" % (name, kind, apart_by))
                if kind not in MOST and shares[kind] > shares.get("int8", 0):
                    bad.append("%s: %s has a larger share" % (name, kind))
    print("\n" + ("; ".join(bad) if bad else "all within limits"))
    return 1 if bad else 0


sys.exit(main())
