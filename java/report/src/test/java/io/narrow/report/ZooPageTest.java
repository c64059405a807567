package io.narrow.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.comparison.Comparator;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Recipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** Pages of models as people have them. */
class ZooPageTest {
  /**
   * Float models: several subgraphs and signatures, states, unknown shapes, loops, strange names.
   */
  private static final List<String> FLOATS =
      List.of(
          "seed/cifar10_resnet18_pruned",
          "zoo/aeq_duplicated_names",
          "zoo/aeq_two_signatures",
          "zoo/dilated_conv",
          "zoo/facemesh_f32",
          "zoo/gen_tiny_transformer_int64",
          "zoo/mp_two_signature",
          "zoo/odd_constant_output",
          "zoo/odd_multi_signature",
          "zoo/odd_topo_violation",
          "zoo/recommendation_rnn",
          "zoo/text_classification_f32",
          "zoo/tfmicro_mnist_lstm",
          "zoo/tiny_kws_dscnn_f32");

  private static final List<String> OTHERS =
      List.of(
          "seed/cifar10_resnet18_int8_all",
          "zoo/facemesh_i8",
          "zoo/litert_qwen_fc_blockwise",
          "zoo/odd_custom_op",
          "zoo/yunet_f16");

  /** Clicks on up to a hundred of each, chooses every view, searches; returns what was shown. */
  private static final String USE =
      "(() => { let shown = 0; const details = document.getElementById('details');"
          + " const view = document.getElementById('view');"
          + " for (const option of [...view.options]) { view.value = option.value;"
          + "   view.dispatchEvent(new Event('change'));"
          + "   for (const kind of ['.n', '.t', '#answer .link', '#errors .link']) {"
          + "     for (const e of [...document.querySelectorAll(kind)].slice(0, 100)) {"
          + "       e.dispatchEvent(new MouseEvent('click', { bubbles: true }));"
          + "       shown += details.textContent.length > 20 ? 1 : 0; } } }"
          + " const search = document.getElementById('search'); search.value = 'a';"
          + " search.dispatchEvent(new Event('input'));"
          + " return shown; })()";

  // A browser that ends still writes to its profile.
  @TempDir(cleanup = CleanupMode.NEVER)
  private Path profile;

  @TempDir private Path folder;

  private static Path models() {
    Path up = Path.of("").toAbsolutePath();
    while (up != null && !Files.isDirectory(up.resolve("shared").resolve("models"))) {
      up = up.getParent();
    }
    assumeTrue(up != null, "skipped: no shared folder next to the repository");
    return up.resolve("shared").resolve("models");
  }

  private void use(Browser browser, String name, JsonObject document, int width) throws Exception {
    int before = browser.complaints().size();
    browser.open(Files.writeString(folder.resolve("page.html"), Page.html(document)), width);
    assertThat(browser.value(USE).getAsInt()).as(name).isPositive();
    assertThat(browser.value("document.documentElement.scrollWidth").getAsInt())
        .as(name)
        .isLessThanOrEqualTo(width);
    assertThat(browser.complaints().subList(before, browser.complaints().size()))
        .as(name)
        .isEmpty();
  }

  private static Optional<Model> quantized(Model model) {
    try {
      return Optional.of(Quantizer.DEFAULT.quantize(model, Recipe.dynamic()));
    } catch (NarrowException e) {
      return Optional.empty();
    }
  }

  @Test
  void pagesOfInspectSayNothingOnTheConsole() throws Exception {
    Path models = models();
    List<String> all = new ArrayList<>(FLOATS);
    all.addAll(OTHERS);
    try (Browser browser = Browser.start(profile)) {
      for (String name : all) {
        Model model = Model.read(models.resolve(name + ".tflite"));
        use(browser, name, new ModelDocument(model).graph(), 1280);
      }
    }
  }

  @Test
  void pagesOfCompareSayNothingOnTheConsole() throws Exception {
    Path models = models();
    List<String> refused = new ArrayList<>();
    try (Browser browser = Browser.start(profile)) {
      for (String name : FLOATS) {
        Model model = Model.read(models.resolve(name + ".tflite"));
        Optional<Model> made = quantized(model);
        try {
          var comparison =
              Comparator.compare(
                  model,
                  made.orElse(model),
                  Dataset.open("random:2"),
                  Comparator.Options.DEFAULT.withHistograms(true));
          use(
              browser,
              name,
              new ModelDocument(made.orElse(model)).withComparison(comparison).graph(),
              400);
        } catch (NarrowException e) {
          refused.add(name + ": " + e.getMessage());
        }
      }
    }
    assertThat(refused).hasSizeLessThan(FLOATS.size() / 2);
  }
}
