package io.narrow.tflite.runtime;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.runtime.Interpreter.Options;
import io.narrow.tflite.schema.Schema;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.tensorflowlite.BuiltinOpResolver;
import org.bytedeco.tensorflowlite.BuiltinOpResolverWithoutDefaultDelegates;
import org.bytedeco.tensorflowlite.FlatBufferModel;
import org.bytedeco.tensorflowlite.InterpreterBuilder;
import org.bytedeco.tensorflowlite.InterpreterOptions;
import org.bytedeco.tensorflowlite.RegistrationNodePair;
import org.bytedeco.tensorflowlite.StringIntMap;
import org.bytedeco.tensorflowlite.StringVector;
import org.bytedeco.tensorflowlite.Subgraph;
import org.bytedeco.tensorflowlite.TfLiteDelegateParams;
import org.bytedeco.tensorflowlite.TfLiteIntArray;
import org.bytedeco.tensorflowlite.TfLiteRegistration;
import org.bytedeco.tensorflowlite.TfLiteTensor;
import org.bytedeco.tensorflowlite.global.tensorflowlite;

/** The native objects behind an {@link Interpreter}; keeps alive what TFLite only borrows. */
final class NativeModel implements AutoCloseable {
  // The runtime numbers types otherwise than the schema: this is TfLiteType, in its order.
  private static final TensorType[] TYPES = {
    null,
    TensorType.FLOAT32,
    TensorType.INT32,
    TensorType.UINT8,
    TensorType.INT64,
    TensorType.STRING,
    TensorType.BOOL,
    TensorType.INT16,
    TensorType.COMPLEX64,
    TensorType.INT8,
    TensorType.FLOAT16,
    TensorType.FLOAT64,
    TensorType.COMPLEX128,
    TensorType.UINT64,
    TensorType.RESOURCE,
    TensorType.VARIANT,
    TensorType.UINT32,
    TensorType.UINT16,
    TensorType.INT4,
    TensorType.BFLOAT16,
    TensorType.INT2,
    TensorType.UINT4,
    TensorType.FLOAT8_E4M3FN,
    TensorType.FLOAT8_E5M2,
  };
  // TFLite demands 4 bytes on some targets; 16 is what the file format aligns buffers to.
  private static final int ALIGNMENT = 16;

  /** Why the runtime cannot be loaded; the JVM says it only once. */
  private static UnsatisfiedLinkError unloadable;

  /** JavaCPP looks for its libraries each time, which takes milliseconds. */
  private static boolean loaded;

  /** Where JavaCPP unpacks libraries. */
  private static final String CACHE = "org.bytedeco.javacpp.cachedir";

  private final String source;
  private final long process;
  private final BytePointer memory; // the model's bytes, or null if it came from a file
  private final FlatBufferModel model;
  private final Resolvers resolvers;
  private final BuiltinOpResolver resolver;
  private final org.bytedeco.tensorflowlite.Interpreter interpreter;
  private final Map<Integer, Integer> variables;
  private final Optional<KernelProfiler> profiler;

  private NativeModel(String source, BytePointer memory, FlatBufferModel model, Options options) {
    this.source = source;
    this.process = OwnProcess.name(source);
    this.memory = memory;
    this.model = model;
    this.resolvers = options.xnnpack() ? Resolvers.XNNPACK : Resolvers.BUILT_IN;
    this.resolver = resolvers.take();
    this.interpreter = new org.bytedeco.tensorflowlite.Interpreter((Pointer) null);
    this.profiler = options.profiled() ? Optional.of(new KernelProfiler()) : Optional.empty();
    OwnProcess.forget();
    runs();
    int status;
    try (InterpreterOptions native_ = new InterpreterOptions();
        InterpreterBuilder builder = builder(native_, options)) {
      builder.SetNumThreads(options.threads());
      status = builder.apply(interpreter);
    }
    if (status != 0 || interpreter.isNull()) {
      close();
      throw NarrowException.unsupported(
          source
              + ": TFLite "
              + version()
              + " refuses this model: it lacks an operator or its version,"
              + " or a tensor's parameters are invalid ("
              + OwnProcess.reason()
              + ")");
    }
    List<String> unresolved = unresolvedOperators();
    if (!unresolved.isEmpty()) {
      close();
      throw NarrowException.unsupported(
          source + ": not in TFLite " + version() + ": " + String.join(", ", unresolved));
    }
    List<String> fatal = KernelCheck.problems(interpreter);
    if (!fatal.isEmpty()) {
      close();
      throw NarrowException.unsupported(
          source + ": TFLite would end the process at " + String.join(", ", fatal));
    }
    this.variables = variables();
    // Before tensors are allocated: XNNPACK times its kernels only if somebody listens by then.
    profiler.ifPresent(listening -> interpreter.SetProfiler(listening.listener()));
  }

