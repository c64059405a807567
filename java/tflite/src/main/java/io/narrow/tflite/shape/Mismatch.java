package io.narrow.tflite.shape;

/** Operands of shapes that an operator does not take. */
final class Mismatch extends RuntimeException {
  private static final long serialVersionUID = 1L;

  Mismatch(String message) {
    super(message, null, false, false);
  }
}
