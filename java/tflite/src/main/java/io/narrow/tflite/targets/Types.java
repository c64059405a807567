package io.narrow.tflite.targets;

import io.narrow.tflite.model.TensorType;

/** What helps where a device has no kernel for the types of an operator. */
final class Types {
  private Types() {}

  static String help(Site site) {
    TensorType activation = site.activation();
    TensorType weights = site.weights().orElse(activation);
    if (site.operator().name().equals("DEQUANTIZE") && activation == TensorType.FLOAT16) {
      return "quantize from the float32 model with --mode int8";
    }
    if (activation == TensorType.FLOAT32 && weights != TensorType.FLOAT32) {
      return "quantize from the float32 model with --mode int8: devices have no kernels for int8"
          + " weights beside float32 activations";
    }
    return activation == TensorType.FLOAT32 ? "--mode int8" : "";
  }
}
