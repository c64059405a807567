package io.narrow.report;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import io.narrow.tflite.Progress;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** A page of one file that shows a document, and holds it. */
public final class Page {
  private static final Pattern PLACE = Pattern.compile("<!-- (\\w+) -->");
  private static final String PARTS = "io/narrow/report/page/";

  /** One module, in this order. */
  private static final List<String> SCRIPTS =
      List.of("base", "errors", "why", "graph", "details", "charts", "search", "sweep", "page");

  private static final String CHARTS = "META-INF/resources/webjars/uplot/";

  private Page() {}

  /**
   * The page as HTML, which needs nothing beside it. The graph is drawn here; all else the page
   * writes when it opens, from the document in its element {@code data}.
   *
   * @param document what the command's {@code --json} prints: of {@link ModelDocument#graph()},
   *     with the {@code plan} if there is one, or of {@link EvaluationDocument#sweep}
   */
  public static String html(JsonObject document) {
    return html(document, Progress.NONE);
  }

  /**
   * As {@link #html(JsonObject)}.
   *
   * @param progress is told how far the layout of the graph has come
   */
  public static String html(JsonObject document, Progress progress) {
    Map<String, String> parts =
        Map.of(
            "style", resource(PARTS + "page.css"),
            "chartstyle", chart("uPlot.min.css"),
            "charts", chart("uPlot.iife.min.js"),
            "script",
                SCRIPTS.stream()
                    .map(script -> resource(PARTS + script + ".js"))
                    .collect(Collectors.joining("\n")),
            "graphs", Drawing.of(document, progress),
            // Escapes what could end the element.
            "data", new Gson().toJson(document));
    return PLACE
        .matcher(resource(PARTS + "page.html"))
        .replaceAll(place -> Matcher.quoteReplacement(parts.get(place.group(1))));
  }

  private static String chart(String file) {
    return resource(CHARTS + resource("io/narrow/report/uplot.version").strip() + "/dist/" + file);
  }

  private static String resource(String name) {
    try (InputStream stream = Page.class.getClassLoader().getResourceAsStream(name)) {
      if (stream == null) {
        throw new IllegalStateException("the resource " + name + " is missing");
      }
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
