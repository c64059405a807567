"""Writes vectors.txt: what sentence-transformers and FAISS make of some vectors, with their arithmetic in numpy.

    python3 java/kernels/src/test/python/vectors.py > java/kernels/src/test/resources/io/narrow/kernels/vectors.txt

The formulas are those of sentence_transformers.quantization.quantize_embeddings and of faiss::ScalarQuantizer (QT_8bit
and QT_8bit_uniform, Codec8bit), float32 at every step. A line is a name and the bytes, in hexadecimal, little endian.
"""
import numpy as np

rows, dimensions = 100, 24
random = np.random.default_rng(20240607)
spread = np.geomspace(1e-3, 1e3, dimensions).astype(np.float32)
x = (random.standard_normal((rows, dimensions)).astype(np.float32) * spread + spread).astype(np.float32)
x[:, 5] = np.round(x[:, 5] * 64)  # many ties and ends of buckets
low, high = x.min(axis=0), x.max(axis=0)


def line(name, values):
    print(name, np.ascontiguousarray(values).tobytes().hex())


def faiss_codes(x, low, width):
    position = ((x - low) / width).astype(np.float32)
    return (np.float32(255) * np.clip(position, np.float32(0), np.float32(1))).astype(np.int32).astype(np.uint8)


def faiss_back(codes, low, width):
    return (low + (codes.astype(np.float32) + np.float32(0.5)) / np.float32(255) * width).astype(np.float32)


line("x", x)
steps = (high - low) / 255
assert steps.dtype == np.float32
line("sentence-transformers-uint8", ((x - low) / steps).astype(np.uint8))
line("sentence-transformers-int8", ((x - low) / steps - 128).astype(np.int8))
codes = faiss_codes(x, low, high - low)
line("faiss-8bit", codes)
line("faiss-8bit-back", faiss_back(codes, low, high - low))
codes = faiss_codes(x, x.min(), x.max() - x.min())
line("faiss-8bit-uniform", codes)
line("faiss-8bit-uniform-back", faiss_back(codes, x.min(), x.max() - x.min()))
