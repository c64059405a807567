package io.narrow.report;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A headless Chromium, told what to do through its DevTools protocol. */
final class Browser implements AutoCloseable {
  private static final int PATIENCE_SECONDS = 120;

  private final Process process;
  private final WebSocket socket;
  private final Map<Integer, CompletableFuture<JsonObject>> answers = new ConcurrentHashMap<>();
  private final List<String> complaints = Collections.synchronizedList(new ArrayList<>());
  private final List<String> requests = Collections.synchronizedList(new ArrayList<>());
  private volatile CompletableFuture<Void> loaded = new CompletableFuture<>();
  private int last;

  private Browser(Process process, String page) {
    this.process = process;
    this.socket =
        HttpClient.newHttpClient()
            .newWebSocketBuilder()
            .buildAsync(URI.create(page), new Messages())
            .join();
  }

  /**
   * Starts a browser; the test is skipped if there is none.
   *
   * @param profile an empty folder
   */
  static Browser start(Path profile) throws Exception {
    String path = System.getenv("PATH");
    List<String> programs =
        Stream.of(path.split(File.pathSeparator))
            .map(folder -> Path.of(folder, "chromium"))
            .filter(Files::isExecutable)
            .map(Path::toString)
            .toList();
    assumeTrue(!programs.isEmpty(), "skipped: no chromium here (Debian: apt-get install chromium)");
    Process process =
        new ProcessBuilder(
                programs.get(0),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile,
                "about:blank")
            .redirectErrorStream(true)
            .redirectOutput(profile.resolve("chromium.log").toFile())
            .start();
    return new Browser(process, page(process, profile.resolve("DevToolsActivePort")));
  }

