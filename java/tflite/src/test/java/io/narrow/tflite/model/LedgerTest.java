package io.narrow.tflite.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.Examples;
import io.narrow.tflite.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

class LedgerTest {
  private static final String ZOO = "models/zoo";

  @TempDir private Path folder;

  @TestFactory
  Stream<DynamicTest> theBytesOfEveryModelAddUpToItsFile() throws IOException {
    try (Stream<Path> files = Files.walk(Shared.file(ZOO).getParent())) {
      return files
          .filter(file -> file.toString().endsWith(".tflite"))
          .filter(file -> !file.toString().contains("damaged"))
          .sorted()
          .toList()
          .stream()
          .map(file -> DynamicTest.dynamicTest(file.toString(), () -> addsUp(file)));
    }
  }

  /** The sum, and in it what can be counted another way: every constant's own bytes, once. */
  private static void addsUp(Path file) throws IOException {
    Model model = Model.read(file);
    Map<String, Long> ledger = model.bytesByUse();
    assertThat(sum(ledger)).isEqualTo(Files.size(file));
    assertThat(ledger.values()).allMatch(bytes -> bytes > 0);
    Map<Integer, Set<String>> types = new TreeMap<>();
    model
        .subgraphs()
        .forEach(
            graph ->
                graph
                    .tensors()
                    .forEach(
                        tensor ->
                            types
                                .computeIfAbsent(tensor.buffer(), number -> new HashSet<>())
                                .add(tensor.type().toString())));
    Map<String, Long> constants = new TreeMap<>();
    types.forEach(
        (buffer, names) -> {
          long bytes = model.buffer(buffer).remaining();
          if (names.size() == 1 && bytes > 0) {
            constants.merge(names.iterator().next() + " constants", bytes, Long::sum);
          }
        });
    assertThat(ledger).containsAllEntriesOf(constants);
    assertThat(ledger.getOrDefault("attached", 0L)).isEqualTo(model.tailBytes());
  }

  private static long sum(Map<String, Long> ledger) {
    return ledger.values().stream().mapToLong(Long::longValue).sum();
  }

  @Test
  void buffersAfterTheFlatbufferCountAsConstants() throws IOException {
    Model model = Model.read(Examples.DIGITS);
    Path file = folder.resolve("outside.tflite");
    ModelFile.write(model, file, 16);
    Map<String, Long> outside = Model.read(file).bytesByUse();
    assertThat(sum(outside)).isEqualTo(Files.size(file));
    assertThat(outside.get("float32 constants"))
        .isPositive()
        .isEqualTo(model.bytesByUse().get("float32 constants"));
  }
}
