package io.narrow.kernels;

/**
 * The arithmetic of vector databases that cut a range into equal buckets, float32 throughout. A
 * bucket is numbered from 0; a signed byte is the number less 128. Loops are in two steps, because
 * JIT compilers make vector instructions of the first only.
 */
enum Buckets {
  /** sentence-transformers 6. */
  FLOOR {
    @Override
    float unit(float width) {
      return width == 0 ? 1 : width / 255;
    }

    @Override
    void position(float[] x, int at, float[] min, float[] unit, int n, float[] position) {
      for (int i = 0; i < n; i++) {
        position[i] = Math.max(0, Math.min(255, (x[at + i] - min[i]) / unit[i]));
      }
    }

    @Override
    float step(float width) {
      return width / 255;
    }

    @Override
    float value(int number, float min, float step, int offset) {
      return min + (number == 255 ? number : number + 0.5f) * step;
    }
  },
  /** sentence-transformers 5: the bucket of a signed 0 is twice as wide. */
  TOWARDS_ZERO {
    @Override
    float unit(float width) {
      return width == 0 ? Float.POSITIVE_INFINITY : width / 255;
    }

    @Override
    void position(float[] x, int at, float[] min, float[] unit, int n, float[] position) {
      FLOOR.position(x, at, min, unit, n, position);
    }

    /** The position is NaN where something infinitely far off meets a range without a width. */
    @Override
    void number(float[] position, int n, int offset, byte[] y, int at) {
      for (int i = 0; i < n; i++) {
        float number = Float.isNaN(position[i]) ? 0 : position[i];
        y[at + i] = (byte) (number - offset);
      }
    }

    @Override
    float step(float width) {
      return width / 255;
    }

    @Override
    float value(int number, float min, float step, int offset) {
      int code = number - offset;
      boolean alone = number == 255 || offset != 0 && (number == 0 || code == 0);
      float middle = alone ? 0 : code >= 0 ? 0.5f : -0.5f;
      return min + (number + middle) * step;
    }
  },
  /** ScalarQuantizer, Codec8bit. */
  FAISS {
    @Override
    float unit(float width) {
      return width == 0 ? Float.POSITIVE_INFINITY : width;
    }

    @Override
    void position(float[] x, int at, float[] min, float[] unit, int n, float[] position) {
      for (int i = 0; i < n; i++) {
        position[i] = 255 * Math.max(0, Math.min(1, (x[at + i] - min[i]) / unit[i]));
      }
    }

    @Override
    float step(float width) {
      return width;
    }

    @Override
    float value(int number, float min, float step, int offset) {
      return min + (number + 0.5f) / 255.0f * step;
    }
  },
  /** Lucene99ScalarQuantizedVectorsFormat with 7 bits; the unit is a reciprocal. */
  LUCENE {
    @Override
    float unit(float width) {
      return width == 0 ? 0 : 127 / width;
    }

    @Override
    void position(float[] x, int at, float[] min, float[] unit, int n, float[] position) {
      for (int i = 0; i < n; i++) {
        position[i] = Math.max(0, Math.min(127, unit[i] * (x[at + i] - min[i])));
      }
    }

    /** Half up, which for the float below a half takes more than a float. */
    @Override
    void number(float[] position, int n, int offset, byte[] y, int at) {
      for (int i = 0; i < n; i++) {
        y[at + i] = (byte) (position[i] + 0.5);
      }
    }

    @Override
    float step(float width) {
      return width / 127;
    }

    @Override
    float value(int number, float min, float step, int offset) {
      return min + number * step;
    }
  };

  /** What stands for the width of a range; its smallest value is in bucket 0 even without one. */
  abstract float unit(float width);

  /** The same on the way back, where a range without a width is one value. */
  abstract float step(float width);

  /** Where n numbers lie, in buckets from the start of their ranges, which is in the first. */
  abstract void position(float[] x, int at, float[] min, float[] unit, int n, float[] position);

  /** The codes of positions. */
  void number(float[] position, int n, int offset, byte[] y, int at) {
    for (int i = 0; i < n; i++) {
      y[at + i] = (byte) ((int) position[i] - offset);
    }
  }

  /** What a bucket stands for: the middle of its values, or the only one. */
  abstract float value(int number, float min, float step, int offset);
}
