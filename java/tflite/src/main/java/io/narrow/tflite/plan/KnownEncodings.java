package io.narrow.tflite.plan;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/**
 * Encodings of float32 tensors of a model that are known before it is planned: those that it was
 * trained for, that its weights were stored in before, or that something has chosen. A plan takes
 * them where an operator has a kernel for them. Immutable.
 */
public final class KnownEncodings {
  /** Nothing is known. */
  public static final KnownEncodings NONE = new KnownEncodings(Map.of());

  /**
   * Where a tensor stands.
   *
   * @param subgraph number of its subgraph
   * @param tensor its number there
   */
  public record Place(int subgraph, int tensor) {}

  /**
   * What is known of a tensor.
   *
   * @param encoding its type, scales and zero point
   * @param codes of a constant, its contents in that encoding, int4 two to a byte with the first in
   *     the low half; without them its values are rounded to the encoding
   * @param reason where the encoding comes from, in words
   */
  public record Known(Encoding encoding, Optional<Buffer> codes, String reason) {
    /** The same encoding with as many scales as a tensor has channels on an axis. */
    Encoding per(int axis, int channels) {
      if (axis < 0 || encoding.axis() >= 0) {
        return encoding;
      }
      float[] scales = new float[channels];
      Arrays.fill(scales, encoding.scale());
      return new Encoding(encoding.type(), axis, scales, encoding.zeroPoint());
    }

    /**
     * Whether weights of this type with scales on this axis and of blocks of this size can have it.
     */
    boolean fits(TensorType type, int axis, int block) {
      boolean sameAxis = encoding.axis() < 0 && block == 0 || encoding.axis() == axis;
      return encoding.type() == type
          && sameAxis
          && encoding.block() == block
          && encoding.zeroPoint() == 0;
    }

    /** The codes, if they are what they are in an encoding as well. */
    Optional<Buffer> codesIn(Encoding other) {
      return codes.filter(c -> encoding.equals(other) || other.equals(per(other)));
    }

    private Encoding per(Encoding other) {
      return per(other.axis(), other.scales().length);
    }
  }

  private final Map<Place, Known> known;

  private KnownEncodings(Map<Place, Known> known) {
    this.known = known;
  }

  public static KnownEncodings of(Map<Place, Known> known) {
    return known.isEmpty() ? NONE : new KnownEncodings(Map.copyOf(known));
  }

  /** What is known of a tensor, empty if nothing is. */
  public Optional<Known> of(int subgraph, int tensor) {
    return Optional.ofNullable(known.get(new Place(subgraph, tensor)));
  }

  public boolean isEmpty() {
    return known.isEmpty();
  }
}
