package io.narrow.spark;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Span;
import io.narrow.kernels.VectorFormat;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.model.Model;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * What kernels and the runtime do in the class loader of this class; arguments: the model, its
 * samples, a file for the ranges.
 */
public final class LoadersProbe {
  private LoadersProbe() {}

  public static void main(String[] arguments) throws IOException {
    float[] x = new float[1000];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i * 37 % x.length) / 7f;
    }
    io.narrow.kernels.VectorQuantizer quantizer =
        io.narrow.kernels.VectorQuantizer.of(VectorFormat.INT8, 10);
    byte[] codes = new byte[x.length];
    quantizer.codec(quantizer.fit(Span.of(x))).apply(Span.of(x), Span.of(codes));
    String kernels = Kernels.active().name() + " " + Arrays.hashCode(codes);
    Path ranges = Path.of(arguments[2]);
    Calibrator.calibrate(
            Model.read(Path.of(arguments[0])),
            Dataset.open(arguments[1]),
            Calibrator.Options.DEFAULT)
        .write(ranges);
    System.out.println("probe " + kernels + " " + Arrays.hashCode(Files.readAllBytes(ranges)));
  }
}
