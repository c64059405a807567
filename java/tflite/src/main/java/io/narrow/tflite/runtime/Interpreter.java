package io.narrow.tflite.runtime;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.TensorType;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.tensorflowlite.TfLiteIntArray;
import org.bytedeco.tensorflowlite.TfLiteTensor;
import org.bytedeco.tensorflowlite.global.tensorflowlite;

/**
 * A loaded model on the TFLite runtime. Not thread-safe: one thread at a time, or one interpreter
 * per thread.
 *
 * <p>Runs subgraph 0. A file is checked by {@link Model#read} and by the FlatBuffers verifier
 * before it is loaded, and prepared by the built-in kernels, which check shapes, before XNNPACK
 * sees it. What values make kernels do is checked by nobody, so that a file made with ill will can
 * still end the process.
 *
 * <p>Every failure is a {@link NarrowException} that names the file; why TFLite refused is in the
 * lines that it writes to the standard error stream itself (the preset generates no callback for
 * its error reporter, and no access to its minimal log severity), or in the message in a process
 * that {@link OwnProcess} was told of.
 */
public final class Interpreter implements AutoCloseable {
  private final String source;
  private final NativeModel model;
  private final int[] inputs;
  private final int[] outputs;
  private final List<Integer> counts;
  private final int tensorCount;
  private final View[] views; // of tensors that were looked at
  private boolean allocated;
  private boolean closed;

  /** Native memory at an address. */
  private record View(long address, ByteBuffer memory) {}

  private Interpreter(String source, NativeModel model, Options options) {
    this.source = source;
    this.model = model;
    this.tensorCount = Math.toIntExact(model.interpreter().tensors_size());
    this.views = new View[tensorCount];
    setOutputs(options.outputs());
    this.inputs = NativeModel.indices(model.interpreter().inputs());
    this.outputs = NativeModel.indices(model.interpreter().outputs());
    this.counts = model.counts();
    for (int input : inputs) {
      TensorInfo info = info(input);
      if (info.type() == TensorType.STRING) {
        throw NarrowException.unsupported(
            source + ": input `" + info.name() + "` holds strings, which cannot be fed");
      }
    }
    if (options.shapes().isEmpty()) {
      allocate();
    } else {
      reshape(options.shapes());
    }
  }

