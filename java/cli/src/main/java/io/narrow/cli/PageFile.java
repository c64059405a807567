package io.narrow.cli;

import com.google.gson.JsonObject;
import io.narrow.report.Page;
import io.narrow.tflite.files.WholeFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** What {@code --html} writes: a page of the document that {@code --json} prints. */
final class PageFile {
  private PageFile() {}

  static void write(Path file, JsonObject document) {
    ByteBuffer html = ByteBuffer.wrap(Page.html(document).getBytes(StandardCharsets.UTF_8));
    WholeFile.write(
        file,
        channel -> {
          while (html.hasRemaining()) {
            channel.write(html);
          }
        });
  }
}
