"""Reads .tflite files, runs them on the stock runtime and measures how far two runs are apart."""
import hashlib
import re

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

KERNELS = {"xnnpack": OpResolverType.AUTO, "built-in": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES}
TYPE = schema.TensorType
TYPE_NAMES = {value: name for name, value in vars(TYPE).items() if isinstance(value, int)}
OPERATOR_NAMES = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
INTEGERS = {getattr(TYPE, name) for name in ("INT2", "INT4", "INT8", "UINT8", "INT16", "INT32", "INT64") if hasattr(TYPE, name)}
# Bits of the types that weights are stored in once they are quantized.
WEIGHT_BITS = {getattr(TYPE, name): bits for name, bits in (("INT2", 2), ("INT4", 4), ("INT8", 8), ("UINT8", 8), ("FLOAT16", 16))
               if hasattr(TYPE, name)}


def read(path):
    """Returns (the model as the schema's object tree, the bytes it came from)."""
    with open(path, "rb") as f:
        raw = f.read()
    if raw[4:8] != b"TFL3":
        raise ValueError("not a .tflite file")
    return schema.ModelT.InitFromPackedBuf(raw, 0), raw


def constants(model, raw):
    """Yields (tensor, data as uint8) for every tensor that has a value in the file."""
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            buffer = model.buffers[tensor.buffer]
            if buffer.offset > 1:  # data behind the flatbuffer, as files of more than 2 GiB have it; ai-edge writes it from 256 KiB on
                yield tensor, np.frombuffer(raw, np.uint8, buffer.size, buffer.offset)
            elif buffer.data is not None and len(buffer.data):
                yield tensor, np.asarray(buffer.data, np.uint8)


def has_scales(tensor):
    q = tensor.quantization
    return q is not None and ((q.scale is not None and len(q.scale) > 0) or q.details is not None)


def name_of(tensor):
    return (tensor.name or b"").decode("utf-8", "replace")


def not_float32(model, raw):
    """None for a model that computes in float32 with float32 weights, otherwise what says it does not."""
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            if tensor.type in INTEGERS and has_scales(tensor):
                return "%s %s has scales" % (TYPE_NAMES[tensor.type], name_of(tensor))
    half = [tensor for tensor, _ in constants(model, raw) if tensor.type == TYPE.FLOAT16]
    if half:
        return "%d float16 constants" % len(half)
    if not any(tensor.type == TYPE.FLOAT32 for graph in model.subgraphs for tensor in graph.tensors):
        return "no float32 tensor"
    return None


def unpack(data, bits, count):
    """Little-endian signed fields of 2 or 4 bits, lowest first."""
    fields = 8 // bits
    values = np.stack([(data >> (bits * i)) & ((1 << bits) - 1) for i in range(fields)], 1).reshape(-1)[:count].astype(np.int16)
    return np.where(values >= 1 << (bits - 1), values - (1 << bits), values)


def dequantized(tensor, data):
    """The floats a quantized constant stands for, flat, or None where that is not a matter of scale and zero point."""
    count = int(np.prod(tensor.shape)) if tensor.shape is not None else 1
    if tensor.type == TYPE.FLOAT16:
        return data.view(np.float16).astype(np.float32)
    q = tensor.quantization
    if q.details is not None or q.scale is None:
        return None
    bits = WEIGHT_BITS[tensor.type]
    values = unpack(data, bits, count) if bits < 8 else data.view(np.uint8 if tensor.type == TYPE.UINT8 else np.int8)
    if len(values) != count:
        return None
    scale = np.asarray(q.scale, np.float32)
    zero = np.asarray(q.zeroPoint, np.float32) if q.zeroPoint is not None and len(q.zeroPoint) else np.zeros_like(scale)
    values = values.astype(np.float32).reshape(tensor.shape if tensor.shape is not None else [])
    if len(scale) > 1:
        along = [1] * values.ndim
        along[q.quantizedDimension] = -1
        scale, zero = scale.reshape(along), zero.reshape(along)
    return ((values - zero) * scale).reshape(-1)


