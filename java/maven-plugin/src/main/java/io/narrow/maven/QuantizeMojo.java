package io.narrow.maven;

import io.narrow.cli.Narrow;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugins.annotations.LifecyclePhase;
import org.apache.maven.plugins.annotations.Mojo;
import org.apache.maven.plugins.annotations.Parameter;

/**
 * Quantizes models as {@code narrow quantize} does, and puts the result among the project's
 * resources. What is as new as its model, its data and its options is left alone.
 */
@Mojo(name = "quantize", defaultPhase = LifecyclePhase.PROCESS_RESOURCES, threadSafe = true)
public final class QuantizeMojo extends AbstractMojo {
  /** Folder of the models ({@code .tflite}, {@code .h5}, {@code .keras}). */
  @Parameter(property = "narrow.models", defaultValue = "${project.basedir}/src/main/models")
  private File models;

  /** Which of the files in that folder are quantized: patterns of paths below it. */
  @Parameter private List<String> includes = List.of("**.tflite", "**.h5", "**.keras");

  /** Where the results go, under the name of their model and the ending {@code .tflite}. */
  @Parameter(property = "narrow.output", defaultValue = "${project.build.outputDirectory}")
  private File outputDirectory;

  /** Options of {@code narrow quantize}, an option with its value each: {@code --mode int8}. */
  @Parameter private List<String> options = List.of();

  /** Leaves all models alone. */
  @Parameter(property = "narrow.skip", defaultValue = "false")
  private boolean skip;

  @Parameter(defaultValue = "${project.build.directory}/narrow", readonly = true)
  private File stamps;

  @Parameter(defaultValue = "${plugin.version}", readonly = true)
  private String version;

  /** For Maven. */
  public QuantizeMojo() {}

  /** For tests: what Maven reads from a project. */
  QuantizeMojo(Path models, Path outputDirectory, Path stamps, List<String> options) {
    this.models = models.toFile();
    this.outputDirectory = outputDirectory.toFile();
    this.stamps = stamps.toFile();
    this.options = options;
    version = "test";
  }

  @Override
  public void execute() throws MojoExecutionException, MojoFailureException {
    if (skip) {
      getLog().info("skipped: narrow.skip");
      return;
    }
    try {
      List<String> arguments = arguments();
      for (Map.Entry<Path, Path> file : files().entrySet()) {
        Path model = models.toPath().resolve(file.getKey());
        Path output = outputDirectory.toPath().resolve(file.getValue());
        Stamp stamp =
            new Stamp(stamps.toPath().resolve(file.getValue() + ".stamp"), version, arguments);
        if (stamp.isCurrent(model, output)) {
          getLog().info(output + " is up to date");
          continue;
        }
        Files.createDirectories(output.toAbsolutePath().getParent());
        quantize(model, output, arguments);
        stamp.write(model, output);
      }
    } catch (IOException e) {
      throw new MojoExecutionException(e.toString(), e);
    }
  }

  private List<String> arguments() throws MojoFailureException {
    List<String> arguments = new ArrayList<>();
    for (String option : options) {
      String stripped = option.strip();
      if (!stripped.startsWith("--")) {
        throw new MojoFailureException("<option>" + option + "</option>: does not begin with --");
      }
      arguments.addAll(List.of(stripped.split("\\s+", 2)));
    }
    return arguments;
  }

  /** Paths of models below their folder, and of what is made of them below that of results. */
  private Map<Path, Path> files() throws IOException, MojoFailureException {
    Path folder = models.toPath();
    if (!Files.isDirectory(folder)) {
      throw new MojoFailureException(folder + ": no such folder, where models should be");
    }
    List<PathMatcher> matchers = new ArrayList<>();
    for (String pattern : includes) {
      matchers.add(FileSystems.getDefault().getPathMatcher("glob:" + pattern));
    }
    Map<Path, Path> files = new TreeMap<>();
    Map<Path, Path> made = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path file : walk.filter(Files::isRegularFile).map(folder::relativize).toList()) {
        if (matchers.stream().anyMatch(matcher -> matcher.matches(file))) {
          String name = file.getFileName().toString().replaceFirst("\\.[^.]*$", ".tflite");
          Path output = file.resolveSibling(name);
          Path other = made.put(output, file);
          if (other != null) {
            throw new MojoFailureException(file + " and " + other + " would both become " + output);
          }
          files.put(file, output);
        }
      }
    }
    if (files.isEmpty()) {
      throw new MojoFailureException(folder + ": no file like " + String.join(", ", includes));
    }
    return files;
  }

  private void quantize(Path model, Path output, List<String> options) throws MojoFailureException {
    List<String> arguments = new ArrayList<>(List.of("quantize", model.toString()));
    arguments.addAll(List.of("-o", output.toString()));
    arguments.addAll(options);
    StringWriter results = new StringWriter();
    StringWriter messages = new StringWriter();
    int code =
        Narrow.run(
            new PrintWriter(results), new PrintWriter(messages), arguments.toArray(String[]::new));
    if (code != 0) {
      throw new MojoFailureException(messages.toString().strip());
    }
    results.toString().lines().forEach(getLog()::info);
    messages.toString().lines().forEach(getLog()::warn);
  }
}
