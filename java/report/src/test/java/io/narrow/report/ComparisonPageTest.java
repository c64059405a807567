package io.narrow.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.comparison.Comparator;
import io.narrow.tflite.comparison.Comparison;
import io.narrow.tflite.comparison.ComparisonFile;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Recipe;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

class ComparisonPageTest {
  private static Model quantized;
  private static int bad;
  private static Comparison comparison;
  private static JsonObject document;

  // A browser that ends still writes to its profile.
  @TempDir(cleanup = CleanupMode.NEVER)
  private Path profile;

  @TempDir private Path folder;

  @BeforeAll
  static void compare() {
    Model floats = Model.read(Digits.file("digits.tflite"));
    Model made =
        Quantizer.DEFAULT
            .withSources(List.of(Digits.calibration()))
            .withCalibration(Calibrator.Options.DEFAULT.withSamples(20))
            .quantize(floats, Recipe.int8());
    bad =
        IntStream.range(0, made.subgraphs().get(0).operators().size())
            .filter(i -> made.subgraphs().get(0).operators().get(i).name().equals("CONV_2D"))
            .skip(4)
            .findFirst()
            .orElseThrow();
    quantized = spoiled(made, bad);
    comparison =
        Comparator.compare(
            floats,
            quantized,
            Dataset.open(Digits.test()).limit(9),
            Comparator.Options.DEFAULT.withHistograms(true).withRestored(2));
    document = new ModelDocument(quantized).withComparison(comparison).graph();
  }

  /** With zeros for an operator's weights. */
  private static Model spoiled(Model model, int operator) {
    Tensor weights = model.subgraphs().get(0).tensor(weightsOf(model, operator));
    Draft draft = new Draft(model);
    int zeros = draft.addBuffer(Buffer.of(ByteBuffer.allocateDirect((int) weights.elements())));
    draft.graph(0).replace(weightsOf(model, operator), weights.withBuffer(zeros));
    return draft.finish();
  }

  private static int weightsOf(Model model, int operator) {
    return model.subgraphs().get(0).operators().get(operator).input(1);
  }

  private Path page() throws Exception {
    return Files.writeString(folder.resolve("page.html"), Page.html(document));
  }

  private static String text(Browser browser, String selector) throws Exception {
    return browser.value("document.querySelector('" + selector + "').textContent").getAsString();
  }

  private static String level(Browser browser, int operator) throws Exception {
    return browser
        .value("document.getElementById('n0-" + operator + "').dataset.level")
        .getAsString();
  }

  @Test
  void theOperatorWithBadWeightsIsNamedAndColoured() throws Exception {
    try (Browser browser = Browser.start(profile)) {
      browser.open(page(), 1280);
      String name = "CONV_2D " + bad;
      assertThat(text(browser, "#errors .lead")).contains("first operator", name + ":", "Output ");
      assertThat(text(browser, "#errors tbody tr")).startsWith(name);
      assertThat(level(browser, bad)).isIn("wrong", "poor");
      for (int i = 0; i < quantized.subgraphs().get(0).operators().size(); i++) {
        if (i != bad) {
          assertThat(level(browser, i)).as("operator " + i + " alone").isNotIn("wrong", "poor");
        }
      }
      String alone = text(browser, "#n0-" + bad + " .db");
      browser.value(
          "(() => { const v = document.getElementById('view'); v.value = 'accumulated';"
              + " v.dispatchEvent(new Event('change')); })()");
      int last = quantized.subgraphs().get(0).operators().size() - 1;
      assertThat(level(browser, last)).as("end to end").isIn("wrong", "poor");
      assertThat(level(browser, 0)).isEqualTo("good");
      assertThat(alone).endsWith(" dB");
      assertThat(text(browser, "#n0-" + last + " .db")).endsWith(" dB");
      assertThat(browser.complaints()).isEmpty();
    }
  }

