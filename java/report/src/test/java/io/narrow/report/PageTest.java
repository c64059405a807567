package io.narrow.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.plan.Recipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

class PageTest {
  /** Words of the reasons that do not stand in one line. */
  private static final String BROKEN_WORDS =
      "(() => { const broken = []; const texts = document.createTreeWalker("
          + "document.getElementById('answer'), NodeFilter.SHOW_TEXT);"
          + " while (texts.nextNode()) { const text = texts.currentNode;"
          + " for (const word of text.data.matchAll(/\\S+/g)) {"
          + " const range = document.createRange(); range.setStart(text, word.index);"
          + " range.setEnd(text, word.index + word[0].length);"
          + " if (range.getClientRects().length > 1) broken.push(word[0]); } }"
          + " return broken.join(' '); })()";

  private static final Path DIGITS = Digits.file("digits.tflite");

  // A browser that ends still writes to its profile.
  @TempDir(cleanup = CleanupMode.NEVER)
  private Path profile;

  @TempDir private Path folder;

  private Path page(JsonObject document) throws Exception {
    return Files.writeString(folder.resolve("page.html"), Page.html(document));
  }

  private static int number(Browser browser, String expression) throws Exception {
    return browser.value(expression).getAsInt();
  }

  private static String details(Browser browser) throws Exception {
    return browser.value("document.getElementById('details').textContent").getAsString();
  }

  @Test
  void searchFindsATensorAndAClickShowsItsHistogram() throws Exception {
    Model model = Model.read(DIGITS);
    JsonObject document = new ModelDocument(model).graph();
    try (Browser browser = Browser.start(profile)) {
      browser.open(page(document), 1280);
      assertThat(number(browser, "document.querySelectorAll('svg.graph .n:not(.end)').length"))
          .isEqualTo(model.subgraphs().get(0).operators().size());
      browser.click("#search");
      browser.type("block2_a_1/convolution");
      browser.click("#found button");
      assertThat(details(browser)).contains("block2_a_1/convolution", "float32[", "Histogram of");
      browser.await("document.querySelectorAll('#details .chart canvas').length === 1");
      browser.click("#n0-1");
      assertThat(details(browser)).contains("CONV_2D, operator 1", "reads", "constant", "writes");
      browser.darken();
      assertThat(browser.complaints()).isEmpty();
      assertThat(browser.requests())
          .allMatch(url -> url.startsWith("file:") || url.equals("data:,"));
    }
  }

  @Test
  void keysGoAlongTheGraph() throws Exception {
    try (Browser browser = Browser.start(profile)) {
      browser.open(page(new ModelDocument(Model.read(DIGITS)).graph()), 1280);
      browser.value("document.querySelector('.n[tabindex=\"0\"]').focus()");
      browser.press("ArrowDown");
      browser.press("ArrowDown");
      browser.press("Enter");
      assertThat(details(browser)).contains("operator 2");
      assertThat(
              browser
                  .value("document.getElementById('n0-2').getAttribute('aria-label')")
                  .getAsString())
          .contains("operator 2", "float32");
      assertThat(browser.value("document.activeElement.id").getAsString()).isEqualTo("details");
      assertThat(browser.complaints()).isEmpty();
    }
  }

  @Test
  void nothingIsWiderThanANarrowScreen() throws Exception {
    try (Browser browser = Browser.start(profile)) {
      browser.open(page(new ModelDocument(Model.read(DIGITS)).graph()), 400);
      browser.click("#n0-3");
      assertThat(number(browser, "document.documentElement.scrollWidth")).isLessThanOrEqualTo(400);
      assertThat(browser.value(BROKEN_WORDS).getAsString()).isEmpty();
      assertThat(browser.complaints()).isEmpty();
    }
  }

  @Test
  void namesThatLookLikeHtmlAreShownAsTheyAre() throws Exception {
    String name = "</script><img src=x onerror=alert(1)>&amp;\"'";
    try (Browser browser = Browser.start(profile)) {
      browser.open(page(new ModelDocument(Chains.near(3, name)).graph()), 1280);
      browser.click("#n0-1");
      assertThat(details(browser)).contains(name + "1");
      assertThat(number(browser, "document.querySelectorAll('img').length")).isZero();
      assertThat(browser.complaints()).isEmpty();
    }
  }

