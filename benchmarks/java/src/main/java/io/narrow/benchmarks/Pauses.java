package io.narrow.benchmarks;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Quantization;
import io.narrow.kernels.QuantizedType;
import io.narrow.kernels.Span;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How long a garbage collector has to wait for native code that works on arrays.
 *
 * <pre>java -cp benchmarks-17.jar io.narrow.benchmarks.Pauses [THREADS [MIB [SECONDS [ROUNDS]]]]
 * </pre>
 *
 * <p>A JVM with G1 in which THREADS (8) threads find ranges of arrays of MIB (256) and quantize
 * them, beside a thread that allocates, runs for SECONDS (20) by native kernels and by Java loops,
 * in turns, ROUNDS (3) times. Of each it prints the pauses of the JVM's safepoint log, the time to
 * get there included, and how long the allocating thread was kept from its next allocation, which
 * also counts what a collection waits for before it pauses.
 */
public final class Pauses {
  private static final double LONG_MILLISECONDS = 20;
  private static final Pattern PAUSE =
      Pattern.compile("^\\[(\\d+)ms\\] Safepoint \"G1.* Total: +(\\d+) ns");

  private Pauses() {}

  /** Starts the JVMs, or is one of them. */
  public static void main(String[] args) throws Exception {
    if (args.length > 0 && args[0].equals("--work")) {
      work(Integer.parseInt(args[1]), Integer.parseInt(args[2]), Integer.parseInt(args[3]));
      return;
    }
    int threads = args.length > 0 ? Integer.parseInt(args[0]) : 8;
    int mib = args.length > 1 ? Integer.parseInt(args[1]) : 256;
    int seconds = args.length > 2 ? Integer.parseInt(args[2]) : 20;
    int rounds = args.length > 3 ? Integer.parseInt(args[3]) : 3;
    System.out.println(
        "kernels   what              count  median ms     p99 ms     max ms   over 20 ms");
    for (int round = 0; round < rounds; round++) {
      for (String kernels : new String[] {"java", "auto"}) {
        run(kernels, threads, mib, seconds);
      }
    }
  }

  private static void run(String kernels, int threads, int mib, int seconds)
      throws IOException, InterruptedException {
    Path log = Files.createTempFile("narrow", ".log");
    long heap = threads * (mib * 5L / 4) + 1024;
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseG1GC",
                "-Xms" + heap + "m",
                "-Xmx" + heap + "m",
                "-XX:+AlwaysPreTouch",
                "-Xlog:safepoint:file=" + log + ":uptimemillis",
                "-Dnarrow.kernels=" + kernels,
                "-cp",
                System.getProperty("java.class.path"),
                Pauses.class.getName(),
                "--work",
                "" + threads,
                "" + mib,
                "" + seconds));
    Process child =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String[] lines = new String(child.getInputStream().readAllBytes()).split("\\s+");
    long start = Long.parseLong(lines[0]);
    List<Double> stalls = new ArrayList<>();
    for (int i = 1; i < lines.length; i++) {
      stalls.add(Double.parseDouble(lines[i]));
    }
    if (child.waitFor() != 0) {
      throw new IOException("the JVM ended with " + child.exitValue());
    }
    List<Double> pauses = new ArrayList<>();
    for (String line : Files.readAllLines(log)) {
      Matcher pause = PAUSE.matcher(line);
      if (pause.find() && Long.parseLong(pause.group(1)) >= start) {
        pauses.add(Long.parseLong(pause.group(2)) * 1e-6);
      }
    }
    Files.delete(log);
    print(kernels, "pauses of G1", pauses);
    print(kernels, "allocations", stalls);
  }

  private static void print(String kernels, String what, List<Double> milliseconds) {
    Collections.sort(milliseconds);
    int n = milliseconds.size();
    long over = milliseconds.stream().filter(time -> time > LONG_MILLISECONDS).count();
    System.out.printf(
        "%-9s %-14s %8d %10.3f %10.3f %10.3f %8d%n",
        kernels,
        what,
        n,
        milliseconds.get(n / 2),
        milliseconds.get(Math.min(n - 1, n * 99 / 100)),
        milliseconds.get(n - 1),
        over);
  }

  private static void work(int threads, int mib, int seconds) throws InterruptedException {
    Kernels kernels = Kernels.active();
    Quantization q = Quantization.perTensor(QuantizedType.INT8, 0.03f, -3);
    CountDownLatch ready = new CountDownLatch(threads);
    AtomicBoolean done = new AtomicBoolean();
    List<Thread> workers = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      Thread worker =
          new Thread(
              () -> {
                float[] x = new float[mib << 18];
                for (int i = 0; i < x.length; i++) {
                  x[i] = i % 1000 - 500;
                }
                byte[] y = new byte[x.length];
                ready.countDown();
                while (!done.get()) {
                  kernels.range(Span.of(x));
                  kernels.quantize(Span.of(x), q, Span.of(y));
                }
              });
      worker.start();
      workers.add(worker);
    }
    ready.await();
    StringBuilder times = new StringBuilder();
    times.append(ManagementFactory.getRuntimeMXBean().getUptime()).append('\n');
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    byte[][] kept = new byte[1024][];
    long before = System.nanoTime();
    for (int i = 0; before < end; i++) {
      kept[i % kept.length] = new byte[32 << 10];
      long now = System.nanoTime();
      if (now - before > 100_000) {
        times.append((now - before) * 1e-6).append('\n');
      }
      before = now;
    }
    done.set(true);
    for (Thread worker : workers) {
      worker.join();
    }
    System.out.print(times);
  }
}
