/** Reads Keras models as float TensorFlow Lite models. */
module io.narrow.keras {
  requires com.google.gson;
  requires transitive io.narrow.tflite;
  requires io.jhdf;

  exports io.narrow.keras;
}
