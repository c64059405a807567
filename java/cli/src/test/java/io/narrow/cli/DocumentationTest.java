package io.narrow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What README and docs tell people to type works: commands run, Java compiles, links lead there.
 */
class DocumentationTest {
  private static final Path ROOT = NarrowTest.EXAMPLE.getParent().getParent();
  private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");
  private static final Pattern XML_DEPENDENCY =
      Pattern.compile(
          "<groupId>(.*?)</groupId>\\s*<artifactId>(.*?)</artifactId>(?:\\s*<version>(.*?)<)?");
  private static final Pattern GROOVY_DEPENDENCY =
      Pattern.compile("'([\\w.]+):([\\w-]+)(?::([\\w.-]*))?(?::[\\w-]+)?'");
  private static final Pattern LINK = Pattern.compile("]\\(([^)#:]+)(#[^)]*)?\\)");

  @TempDir private Path folder;

  static List<Path> pages() throws IOException {
    try (Stream<Path> root = Files.list(ROOT);
        Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
      return Stream.concat(root, docs).filter(page -> page.toString().endsWith(".md")).toList();
    }
  }

  /** The blocks of a page that begin with a line of these characters. */
  private static List<String> blocks(Path page, String opening) throws IOException {
    Matcher blocks =
        Pattern.compile("(?ms)^```" + opening + "$\n(.*?)^```$").matcher(Files.readString(page));
    return blocks.results().map(block -> block.group(1)).toList();
  }

  @ParameterizedTest
  @MethodSource("pages")
  void commandsRun(Path page) throws IOException {
    for (String block : blocks(page, "sh (?:run|example)")) {
      for (String line : block.replaceAll("\\\\\n", " ").lines().toList()) {
        assertThat(line).startsWith("./narrow ");
        String[] redirected = line.substring("./narrow ".length()).split(" > ", 2);
        StringWriter result = new StringWriter();
        StringWriter messages = new StringWriter();
        int code =
            Narrow.run(
                new PrintWriter(result), new PrintWriter(messages), arguments(redirected[0]));
        assertThat(code).as("%s: %s%n%s", page.getFileName(), line, messages).isZero();
        if (redirected.length > 1) {
          Files.writeString(Path.of(arguments(redirected[1])[0]), result.toString());
        }
      }
    }
  }

  /** Files of the repository where they are, results in a folder of this test. */
  private String[] arguments(String line) {
    return WORD.matcher(line)
        .results()
        .map(word -> word.group(1) == null ? word.group(2) : word.group(1))
        .map(word -> word.startsWith("examples/") ? ROOT + "/" + word : word)
        .map(word -> word.startsWith("target/") ? folder + word.substring(6) : word)
        .toArray(String[]::new);
  }

  @Test
  void javaCompiles() throws IOException {
    List<String> blocks = blocks(ROOT.resolve("docs").resolve("java.md"), "java");
    assertThat(blocks).isNotEmpty();
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    for (String block : blocks) {
      DiagnosticCollector<JavaFileObject> problems = new DiagnosticCollector<>();
      List<String> options = List.of("-proc:none", "-d", folder.toString());
      compiler.getTask(null, null, problems, options, null, List.of(source(block))).call();
      assertThat(problems.getDiagnostics())
          .filteredOn(problem -> problem.getKind() == Diagnostic.Kind.ERROR)
          .as(block)
          .isEmpty();
    }
  }

  /** A class around statements that may use what their page has spoken of. */
  private static JavaFileObject source(String statements) {
    List<String> imports =
        new ArrayList<>(List.of("java.nio.file", "java.util", "io.narrow.kernels"));
    for (String room :
        List.of("calibration", "comparison", "data", "evaluation", "model", "plan", "runtime")) {
      imports.add("io.narrow.tflite." + room);
    }
    imports.add("io.narrow.tflite");
    StringBuilder text = new StringBuilder();
    imports.add("io.narrow.report");
    imports.forEach(name -> text.append("import ").append(name).append(".*;\n"));
    text.append("import io.narrow.tflite.comparison.Comparator;\n"); // not java.util's
    text.append(
        "class Text { void page(float[] weights, int channels, int inner) throws Exception {\n");
    text.append(statements).append("} }\n");
    return new SimpleJavaFileObject(URI.create("string:///Text.java"), JavaFileObject.Kind.SOURCE) {
      @Override
      public CharSequence getCharContent(boolean ignoreEncodingErrors) {
        return text;
      }
    };
  }

  /** They are resolved as they stand by cmake/check_release.cmake. */
  @ParameterizedTest
  @MethodSource("pages")
  void dependenciesAreThoseOfThisVersion(Path page) throws IOException {
    String project = Files.readString(ROOT.resolve("pom.xml"));
    String bom = Files.readString(ROOT.resolve("java").resolve("bom").resolve("pom.xml"));
    List<MatchResult> dependencies = new ArrayList<>();
    for (String block : blocks(page, "xml")) {
      XML_DEPENDENCY.matcher(block).results().forEach(dependencies::add);
    }
    for (String block : blocks(page, "groovy")) {
      GROOVY_DEPENDENCY.matcher(block).results().forEach(dependencies::add);
    }
    if (page.endsWith("README.md")) {
      assertThat(dependencies).hasSize(3);
    }
    for (MatchResult dependency : dependencies) {
      String artifact = "<artifactId>" + dependency.group(2) + "</artifactId>";
      String version = dependency.group(3) == null ? "" : dependency.group(3);
      if (dependency.group(1).equals("io.narrow")) {
        assertThat(bom).contains(artifact);
        assertThat(version).isIn("", first(project, "<version>(.*?)</version>"));
      } else {
        String property = "<" + dependency.group(2) + "\\.version>(.*?)<";
        assertThat(version).isEqualTo(first(project, property));
      }
    }
  }

  private static String first(String text, String regex) {
    return Pattern.compile(regex).matcher(text).results().findFirst().orElseThrow().group(1);
  }

  @ParameterizedTest
  @MethodSource("pages")
  void linksLeadSomewhere(Path page) throws IOException {
    Matcher links = LINK.matcher(Files.readString(page));
    while (links.find()) {
      assertThat(page.resolveSibling(links.group(1))).exists();
    }
  }
}