  /**
   * Loads a model file, which must not change before {@link #close}.
   *
   * @throws NarrowException if the file cannot be read, is damaged, needs an operator that this
   *     runtime does not have, takes strings, or cannot be prepared
   */
  public static Interpreter open(Path file, Options options) {
    if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
      throw NarrowException.input(file + ": no such file, or not readable");
    }
    Model.read(file); // the runtime does not check what this does
    return open(file, file.toString(), options);
  }

  /** Loads a file that Narrow has written. */
  static Interpreter open(Path file, String name, Options options) {
    if (options.xnnpack() && options.checked()) {
      prove(NativeModel.of(file, name, options.withXnnpack(false)), name, options);
    }
    return open(NativeModel.of(file, name, options), name, options);
  }

  /**
   * Loads a model from memory.
   *
   * @param buffer a direct buffer, the model from its position to its limit; it must not change
   *     before {@link #close}
   * @param name what to call the model in messages
   * @throws NarrowException as {@link #open(Path, Options)}
   */
  public static Interpreter open(ByteBuffer buffer, String name, Options options) {
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException(name + ": the buffer has to be direct");
    }
    if (options.xnnpack() && options.checked()) {
      prove(NativeModel.of(buffer, name, options.withXnnpack(false)), name, options);
    }
    return open(NativeModel.of(buffer, name, options), name, options);
  }

  private static Interpreter open(NativeModel model, String name, Options options) {
    try {
      return new Interpreter(name, model, options);
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /**
   * Has the built-in kernels prepare a model, which refuse shapes with which XNNPACK's would read
   * and write beyond the end of tensors.
   */
  private static void prove(NativeModel model, String name, Options options) {
    try (Interpreter prepared = open(model, name, options.withXnnpack(false).withProfile(false))) {
      List<String> problems = KernelCheck.shapes(prepared.model.interpreter());
      if (!problems.isEmpty()) {
        throw NarrowException.unsupported(
            name + ": XNNPACK would read beyond the end: " + String.join("; ", problems));
      }
    }
  }

  /**
   * Loads the runtime, which {@link #open} does otherwise: a tenth of a second, in which another
   * thread may read a model.
   *
   * @throws UnsatisfiedLinkError if it cannot be loaded, as every model that is opened then
   */
  public static void load() {
    NativeModel.preload();
  }

  /** Version of the TensorFlow Lite runtime. */
  public static String version() {
    return tensorflowlite.TfLiteVersion().getString();
  }

  /** The inputs, in the order of the file. */
  public List<TensorInfo> inputs() {
    checkOpen();
    return Arrays.stream(inputs).mapToObj(this::info).toList();
  }

  /** The outputs in the order of the file, or of {@link Options#outputs}; shapes as last run. */
  public List<TensorInfo> outputs() {
    checkOpen();
    return Arrays.stream(outputs).mapToObj(this::info).toList();
  }

  /** Number of tensors of subgraph 0 in the file; TFLite's own temporaries are not counted. */
  public int tensorCount() {
    return tensorCount;
  }

  /** What is known about tensor {@code index} of subgraph 0. */
  public TensorInfo tensor(int index) {
    checkOpen();
    checkTensor(index);
    return info(index);
  }

  /** The signatures of the file, in its order; empty if it has none. */
  public List<SignatureInfo> signatures() {
    checkOpen();
    return model.signatures();
  }

  /**
   * The operators of subgraph 0 that XNNPACK computes, by their number in the file; all others run
   * on the built-in kernels.
   *
   * @return a list for each part of the graph that XNNPACK runs as one, in the order of execution;
   *     the fewer parts, the fewer times values pass from one set of kernels to the other
   */
  public List<List<Integer>> delegated() {
    checkOpen();
    return model.delegated();
  }

  /**
   * The memory of an input, little-endian, to be written before {@link #run}.
   *
   * <p>It is the tensor's own memory: a buffer must not be used after {@link #close} or {@link
   * #resize}, which free it.
   *
   * @param position which input, in the order of {@link #inputs}
   */
  public ByteBuffer input(int position) {
    checkOpen();
    return memory(inputs[position]);
  }

  /**
   * The memory of an output, little-endian, read-only, as the last {@link #run} left it.
   *
   * <p>It is the tensor's own memory: a buffer must not be used after {@link #close}, {@link
   * #resize} or, if the shape is dynamic, the next {@link #run}.
   *
   * @param position which output, in the order of {@link #outputs}
   */
  public ByteBuffer output(int position) {
    checkOpen();
    return memory(outputs[position]).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * The memory of tensor {@code index} of subgraph 0, under the rules of {@link #output}. Holds
   * that tensor's values only if it is an output, or preserved.
   */
  public ByteBuffer data(int index) {
    checkOpen();
    checkTensor(index);
    return memory(index).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Writes real values to an input: as they are to a float tensor; quantized to int8, uint8 and
   * int16, {@code clamp(roundHalfToEven(x / scale) + zeroPoint)}; to other integers if they are
   * whole.
   *
   * @param position which input, in the order of {@link #inputs}
   * @param values as many as the input has elements, in row-major order
   * @throws NarrowException if the number of values is wrong or a value does not fit
   */
  public void write(int position, FloatBuffer values) {
    TensorInfo info = info(checkedInput(position));
    TensorValues.checkCount(info, values.remaining(), source);
    TensorValues.write(info, memory(inputs[position]), values.duplicate(), source);
  }

  /** As {@link #write(int, FloatBuffer)}, for whole numbers, none of which is rounded. */
  public void write(int position, LongBuffer values) {
    TensorInfo info = info(checkedInput(position));
    TensorValues.checkCount(info, values.remaining(), source);
    TensorValues.write(info, memory(inputs[position]), values.duplicate(), source);
  }

  /**
   * Reads an output as floats: quantized values become {@code scale * (q - zeroPoint)}, other
   * integers the nearest float, booleans 0 or 1.
   *
   * @param position which output, in the order of {@link #outputs}
   * @return the values in row-major order
   * @throws NarrowException if the output is of a type that has no numbers
   */
  public float[] read(int position) {
    checkOpen();
    int index = outputs[position];
    return TensorValues.read(info(index), memory(index), source);
  }

  /**
   * Runs the model on what is in the inputs.
   *
   * @throws NarrowException if an operator fails, or would end the process
   */
  public void run() {
    checkOpen();
    for (int count : counts) {
      if (TensorValues.read(info(count), memory(count), source)[0] < 1) {
        throw NarrowException.input(
            source + ": input `" + info(count).name() + "`: TOPK_V2 needs at least 1");
      }
    }
    model.runs();
    try {
      model.profiler().ifPresent(KernelProfiler::beforeRun);
      check(model.interpreter().Invoke(), "could not be run");
      model.profiler().ifPresent(KernelProfiler::afterRun);
    } finally {
      Reference.reachabilityFence(
          this); // or an interpreter never closed may be freed while it runs
    }
  }

  /**
   * How long each kernel took since the model was opened or {@link #clearProfile}; empty without
   * {@link Options#profiled}. Time between kernels is not in it.
   */
  public List<KernelTime> profile() {
    checkOpen();
    return model.profiler().map(KernelProfiler::times).orElse(List.of());
  }

  /** Forgets what the profile has so far. */
  public void clearProfile() {
    checkOpen();
    model.profiler().ifPresent(KernelProfiler::clear);
  }

  /** Sets the state that the model keeps between runs (variable tensors) back to zero. */
  public void resetVariableTensors() {
    checkOpen();
    check(model.resetVariables(), "variable tensors could not be reset");
  }

  /**
   * Changes the shape of an input and prepares the model again. Buffers handed out before are void.
   *
   * @param position which input, in the order of {@link #inputs}
   * @param shape the new shape: of the same rank, different only where the file has a dynamic
   *     dimension
   * @throws NarrowException if the shape is not one that the file allows, or the model cannot be
   *     prepared for it
   */
  public void resize(int position, int... shape) {
    int index = checkedInput(position);
    TensorInfo info = info(index);
    int[] allowed = signatureShape(index, info);
    boolean fits = shape.length == allowed.length && info.type().bits() > 0;
    long elements = 1;
    for (int i = 0; fits && i < shape.length; i++) {
      elements = elements > Integer.MAX_VALUE ? elements : elements * Math.max(shape[i], 0);
      fits = shape[i] > 0 && (allowed[i] < 0 || allowed[i] == shape[i]);
    }
    if (!fits || info.type().bytes(elements) > Integer.MAX_VALUE) {
      throw NarrowException.input(
          source
              + ": input `"
              + info.name()
              + "` of shape "
              + TensorInfo.shapeText(allowed)
              + " cannot be resized to "
              + TensorInfo.shapeText(shape));
    }
    check(model.interpreter().ResizeInputTensor(index, shape), "input could not be resized");
    allocate();
  }

  /**
   * Gives all inputs these shapes, whatever the file has, as an operator does that calls a
   * subgraph. Buffers handed out before are void if any is new.
   *
   * @throws NarrowException if the model cannot be prepared for them
   */
  public void reshape(List<int[]> shapes) {
    checkOpen();
    boolean same = allocated;
    for (int i = 0; i < inputs.length; i++) {
      same &= Arrays.equals(shapes.get(i), info(inputs[i]).shape());
    }
    if (!same) {
      for (int i = 0; i < inputs.length; i++) {
        check(
            model.interpreter().ResizeInputTensor(inputs[i], shapes.get(i)),
            "input could not be resized");
      }
      allocate();
    }
  }

  /** Frees the model. Idempotent; every other method then throws. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      model.close();
    }
  }

  private void setOutputs(List<Integer> wanted) {
    if (wanted.isEmpty()) {
      return;
    }
    wanted.forEach(this::checkTensor);
    int[] indices = wanted.stream().mapToInt(Integer::intValue).toArray();
    check(model.interpreter().SetOutputs(indices), "does not allow these outputs");
  }

  private void allocate() {
    for (int input : inputs) {
      if (model.interpreter().tensor(input).bytes() > Integer.MAX_VALUE) {
        throw NarrowException.unsupported(
            source + ": input " + info(input) + " is larger than 2 GiB");
      }
    }
    model.runs();
    check(model.interpreter().AllocateTensors(), "could not be prepared");
    allocated = true;
  }

  /**
   * TFLite's shape_signature, in which -1 marks a dynamic dimension; the shape where it is absent.
   */
  private int[] signatureShape(int index, TensorInfo info) {
    TfLiteIntArray signature = model.interpreter().tensor(index).dims_signature();
    boolean present = signature != null && signature.size() == info.shape().length;
    return present ? NativeModel.dimensions(signature) : info.shape();
  }

  private TensorInfo info(int index) {
    return model.info(index);
  }

  private ByteBuffer memory(int index) {
    TfLiteTensor tensor = model.interpreter().tensor(index);
    long bytes = tensor.bytes();
    BytePointer start = tensor.data().raw();
    if (bytes > Integer.MAX_VALUE || (start == null && bytes > 0)) {
      throw NarrowException.unsupported(
          source
              + ": tensor "
              + info(index)
              + (start == null ? " has no memory of its own" : " is larger than 2 GiB"));
    }
    if (bytes == 0) {
      return ByteBuffer.allocateDirect(0).order(ByteOrder.LITTLE_ENDIAN);
    }
    // Where it lies is asked each time, as a run may move it; the view of a place is made once.
    View view = views[index];
    if (view == null || view.address != start.address() || view.memory.capacity() != bytes) {
      view = new View(start.address(), start.capacity(bytes).asByteBuffer());
      views[index] = view;
    }
    return view.memory.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  private int checkedInput(int position) {
    checkOpen();
    return inputs[position];
  }

  private void checkTensor(int index) {
    if (index < 0 || index >= tensorCount) {
      throw new IndexOutOfBoundsException(source + ": tensor " + index + " of " + tensorCount);
    }
  }

  private void check(int status, String problem) {
    if (status != 0) {
      throw NarrowException.unsupported(
          source
              + " "
              + problem
              + " by TFLite (status "
              + status
              + ", "
              + OwnProcess.reason()
              + ")");
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException(source + ": the interpreter is closed");
    }
  }

  /**
   * How the runtime loads and runs a model.
   *
   * @param threads threads that one run may use, at least 1
   * @param xnnpack whether XNNPACK takes the operators that it knows (the default of TFLite);
   *     without it, the built-in kernels run
   * @param preserveAllTensors whether intermediate tensors keep their values after a run; only for
   *     operators that XNNPACK did not take
   * @param outputs tensors of subgraph 0 that a run has to produce in place of the model's own
   *     outputs, by index; empty for the model's own. This is how calibration gets at every
   *     activation at the speed of XNNPACK
   * @param shapes of all inputs, whatever the file has, see {@link Interpreter#reshape}; empty for
   *     those of the file
   * @param profiled whether it is measured how long each kernel takes, which slows runs down
   * @param checked whether the built-in kernels, which check shapes, prepare the model before
   *     XNNPACK sees it; not needed for parts of a model that was checked
   */
  public record Options(
      int threads,
      boolean xnnpack,
      boolean preserveAllTensors,
      List<Integer> outputs,
      List<int[]> shapes,
      boolean profiled,
      boolean checked) {
    /** One thread, XNNPACK, the model's own outputs, the shapes of the file. */
    public static final Options DEFAULT =
        new Options(1, true, false, List.of(), List.of(), false, true);

    public Options {
      if (threads < 1) {
        throw new IllegalArgumentException("threads: " + threads);
      }
      outputs = List.copyOf(outputs);
      shapes = List.copyOf(shapes);
    }

    public Options withThreads(int threads) {
      return new Options(threads, xnnpack, preserveAllTensors, outputs, shapes, profiled, checked);
    }

    public Options withXnnpack(boolean xnnpack) {
      return new Options(threads, xnnpack, preserveAllTensors, outputs, shapes, profiled, checked);
    }

    public Options withPreserveAllTensors(boolean preserveAllTensors) {
      return new Options(threads, xnnpack, preserveAllTensors, outputs, shapes, profiled, checked);
    }

    public Options withOutputs(List<Integer> outputs) {
      return new Options(threads, xnnpack, preserveAllTensors, outputs, shapes, profiled, checked);
    }

    public Options withShapes(List<int[]> shapes) {
      return new Options(threads, xnnpack, preserveAllTensors, outputs, shapes, profiled, checked);
    }

    public Options withProfile(boolean profiled) {
      return new Options(threads, xnnpack, preserveAllTensors, outputs, shapes, profiled, checked);
    }

    public Options withChecked(boolean checked) {
      return new Options(threads, xnnpack, preserveAllTensors, outputs, shapes, profiled, checked);
    }
  }
}
