"""Writes vectors.txt: what sentence-transformers and FAISS make of some vectors.

    python3 -m venv venv && venv/bin/pip install faiss-cpu==1.15.1 numpy
    venv/bin/pip install --no-deps --target st6 sentence-transformers==6.2.0
    venv/bin/pip install --no-deps --target st5 sentence-transformers==5.3.0
    venv/bin/python vectors.py st6 st5 > ../resources/io/narrow/kernels/vectors.txt

Only quantize_embeddings of sentence-transformers runs, which needs no torch. A line is a name and the bytes, in
hexadecimal, little endian. FAISS decodes with other roundings where dimensions are a multiple of 8: hence 19.
"""
import importlib.util
import pathlib
import sys
import types

import faiss
import numpy as np


def quantize_embeddings(directory):
    torch = types.ModuleType("torch")
    torch.Tensor = type("Tensor", (), {})
    package, tensor = types.ModuleType("package"), types.ModuleType("package.tensor")
    package.__path__, tensor._tensor_to_numpy = [], None
    sys.modules.update({"torch": torch, "package": package, "package.tensor": tensor})
    path = next(pathlib.Path(directory).glob("sentence_transformers/**/quantization.py"))
    spec = importlib.util.spec_from_file_location("package.quantization", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.quantize_embeddings


def line(name, values):
    print(name, np.ascontiguousarray(values).tobytes().hex())


rows, dimensions = 100, 24
random = np.random.default_rng(20240607)
spread = np.geomspace(1e-3, 1e3, dimensions).astype(np.float32)
x = (random.standard_normal((rows, dimensions)).astype(np.float32) * spread + spread).astype(np.float32)
x[:, 5] = np.round(x[:, 5] * 64)  # many ties and ends of buckets
ranges = np.array([x.min(axis=0), x.max(axis=0)])
line("x", x)
six, five = quantize_embeddings(sys.argv[1]), quantize_embeddings(sys.argv[2])
for precision in "int8", "uint8":
    line(f"sentence-transformers-5-{precision}", five(x, precision))
    line(f"sentence-transformers-6-{precision}", six(x, precision, ranges=ranges))
    # Beyond the ranges, and one of them without a width.
    narrow = np.array([ranges[0] * 0.5, ranges[1] * 0.25])
    narrow[:, 3] = x[0, 3]
    line(f"sentence-transformers-6-{precision}-narrow", six(x, precision, ranges=narrow))
line("narrow", narrow)
centered = x - x.mean(axis=0, dtype=np.float32)
line("centered", centered)
for precision in "binary", "ubinary":
    line(f"sentence-transformers-{precision}", six(centered[:, :21], precision))
x19 = np.ascontiguousarray(x[:, :19])
line("x19", x19)
for name in "QT_8bit", "QT_8bit_uniform", "QT_bf16", "QT_4bit", "QT_4bit_uniform":
    quantizer = faiss.ScalarQuantizer(19, getattr(faiss.ScalarQuantizer, name))
    quantizer.train(x19)
    codes = quantizer.compute_codes(x19)
    line(f"faiss-{name}", codes)
    line(f"faiss-{name}-back", quantizer.decode(codes))