  @Test
  void clickShowsErrorsBesideTheHistogram() throws Exception {
    Comparison.Tensor tensor =
        comparison.graphs().get(0).tensors().stream()
            .filter(t -> t.operator() == bad)
            .findFirst()
            .orElseThrow();
    try (Browser browser = Browser.start(profile)) {
      browser.open(page(), 1280);
      browser.click("#t0-" + tensor.number());
      String details = text(browser, "#details");
      assertThat(details)
          .contains(tensor.name(), "alone", "end to end", "cosine", "largest error", "in steps")
          .contains(String.format("%.1f dB", tensor.local().orElseThrow().sqnrDb()))
          .contains(String.format("%.1f dB", tensor.accumulated().sqnrDb()))
          .contains("Histogram of", "the codes reach from", "clipped");
      browser.await("document.querySelectorAll('#details .chart canvas').length === 1");
      browser.click("#n0-" + bad);
      assertThat(text(browser, "#details")).contains("operator " + bad, "end to end", "Histogram");
      browser.await("document.querySelectorAll('#details .chart canvas').length === 1");
      browser.click("#details tbody tr:nth-child(2) .link");
      Comparison.Constant weights =
          comparison.graphs().get(0).constants().stream()
              .filter(c -> c.number() == weightsOf(quantized, bad))
              .findFirst()
              .orElseThrow();
      assertThat(text(browser, "#details"))
          .contains("as stored", String.format("%.1f dB", weights.error().sqnrDb()));
      browser.darken();
      assertThat(browser.complaints()).isEmpty();
      assertThat(browser.requests())
          .allMatch(url -> url.startsWith("file:") || url.equals("data:,"));
    }
  }

  @Test
  void nothingIsWiderThanANarrowScreen() throws Exception {
    try (Browser browser = Browser.start(profile)) {
      browser.open(page(), 400);
      browser.click("#n0-" + bad);
      assertThat(browser.value("document.documentElement.scrollWidth").getAsInt())
          .isLessThanOrEqualTo(400);
      assertThat(browser.complaints()).isEmpty();
    }
  }

  private static Comparison.Tensor floatConvolution(Comparison made) {
    return made.graphs().get(0).tensors().stream()
        .filter(t -> t.rule().filter(r -> r.reason().code() == Reason.Code.TOO_SMALL).isPresent())
        .filter(t -> t.operatorName().equals("CONV_2D"))
        .findFirst()
        .orElseThrow();
  }

  /** Whatever tool made the file, it is not known how. */
  @Test
  void reasonsAreThoseOfTheModeByWhichTheFileLooksMade() throws Exception {
    Model floats = Model.read(Digits.file("digits.tflite"));
    Model dynamic = Quantizer.DEFAULT.quantize(floats, Recipe.dynamic());
    Comparison made =
        Comparator.compare(
            floats,
            dynamic,
            Dataset.open(Digits.test()).limit(3),
            Comparator.Options.DEFAULT.withReasons(true));
    Comparison.Tensor tensor = floatConvolution(made);
    JsonObject shown = new ModelDocument(dynamic).withComparison(made).graph();
    Path file = Files.writeString(folder.resolve("reasons.html"), Page.html(shown));
    try (Browser browser = Browser.start(profile)) {
      browser.open(file, 1280);
      assertThat(text(browser, "#why-title")).isEqualTo("Why layers are float or integer");
      assertThat(text(browser, "#answer"))
          .contains("CONV_2D: ", "float32 (weights of fewer than 1024 elements)")
          .contains("the rules of mode dynamic");
      browser.click("#n0-" + tensor.operator());
      assertThat(text(browser, "#details")).contains("fewer than 1024", "in the file", "dynamic");
      browser.click("#details tbody tr:last-child .link");
      assertThat(text(browser, "#details")).contains("fewer than 1024", tensor.name());
      Comparison.Constant weights =
          made.graphs().get(0).constants().stream()
              .filter(c -> c.type() == TensorType.INT8)
              .findFirst()
              .orElseThrow();
      browser.value("document.getElementById('search').focus()");
      browser.type(weights.name());
      browser.click("#found li:last-child button");
      assertThat(text(browser, "#details")).contains(weights.rule().orElseThrow().reason().text());
      assertThat(browser.complaints()).isEmpty();
    }
  }

  @Test
  void theComparisonInThePageIsThatOfJson() {
    assertThat(document.get("comparison"))
        .isEqualTo(JsonParser.parseString(ComparisonFile.json(comparison)));
  }
}
