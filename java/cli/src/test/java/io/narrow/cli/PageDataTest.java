package io.narrow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a page holds is what {@code --json} prints beside it. */
class PageDataTest {
  private static final Pattern DATA =
      Pattern.compile(
          "<script id=\"data\" type=\"application/json\">(.*?)</script>", Pattern.DOTALL);
  private static final String MODEL = NarrowTest.EXAMPLE.resolve("digits.tflite").toString();
  private static final String TEST = NarrowTest.EXAMPLE.resolve("test.npz") + "?scale=1/16";
  private static final String CALIBRATION =
      NarrowTest.EXAMPLE.resolve("calibration.npz") + "?scale=1/16";

  @TempDir private Path folder;
  private Path page;

  @BeforeEach
  void setUp() {
    page = folder.resolve("page.html");
  }

  private static String run(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    assertThat(Narrow.run(new PrintWriter(out), new PrintWriter(err), arguments))
        .as("" + err)
        .isZero();
    return out.toString();
  }

  /** What a command prints with these options, which is what its page holds. */
  private JsonObject printed(String... arguments) throws IOException {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(List.of("--html", page.toString(), "--json"));
    JsonElement printed = JsonParser.parseString(run(all.toArray(String[]::new)));
    Matcher data = DATA.matcher(Files.readString(page));
    assertThat(data.find()).isTrue();
    assertThat(JsonParser.parseString(data.group(1))).isEqualTo(printed);
    return printed.getAsJsonObject();
  }

  private static List<JsonObject> objects(JsonElement array) {
    return StreamSupport.stream(array.getAsJsonArray().spliterator(), false)
        .map(JsonElement::getAsJsonObject)
        .toList();
  }

  @Test
  void inspect() throws IOException {
    JsonObject document = printed("inspect", MODEL, "--mode", "int8", "--calibrate", CALIBRATION);
    List<JsonObject> tensors = objects(objects(document.get("subgraphs")).get(0).get("tensors"));
    assertThat(tensors)
        .filteredOn(t -> t.get("constant").getAsBoolean())
        .anyMatch(t -> t.has("histogram"));
    assertThat(tensors)
        .filteredOn(t -> !t.get("constant").getAsBoolean())
        .anyMatch(t -> t.has("histogram"));
    assertThat(document.has("plan")).isTrue();
  }

  @Test
  void compare() throws IOException {
    String quantized = folder.resolve("int8.tflite").toString();
    run("quantize", MODEL, "--mode", "int8", "--calibrate", CALIBRATION, "-o", quantized);
    String[] command = {"compare", MODEL, quantized, "--data", TEST, "--samples", "5"};
    JsonObject document = printed(command);
    List<String> alone = new ArrayList<>(List.of(command));
    alone.addAll(List.of("--json", "--why"));
    JsonObject comparison =
        JsonParser.parseString(run(alone.toArray(String[]::new))).getAsJsonObject();
    assertThat(withoutHistograms(document.get("comparison"))).isEqualTo(comparison);
    assertThat(document.get("comparison")).isNotEqualTo(comparison);
  }

  private static JsonElement withoutHistograms(JsonElement element) {
    if (element.isJsonObject()) {
      element = element.deepCopy();
      List.of("histogram", "range", "reach").forEach(element.getAsJsonObject()::remove);
      element
          .getAsJsonObject()
          .entrySet()
          .forEach(e -> e.setValue(withoutHistograms(e.getValue())));
    }
    return element;
  }

  @Test
  void sweep() throws IOException {
    JsonObject document =
        printed("sweep", MODEL, "--data", TEST, "--samples", "5", "-o", "" + folder);
    assertThat(objects(document.get("evaluations")))
        .allMatch(e -> e.has("bytes") && e.has("front"))
        .hasSizeGreaterThan(3);
    assertThat(document.get("advice").getAsJsonArray()).isNotEmpty();
  }
}
