package io.narrow.kernels;

/**
 * The arithmetic of vector databases that cut a range into equal buckets, float32 throughout. A
 * bucket is numbered from 0; a signed byte is the number less 128.
 */
enum Buckets {
  /** Cut towards zero after 128 is subtracted: the bucket of a signed 0 is twice as wide. */
  SENTENCE_TRANSFORMERS {
    @Override
    float unit(float width) {
      return width / 255;
    }

    @Override
    int encode(float x, float min, float unit, int offset) {
      float position = (x - min) / unit;
      return (int) (Math.max(0, Math.min(255, position)) - offset);
    }

    @Override
    float decode(int code, float min, float unit, int offset) {
      int number = code + offset;
      boolean signed = offset != 0;
      boolean alone = number == 255 || signed && (number == 0 || code == 0);
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
    int encode(float x, float min, float unit, int offset) {
      return (int) (255 * Math.max(0, Math.min(1, (x - min) / unit)));
    }

    @Override
    float decode(int code, float min, float unit, int offset) {
      return min + (code + 0.5f) / 255.0f * unit;
    }
  };

  /** What values are divided by, from the width of a range. */
  abstract float unit(float width);

  /** The code of a value in a range that has a width. */
  abstract int encode(float x, float min, float unit, int offset);

  /** What a code stands for: the middle of the values that have it, or the only one. */
  abstract float decode(int code, float min, float unit, int offset);
}
