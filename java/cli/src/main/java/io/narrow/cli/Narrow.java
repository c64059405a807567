package io.narrow.cli;

import io.narrow.tflite.NarrowException;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code narrow}. */
@Command(
    name = "narrow",
    description = "Makes TensorFlow Lite models small, and tells what it did.",
    mixinStandardHelpOptions = true,
    versionProvider = Narrow.Version.class,
    subcommands = {
      QuantizeCommand.class,
      InspectCommand.class,
      EvaluateCommand.class,
      SweepCommand.class,
      DoctorCommand.class
    },
    exitCodeListHeading = "Exit codes:%n",
    exitCodeList = {
      "0:done",
      "1:a bug",
      "2:wrong usage or bad input",
      "4:the model cannot be treated as asked",
      "5:the native library could not be loaded"
    })
public final class Narrow implements Runnable {
  static final int BUG = 1;
  static final int USAGE = 2;
  static final int NATIVE_LIBRARY = 5;

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "name a command: " + String.join(", ", commands()));
  }

  private List<String> commands() {
    return List.copyOf(spec.subcommands().keySet());
  }

  public static void main(String[] arguments) {
    System.exit(
        run(new PrintWriter(System.out, true), new PrintWriter(System.err, true), arguments));
  }

  /** Runs one command; returns its exit code. */
  static int run(PrintWriter out, PrintWriter err, String... arguments) {
    CommandLine line = new CommandLine(new Narrow());
    line.setOut(out);
    line.setErr(err);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setParameterExceptionHandler(
        (e, all) -> problem(err, e.getMessage(), e.getCommandLine(), USAGE));
    line.setExecutionExceptionHandler(
        (e, command, parsed) -> {
          if (e instanceof NarrowException narrow) {
            return problem(err, narrow.getMessage(), null, narrow.kind().exitCode());
          }
          if (e.getCause() instanceof UnsatisfiedLinkError) {
            return problem(err, e.getMessage(), null, NATIVE_LIBRARY);
          }
          err.println("narrow: a bug: please report it with the lines that follow");
          e.printStackTrace(err);
          return BUG;
        });
    return line.execute(arguments);
  }

  private static int problem(PrintWriter err, String message, CommandLine command, int code) {
    String oneLine = String.valueOf(message).replaceAll("\\s*\\R\\s*", " ");
    String hint =
        command == null
            ? ""
            : " (`" + command.getCommandSpec().qualifiedName() + " --help` has the options)";
    err.println("narrow: " + oneLine + hint);
    return code;
  }

  /** Version of this build. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"narrow " + number()};
    }

    static String number() {
      String version = Narrow.class.getPackage().getImplementationVersion();
      return version == null ? "development" : version;
    }
  }
}