  private static String page(Process process, Path port) throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    for (int tries = 0; tries < 10 * PATIENCE_SECONDS && process.isAlive(); tries++) {
      TimeUnit.MILLISECONDS.sleep(100);
      if (!Files.exists(port) || Files.readAllLines(port).isEmpty()) {
        continue;
      }
      URI list = URI.create("http://127.0.0.1:" + Files.readAllLines(port).get(0) + "/json");
      try {
        String answer =
            client
                .send(HttpRequest.newBuilder(list).build(), HttpResponse.BodyHandlers.ofString())
                .body();
        for (JsonElement target : JsonParser.parseString(answer).getAsJsonArray()) {
          if (target.getAsJsonObject().get("type").getAsString().equals("page")) {
            return target.getAsJsonObject().get("webSocketDebuggerUrl").getAsString();
          }
        }
      } catch (IOException notYet) {
        continue;
      }
    }
    throw new IllegalStateException("chromium does not start; alive: " + process.isAlive());
  }

  /** Puts the messages together, which may come in parts. */
  private final class Messages implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean complete) {
      text.append(part);
      if (complete) {
        received(JsonParser.parseString(text.toString()).getAsJsonObject());
        text.setLength(0);
      }
      from.request(1);
      return null;
    }
  }

  private void received(JsonObject message) {
    if (message.has("id")) {
      answers.get(message.get("id").getAsInt()).complete(message);
      return;
    }
    String method = message.get("method").getAsString();
    if (method.equals("Page.loadEventFired")) {
      loaded.complete(null);
    } else if (Set.of("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        .contains(method)) {
      complaints.add(message.get("params").toString());
    } else if (method.equals("Network.requestWillBeSent")) {
      requests.add(
          message.getAsJsonObject("params").getAsJsonObject("request").get("url").getAsString());
    }
  }

  private JsonObject send(String method, JsonObject parameters) throws Exception {
    JsonObject message = new JsonObject();
    message.addProperty("id", ++last);
    message.addProperty("method", method);
    message.add("params", parameters);
    CompletableFuture<JsonObject> answer = new CompletableFuture<>();
    answers.put(last, answer);
    socket.sendText(message.toString(), true).join();
    JsonObject received = answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    if (received.has("error")) {
      throw new IllegalStateException(method + ": " + received);
    }
    return received.getAsJsonObject("result");
  }

  /** Opens a page, and waits until it is there. */
  void open(Path page, int width) throws Exception {
    for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
      send(domain + ".enable", new JsonObject());
    }
    JsonObject size = new JsonObject();
    size.addProperty("width", width);
    size.addProperty("height", 900);
    size.addProperty("deviceScaleFactor", 1);
    size.addProperty("mobile", false);
    send("Emulation.setDeviceMetricsOverride", size);
    loaded = new CompletableFuture<>();
    JsonObject where = new JsonObject();
    where.addProperty("url", page.toUri().toString());
    send("Page.navigate", where);
    loaded.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  /** As a person with a dark screen sees the page. */
  void darken() throws Exception {
    JsonObject dark = new JsonObject();
    dark.addProperty("name", "prefers-color-scheme");
    dark.addProperty("value", "dark");
    JsonArray features = new JsonArray();
    features.add(dark);
    JsonObject media = new JsonObject();
    media.add("features", features);
    send("Emulation.setEmulatedMedia", media);
  }

  /** Value of an expression of the page's script; of a promise what it promises. */
  JsonElement value(String expression) throws Exception {
    JsonObject parameters = new JsonObject();
    parameters.addProperty("expression", expression);
    parameters.addProperty("returnByValue", true);
    parameters.addProperty("awaitPromise", true);
    JsonObject result = send("Runtime.evaluate", parameters);
    if (result.has("exceptionDetails")) {
      throw new IllegalStateException(expression + ": " + result);
    }
    return result.getAsJsonObject("result").get("value");
  }

  /** Waits until an expression of the page's script is true, as after some frames. */
  void await(String expression) throws Exception {
    value(
        "new Promise(done => { const look = () => ("
            + expression
            + ") ? done(true) : setTimeout(look, 20); look(); })");
  }

  /** Moves the mouse to the middle of an element that has come to rest, and clicks. */
  void click(String selector) throws Exception {
    JsonArray at =
        value(
                "new Promise(done => { let last = '', same = 0; const look = () => {"
                    + " const e = document.querySelector('"
                    + selector
                    + "'); e.scrollIntoView({ block: 'center' });"
                    + " const r = e.getBoundingClientRect();"
                    + " const at = [r.x + r.width / 2, r.y + r.height / 2];"
                    + " same = String(at) === last ? same + 1 : 0; last = String(at);"
                    + " same === 5 ? done(at) : setTimeout(look, 20); }; look(); })")
            .getAsJsonArray();
    for (String type : List.of("mouseMoved", "mousePressed", "mouseReleased")) {
      JsonObject event = new JsonObject();
      event.addProperty("type", type);
      event.add("x", at.get(0));
      event.add("y", at.get(1));
      event.addProperty("button", type.equals("mouseMoved") ? "none" : "left");
      event.addProperty("clickCount", type.equals("mouseMoved") ? 0 : 1);
      send("Input.dispatchMouseEvent", event);
    }
  }

  /** Presses a key that types nothing. */
  void press(String key) throws Exception {
    for (String type : List.of("rawKeyDown", "keyUp")) {
      JsonObject event = new JsonObject();
      event.addProperty("type", type);
      event.addProperty("key", key);
      event.addProperty("code", key);
      send("Input.dispatchKeyEvent", event);
    }
  }

  /** Types into what has the focus. */
  void type(String text) throws Exception {
    JsonObject parameters = new JsonObject();
    parameters.addProperty("text", text);
    send("Input.insertText", parameters);
  }

  /** Errors, warnings and all else that the page said on the console. */
  List<String> complaints() {
    return List.copyOf(complaints);
  }

  /** What was asked for from anywhere. */
  List<String> requests() {
    return List.copyOf(requests);
  }

  @Override
  public void close() {
    socket.abort();
    process.descendants().forEach(ProcessHandle::destroy);
    process.destroy();
    process.onExit().join();
  }
}
