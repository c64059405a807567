"""Full-integer files of the two reference tools, calibrated with the samples that samples.py wrote."""
import os

import litert
import samples


def tensorflow(model, folder, kind, most, mode, out):
    """The quantizer of TensorFlow's converter on a file: what TFLiteConverter does after it has made the float model."""
    from tensorflow.lite.python import convert
    from tensorflow.lite.python.optimize import calibrator
    from tensorflow.python.framework import dtypes
    keys = samples.signatures(model)

    def feed():
        for key in keys:
            runner = None if key is None else litert.Runner(model, "built-in", key)
            for values in samples.load(folder, kind, key)[0][:most]:
                yield values if key is None else (key, {d["name"]: v for d, v in zip(runner.inputs, values)})

    parsed, content = litert.read(model)
    if any("LSTM" in litert.operator_name(parsed, o) for graph in parsed.subgraphs for o in graph.operators or ()):
        content = calibrator.add_intermediate_tensors(content)  # as TFLiteConverter does: without them calibration stops at an LSTM
    tool = calibrator.Calibrator(content)
    if mode == "int8":
        made = convert.mlir_quantize(tool.calibrate(feed))
    else:
        made = tool.calibrate_and_quantize(feed, dtypes.float32, dtypes.float32, True, dtypes.int16, dtypes.int64)
    with open(out, "wb") as f:
        f.write(made)
    return len(made)


def ai_edge(model, folder, kind, most, mode, out):
    from ai_edge_quantizer import quantizer, recipe
    modern = litert.modernize(model, os.path.join(folder, "modern.tflite"))
    keys = samples.signatures(model)
    data = {}
    for key in keys:
        name = key or next(iter(litert.interpreter(modern).get_signature_list()))
        by_index = {d["index"]: i for i, d in enumerate(litert.Runner(model, "built-in", key).inputs)}
        details = litert.interpreter(modern).get_signature_runner(name).get_input_details()
        data[name] = [{n: values[by_index[d["index"]]] for n, d in details.items()} for values in samples.load(folder, kind, key)[0][:most]]
    tool = quantizer.Quantizer(modern, {"int8": recipe.static_wi8_ai8, "int16x8": recipe.static_wi8_ai16}[mode]())
    found = tool.calibrate(data) if tool.need_calibration else None
    made = tool.quantize(found).quantized_model
    with open(out, "wb") as f:
        f.write(made)
    return len(made)


TOOLS = {"tensorflow": tensorflow, "ai-edge": ai_edge}
