import io.narrow.kernels.Kernels;
import io.narrow.kernels.Span;
import io.narrow.kernels.VectorCodec;
import io.narrow.kernels.VectorFormat;
import io.narrow.kernels.VectorQuantizer;
import io.narrow.kernels.VectorRanges;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** Run by MemorySegmentTest on JDK 22 and newer; the argument is a directory for sparse files. */
class Segments {
  public static void main(String[] arguments) throws Exception {
    Kernels kernels = Kernels.active();
    float[] x = {1, 2, 3, 4};
    Arena arena = Arena.ofConfined();
    MemorySegment four = arena.allocate(16);
    MemorySegment.copy(x, 0, four, ValueLayout.JAVA_FLOAT, 0, 4);
    Span span = Span.of(four);
    System.out.println("native: " + kernels.range(span).min() + " to " + kernels.range(span).max());
    Span middle = Span.of(MemorySegment.ofArray(x).asSlice(4, 8));
    System.out.println(
        "array: " + kernels.range(middle).min() + " to " + kernels.range(middle).max());
    say("read-only", () -> kernels.toFloat16(Span.of(x), Span.of(four.asReadOnly())));
    say("int[]", () -> Span.of(MemorySegment.ofArray(new int[2])));
    Thread thread =
        new Thread(
            () -> say("another thread", () -> kernels.toFloat16(span, Span.of(new short[4]))));
    thread.start();
    thread.join();
    arena.close();
    say("closed", () -> kernels.range(span));

    Path directory = Path.of(arguments[0]);
    long floats = (1L << 29) + 4;
    try (Arena shared = Arena.ofShared();
        RandomAccessFile in = sparse(directory.resolve("floats"), 4 * floats);
        RandomAccessFile out = sparse(directory.resolve("codes"), floats)) {
      MemorySegment all =
          in.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 4 * floats, shared);
      MemorySegment codes = out.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, floats, shared);
      all.setAtIndex(ValueLayout.JAVA_FLOAT, floats - 1, 254);
      all.setAtIndex(ValueLayout.JAVA_FLOAT, 2, -1);
      say("kernels", () -> kernels.range(Span.of(all)));
      VectorQuantizer quantizer =
          VectorQuantizer.of(VectorFormat.INT8, 4).withScope(VectorQuantizer.Scope.TENSOR);
      VectorRanges ranges = quantizer.fit(Span.of(all));
      VectorCodec codec = quantizer.codec(ranges);
      codec.apply(Span.of(all), Span.of(codes));
      System.out.printf(
          "over 2 GiB: %s to %s, %s codes, last %s%n",
          ranges.min(0),
          ranges.max(0),
          codes.byteSize(),
          codes.get(ValueLayout.JAVA_BYTE, floats - 1));
    }
  }

  private static RandomAccessFile sparse(Path path, long bytes) throws Exception {
    RandomAccessFile file = new RandomAccessFile(Files.createFile(path).toFile(), "rw");
    file.setLength(bytes);
    return file;
  }

  private static void say(String what, Runnable call) {
    try {
      call.run();
      System.out.println(what + ": nothing was thrown");
    } catch (RuntimeException e) {
      System.out.println(what + ": " + e.getMessage());
    }
  }
}
