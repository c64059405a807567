package io.narrow.tflite.data;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;

/** Reads the pixels of a picture as numbers 0..255, without a colour management of gray. */
final class Pixels {
  private Pixels() {}

  /** Pixels in rows, channel last; transparency is dropped. */
  static float[] read(BufferedImage image, int left, int top, int width, int height, int channels) {
    // getRGB takes gray as linear light and brightens it: read the samples instead.
    boolean gray =
        image.getRaster().getNumBands() <= 2 && !(image.getColorModel() instanceof IndexColorModel);
    float[] pixels = new float[Math.multiplyExact(Math.multiplyExact(width, height), channels)];
    int[] row = new int[width];
    float[] rgb = new float[3];
    for (int y = 0, at = 0; y < height; y++) {
      readRow(image, gray, left, top + y, row);
      for (int x = 0; x < width; x++) {
        for (int c = 0; c < 3; c++) {
          rgb[c] = row[x] >> 16 - 8 * c & 0xFF;
        }
        if (channels == 1) {
          pixels[at++] = gray ? rgb[0] : luma(rgb);
        } else {
          for (int c = 0; c < channels; c++) {
            pixels[at++] = rgb[c];
          }
        }
      }
    }
    return pixels;
  }

  // Packs a row as 0xRRGGBB.
  private static void readRow(BufferedImage image, boolean gray, int left, int y, int[] row) {
    if (!gray) {
      image.getRGB(left, y, row.length, 1, row, 0, row.length);
      return;
    }
    Raster raster = image.getRaster();
    int bits = image.getColorModel().getComponentSize(0);
    raster.getSamples(left, y, row.length, 1, 0, row);
    for (int x = 0; x < row.length; x++) {
      int level = bits >= 8 ? row[x] >> bits - 8 : row[x] * 255 / ((1 << bits) - 1);
      row[x] = level * 0x010101;
    }
  }

  // ITU-R BT.601, rounded to a whole level as other tools do.
  private static float luma(float[] rgb) {
    return (float) Math.floor(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] + 0.5);
  }
}
