package io.narrow.kernels;

/** Where the two codes of a byte come from in a row of codes from 0 to 15. */
enum Nibbles {
  /** From neighbours, the first in the low four bits; the last byte is filled up with 0. */
  PAIRS {
    @Override
    void pack(byte[] codes, int at, int n, byte[] y, int to) {
      for (int i = 0; i + 1 < n; i += 2) {
        y[to + i / 2] = (byte) (codes[at + i] | codes[at + i + 1] << 4);
      }
      if (n % 2 != 0) {
        y[to + n / 2] = codes[at + n - 1];
      }
    }

    @Override
    void unpack(byte[] y, int from, int n, byte[] codes, int at) {
      for (int i = 0; i < n; i++) {
        codes[at + i] = (byte) (y[from + i / 2] >> 4 * (i % 2) & 15);
      }
    }
  },
  /** From both halves of the row, the first half in the high four bits; n is even. */
  HALVES {
    @Override
    void pack(byte[] codes, int at, int n, byte[] y, int to) {
      for (int i = 0; i < n / 2; i++) {
        y[to + i] = (byte) (codes[at + i] << 4 | codes[at + n / 2 + i]);
      }
    }

    @Override
    void unpack(byte[] y, int from, int n, byte[] codes, int at) {
      for (int i = 0; i < n / 2; i++) {
        codes[at + i] = (byte) (y[from + i] >> 4 & 15);
        codes[at + n / 2 + i] = (byte) (y[from + i] & 15);
      }
    }
  };

  /** Packs a row of n codes. */
  abstract void pack(byte[] codes, int at, int n, byte[] y, int to);

  /** Unpacks a row of n codes. */
  abstract void unpack(byte[] y, int from, int n, byte[] codes, int at);
}