  static NativeModel of(Path file, String source, Options options) {
    load();
    // The file name goes to C as the platform spells it, which need not be UTF-8.
    Charset charset =
        Charset.forName(System.getProperty("sun.jnu.encoding", StandardCharsets.UTF_8.name()));
    try (BytePointer name = new BytePointer(file.toString(), charset)) {
      FlatBufferModel model = FlatBufferModel.VerifyAndBuildFromFile(name);
      return new NativeModel(source, null, built(model, source), options);
    }
  }

  static NativeModel of(ByteBuffer buffer, String name, Options options) {
    load();
    BytePointer memory = new BytePointer(aligned(buffer));
    FlatBufferModel model =
        FlatBufferModel.VerifyAndBuildFromBuffer(memory, memory.limit(), null, null);
    return new NativeModel(name, memory, built(model, name), options);
  }

  /** Says that it is this model that native code works on, on this thread, from now on. */
  void runs() {
    OwnProcess.runs(process);
  }

  /** By subgraph a variable tensor, of those that have any: their memory says whether it is run. */
  private Map<Integer, Integer> variables() {
    Map<Integer, Integer> found = new LinkedHashMap<>();
    for (int s = 0; s < interpreter.subgraphs_size(); s++) {
      for (int t = 0; t < interpreter.subgraph(s).tensors_size(); t++) {
        if (interpreter.subgraph(s).tensor(t).is_variable()) {
          found.put(s, t);
        }
      }
    }
    return found;
  }

  /** Sets variable tensors to zero, but of subgraphs that nothing calls, which have no memory. */
  int resetVariables() {
    int status = 0;
    for (Map.Entry<Integer, Integer> variable : variables.entrySet()) {
      Subgraph graph = interpreter.subgraph(variable.getKey());
      if (graph.tensor(variable.getValue()).data().raw() != null) {
        status = Math.max(status, graph.ResetVariableTensors());
      }
    }
    return status;
  }

  org.bytedeco.tensorflowlite.Interpreter interpreter() {
    return interpreter;
  }

  Optional<KernelProfiler> profiler() {
    return profiler;
  }

  TensorInfo info(int index) {
    TfLiteTensor tensor = interpreter.tensor(index);
    int type = tensor.type();
    BytePointer name = tensor.name();
    String text = name == null ? "" : text(name);
    if (type <= 0 || type >= TYPES.length) {
      throw NarrowException.unsupported(
          source + ": tensor `" + text + "` has the unknown type " + type);
    }
    return new TensorInfo(
        text,
        TYPES[type],
        dimensions(tensor.dims()),
        tensor.params().scale(),
        tensor.params().zero_point());
  }

  List<SignatureInfo> signatures() {
    List<SignatureInfo> signatures = new ArrayList<>();
    try (StringVector keys = interpreter.signature_keys()) {
      for (long i = 0; i < keys.size(); i++) {
        String key = text(keys.get(i));
        signatures.add(
            new SignatureInfo(
                key,
                interpreter.GetSubgraphIndexFromSignature(key),
                map(interpreter.signature_inputs(key)),
                map(interpreter.signature_outputs(key))));
      }
    }
    return signatures;
  }

  /**
   * The tables of kernels. The runtime writes down what it makes of their rows, in the table and
   * without a lock, so that a table serves one model at a time; to fill one takes as long as to
   * open a model of a few operators, of which the correction of biases opens thousands.
   */
  private enum Resolvers {
    XNNPACK(BuiltinOpResolver::new),
    BUILT_IN(BuiltinOpResolverWithoutDefaultDelegates::new);

    private final Supplier<BuiltinOpResolver> filled;
    private final Queue<BuiltinOpResolver> free = new ConcurrentLinkedQueue<>();

    Resolvers(Supplier<BuiltinOpResolver> filled) {
      this.filled = filled;
    }

    BuiltinOpResolver take() {
      BuiltinOpResolver resolver = free.poll();
      return resolver == null ? filled.get() : resolver;
    }

    void giveBack(BuiltinOpResolver resolver) {
      free.add(resolver);
    }
  }

  /** Custom operators that no kernel is registered for: TFLite finds out when it prepares them. */
  private List<String> unresolvedOperators() {
    Set<String> names = new LinkedHashSet<>();
    for (int s = 0; s < interpreter.subgraphs_size(); s++) {
      long nodes = interpreter.subgraph(s).nodes_size();
      for (int n = 0; n < nodes; n++) {
        TfLiteRegistration operator = interpreter.node_and_registration(s, n).second();
        BytePointer name = operator.custom_name();
        if (operator.builtin_code() == tensorflowlite.kTfLiteBuiltinCustom
            && name != null
            && resolver.FindOp(name, operator.version()) == null) {
          names.add("custom operator `" + text(name) + "`");
        }
      }
    }
    return List.copyOf(names);
  }