def quantized_constants(float_path, path, most=0.25):
    """Which float constants of one file the other holds in fewer bits: {identity: [name, shape, type]}.

    Tools rename and copy tensors, so a quantized constant is matched to the float constant of the same size whose values it is
    closest to, and the identity is the hash of that constant's bytes. What matches nothing, not with an error of less than `most` of the
    power, keeps its name, less a tool's suffix."""
    originals = {}
    for tensor, data in constants(*read(float_path)):
        if tensor.type == TYPE.FLOAT32 and tensor.sparsity is None:
            originals.setdefault(hashlib.sha256(data.tobytes()).hexdigest()[:16], (tensor, data.view(np.float32)))
    found = {}
    for tensor, data in constants(*read(path)):
        if tensor.type not in WEIGHT_BITS or not (tensor.type == TYPE.FLOAT16 or has_scales(tensor)):
            continue
        values, best, closest = dequantized(tensor, data), None, most
        for identity, (original, floats) in originals.items() if values is not None else ():
            if len(floats) == len(values):
                power = float(np.square(floats, dtype=np.float64).sum())
                noise = float(np.square(np.subtract(values, floats, dtype=np.float64)).sum())
                error = noise / power if power else noise
                if error < closest:
                    best, closest = identity, error
        source = originals[best][0] if best else tensor
        shape = [int(n) for n in source.shape] if source.shape is not None else []
        name = name_of(source) if best else re.sub(r"(_(de)?quant(ized)?|_duplicated_\d+|_float16|_int[48])+$", "", name_of(source))
        found[best or "%s:%s" % (name, shape)] = [name, shape, TYPE_NAMES[tensor.type]]
    return found


def placed(values, shapes):
    """The same values in the order of these shapes, where they are those of other places: tools reorder inputs and outputs."""
    if [list(v.shape) for v in values] == shapes or sorted(list(v.shape) for v in values) != sorted(shapes):
        return values
    left = list(values)
    return [left.pop(next(i for i, v in enumerate(left) if list(v.shape) == shape)) for shape in shapes]


def operator_name(model, operator):
    code = model.operatorCodes[operator.opcodeIndex]
    return OPERATOR_NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]


def float_operators(path):
    """(number of operators by name that have a float32 result, number of all), but for those that only change the type."""
    model, _ = read(path)
    found, total = {}, 0
    for graph in model.subgraphs:
        for operator in graph.operators:
            name = operator_name(model, operator)
            if name not in ("QUANTIZE", "DEQUANTIZE"):
                total += 1
                if any(graph.tensors[i].type == TYPE.FLOAT32 for i in operator.outputs if i >= 0):
                    found[name] = found.get(name, 0) + 1
    return found, total


def modernize(path, out):
    """Writes a copy that ai-edge-quantizer understands: it reads operators from the newer of the two operator-code fields only, and
    wants a signature. Returns the path to use, which is `path` where nothing was missing."""
    model, _ = read(path)
    old = [code for code in model.operatorCodes if code.deprecatedBuiltinCode > code.builtinCode]
    if not old and model.signatureDefs:
        return path
    for code in old:
        code.builtinCode = code.deprecatedBuiltinCode
    if not model.signatureDefs:
        def entries(indices, prefix):
            made = []
            for i, index in enumerate(indices):
                entry = schema.TensorMapT()
                entry.name, entry.tensorIndex = "%s_%d" % (prefix, i), int(index)
                made.append(entry)
            return made

        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = "serving_default", 0
        signature.inputs = entries(model.subgraphs[0].inputs, "in")
        signature.outputs = entries(model.subgraphs[0].outputs, "out")
        model.signatureDefs = [signature]
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    with open(out, "wb") as f:
        f.write(bytes(builder.Output()))
    return out


def sample(seed, details):
    """One input list in the order of `details`: uniform in [-1, 1] for floats, 0 or 1 for everything else."""
    random = np.random.RandomState(seed)
    made = []
    for detail in details:
        shape = [int(n) if n > 0 else 1 for n in detail["shape"]]
        made.append((random.rand(*shape) * 2 - 1).astype(np.float32) if detail["dtype"] == np.float32
                    else random.randint(0, 2, size=shape).astype(detail["dtype"]))
    return made


def interpreter(path, kernels="xnnpack"):
    return Interpreter(model_path=path, num_threads=1, experimental_op_resolver_type=KERNELS[kernels])


def first_float(details):
    return next((i for i, detail in enumerate(details) if detail["dtype"] == np.float32), 0)


