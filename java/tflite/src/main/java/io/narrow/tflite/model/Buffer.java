package io.narrow.tflite.model;

import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/**
 * Contents of tensors: bytes that are there, or bytes that are computed when they are needed, so
 * that a large model is quantized as it is written and never held as a whole. Immutable.
 */
public final class Buffer {
  /** No contents: those of a tensor that is computed as the model runs. */
  public static final Buffer EMPTY = of(ByteBuffer.allocate(0));

  private final int size;
  private final Consumer<ByteBuffer> compute;
  private final ByteBuffer bytes;

  /** What was computed last, while somebody uses it: who quantizes needs it twice. */
  private WeakReference<ByteBuffer> recent = new WeakReference<>(null);

  private Buffer(int size, Consumer<ByteBuffer> compute, ByteBuffer bytes) {
    this.size = size;
    this.compute = compute;
    this.bytes = bytes;
  }

  /** The bytes from position to limit, which must not change from now on. */
  public static Buffer of(ByteBuffer bytes) {
    ByteBuffer view = bytes.slice().asReadOnlyBuffer();
    return new Buffer(view.remaining(), target -> target.put(view.duplicate()), view);
  }

  /** The bytes of float32 values. */
  public static Buffer of(float... values) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return of(bytes);
  }

  /**
   * Bytes that are computed, each time they are needed.
   *
   * @param size how many
   * @param compute fills a direct buffer from its position to its limit; from any thread, always
   *     with the same bytes
   */
  public static Buffer computed(int size, Consumer<ByteBuffer> compute) {
    return new Buffer(size, compute, EMPTY.bytes);
  }

  public int size() {
    return size;
  }

  /** Whether the bytes are computed when they are needed. */
  boolean isComputed() {
    return bytes.remaining() != size;
  }

  void computeInto(ByteBuffer target) {
    compute.accept(target);
  }

  /** The bytes, little-endian and read-only. */
  public ByteBuffer bytes() {
    ByteBuffer result = isComputed() ? recent.get() : bytes;
    if (result == null) {
      ByteBuffer computed = ByteBuffer.allocateDirect(size);
      compute.accept(computed.duplicate());
      result = computed;
      recent = new WeakReference<>(result);
    }
    result = result.asReadOnlyBuffer();
    return result.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }
}
