"""Quantizes with ai-edge-quantizer and writes the file, nothing else: ai_edge.py IN OUT [RECIPE]"""
import sys

HALF = [{"regex": ".*", "operation": "*", "algorithm_key": "float_casting", "op_config": {
    "weight_tensor_config": {"num_bits": 16, "symmetric": True, "granularity": "CHANNELWISE", "dtype": "FLOAT"},
    "compute_precision": "FLOAT", "explicit_dequantize": True}}]


def quantize(path, out, name):
    """`name`: a recipe of the package (a function or a file of it), or float16."""
    from ai_edge_quantizer import quantizer, recipe
    chosen = HALF if name == "float16" else getattr(recipe, name)() if hasattr(recipe, name) else name
    data = quantizer.Quantizer(path, chosen).quantize(enable_progress_report=False).quantized_model
    with open(out, "wb") as f:
        f.write(data)
    return len(data)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    quantize(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) == 4 else "dynamic_wi8_afp32")
