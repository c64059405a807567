"""What the tools of devices make of models: a line for each, its name and ok, or what is in the way.

devices.py tflm FILE...            TensorFlow Lite Micro's interpreter (package tflite-micro) prepares and runs it
devices.py ACCELERATOR FILE...     Arm's Vela (package ethos-u-vela) puts all of its operators on an Ethos-U"""
import os, re, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor


def apart(work):
    """Runs work in a process of its own, which may crash."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            work()
            os.write(write, b"ok")
        except Exception as e:
            os.write(write, str(e).replace("\n", " ").encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as text:
        said = text.read()
    os.waitpid(child, 0)
    return said or "crashed"


def micro(path):
    import numpy as np
    from tflite_micro.python.tflite_micro import runtime
    it = runtime.Interpreter.from_file(path, arena_size=8 << 20)
    for n in range(99):
        try:
            d = it.get_input_details(n)
        except Exception:
            break
        it.set_input(np.zeros(d["shape"], d["dtype"]), n)
    it.invoke()


def vela(path):
    with tempfile.TemporaryDirectory() as out:
        command = [os.path.join(os.path.dirname(sys.executable), "vela"), path, "--output-dir", out]
        r = subprocess.run(command + ["--accelerator-config", sys.argv[1]], capture_output=True, text=True)
    left = re.search(r"CPU operators = (\d+)", r.stdout)
    return "ok" if left and left.group(1) == "0" else " ".join((r.stdout + r.stderr).split())[-300:]


with ThreadPoolExecutor(1 if sys.argv[1] == "tflm" else 2) as pool:
    ask = (lambda f: apart(lambda: micro(f))) if sys.argv[1] == "tflm" else vela
    for file, said in zip(sys.argv[2:], pool.map(ask, sys.argv[2:])):
        print(os.path.basename(file), said, flush=True)
