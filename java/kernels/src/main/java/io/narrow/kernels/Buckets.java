package io.narrow.kernels;

/**
 * The arithmetic of vector databases that cut a range into equal buckets, float32 throughout. A
 * bucket is numbered from 0; a signed byte is the number less 128.
 */
enum Buckets {
  /** sentence-transformers 6. */
  FLOOR {
    @Override
    float unit(float width) {
      return width == 0 ? 1 : width / 255;
    }

    @Override
    int number(float x, float min, float unit, int offset) {
      return (int) Math.max(0, Math.min(255, (x - min) / unit));
    }

    @Override
    float value(int number, float min, float unit, int offset) {
      return min + (number == 255 ? number : number + 0.5f) * unit;
    }
  },
  /** sentence-transformers 5: the bucket of a signed 0 is twice as wide. */
  TOWARDS_ZERO {
    @Override
    float unit(float width) {
      return width / 255;
    }

    @Override
    int number(float x, float min, float unit, int offset) {
      float position = (x - min) / unit;
      return (int) (Math.max(0, Math.min(255, position)) - offset) + offset;
    }

    @Override
    float value(int number, float min, float unit, int offset) {
      int code = number - offset;
      boolean alone = number == 255 || offset != 0 && (number == 0 || code == 0);
      float middle = alone ? 0 : code >= 0 ? 0.5f : -0.5f;
      return min + (number + middle) * unit;
    }
  },
  /** ScalarQuantizer, Codec8bit. */
  FAISS {
    @Override
    float unit(float width) {
      return width;
    }

    @Override
    int number(float x, float min, float unit, int offset) {
      return (int) (255 * Math.max(0, Math.min(1, (x - min) / unit)));
    }

    @Override
    float value(int number, float min, float unit, int offset) {
      return min + (number + 0.5f) / 255.0f * unit;
    }
  },
  /** Lucene99ScalarQuantizedVectorsFormat with 7 bits; the unit is a reciprocal. */
  LUCENE {
    @Override
    float unit(float width) {
      return width == 0 ? 0 : 127 / width;
    }

    @Override
    int number(float x, float min, float unit, int offset) {
      return Math.max(0, Math.min(127, Math.round(unit * (x - min))));
    }

    @Override
    float value(int number, float min, float unit, int offset) {
      return min + number / unit;
    }
  };

  /** What stands for the width of a range; 0 where only its smallest value can be told. */
  abstract float unit(float width);

  /** The number of the bucket of a value, in a range with a unit. */
  abstract int number(float x, float min, float unit, int offset);

  /** What a bucket stands for: the middle of its values, or the only one. */
  abstract float value(int number, float min, float unit, int offset);
}
