package io.narrow.kernels;

/** Walks over a piece of a tensor {@code [outer, channels, inner]}. */
final class Channels {
  /** Takes neighbouring elements of one channel, counted from the start of the piece. */
  interface Run {
    void accept(int channel, int from, int to);
  }

  private Channels() {}

  /** For m elements, the first of which is element number first of the tensor. */
  static void forEachRun(int m, int first, int channels, long inner, Run run) {
    if (channels == 1) {
      run.accept(0, 0, m);
      return;
    }
    long inRun = first % inner;
    int channel = (int) (first / inner % channels);
    for (int from = 0; from < m; ) {
      int to = (int) Math.min(m, from + inner - inRun);
      run.accept(channel, from, to);
      from = to;
      inRun = 0;
      channel = channel + 1 < channels ? channel + 1 : 0;
    }
  }
}
