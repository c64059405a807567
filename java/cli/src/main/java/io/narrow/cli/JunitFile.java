package io.narrow.cli;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.evaluation.QualityGate;
import io.narrow.tflite.files.WholeFile;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.List;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/** Verdicts as JUnit's XML, which build servers read. */
final class JunitFile {
  private JunitFile() {}

  static void write(Path file, List<QualityGate.Verdict> verdicts) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      XMLStreamWriter xml = XMLOutputFactory.newFactory().createXMLStreamWriter(bytes, "UTF-8");
      xml.writeStartDocument("UTF-8", "1.0");
      xml.writeStartElement("testsuite");
      xml.writeAttribute("name", "narrow evaluate");
      xml.writeAttribute("tests", String.valueOf(verdicts.size()));
      xml.writeAttribute(
          "failures", String.valueOf(verdicts.stream().filter(v -> !v.passed()).count()));
      for (QualityGate.Verdict verdict : verdicts) {
        xml.writeStartElement("testcase");
        xml.writeAttribute("classname", verdict.model().toString());
        xml.writeAttribute("name", verdict.check());
        if (!verdict.passed()) {
          xml.writeEmptyElement("failure");
          xml.writeAttribute("message", verdict.reason());
        }
        xml.writeEndElement();
      }
      xml.writeEndDocument();
      xml.close();
    } catch (XMLStreamException e) {
      throw NarrowException.input(file + ": cannot be written: " + e.getMessage());
    }
    WholeFile.write(file, bytes.toByteArray());
  }
}
