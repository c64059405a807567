/** Native and pure Java kernels that turn floats into small numbers. */
module io.narrow.kernels {
  requires org.bytedeco.javacpp;

  exports io.narrow.kernels;
}
