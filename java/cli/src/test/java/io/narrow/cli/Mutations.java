package io.narrow.cli;

import io.narrow.keras.KerasModel;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.evaluation.Evaluator;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.OwnProcess;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Damages files, each by a number, and gives them to everything that reads such files, the runtime
 * too. A process that a test starts, since the runtime may end it.
 */
public final class Mutations {
  private static final int[] NUMBERS = {
    0, -1, 1, Integer.MAX_VALUE, Integer.MIN_VALUE, 1 << 20, 3, 7, 255
  };

  private Mutations() {}

  /**
   * Writes a line before each file that it tries, {@code seed FIRST}, and one after, {@code
   * refused} or {@code taken}.
   *
   * @param arguments the first number, the one after the last, the folder to write damaged files
   *     to, the files
   */
  public static void main(String[] arguments) throws IOException {
    OwnProcess.claim(new byte[0]);
    System.setErr(new PrintStream(OwnProcess.standardError(), true));
    Path folder = Path.of(arguments[2]);
    List<Path> files = Arrays.stream(arguments).skip(3).map(Path::of).toList();
    long last = Long.parseLong(arguments[1]);
    for (long seed = Long.parseLong(arguments[0]); seed < last; seed++) {
      Path file = files.get((int) (seed % files.size()));
      String name = file.getFileName().toString();
      Path damaged = folder.resolve("damaged" + name.substring(name.lastIndexOf('.')));
      Files.write(damaged, mutate(Files.readAllBytes(file), seed));
      System.out.println("seed " + seed);
      System.out.println(survives(damaged, files.get(0), (int) (seed % 5)) ? "taken" : "refused");
    }
  }

  /** Whether a file is taken; fails with what is no answer to a damaged file. */
  private static boolean survives(Path damaged, Path model, int use) {
    try {
      if (damaged.toString().endsWith(".npz")) {
        Evaluator.evaluate(
            List.of(model),
            Dataset.open(damaged + "?scale=1/16"),
            Evaluator.Options.DEFAULT.withSamples(2));
      } else if (damaged.toString().endsWith(".tflite")) {
        run(damaged, use);
      } else {
        Rewriter.rewrite(
            Quantizer.DEFAULT
                .prepare(KerasModel.read(damaged, KerasModel.Options.DEFAULT))
                .plan(Recipe.dynamic()));
      }
      return true;
    } catch (NarrowException e) {
      if (e.getMessage().contains("\n") || !e.getMessage().contains("damaged")) {
        throw new AssertionError("not one line that names the file", e);
      }
      return false;
    } catch (OutOfMemoryError e) {
      return false; // of shapes that are legal, and which no machine holds: the command says so
    }
  }

  private static void run(Path damaged, int use) {
    Dataset data = Dataset.open("random:2");
    switch (use) {
      case 0 -> Evaluator.evaluate(List.of(damaged), data, Evaluator.Options.DEFAULT);
      case 1 ->
          Evaluator.evaluate(List.of(damaged), data, Evaluator.Options.DEFAULT.withXnnpack(false));
      case 2 ->
          Quantizer.DEFAULT
              .withSources(List.of("random:2"))
              .prepare(Model.read(damaged))
              .calibration();
      case 3 -> {
        Quantizer.Prepared prepared =
            Quantizer.DEFAULT.withSources(List.of("random:2")).prepare(Model.read(damaged));
        ByteBuffer bytes = Rewriter.rewrite(prepared.plan(Recipe.int8())).bytes();
        try (Interpreter interpreter =
            Interpreter.open(bytes, damaged.toString(), Interpreter.Options.DEFAULT)) {
          interpreter.run();
        }
      }
      default ->
          Rewriter.rewrite(Quantizer.DEFAULT.prepare(Model.read(damaged)).plan(Recipe.dynamic()));
    }
  }

  /** The bytes with one to three places damaged, or cut. */
  static byte[] mutate(byte[] bytes, long seed) {
    Random random = new Random(seed);
    byte[] changed = bytes.clone();
    if (random.nextInt(16) == 0) {
      return Arrays.copyOf(changed, random.nextInt(changed.length));
    }
    for (int times = 1 + random.nextInt(3); times > 0; times--) {
      int place = random.nextInt(4) == 0 ? random.nextInt(bytes.length - 8) : small(bytes, random);
      ByteBuffer numbers = ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN);
      switch (random.nextInt(4)) {
        case 0 -> changed[place] ^= (byte) (1 << random.nextInt(8));
        case 1 -> changed[place] = (byte) random.nextInt();
        case 2 -> numbers.putInt(place & ~3, NUMBERS[random.nextInt(NUMBERS.length)]);
        default -> numbers.putInt(place & ~3, random.nextInt(40) - 1);
      }
    }
    return changed;
  }

  /** A place of a small number, as those of tensors, sizes of shapes, offsets and lengths are. */
  private static int small(byte[] bytes, Random random) {
    for (int i = 0; i < 200; i++) {
      int place = random.nextInt(bytes.length - 8) & ~3;
      if (bytes[place + 1] == 0 && bytes[place + 2] == 0 && bytes[place + 3] == 0) {
        return place;
      }
    }
    return random.nextInt(Math.min(64, bytes.length - 8));
  }
}
