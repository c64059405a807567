package io.narrow.keras.graph;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Numbers of a constant. Those of large models stay in the mapped file and are put in order and
 * scaled as the model is written, piece by piece. Immutable.
 */
public abstract class Floats {
  private static final int PIECE = 1 << 16;

  /** Columns of a matrix that are turned at once: as many floats as a line of the cache has. */
  private static final int FEWEST_COLUMNS = 16;

  private final int size;

  private Floats(int size) {
    this.size = size;
  }

  public int size() {
    return size;
  }

  /** What {@code from} and {@code count} of {@link #read} must be multiples of. */
  int grain() {
    return 1;
  }

  /** Copies {@code count} numbers from {@code from} on to a place in an array. */
  abstract void read(int from, int count, float[] target, int at);

  public static Floats of(float... numbers) {
    return new Floats(numbers.length) {
      @Override
      void read(int from, int count, float[] target, int at) {
        System.arraycopy(numbers, from, target, at, count);
      }
    };
  }

  /** Numbers of a buffer. */
  public static Floats of(FloatBuffer numbers) {
    return new Floats(numbers.remaining()) {
      @Override
      void read(int from, int count, float[] target, int at) {
        numbers.get(from, target, at, count);
      }
    };
  }

  /** All numbers, in a new array. */
  public float[] values() {
    float[] values = new float[size];
    read(0, size, values, 0);
    return values;
  }

  void write(ByteBuffer target) {
    FloatBuffer floats = target.duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    int rows = Math.max(FEWEST_COLUMNS, PIECE / grain());
    float[] piece = new float[(int) Math.min(size, (long) rows * grain())];
    for (int from = 0; from < size; from += piece.length) {
      int count = Math.min(piece.length, size - from);
      read(from, count, piece, 0);
      floats.put(piece, 0, count);
    }
  }

  /** [rows, columns] as [columns, rows]. */
  public Floats transposed(int rows, int columns) {
    return transposed(rows, columns, 1);
  }

  /** [rows, columns, inner] as [columns, rows, inner]. */
  public Floats transposed(int rows, int columns, int inner) {
    if (rows == 1 || columns == 1) {
      return this;
    }
    Floats source = grain() == 1 ? this : of(values());
    return new Floats(size) {
      @Override
      int grain() {
        return rows * inner;
      }

      @Override
      void read(int from, int count, float[] target, int at) {
        int first = from / grain();
        int width = count / grain();
        float[] row = new float[width * inner];
        for (int r = 0; r < rows; r++) {
          source.read((r * columns + first) * inner, row.length, row, 0);
          for (int c = 0; c < width; c++) {
            int place = at + (c * rows + r) * inner;
            for (int i = 0; i < inner; i++) {
              target[place + i] = row[c * inner + i];
            }
          }
        }
      }
    };
  }

  /** With the axes of this shape in another order; all numbers are held. */
  public Floats permuted(int[] shape, int[] order) {
    int rank = shape.length;
    int[] strides = new int[rank];
    int stride = 1;
    for (int i = rank - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= shape[i];
    }
    float[] values = values();
    float[] result = new float[size];
    int[] place = new int[rank];
    for (int to = 0; to < size; to++) {
      int from = 0;
      for (int i = 0; i < rank; i++) {
        from += place[i] * strides[order[i]];
      }
      result[to] = values[from];
      for (int i = rank - 1; i >= 0; i--) {
        if (++place[i] < shape[order[i]]) {
          break;
        }
        place[i] = 0;
      }
    }
    return of(result);
  }

  /** A part of them; {@code from} and {@code count} are multiples of {@link #grain}. */
  public Floats part(int from, int count) {
    Floats whole = this;
    return new Floats(count) {
      @Override
      int grain() {
        return whole.grain();
      }

      @Override
      void read(int start, int many, float[] target, int at) {
        whole.read(from + start, many, target, at);
      }
    };
  }

  /** Number k times factor k / inner, modulo the number of factors. */
  public Floats times(float[] factors, int inner) {
    return new Changed(this, inner, factors.length) {
      @Override
      float change(float number, int channel) {
        return number * factors[channel];
      }
    };
  }

  /** What an encoding leaves of them; {@code inner} of them in a row belong to one channel. */
  public Floats rounded(Encoding encoding, int inner) {
    return new Changed(this, inner, encoding.scales().length) {
      @Override
      float change(float number, int channel) {
        return encoding.rounded(number, channel);
      }
    };
  }

  /** Whether all numbers are the same. */
  public boolean same(Floats other) {
    return size == other.size
        && (size == 0 || start() == other.start() && Arrays.equals(values(), other.values()));
  }

  private float start() {
    float[] start = new float[grain()];
    read(0, start.length, start, 0);
    return start[0];
  }

  /**
   * Numbers that are changed one by one: number k belongs to channel k / inner, modulo channels.
   */
  private abstract static class Changed extends Floats {
    private final Floats plain;
    private final int inner;
    private final int channels;

    Changed(Floats plain, int inner, int channels) {
      super(plain.size());
      this.plain = plain;
      this.inner = inner;
      this.channels = channels;
    }

    abstract float change(float number, int channel);

    @Override
    int grain() {
      return plain.grain();
    }

    @Override
    void read(int from, int count, float[] target, int at) {
      plain.read(from, count, target, at);
      int channel = from / inner % channels;
      int left = inner - from % inner;
      for (int i = 0; i < count; i++) {
        target[at + i] = change(target[at + i], channel);
        if (--left == 0) {
          left = inner;
          channel = channel + 1 == channels ? 0 : channel + 1;
        }
      }
    }
  }
}