  /**
   * Inputs of subgraph 0 that say how many results an operator gives: below 1, its kernel would end
   * the process.
   */
  List<Integer> counts() {
    List<Integer> counts = new ArrayList<>();
    int[] inputs = indices(interpreter.inputs());
    for (int n = 0; n < interpreter.nodes_size(); n++) {
      RegistrationNodePair node = interpreter.node_and_registration(n);
      String name = Schema.name("BuiltinOperator", node.second().builtin_code());
      int place = OpRules.of(name).count();
      if (place >= 0) {
        int count = node.first().inputs().data(place);
        IntStream.of(inputs).filter(input -> input == count).forEach(counts::add);
      }
    }
    return counts;
  }

  /** The operators of subgraph 0 that a delegate took: a list for each part that it runs as one. */
  List<List<Integer>> delegated() {
    List<List<Integer>> parts = new ArrayList<>();
    for (int step : indices(interpreter.execution_plan())) {
      RegistrationNodePair node = interpreter.node_and_registration(step);
      if (node.second().builtin_code() == tensorflowlite.kTfLiteBuiltinDelegate) {
        TfLiteIntArray replaced =
            new TfLiteDelegateParams(node.first().builtin_data()).nodes_to_replace();
        parts.add(IntStream.of(dimensions(replaced)).boxed().toList());
      }
    }
    return parts;
  }

  /** Frees in the order in which things refer to each other. */
  @Override
  public void close() {
    runs();
    interpreter.close();
    resolvers.giveBack(resolver);
    profiler.ifPresent(KernelProfiler::close);
    model.close();
    if (memory != null) {
      memory.close();
    }
  }

  static String text(BytePointer name) {
    return name.getString(StandardCharsets.UTF_8);
  }

  static int[] dimensions(TfLiteIntArray dims) {
    return dims == null ? new int[0] : IntStream.range(0, dims.size()).map(dims::data).toArray();
  }

  static int[] indices(IntPointer pointer) {
    int[] indices = new int[pointer == null ? 0 : Math.toIntExact(pointer.limit())];
    if (indices.length > 0) {
      pointer.get(indices);
    }
    return indices;
  }

  private InterpreterBuilder builder(InterpreterOptions native_, Options options) {
    native_.SetPreserveAllTensors(options.preserveAllTensors());
    return new InterpreterBuilder(model, resolver, native_);
  }

  private static FlatBufferModel built(FlatBufferModel model, String source) {
    if (model == null || model.isNull()) {
      throw NarrowException.input(source + ": not a TFLite model, or damaged");
    }
    return model;
  }

  private static ByteBuffer aligned(ByteBuffer buffer) {
    ByteBuffer bytes = buffer.slice();
    if (bytes.hasRemaining() && bytes.alignmentOffset(0, ALIGNMENT) != 0) {
      ByteBuffer copy =
          ByteBuffer.allocateDirect(bytes.remaining() + ALIGNMENT).alignedSlice(ALIGNMENT);
      bytes = copy.put(bytes).flip();
    }
    return bytes;
  }

  private static Map<String, Integer> map(StringIntMap entries) {
    Map<String, Integer> map = new LinkedHashMap<>();
    StringIntMap.Iterator end = entries.end();
    for (StringIntMap.Iterator i = entries.begin(); !i.equals(end); i.increment()) {
      map.put(i.first(), i.second());
    }
    return map;
  }

  private static String version() {
    return text(tensorflowlite.TfLiteVersion());
  }

  /** Loads the runtime, and fills the table of kernels that the first model takes. */
  static void preload() {
    load();
    Resolvers.XNNPACK.giveBack(Resolvers.XNNPACK.take());
  }

  private static synchronized void load() {
    if (loaded) {
      return;
    }
    if (unloadable != null) {
      throw unloadable;
    }
    String cache = System.getProperty("narrow.kernels.cache");
    if (cache != null && System.getProperty(CACHE) == null) {
      System.setProperty(CACHE, cache); // the runtime is unpacked where the kernels are
    }
    try {
      Loader.load(tensorflowlite.class);
      OwnProcess.runtimeLoaded();
      loaded = true;
    } catch (LinkageError e) {
      UnsatisfiedLinkError error =
          new UnsatisfiedLinkError(
              "the TFLite runtime could not be loaded: org.bytedeco:tensorflow-lite with classifier "
                  + Loader.Detector.getPlatform()
                  + " has to be on the class path, and a folder there to unpack it to, from which"
                  + " programs may run (-Dnarrow.kernels.cache=DIR): "
                  + e.getMessage());
      error.initCause(e);
      unloadable = error;
      throw error;
    }
  }
}
