package io.narrow.tflite.runtime;

import io.narrow.tflite.NarrowException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/** The process of an {@link IsolatedInterpreter}: it runs one model for whoever started it. */
final class InterpreterServer {
  /** From here on, the JVM warns of native code that nobody asked for. */
  private static final int ASKS_FOR_NATIVE_ACCESS = 24;

  private final DataOutputStream answers;
  private String source = "";
  private Interpreter interpreter;

  private InterpreterServer(DataOutputStream answers) {
    this.answers = answers;
  }

  /** What starts it from this program. */
  static List<String> command() {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:+SuppressFatalErrorMessage"));
    System.getProperties().stringPropertyNames().stream()
        .filter(
            name ->
                name.startsWith("narrow.")
                    || name.startsWith("org.bytedeco.")
                    || name.equals("java.io.tmpdir"))
        .sorted()
        .forEach(name -> command.add("-D" + name + "=" + System.getProperty(name)));
    String classPath = System.getProperty(IsolatedInterpreter.CLASS_PATH);
    Module module = InterpreterServer.class.getModule();
    boolean inModule = module.isNamed() && classPath == null;
    if (Runtime.version().feature() >= ASKS_FOR_NATIVE_ACCESS) {
      command.add("--enable-native-access=" + (inModule ? modules() : "ALL-UNNAMED"));
    }
    if (inModule) {
      String path = System.getProperty("jdk.module.path");
      if (path != null) { // an image has its modules inside
        command.addAll(List.of("-p", path));
      }
      command.addAll(List.of("--add-modules", modules(), "-m"));
      command.add(module.getName() + "/" + InterpreterServer.class.getName());
    } else {
      command.addAll(
          List.of("-cp", classPath == null ? System.getProperty("java.class.path") : classPath));
      command.add(InterpreterServer.class.getName());
    }
    return command;
  }

  private static String modules() {
    return ModuleLayer.boot().modules().stream()
        .map(Module::getName)
        .sorted()
        .collect(Collectors.joining(","));
  }

  public static void main(String[] arguments) throws IOException {
    DataInputStream requests =
        new DataInputStream(new BufferedInputStream(new FileInputStream(FileDescriptor.in)));
    DataOutputStream answers =
        new DataOutputStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)));
    System.setOut(System.err);
    OwnProcess.keepErrors();
    answers.writeBoolean(true);
    answers.flush();
    try {
      new InterpreterServer(answers).serve(requests);
    } finally {
      // Nobody waits for what a thread is still computing.
      Runtime.getRuntime().halt(0);
    }
  }

  /** Until whoever asks is gone, whatever the model is doing. */
  private void serve(DataInputStream requests) throws IOException {
    ExecutorService thread = Executors.newSingleThreadExecutor();
    while (true) {
      switch (Messages.readRequest(requests)) {
        case OPEN -> {
          Messages.Open open = Messages.readOpen(requests);
          source = open.file();
          thread.execute(() -> answer(() -> open(open)));
        }
        case RUN -> {
          List<ByteBuffer> inputs = Messages.readRun(requests);
          thread.execute(() -> answer(() -> run(inputs)));
        }
        case RESET -> thread.execute(() -> answer(this::reset));
        default -> throw new AssertionError();
      }
    }
  }

  private interface Answer {
    void write() throws IOException;
  }

  private void answer(Answer answer) {
    try {
      try {
        answer.write();
      } catch (NarrowException e) {
        Messages.writeFailure(answers, e);
      } catch (RuntimeException | Error e) { // memory, or a library that cannot be loaded
        Messages.writeFailure(answers, NarrowException.unsupported(source + ": " + e));
      }
      answers.flush();
    } catch (IOException e) {
      Runtime.getRuntime().halt(1); // nobody is there to be told
    }
  }

  private void open(Messages.Open open) throws IOException {
    interpreter = Interpreter.open(Path.of(open.file()), open.options());
    Messages.writeDone(answers);
    Messages.writeInfos(answers, interpreter.inputs());
    Messages.writeInfos(answers, interpreter.outputs());
  }

  private void run(List<ByteBuffer> inputs) throws IOException {
    for (int i = 0; i < inputs.size(); i++) {
      interpreter.input(i).put(inputs.get(i));
    }
    interpreter.run();
    List<TensorInfo> outputs = interpreter.outputs();
    List<ByteBuffer> results = new ArrayList<>();
    for (int i = 0; i < outputs.size(); i++) {
      results.add(interpreter.output(i)); // before the answer begins: it may have none
    }
    Messages.writeDone(answers);
    Messages.writeInfos(answers, outputs);
    for (ByteBuffer result : results) {
      Messages.writeBytes(answers, result);
    }
  }

  private void reset() throws IOException {
    interpreter.resetVariableTensors();
    Messages.writeDone(answers);
  }
}
