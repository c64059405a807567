#---- program
# Runs $MODEL: python $FILE MODEL INPUT...
# Each input is a file of little-endian float32.
import sys

import numpy as np

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    from tensorflow.lite import Interpreter


def quantize(values, dtype, scale, zero_point):
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values / np.float32(scale)) + zero_point, limits.min, limits.max).astype(dtype)


def dequantize(codes, scale, zero_point):
    return (np.float64(np.float32(scale)) * (codes.astype(np.float64) - zero_point)).astype(np.float32)


model = Interpreter(model_path=sys.argv[1])
model.allocate_tensors()
inputs = [detail["index"] for detail in model.get_input_details()]
outputs = [detail["index"] for detail in model.get_output_details()]

$FEEDmodel.invoke()
$READ
#---- input
# $WHAT
values = np.fromfile(sys.argv[$ARGUMENT], "<f4").reshape(($SHAPE))
model.set_tensor(inputs[$POSITION], values.astype(np.$NUMPY))

#---- input.quantized
# $WHAT
values = np.fromfile(sys.argv[$ARGUMENT], "<f4").reshape(($SHAPE))
model.set_tensor(inputs[$POSITION], quantize(values, np.$NUMPY, $SCALE, $ZERO))

#---- output
# $WHAT
print(*model.get_tensor(outputs[$POSITION]).reshape(-1).astype(np.float32).tolist())
#---- output.quantized
# $WHAT
print(*dequantize(model.get_tensor(outputs[$POSITION]), $SCALE, $ZERO).reshape(-1).tolist())