class Runner:
    """A file on the stock runtime: call it with one array per input. Without `signature` inputs and outputs are those of the first
    subgraph in its order, with it they are in the order of their names. What is fed to a quantized input is quantized, what comes out of
    a quantized output dequantized. Without `reset` state is kept between calls."""

    def __init__(self, path, kernels="xnnpack", signature=None, reset=True):
        self.interpreter, self.reset, self.runner = interpreter(path, kernels), reset, None
        if signature is None:
            self.inputs, self.outputs = self.interpreter.get_input_details(), self.interpreter.get_output_details()
        else:
            self.runner = self.interpreter.get_signature_runner(signature)
            self.inputs, self.outputs = ([{**d, "name": name} for name, d in sorted(details.items())] for details in
                                         (self.runner.get_input_details(), self.runner.get_output_details()))
        self.allocated = None

    def shape(self, i):
        """Of an input, unknown dimensions as 1."""
        return [int(n) if n > 0 else 1 for n in self.inputs[i]["shape"]]

    def __call__(self, values):
        values = [quantize(v, d) for v, d in zip(values, self.inputs)]
        if self.runner:
            got = self.runner(**{d["name"]: v for d, v in zip(self.inputs, values)})
            return [dequantize(got[d["name"]], d) for d in self.outputs]
        it, shapes = self.interpreter, [v.shape for v in values]
        if self.allocated != shapes:
            for d, shape in zip(self.inputs, shapes):
                if tuple(d["shape"]) != shape:
                    it.resize_tensor_input(d["index"], shape)
            it.allocate_tensors()
            self.allocated = shapes
        if self.reset:
            it.reset_all_variables()
        for d, v in zip(self.inputs, values):
            it.set_tensor(d["index"], v)
        it.invoke()
        # Asked again: a shape may depend on the input, and an empty tensor cannot be fetched.
        return [dequantize(it.get_tensor(d["index"]) if all(d["shape"]) else np.zeros(d["shape"], d["dtype"]), d)
                for d in it.get_output_details()]


def quantize(values, detail):
    scale, zero_point = detail["quantization"]
    if scale == 0 or values.dtype == detail["dtype"]:
        return np.asarray(values, detail["dtype"])
    limits = np.iinfo(detail["dtype"])
    return np.clip(np.rint(values / np.float64(scale)) + zero_point, limits.min, limits.max).astype(detail["dtype"])


def dequantize(values, detail):
    values, (scale, zero_point) = np.asarray(values), detail["quantization"]  # a scalar comes as a plain number
    return values if scale == 0 or values.dtype == np.float32 else ((values.astype(np.float64) - zero_point) * scale).astype(np.float32)


def run(path, kernels, count):
    """Feeds samples 0..count-1 and returns, per signature, the first float output (the first output if none is float) of all of them,
    flat, as {signature: array}. A model with one signature or none is run through its first subgraph. State is kept between samples."""
    keys = sorted(interpreter(path, kernels).get_signature_list())
    found = {}
    for key in keys if len(keys) > 1 else [""]:
        runner = Runner(path, kernels, key or None, reset=False)
        output = first_float(runner.outputs)
        found[key] = np.concatenate([runner(sample(seed, runner.inputs))[output].astype(np.float64).reshape(-1) for seed in range(count)])
    return found


def powers(x, y):
    """Of the signal and of the noise, over the values that are finite in the float run `x`."""
    if x.size != y.size:
        raise ValueError("output has %d values, the float model's %d" % (y.size, x.size))
    x, y = x.reshape(-1).astype(np.float64), y.reshape(-1).astype(np.float64)
    finite = np.isfinite(x)
    if not finite.any():
        raise ValueError("the float model's output has no finite value")
    x, y = x[finite], y[finite]
    wild = int((~np.isfinite(y)).sum())
    if wild:
        raise ValueError("%d of %d output values are not finite" % (wild, len(y)))
    return np.array([(x ** 2).sum(), ((x - y) ** 2).sum()])


def decibels(signal, noise):
    """Signal to quantization noise; infinite where nothing differs."""
    return float("inf") if noise == 0 else float(10 * np.log10(signal / noise)) if signal else float("-inf")


def sqnr(x, y):
    return decibels(*powers(x, y))