  @Test
  void sixThousandOperatorsAreDrawn() throws Exception {
    int count = 6000;
    JsonObject document = new ModelDocument(Chains.near(count, "value")).graph();
    try (Browser browser = Browser.start(profile)) {
      browser.open(page(document), 1280);
      assertThat(number(browser, "document.querySelectorAll('svg.graph .n:not(.end)').length"))
          .isEqualTo(count);
      browser.click("#search");
      browser.type("value" + (count - 7));
      browser.click("#found button");
      assertThat(details(browser)).contains("value" + (count - 7));
      assertThat(browser.complaints()).isEmpty();
    }
  }

  @Test
  void longLinesEndInStubsThatLeadToTheOtherEnd() throws Exception {
    int count = 6000;
    JsonObject document = new ModelDocument(Chains.far(count, Map.of(400, 200))).graph();
    try (Browser browser = Browser.start(profile)) {
      browser.open(page(document), 1280);
      assertThat(number(browser, "document.querySelectorAll('svg.graph .n').length"))
          .isEqualTo(count + (count - 50) / 2 + 4); // readers from far, writers, both ends
      String from =
          browser.value("document.getElementById('i0-200-399').textContent").getAsString();
      assertThat(from).contains("from ADD 199", "value200");
      browser.click("#i0-200-399");
      assertThat(details(browser)).contains("value200", "written by", "read by");
      assertThat(browser.value("document.getElementById('n0-199').matches('.on')").getAsBoolean())
          .isTrue();
      browser.click("#o0-200");
      assertThat(browser.value("document.getElementById('n0-399').matches('.on')").getAsBoolean())
          .isTrue();
      assertThat(browser.complaints()).isEmpty();
    }
  }

  @Test
  void theDocumentInThePageIsTheDocument() throws Exception {
    JsonObject document = new ModelDocument(Model.read(DIGITS)).graph();
    String html = Page.html(document);
    String begin = "<script id=\"data\" type=\"application/json\">";
    int at = html.indexOf(begin) + begin.length();
    assertThat(JsonParser.parseString(html.substring(at, html.indexOf("</script>", at))))
        .isEqualTo(JsonParser.parseString(document.toString()));
  }

  @Test
  void onlyWhatWasFloatCanBeClipped() {
    Model floats = Model.read(DIGITS);
    Model made = Quantizer.DEFAULT.quantize(floats, Recipe.dynamic());
    int stored = 0;
    for (Model model : List.of(floats, made)) {
      JsonObject document =
          new ModelDocument(model)
              .withPlan(Quantizer.DEFAULT.prepare(model).plan(Recipe.dynamic()))
              .graph();
      JsonObject graph = document.getAsJsonArray("subgraphs").get(0).getAsJsonObject();
      for (var entry : graph.getAsJsonArray("tensors")) {
        JsonObject tensor = entry.getAsJsonObject();
        if (tensor.get("type").getAsString().equals("int8")) {
          assertThat(tensor.has("clipped")).as(tensor.toString()).isFalse();
          stored++;
        } else if (model == floats && tensor.has("reach")) {
          assertThat(tensor.has("clipped")).as(tensor.toString()).isTrue();
        }
      }
    }
    assertThat(stored).isGreaterThan(5);
  }

  @Test
  void histogramCountsEveryValueOfAConstant() {
    Model model = Model.read(DIGITS);
    JsonArray tensors =
        new ModelDocument(model)
            .graph()
            .getAsJsonArray("subgraphs")
            .get(0)
            .getAsJsonObject()
            .getAsJsonArray("tensors");
    List<Tensor> constants = model.subgraphs().get(0).tensors();
    int seen = 0;
    for (int i = 0; i < constants.size(); i++) {
      JsonObject tensor = tensors.get(i).getAsJsonObject();
      if (!model.isConstant(constants.get(i)) || !tensor.has("histogram")) {
        continue;
      }
      long sum = 0;
      for (var count : tensor.getAsJsonObject("histogram").getAsJsonArray("counts")) {
        sum += count.getAsLong();
      }
      assertThat(sum).isEqualTo(constants.get(i).elements());
      seen++;
    }
    assertThat(seen).isGreaterThan(10);
  }
}
