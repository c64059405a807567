/** Quantizes TensorFlow Lite models, evaluates them, and explains what it did. */
module io.narrow.tflite {
  requires com.google.gson;
  requires transitive io.narrow.kernels;
  requires java.desktop;
  requires org.bytedeco.javacpp;
  requires org.bytedeco.tensorflowlite;

  exports io.narrow.tflite;
  exports io.narrow.tflite.autotune;
  exports io.narrow.tflite.calibration;
  exports io.narrow.tflite.comparison;
  exports io.narrow.tflite.data;
  exports io.narrow.tflite.evaluation;
  exports io.narrow.tflite.micro;
  exports io.narrow.tflite.model;
  exports io.narrow.tflite.plan;
  exports io.narrow.tflite.runtime;
  exports io.narrow.tflite.shape;
  exports io.narrow.tflite.snippet;
  exports io.narrow.tflite.targets;
}
