package io.narrow.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.evaluation.Evaluator;
import io.narrow.tflite.evaluation.Sweep;
import io.narrow.tflite.evaluation.SweepAdvice;
import io.narrow.tflite.model.Model;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SweepPageTest {
  // A browser that ends still writes to its profile.
  @TempDir(cleanup = CleanupMode.NEVER)
  private Path profile;

  @TempDir private Path folder;

  private List<Evaluation> sweep(Dataset data) {
    Path file = Digits.file("digits.tflite");
    return Sweep.run(
        file,
        Quantizer.DEFAULT.prepare(Model.read(file)),
        Sweep.WEIGHTS,
        folder,
        data,
        Evaluator.Options.DEFAULT);
  }

  private Path page(List<Evaluation> results) throws Exception {
    JsonObject document =
        EvaluationDocument.sweep(
            results, SweepAdvice.of(results, 0.01), List.of("take <that>", "  a command"));
    return Files.writeString(folder.resolve("page.html"), Page.html(document));
  }

  @ParameterizedTest
  @ValueSource(ints = {1280, 400})
  void chartsHaveTheFrontAndTheTableEveryFile(int width) throws Exception {
    List<Evaluation> results = sweep(Dataset.open(Digits.test()).limit(60));
    SweepAdvice advice = SweepAdvice.of(results, 0.01);
    try (Browser browser = Browser.start(profile)) {
      browser.open(page(results), width);
      assertThat(
              browser.value("document.querySelectorAll('#sweep-table tbody tr').length").getAsInt())
          .isEqualTo(results.size());
      browser.await("document.querySelectorAll('#sweep .chart canvas').length === 2");
      String label =
          browser
              .value("document.querySelector('#sweep .chart').getAttribute('aria-label')")
              .getAsString();
      for (Evaluation best : advice.frontOfSize()) {
        assertThat(label).contains(best.model().getFileName().toString().replace(".tflite", ""));
      }
      assertThat(browser.value("document.getElementById('advice').textContent").getAsString())
          .contains("take <that>");
      assertThat(browser.value("document.getElementById('model').hidden").getAsBoolean()).isTrue();
      assertThat(browser.value("document.documentElement.scrollWidth").getAsInt())
          .isLessThanOrEqualTo(width);
      browser.darken();
      assertThat(browser.complaints()).isEmpty();
    }
  }

  @Test
  void withoutLabelsAgreementIsDrawn() throws Exception {
    List<Evaluation> results = sweep(Dataset.open("random:20"));
    try (Browser browser = Browser.start(profile)) {
      browser.open(page(results), 1280);
      assertThat(browser.value("document.getElementById('sweep').textContent").getAsString())
          .contains("agreement over file size");
      assertThat(browser.complaints()).isEmpty();
    }
  }
}
