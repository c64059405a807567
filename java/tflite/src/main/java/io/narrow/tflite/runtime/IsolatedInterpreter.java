package io.narrow.tflite.runtime;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.runtime.Interpreter.Options;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * A model on the TFLite runtime in a process of its own, for files that nobody vouches for: where
 * the runtime crashes, or never ends, that process ends, and here is an exception. Inputs and
 * outputs are copied through pipes, and starting takes as long as a JVM does. Not thread-safe, as
 * {@link Interpreter} is not.
 *
 * <p>The process is this JVM's {@code java} with this program's class path or modules. A program
 * whose classes do not come from there, as in an application server, names a class path in the
 * system property {@value #CLASS_PATH}.
 */
public final class IsolatedInterpreter implements AutoCloseable {
  /** Class path of the process, with narrow-tflite and the native jars for this platform. */
  public static final String CLASS_PATH = "narrow.worker.classpath";

  private final String source;
  private final Duration limit;
  private final Process process;
  private final DataOutputStream requests;
  private final DataInputStream answers;
  private List<TensorInfo> inputs = List.of();
  private List<TensorInfo> outputs = List.of();
  private List<ByteBuffer> given = List.of();
  private List<ByteBuffer> computed = List.of();
  private boolean started;
  private boolean closed;
  private volatile boolean expired;

  private interface Exchange {
    void run() throws IOException;
  }

  private IsolatedInterpreter(String source, Duration limit) throws IOException {
    this.source = source;
    this.limit = limit;
    this.process =
        new ProcessBuilder(InterpreterServer.command())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    this.requests = new DataOutputStream(new BufferedOutputStream(process.getOutputStream()));
    this.answers = new DataInputStream(new BufferedInputStream(process.getInputStream()));
  }

  private void load(Options options) {
    exchange(
        () -> {
          started = answers.readBoolean();
          Messages.writeOpen(requests, source, options);
          answered();
          inputs = Messages.readInfos(answers);
          outputs = Messages.readInfos(answers);
        });
    given = inputs.stream().map(info -> memory(info.type().bytes(info.elements()))).toList();
  }

  /**
   * Loads a model file, which must not change before {@link #close}.
   *
   * @param options without {@link Options#preserveAllTensors} and {@link Options#profiled}
   * @param limit how long loading and each run may take
   * @throws NarrowException as {@link Interpreter#open(Path, Options)} does; if the runtime crashes
   *     or takes longer; if no process can be started
   */
  public static IsolatedInterpreter open(Path file, Options options, Duration limit) {
    if (options.preserveAllTensors() || options.profiled()) {
      throw new IllegalArgumentException("neither all tensors nor a profile cross processes");
    }
    IsolatedInterpreter interpreter = start(file.toString(), limit);
    try {
      interpreter.load(options);
      return interpreter;
    } catch (RuntimeException | Error e) {
      interpreter.close();
      throw e;
    }
  }

  private static IsolatedInterpreter start(String source, Duration limit) {
    try {
      return new IsolatedInterpreter(source, limit);
    } catch (IOException e) {
      throw NarrowException.unsupported(
          source + ": no process for it can be started: " + e.getMessage());
    }
  }

  /** The inputs, in the order of the file. */
  public List<TensorInfo> inputs() {
    checkOpen();
    return inputs;
  }

  /** The outputs in the order of the file, or of {@link Options#outputs}; shapes as last run. */
  public List<TensorInfo> outputs() {
    checkOpen();
    return outputs;
  }

  /**
   * The bytes of an input, little-endian, to be written before {@link #run}.
   *
   * @param position which input, in the order of {@link #inputs}
   */
  public ByteBuffer input(int position) {
    checkOpen();
    return given.get(position).duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * The bytes of an output, little-endian, read-only, of the last {@link #run}.
   *
   * @param position which output, in the order of {@link #outputs}
   */
  public ByteBuffer output(int position) {
    checkRun();
    return computed.get(position).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** As {@link Interpreter#write(int, FloatBuffer)}. */
  public void write(int position, FloatBuffer values) {
    TensorInfo info = inputs().get(position);
    TensorValues.checkCount(info, values.remaining(), source);
    TensorValues.write(info, input(position), values.duplicate(), source);
  }

  /** As {@link Interpreter#write(int, LongBuffer)}. */
  public void write(int position, LongBuffer values) {
    TensorInfo info = inputs().get(position);
    TensorValues.checkCount(info, values.remaining(), source);
    TensorValues.write(info, input(position), values.duplicate(), source);
  }

  /** As {@link Interpreter#read}, of the last {@link #run}. */
  public float[] read(int position) {
    checkRun();
    return TensorValues.read(outputs.get(position), computed.get(position), source);
  }

  /**
   * Runs the model on what is in the inputs.
   *
   * @throws NarrowException if an operator fails; if the runtime crashes or takes too long, after
   *     which this is closed
   */
  public void run() {
    checkOpen();
    exchange(
        () -> {
          Messages.writeRun(requests, given);
          answered();
          outputs = Messages.readInfos(answers);
          List<ByteBuffer> results = new ArrayList<>();
          for (int i = 0; i < outputs.size(); i++) {
            results.add(Messages.readBytes(answers));
          }
          computed = results;
        });
  }

  /** Sets the state that the model keeps between runs (variable tensors) back to zero. */
  public void resetVariableTensors() {
    checkOpen();
    exchange(
        () -> {
          Messages.writeReset(requests);
          answered();
        });
  }

  /** Ends the process. Idempotent; every other method then throws. */
  @Override
  public void close() {
    closed = true;
    process.destroyForcibly();
  }

  private void answered() throws IOException {
    requests.flush();
    Messages.readAnswer(answers);
  }

  private void exchange(Exchange exchange) {
    Executor late = CompletableFuture.delayedExecutor(limit.toNanos(), TimeUnit.NANOSECONDS);
    CompletableFuture<Void> end = CompletableFuture.runAsync(this::expire, late);
    try {
      exchange.run();
    } catch (IOException e) { // the pipe has no other end
      throw ended();
    } finally {
      end.cancel(false);
    }
  }

  private void expire() {
    expired = true;
    process.destroyForcibly();
  }

  private NarrowException ended() {
    close();
    String why;
    if (expired) {
      why = "took longer than " + limit.toMillis() + " ms, and was ended";
    } else if (started) {
      why = OwnProcess.CRASHED;
    } else {
      why = "no process for it can be started from this class path (-D" + CLASS_PATH + ")";
    }
    return NarrowException.unsupported(source + ": " + why);
  }

  private static ByteBuffer memory(long bytes) {
    return ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void checkRun() {
    checkOpen();
    if (computed.isEmpty()) {
      throw new IllegalStateException(source + ": was not run yet");
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException(source + ": the interpreter is closed");
    }
  }
}
