package io.narrow.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.narrow.tflite.Progress;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;
import org.eclipse.elk.core.math.KVector;
import org.eclipse.elk.core.math.KVectorChain;
import org.eclipse.elk.core.util.ElkUtil;
import org.eclipse.elk.graph.ElkEdge;
import org.eclipse.elk.graph.ElkEdgeSection;
import org.eclipse.elk.graph.ElkNode;

/**
 * The graphs of a document as SVG. What a node looks like is said by classes: a graph may have
 * thousands. Elements are found by their ids: {@code n0-7} is operator 7 of subgraph 0, {@code
 * t0-7} the line of tensor 7, {@code e0-7} an input or output of the subgraph. Where a line is not
 * drawn, {@code o0-7} stands at who writes tensor 7, {@code i0-7-9} at operator 9 that reads it.
 */
final class Drawing {
  private static final int MARGIN = 12;

  private final XMLStreamWriter xml;

  /** Letters that the page writes into an operator beside its kind: an error in decibels. */
  private static final int ERROR_LETTERS = 8;

  private final int reserved;

  private final Progress progress;

  private Drawing(XMLStreamWriter xml, int reserved, Progress progress) {
    this.progress = progress;
    this.xml = xml;
    this.reserved = reserved;
  }

  /** The graphs of all subgraphs, nothing if the document has none. */
  static String of(JsonObject document, Progress progress) {
    StringWriter text = new StringWriter();
    JsonArray subgraphs = document.getAsJsonArray("subgraphs");
    if (subgraphs == null) {
      return "";
    }
    progress.start("lay out", (long) subgraphs.size() * LayoutProgress.STEPS);
    try {
      XMLStreamWriter xml = XMLOutputFactory.newDefaultFactory().createXMLStreamWriter(text);
      Drawing drawing = new Drawing(xml, document.has("comparison") ? ERROR_LETTERS : 0, progress);
      for (int i = 0; i < subgraphs.size(); i++) {
        drawing.subgraph(i, subgraphs.get(i).getAsJsonObject());
      }
      xml.flush();
    } catch (XMLStreamException e) {
      throw new IllegalStateException("the drawing cannot be written", e);
    } finally {
      progress.done();
    }
    return text.toString();
  }

  private void subgraph(int number, JsonObject subgraph) throws XMLStreamException {
    LayoutProgress steps = new LayoutProgress(progress);
    Layout layout = Layout.of(subgraph, reserved, steps);
    steps.tell(LayoutProgress.STEPS);
    String name = subgraph.get("name").getAsString();
    start("figure");
    start("figcaption");
    xml.writeCharacters("subgraph " + number + (name.isEmpty() ? "" : " " + name));
    xml.writeEndElement();
    start("div", "class", "scroll");
    String width = number(layout.width() + 2 * MARGIN);
    String height = number(layout.height() + 2 * MARGIN);
    start(
        "svg",
        "class",
        "graph",
        "role",
        "group",
        "aria-label",
        "operators of subgraph " + number + ", in the order in which they run",
        "width",
        width,
        "height",
        height,
        "viewBox",
        -MARGIN + " " + -MARGIN + " " + width + " " + height);
    for (Map.Entry<Integer, List<ElkEdge>> line : layout.lines().entrySet()) {
      line(number, line.getKey(), line.getValue());
    }
    JsonArray operators = subgraph.getAsJsonArray("graph");
    for (int i = 0; i < operators.size(); i++) {
      operator(number, i, operators.get(i).getAsJsonObject(), layout);
    }
    for (Map.Entry<Integer, ElkNode> end : layout.ends().entrySet()) {
      node(
          "e" + number + "-" + end.getKey(),
          "n end",
          end.getValue(),
          Layout.endLabel(subgraph, end.getKey()));
    }
    for (Layout.Stub stub : layout.stubs()) {
      String tensor = number + "-" + stub.tensor();
      node(
          stub.reader() < 0 ? "o" + tensor : "i" + tensor + "-" + stub.reader(),
          "n end stub",
          stub.node(),
          stub.label());
    }
    xml.writeEndElement();
    xml.writeEndElement();
    xml.writeEndElement();
  }

  private void line(int subgraph, int tensor, List<ElkEdge> edges) throws XMLStreamException {
    StringBuilder path = new StringBuilder();
    for (ElkEdge edge : edges) {
      for (ElkEdgeSection section : edge.getSections()) {
        KVectorChain points = ElkUtil.createVectorChain(section);
        char command = 'M';
        for (KVector point : points) {
          path.append(command).append(number(point.x)).append(' ').append(number(point.y));
          command = 'L';
        }
      }
    }
    xml.writeEmptyElement("path");
    attributes("class", "t", "id", "t" + subgraph + "-" + tensor, "d", path.toString());
  }

  private void operator(int subgraph, int number, JsonObject step, Layout layout)
      throws XMLStreamException {
    JsonElement planned = step.get("planned_precision");
    String precision = step.get("precision").getAsString();
    node(
        "n" + subgraph + "-" + number,
        "n f-" + precision + " p-" + (planned == null ? precision : planned.getAsString()),
        layout.operators().get(number),
        layout.label(number));
  }

  private void node(String id, String kind, ElkNode node, List<String> lines)
      throws XMLStreamException {
    start(
        "g",
        "class",
        kind,
        "id",
        id,
        "role",
        "button",
        "tabindex",
        "-1",
        "transform",
        "translate(" + number(node.getX()) + " " + number(node.getY()) + ")");
    xml.writeEmptyElement("rect");
    attributes("width", number(node.getWidth()), "height", number(node.getHeight()), "rx", "4");
    for (int i = 0; i < lines.size(); i++) {
      start("text", "x", "8", "y", i == 0 ? "15" : "29");
      xml.writeCharacters(lines.get(i));
      xml.writeEndElement();
    }
    xml.writeEndElement();
  }

  private void start(String element, String... attributes) throws XMLStreamException {
    xml.writeStartElement(element);
    attributes(attributes);
  }

  private void attributes(String... attributes) throws XMLStreamException {
    for (int i = 0; i < attributes.length; i += 2) {
      xml.writeAttribute(attributes[i], attributes[i + 1]);
    }
  }

  private static String number(double value) {
    return Long.toString(Math.round(value));
  }
}
