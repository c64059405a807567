package io.narrow.tflite.correction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SoftmaxNoiseTest {
  private static final int CLASSES = 10;

  private final Random random = new Random(7);

  private double[] logits() {
    return random.doubles(CLASSES).map(x -> 12 * x).toArray();
  }

  private static float[] softmax(double[] logits) {
    double sum = 0;
    for (double x : logits) {
      sum += Math.exp(x);
    }
    float[] p = new float[logits.length];
    for (int i = 0; i < p.length; i++) {
      p[i] = (float) (Math.exp(logits[i]) / sum);
    }
    return p;
  }

  private double[] noisy(double[] logits) {
    double[] noisy = logits.clone();
    for (int i = 0; i < noisy.length; i++) {
      noisy[i] += 0.02 * random.nextGaussian();
    }
    return noisy;
  }

  /** What is found with many samples, to be guessed from few. */
  private static double share(List<float[]> exact, List<float[]> rounded) {
    double signal = 0;
    double noise = 0;
    for (int s = 0; s < exact.size(); s++) {
      for (int i = 0; i < CLASSES; i++) {
        double difference = exact.get(s)[i] - rounded.get(s)[i];
        noise += difference * difference;
        signal += (double) exact.get(s)[i] * exact.get(s)[i];
      }
    }
    return noise / signal;
  }

  @Test
  void fewSamplesTellTheNoiseOfManyAndLessByChanceThanTheirOwn() {
    List<double[]> inputs = new ArrayList<>();
    for (int s = 0; s < 20_000; s++) {
      inputs.add(logits());
    }
    List<float[]> exact = inputs.stream().map(SoftmaxNoiseTest::softmax).toList();
    List<float[]> rounded = inputs.stream().map(x -> softmax(noisy(x))).toList();
    double all = share(exact, rounded);
    assertThat(SoftmaxNoise.share(exact, rounded, CLASSES)).isCloseTo(all, within(0.05 * all));
    double plain = 0;
    double crossed = 0;
    for (int start = 0; start < 6400; start += 64) {
      List<float[]> p = exact.subList(start, start + 64);
      List<float[]> q = rounded.subList(start, start + 64);
      plain += Math.pow(share(p, q) / all - 1, 2);
      crossed += Math.pow(SoftmaxNoise.share(p, q, CLASSES) / all - 1, 2);
    }
    assertThat(crossed).isLessThan(plain / 1.5);
  }

  @Test
  void equalIsNoNoise() {
    List<float[]> p = List.of(softmax(logits()), new float[] {1, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    assertThat(SoftmaxNoise.share(p, p, CLASSES)).isZero();
  }
}
