package io.narrow.tflite.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.schema.Schema;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The operator table is well formed, and says nothing that nobody reads. */
class OpRulesTest {
  private static final Pattern PROPERTY = Pattern.compile("#   ([a-z]\\w*)\\b[ =]");

  private static List<String> lines() throws IOException {
    try (InputStream table = OpRules.class.getResourceAsStream("operators.table")) {
      return new String(table.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }

  static Stream<String> rows() throws IOException {
    return lines().stream().filter(line -> !line.isEmpty() && !line.startsWith("#"));
  }

  @ParameterizedTest
  @MethodSource("rows")
  void namesAnOperatorOfTheSchemaAndOnlyPropertiesThatItsHeadExplains(String line)
      throws IOException {
    Set<String> explained = new HashSet<>();
    for (String each : lines()) {
      Matcher property = PROPERTY.matcher(each);
      if (property.lookingAt()) {
        explained.add(property.group(1));
      }
    }
    String[] words = line.split("\\|")[0].trim().split(" +");
    assertThat(Schema.has("BuiltinOperator", words[0])).as(line).isTrue();
    assertThat(words).as(line).hasSizeGreaterThanOrEqualTo(6);
    for (int i = 6; i < words.length; i++) {
      assertThat(explained).as(line).contains(words[i].split("=")[0]);
    }
  }

  @Test
  void hasOneRowPerOperator() throws IOException {
    assertThat(rows().map(line -> line.split(" ")[0])).doesNotHaveDuplicates();
    assertThat(OpRules.rows()).hasSize((int) rows().count());
  }

  @ParameterizedTest
  @MethodSource("rows")
  void readsEveryRow(String line) {
    OpRule rule = OpRules.of(line.split(" ")[0]);
    assertThat(rule.operator()).isEqualTo(line.split(" ")[0]);
    assertThat(rule.integer().isPresent()).isEqualTo(!line.matches("\\w+ +- +- +- +- +-.*"));
    assertThat(rule.missing(TensorType.INT16)).startsWith(rule.operator() + " ");
  }

  /** What is written without a release would let an older runtime begin to read the model. */
  @ParameterizedTest
  @MethodSource("rows")
  void knowsTheReleaseOfEveryVersionThatCanBeWritten(String line) {
    Row row = new Row(line);
    List<String> written = new ArrayList<>();
    for (int column : new int[] {4, 5}) {
      written.add(row.column(column));
    }
    for (String property : List.of("raised", "hybrid", "conversion")) {
      row.pairs(property).values().forEach(each -> written.addAll(List.of(each.split("/"))));
    }
    written.remove("-");
    written.remove("-");
    String before = "";
    for (int version : written.stream().map(Integer::valueOf).sorted().distinct().toList()) {
      String release = OpRules.of(row.operator()).release(version);
      assertThat(release).as("%s %s", row.operator(), version).matches("[12]\\.\\d+\\.\\d+");
      assertThat(Releases.later(before, release)).as(line).isEqualTo(release);
      before = release;
    }
  }

  @Test
  void givesTheReleasesOfTensorFlowsOwnTable() {
    // TensorFlow's own table, tensorflow/compiler/mlir/lite/tools/versioning/runtime_version.cc.
    assertThat(OpRules.of("FULLY_CONNECTED").release(13)).isEqualTo("2.18.0");
    assertThat(OpRules.of("DYNAMIC_UPDATE_SLICE").release(4)).isEqualTo("2.20.0");
    assertThat(OpRules.of("NOT_EQUAL").release(4)).isEqualTo("2.21.0");
    assertThat(OpRules.of("TILE").release(3)).isEqualTo("2.8.0");
  }

  @Test
  void knowsCustomOperatorsByTheirKindAndOthersByNothing() {
    assertThat(OpRules.of("CUSTOM:Mine").stateful()).isTrue();
    assertThat(OpRules.of("CUSTOM:Mine").opaque()).isTrue();
    assertThat(OpRules.of("COS").stateful()).isFalse();
    assertThat(OpRules.of("COS").integer()).isEmpty();
    assertThat(OpRules.of("COS").missing(TensorType.INT8)).isEqualTo("COS has no int8 kernel");
    assertThat(OpRules.of("COS").release(1)).isEmpty();
  }

  @Test
  void readsEachKindOfProperty() {
    OpRule convolution = OpRules.of("CONV_2D");
    assertThat(convolution.kernel(TensorType.INT8))
        .contains(new OpRule.Kernel(TensorType.INT8, 5, 6));
    assertThat(convolution.kernel(TensorType.INT4))
        .contains(new OpRule.Kernel(TensorType.INT4, 7, 7));
    assertThat(convolution.axis()).isEqualTo(Axis.FIRST);
    assertThat(OpRules.of("LSTM").weights()).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16);
    IntegerRule elu = OpRules.of("ELU").integer().orElseThrow();
    assertThat(elu.useful().min()).isEqualTo(-6);
    assertThat(elu.useful().max()).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(elu.has(TensorType.INT16)).isFalse();
    assertThat(OpRules.ofAlias("CONV_2D_TRANSPOSE")).isEqualTo("TRANSPOSE_CONV");
    assertThat(OpRules.of("TRANSPOSE_CONV").alias()).isEqualTo("CONV_2D_TRANSPOSE");
    assertThat(OpRules.of("*").alias()).isEqualTo("*");
    assertThat(OpRules.dequantize(0, TensorType.INT8, true, 1).version()).isEqualTo(5);
    assertThat(OpRules.quantize(0, TensorType.INT16, 1).version()).isEqualTo(2);
  }
}
