package io.narrow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A model whose publisher says in it how to scale pictures. */
class PublishedTest {
  private static final Path MODEL =
      NarrowTest.EXAMPLE
          .resolve("../../../shared/models/zoo/mobilenet_v1_025_224_f32_metadata.tflite")
          .normalize();

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @BeforeEach
  void isHere() {
    assumeTrue(Files.exists(MODEL), "no shared models");
  }

  private void run(String... arguments) {
    assertThat(Narrow.run(new PrintWriter(out), new PrintWriter(err), arguments)).isZero();
  }

  @Test
  void inspectSaysWhatToPaste() {
    run("inspect", MODEL.toString());
    assertThat(out.toString()).contains("pictures         input: mean=127.5&std=127.5\n");
    run("inspect", MODEL.toString(), "--json");
    assertThat(out.toString())
        .containsIgnoringWhitespaces("\"pictures\":{\"input\":\"mean=127.5&std=127.5\"}");
  }

  @Test
  void evaluateAsksWhereDataAreScaledOtherwise() {
    run("evaluate", MODEL.toString(), "--data", "random:2");
    assertThat(err.toString()).doesNotContain("published");
    run("evaluate", MODEL.toString(), "--data", "random:2?scale=255");
    assertThat(err.toString())
        .contains("with mean=127.5&std=127.5, which is -1.000 to 1.000, and the data reach from");
  }
}
