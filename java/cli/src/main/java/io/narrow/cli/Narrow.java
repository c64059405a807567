package io.narrow.cli;

import io.narrow.kernels.Kernels;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.OwnProcess;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command {@code narrow}.
 *
 * <p>A run is often shorter than the start of a JVM, so there are no lambdas here: linking the
 * first of them costs 10 ms, as the archive of classes does not keep those beside picocli's
 * classes.
 */
@Command(
    name = "narrow",
    description = "Makes TensorFlow Lite models small, and tells what it did.",
    mixinStandardHelpOptions = true,
    versionProvider = Narrow.Version.class,
    exitCodeListHeading = "Exit codes:%n",
    exitCodeList = {
      "0:done",
      "1:a bug",
      "2:wrong usage or bad input",
      "3:a model does not reach what was asked for",
      "4:the model cannot be treated as asked",
      "5:the machine lacks what it takes: a native library, memory"
    })
public final class Narrow
    implements Runnable, IParameterExceptionHandler, IExecutionExceptionHandler {
  static final int BUG = 1;
  static final int USAGE = 2;
  static final int GATE = 3;
  static final int MACHINE = 5;

  private static final List<String> COMMANDS =
      List.of(
          "quantize",
          "import",
          "calibrate",
          "inspect",
          "evaluate",
          "compare",
          "benchmark",
          "run",
          "check",
          "export",
          "sweep",
          "autotune",
          "doctor");

  private static final List<String> RUNNING =
      List.of("calibrate", "evaluate", "compare", "benchmark", "run", "sweep", "autotune");

  /** Memory to say in that there is none left. */
  private static byte[] reserve = new byte[1 << 19];

  @Spec private CommandSpec spec;

  private static Output command(String name) {
    return switch (name) {
      case "quantize" -> new QuantizeCommand();
      case "import" -> new ImportCommand();
      case "calibrate" -> new CalibrateCommand();
      case "inspect" -> new InspectCommand();
      case "evaluate" -> new EvaluateCommand();
      case "compare" -> new CompareCommand();
      case "benchmark" -> new BenchmarkCommand();
      case "run" -> new RunCommand();
      case "check" -> new CheckCommand();
      case "export" -> new ExportCommand();
      case "sweep" -> new SweepCommand();
      case "autotune" -> new AutotuneCommand();
      default -> new DoctorCommand();
    };
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "name a command: " + String.join(", ", COMMANDS));
  }

  public static void main(String[] arguments) {
    // JavaCPP counts files that are mapped into memory as memory, of which it then refuses more.
    System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
    // JDK 22 to 24 have a console where there is no terminal, unless they are asked for that of
    // before.
    System.setProperty("jdk.console", "java.base");
    OwnProcess.claim(Crashed.command(arguments));
    System.setErr(new PrintStream(OwnProcess.standardError(), true));
    loadMeanwhile(arguments);
    StandardOutput standard = new StandardOutput();
    PrintWriter out = new PrintWriter(new OutputStreamWriter(standard, charset()), true);
    PrintWriter err = new PrintWriter(System.err, true);
    int code = run(out, err, arguments);
    out.flush();
    if (code == 0 && standard.problem().isPresent()) {
      code = problem(err, "standard output: " + standard.problem().get(), USAGE);
    }
    System.exit(code);
  }

  /** That of {@code System.out}, which says so itself only from JDK 18 on. */
  private static Charset charset() {
    String name = System.getProperty("stdout.encoding", System.getProperty("sun.stdout.encoding"));
    return name == null ? Charset.defaultCharset() : Charset.forName(name);
  }

  /** Loading native code takes as long as reading the command line and a model: do both at once. */
  private static void loadMeanwhile(String[] arguments) {
    boolean kernels = needsKernelsOnly(arguments);
    boolean runtime = runsModels(arguments);
    if (kernels) {
      // Nothing else is loaded through JavaCPP then, and the kernels do without its own library.
      System.setProperty("org.bytedeco.javacpp.loadlibraries", "false");
    }
    if (kernels || runtime) {
      Thread loading =
          new Thread() {
            @Override
            public void run() {
              try {
                Kernels.active();
                if (runtime) {
                  Interpreter.load();
                }
              } catch (RuntimeException | Error e) {
                // the command meets it too, and says it
              }
            }
          };
      loading.setDaemon(true);
      loading.start();
    }
  }

  /** Whether a command runs a model, whatever its options are. */
  private static boolean runsModels(String... arguments) {
    boolean runs = arguments.length > 1 && RUNNING.contains(arguments[0]);
    for (String argument : arguments) {
      runs &= !argument.equals("--help") && !argument.equals("-h");
    }
    return runs;
  }

  /**
   * Whether a command loads no native code but the kernels: none that runs models, which {@code
   * --calibrate} asks for. It may stand in a file of arguments as well.
   */
  static boolean needsKernelsOnly(String... arguments) {
    boolean quantizes = arguments.length > 0 && arguments[0].equals("quantize");
    for (String argument : arguments) {
      quantizes &= !argument.startsWith("@") && !argument.startsWith("--calibrate");
    }
    return quantizes;
  }

  /**
   * Runs one command in this process, as it is typed, without {@code narrow} itself.
   *
   * @param out results
   * @param err what goes to standard error: one line where something is wrong
   * @return the exit code
   */
  public static int run(PrintWriter out, PrintWriter err, String... arguments) {
    // Setting all commands up takes three times as long as starting a JVM, for a line.
    if (List.of(arguments).equals(List.of("--version"))) {
      out.println("narrow " + Version.number());
      return 0;
    }
    Narrow narrow = new Narrow();
    CommandLine line = new CommandLine(narrow);
    if (arguments.length > 0 && COMMANDS.contains(arguments[0].toLowerCase(Locale.ROOT))) {
      arguments[0] = arguments[0].toLowerCase(Locale.ROOT);
    }
    // Setting a command up costs 5 ms: only the one that is asked for, where there is one.
    boolean asked = arguments.length > 0 && COMMANDS.contains(arguments[0]);
    for (String name : asked ? List.of(arguments[0]) : COMMANDS) {
      line.addSubcommand(name, command(name));
    }
    if (Bar.dumb()) {
      line.setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF));
    }
    line.setOut(out);
    line.setErr(err);
    line.setParameterExceptionHandler(narrow);
    line.setExecutionExceptionHandler(narrow);
    try {
      checkKernels();
      return line.execute(arguments);
    } catch (NarrowException | Error e) {
      return failed(e, line);
    }
  }

  /** Kernels that the user chose, and which cannot run here, are an error before anything else. */
  private static void checkKernels() {
    if (System.getProperty("narrow.kernels") != null) {
      try {
        Kernels.active();
      } catch (IllegalArgumentException | IllegalStateException e) {
        throw new NarrowException(NarrowException.Kind.INPUT, "-D" + e.getMessage(), e);
      }
    }
  }

  @Override
  public int handleParseException(ParameterException e, String[] arguments) {
    CommandLine command = e.getCommandLine();
    if (e instanceof UnmatchedArgumentException unmatched
        && !unmatched.getSuggestions().isEmpty()) {
      String meant = String.join(" or ", unmatched.getSuggestions());
      return problem(command.getErr(), e.getMessage() + " (did you mean " + meant + "?)", USAGE);
    }
    String hint = " (`" + command.getCommandSpec().qualifiedName() + " --help` has the options)";
    return problem(command.getErr(), e.getMessage() + hint, USAGE);
  }

  @Override
  public int handleExecutionException(Exception e, CommandLine command, ParseResult parsed) {
    return failed(e, command);
  }

  private static int failed(Throwable e, CommandLine command) {
    reserve = null;
    PrintWriter err = command.getErr();
    Optional<Failure> failure = Failure.of(e);
    if (failure.isPresent()) {
      return problem(err, failure.get().line(), failure.get().code());
    }
    err.println("narrow: a bug: please report it with the lines that follow");
    e.printStackTrace(err);
    return BUG;
  }

  private static int problem(PrintWriter err, String message, int code) {
    err.println("narrow: " + Output.shortened(message.replaceAll("\\s*\\R\\s*", " ")));
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
