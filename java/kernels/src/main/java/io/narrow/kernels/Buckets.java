package io.narrow.kernels;

/**
 * The arithmetic of vector databases that cut a range into equal buckets, float32 throughout. A
 * bucket is numbered from 0 to 255 or less; a signed byte is the number less 128. Loops are in two
 * steps, because JIT compilers make vector instructions of the first only.
 */
enum Buckets {
  /** sentence-transformers 6. */
  FLOOR {
    @Override
    float unit(float width, int last) {
      return width == 0 ? 1 : width / last;
    }

    @Override
    void position(float[] x, int at, float[] min, float[] unit, int n, int last, float[] position) {
      for (int i = 0; i < n; i++) {
        position[i] = Math.max(0, Math.min(last, (x[at + i] - min[i]) / unit[i]));
      }
    }

    @Override
    float step(float width, int last) {
      return width / last;
    }

    @Override
    float value(int number, float min, float step, int last, int offset) {
      return min + (number == last ? number : number + 0.5f) * step;
    }
  },
  /** sentence-transformers 5: the bucket of a signed 0 is twice as wide. */
  TOWARDS_ZERO {
    @Override
    float unit(float width, int last) {
      return width == 0 ? Float.POSITIVE_INFINITY : width / last;
    }

    @Override
    void position(float[] x, int at, float[] min, float[] unit, int n, int last, float[] position) {
      FLOOR.position(x, at, min, unit, n, last, position);
    }

    /** The position is NaN where something infinitely far off meets a range without a width. */
    @Override
    void number(float[] position, int n, int last, int offset, byte[] y, int at) {
      for (int i = 0; i < n; i++) {
        float number = Float.isNaN(position[i]) ? 0 : position[i];
        y[at + i] = (byte) (number - offset);
      }
    }

    @Override
    float step(float width, int last) {
      return width / last;
    }

    @Override
    float value(int number, float min, float step, int last, int offset) {
      int code = number - offset;
      boolean alone = number == last || offset != 0 && (number == 0 || code == 0);
      float middle = alone ? 0 : code >= 0 ? 0.5f : -0.5f;
      return min + (number + middle) * step;
    }
  },
  /** ScalarQuantizer, Codec8bit and Codec4bit, which multiplies in float64. */
  FAISS {
    @Override
    float unit(float width, int last) {
      return width == 0 ? Float.POSITIVE_INFINITY : width;
    }

    @Override
    void position(float[] x, int at, float[] min, float[] unit, int n, int last, float[] position) {
      for (int i = 0; i < n; i++) {
        position[i] = Math.max(0, Math.min(1, (x[at + i] - min[i]) / unit[i]));
      }
    }

    @Override
    void number(float[] position, int n, int last, int offset, byte[] y, int at) {
      if (last == 15) {
        for (int i = 0; i < n; i++) {
          y[at + i] = (byte) (position[i] * 15.0);
        }
      } else {
        for (int i = 0; i < n; i++) {
          y[at + i] = (byte) (int) (last * position[i]);
        }
      }
    }

    @Override
    float step(float width, int last) {
      return width;
    }

    @Override
    float value(int number, float min, float step, int last, int offset) {
      return min + (number + 0.5f) / last * step;
    }
  },
  /** Lucene99ScalarQuantizedVectorsFormat with 7 and 4 bits; the unit is a reciprocal. */
  LUCENE {
    @Override
    float unit(float width, int last) {
      return width == 0 ? 0 : last / width;
    }

    @Override
    void position(float[] x, int at, float[] min, float[] unit, int n, int last, float[] position) {
      for (int i = 0; i < n; i++) {
        position[i] = Math.max(0, Math.min(last, unit[i] * (x[at + i] - min[i])));
      }
    }

    /** Half up, which for the float below a half takes more than a float. */
    @Override
    void number(float[] position, int n, int last, int offset, byte[] y, int at) {
      for (int i = 0; i < n; i++) {
        y[at + i] = (byte) (position[i] + 0.5);
      }
    }

    @Override
    float step(float width, int last) {
      return width / last;
    }

    @Override
    float value(int number, float min, float step, int last, int offset) {
      return min + number * step;
    }
  },
  /** EncodedVectorsU8 of Qdrant. */
  QDRANT {
    @Override
    float unit(float width, int last) {
      return width == 0 ? Float.POSITIVE_INFINITY : width / last;
    }

    @Override
    void position(float[] x, int at, float[] min, float[] unit, int n, int last, float[] position) {
      FLOOR.position(x, at, min, unit, n, last, position);
    }

    /** Halves away from 0, below which there is none. */
    @Override
    void number(float[] position, int n, int last, int offset, byte[] y, int at) {
      LUCENE.number(position, n, last, offset, y, at);
    }

    @Override
    float step(float width, int last) {
      return width / last;
    }

    @Override
    float value(int number, float min, float step, int last, int offset) {
      return LUCENE.value(number, min, step, last, offset);
    }
  };

  // Buckets are numbered up to `last`.

  /** What stands for the width of a range; its smallest value is in bucket 0 even without one. */
  abstract float unit(float width, int last);

  /** The same on the way back, where a range without a width is one value. */
  abstract float step(float width, int last);

  /** Where n numbers lie, in buckets from the start of their ranges, which is in the first. */
  abstract void position(
      float[] x, int at, float[] min, float[] unit, int n, int last, float[] position);

  /** The codes of positions. */
  void number(float[] position, int n, int last, int offset, byte[] y, int at) {
    for (int i = 0; i < n; i++) {
      y[at + i] = (byte) ((int) position[i] - offset);
    }
  }

  /** What a bucket stands for: the middle of its values, or the only one. */
  abstract float value(int number, float min, float step, int last, int offset);
}
