package io.narrow.tflite.model;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.NarrowException.Kind;
import io.narrow.tflite.schema.Table;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A TensorFlow Lite model: subgraphs over shared buffers, signatures and metadata. Immutable. What
 * Narrow does not interpret (options, sparsity, StableHLO, debug metadata ...) is carried along as
 * it was read.
 *
 * <p>Reading maps the file; the contents of buffers stay there until they are used.
 */
public final class Model {
  private static final String MINIMUM_RUNTIME = "min_runtime_version";

  private final String name;
  private final Table root;
  private final List<OperatorCode> codes;
  private final List<Subgraph> subgraphs;
  private final List<Buffer> buffers;
  private final Tail tail;
  private final Optional<ByteBuffer> file; // of which nothing is changed

  /**
   * @param name what messages call the model, usually its file name
   * @param root the root table, without operator codes, subgraphs and buffers
   * @param file the whole file that all this was read from, if it is in memory
   */
  Model(
      String name,
      Table root,
      List<OperatorCode> codes,
      List<Subgraph> subgraphs,
      List<Buffer> buffers,
      Tail tail,
      Optional<ByteBuffer> file) {
    this.file = file;
    this.name = name;
    this.root = root;
    this.codes = List.copyOf(codes);
    this.subgraphs = List.copyOf(subgraphs);
    this.buffers = List.copyOf(buffers);
    this.tail = tail;
  }

  Model(
      String name,
      Table root,
      List<OperatorCode> codes,
      List<Subgraph> subgraphs,
      List<Buffer> buffers,
      Tail tail) {
    this(name, root, codes, subgraphs, buffers, tail, Optional.empty());
  }

  /**
   * Reads a {@code .tflite} file.
   *
   * @throws NarrowException if it cannot be read, is damaged, or uses a part of the format that is
   *     newer than Narrow
   */
  public static Model read(Path file) {
    return ModelFile.read(file);
  }

  /**
   * Writes the model: first under a temporary name beside {@code file}, then moved into place, so
   * that an interruption leaves the old file or the new one. Devices and pipes are written into.
   *
   * @return the size of the file in bytes
   * @throws NarrowException if it cannot be written
   */
  public long write(Path file) {
    return ModelFile.write(this, file, ModelFile.LARGEST_FLATBUFFER);
  }

  /**
   * Writes the model to what is open, which stays so.
   *
   * @return how many bytes that were
   * @throws IOException of the channel
   */
  public long write(WritableByteChannel channel) throws IOException {
    return ModelFile.write(this, channel);
  }

  /** Whether {@link #bytes} can hold it. */
  public boolean fitsMemory() {
    return file.isPresent() || ModelFile.fitsMemory(this);
  }

  /**
   * The model as a file holds it, in direct memory, read-only: of a model that was read and not
   * changed since, that file, without a copy.
   *
   * @throws NarrowException if it is larger than 2 GiB
   */
  public ByteBuffer bytes() {
    return file.map(ByteBuffer::duplicate).orElseGet(() -> ModelFile.bytes(this));
  }

  /** What messages call the model, usually its file name. */
  public String name() {
    return name;
  }

  public List<Subgraph> subgraphs() {
    return subgraphs;
  }

  /** Contents of a buffer, read-only and little-endian; empty for a tensor that is computed. */
  public ByteBuffer buffer(int number) {
    return buffers.get(number).bytes();
  }

  /** Contents of a tensor's buffer. */
  public ByteBuffer contents(Tensor tensor) {
    return buffer(tensor.buffer());
  }

  /** Whether the tensor's contents are in the file, neither computed nor kept between runs. */
  public boolean isConstant(Tensor tensor) {
    return !tensor.isVariable() && (buffers.get(tensor.buffer()).size() > 0 || tensor.isEncoded());
  }

  /**
   * What the model keeps from one run to the next: variables that no operator sets anew, and
   * handles, of the type {@code RESOURCE}, of those that operators assign to in every run. Only the
   * first are reset by {@link io.narrow.tflite.runtime.Interpreter#resetVariableTensors}.
   */
  public List<Tensor> states() {
    Set<Integer> once = new HashSet<>();
    for (Subgraph graph : subgraphs) {
      graph.operators().stream()
          .filter(operator -> operator.name().equals("CALL_ONCE"))
          .forEach(operator -> once.addAll(operator.calls()));
    }
    Map<String, Tensor> states = new LinkedHashMap<>();
    for (int i = 0; i < subgraphs.size(); i++) {
      if (!once.contains(i)) {
        subgraphs.get(i).states().forEach(state -> states.putIfAbsent(state.name(), state));
      }
    }
    return List.copyOf(states.values());
  }

  public List<Signature> signatures() {
    return root.tables("signature_defs").stream().map(Signature::of).toList();
  }

  /** Numbers of the subgraphs that a caller can run: the first, and those of the signatures. */
  public List<Integer> entries() {
    return Stream.concat(Stream.of(0), signatures().stream().map(Signature::subgraph))
        .distinct()
        .sorted()
        .toList();
  }

  /** Name of the first signature that runs a subgraph, empty if there is none. */
  public String signatureOf(int subgraph) {
    return signatures().stream()
        .filter(signature -> signature.subgraph() == subgraph)
        .map(Signature::key)
        .findFirst()
        .orElse("");
  }

  /**
   * A model that runs another of the {@link #entries} where this runs the first: the runtime shows
   * only the tensors of that one. It has no signatures.
   */
  public Model withEntry(int number) {
    if (number == 0) {
      return this;
    }
    List<Subgraph> swapped = new ArrayList<>(subgraphs);
    swapped.set(0, subgraphs.get(number));
    return new Model(name, root.without("signature_defs"), codes, swapped, buffers, tail);
  }

  /**
   * A model of one subgraph alone, to run a part of this one: without signatures and metadata.
   *
   * @param main whose operators call no other subgraph
   * @param newBuffers those of its tensors; the first is empty
   */
  public Model part(Subgraph main, List<Buffer> newBuffers) {
    Table bare = root.without("signature_defs").without("metadata").without("metadata_buffer");
    return new Model(name, bare, codes, List.of(main), newBuffers, Tail.NONE);
  }

  public String description() {
    return root.string("description");
  }

  /** Names of the metadata entries with the numbers of their buffers. */
  public Map<String, Integer> metadata() {
    Map<String, Integer> metadata = new LinkedHashMap<>();
    for (Table entry : root.tables("metadata")) {
      metadata.put(entry.string("name"), (int) entry.integer("buffer"));
    }
    return metadata;
  }

  /** The oldest TensorFlow release that runs the model as the file has it, empty if it does not. */
  public String minimumRuntime() {
    Integer number = metadata().get(MINIMUM_RUNTIME);
    if (number == null) {
      return "";
    }
    ByteBuffer contents = buffer(number);
    StringBuilder text = new StringBuilder();
    while (contents.hasRemaining()) {
      char c = (char) contents.get();
      if (c == 0) {
        break;
      }
      text.append(c);
    }
    return text.toString();
  }

  /**
   * How pictures become values of inputs of subgraph 0, where the publisher says so in the file, by
   * the numbers of their tensors.
   */
  public Map<Integer, Normalization> normalizations() {
    return Normalization.of(this);
  }

  /**
   * How many bytes of the model's file are for what: constants of each type, largest first, then
   * scales and ranges, names of tensors, the rest of the graph, metadata, what is attached after
   * the model, and padding. A byte counts once, however many use it. The sum is the size of the
   * file.
   *
   * @throws NarrowException if the model is larger than 2 GiB
   */
  public Map<String, Long> bytesByUse() {
    return Ledger.of(this);
  }

  /** Bytes after the flatbuffer, e.g. a zip archive with label files; 0 if there are none. */
  public long tailBytes() {
    return tail.size();
  }

  public Model withMinimumRuntime(String version) {
    byte[] padded = new byte[Math.max(16, version.length())];
    for (int i = 0; i < version.length(); i++) {
      padded[i] = (byte) version.charAt(i);
    }
    return withMetadata(MINIMUM_RUNTIME, ByteBuffer.wrap(padded));
  }

  /** The model with a metadata entry added or replaced. */
  public Model withMetadata(String entry, ByteBuffer contents) {
    List<Buffer> newBuffers = new ArrayList<>(buffers);
    newBuffers.add(Buffer.of(contents));
    Table added = Table.of("Metadata").with("name", entry).with("buffer", buffers.size());
    List<Table> entries = new ArrayList<>(root.tables("metadata"));
    int place = entries.stream().map(e -> e.string("name")).toList().indexOf(entry);
    if (place < 0) {
      entries.add(added);
    } else {
      entries.set(place, added);
    }
    return new Model(name, root.with("metadata", entries), codes, subgraphs, newBuffers, tail)
        .withUsedBuffers(true);
  }

  /** The model without a metadata entry. */
  public Model withoutMetadata(String entry) {
    if (!metadata().containsKey(entry)) {
      return this;
    }
    List<Table> entries = new ArrayList<>(root.tables("metadata"));
    entries.removeIf(e -> e.string("name").equals(entry));
    Table newRoot = entries.isEmpty() ? root.without("metadata") : root.with("metadata", entries);
    return new Model(name, newRoot, codes, subgraphs, buffers, tail).withUsedBuffers(false);
  }

  /** The model with other subgraphs, over these buffers; buffers that nothing uses are dropped. */
  public Model with(List<Subgraph> newSubgraphs, List<Buffer> newBuffers) {
    return new Model(name, root, codes, newSubgraphs, newBuffers, tail).withUsedBuffers(false);
  }

  /**
   * A model without what nothing uses: tensors, buffers and kinds of operators.
   *
   * @param model the model; its buffers are in the order in which its tensors use them
   * @param tensors for each subgraph the new numbers of its tensors, -1 for those that were dropped
   */
  public record Compact(Model model, List<int[]> tensors) {}

  /** This model without what nothing uses. */
  public Compact compact() {
    List<int[]> numbers = new ArrayList<>();
    List<Subgraph> renumbered = new ArrayList<>();
    for (int i = 0; i < subgraphs.size(); i++) {
      numbers.add(Compaction.tensors(this, i));
      renumbered.add(Compaction.renumber(subgraphs.get(i), numbers.get(i)));
    }
    Table newRoot =
        root.has("signature_defs")
            ? root.with(
                "signature_defs", Compaction.signatures(root.tables("signature_defs"), numbers))
            : root;
    Model model =
        new Model(name, newRoot, Compaction.codes(codes, subgraphs), renumbered, buffers, tail);
    return new Compact(model.withUsedBuffers(true), numbers);
  }

  private Model withUsedBuffers(boolean inOrder) {
    int[] used = Compaction.buffers(this, root, inOrder);
    int[] number = new int[buffers.size()];
    List<Buffer> kept = new ArrayList<>();
    boolean same = used.length == number.length;
    for (int buffer : used) {
      number[buffer] = kept.size();
      same &= number[buffer] == buffer;
      kept.add(buffers.get(buffer));
    }
    if (same) {
      return this;
    }
    List<Subgraph> renumbered = new ArrayList<>();
    for (Subgraph subgraph : subgraphs) {
      List<Tensor> tensors = new ArrayList<>();
      for (Tensor tensor : subgraph.tensors()) {
        int buffer = number[tensor.buffer()];
        tensors.add(buffer == tensor.buffer() ? tensor : tensor.withBuffer(buffer));
      }
      renumbered.add(subgraph.with(tensors, subgraph.operators()));
    }
    Table newRoot = root;
    if (root.has("metadata")) {
      newRoot =
          newRoot.with(
              "metadata",
              root.tables("metadata").stream()
                  .map(e -> e.with("buffer", number[(int) e.integer("buffer")]))
                  .toList());
    }
    if (root.has("metadata_buffer")) {
      int[] listed = root.ints("metadata_buffer");
      newRoot =
          newRoot.with("metadata_buffer", Arrays.stream(listed).map(b -> number[b]).toArray());
    }
    return new Model(name, newRoot, codes, renumbered, kept, tail);
  }

  Tail tail() {
    return tail;
  }

  /** The buffers by number. */
  public List<Buffer> buffers() {
    return buffers;
  }

  /**
   * The root table of the file.
   *
   * @param bufferTables a {@code Buffer} table for every buffer
   */
  Table table(List<Table> bufferTables) {
    List<OperatorCode> used = new ArrayList<>();
    for (Subgraph subgraph : subgraphs) {
      for (Operator operator : subgraph.operators()) {
        if (!used.contains(operator.code())) {
          used.add(operator.code());
        }
      }
    }
    // In the order of the file that was read, then what is new.
    List<OperatorCode> written = new ArrayList<>(codes);
    written.retainAll(used);
    used.removeAll(written);
    written.addAll(used);
    List<Table> graphs = new ArrayList<>();
    for (Subgraph subgraph : subgraphs) {
      List<Table> operators = new ArrayList<>();
      for (Operator operator : subgraph.operators()) {
        operators.add(operator.table().with("opcode_index", written.indexOf(operator.code())));
      }
      graphs.add(
          subgraph
              .table()
              .with("tensors", subgraph.tensors().stream().map(Tensor::table).toList())
              .with("operators", operators));
    }
    return root.with("operator_codes", written.stream().map(OperatorCode::table).toList())
        .with("subgraphs", graphs)
        .with("buffers", bufferTables);
  }

  /** A problem with this model, by its name. */
  public NarrowException problem(Kind kind, String what) {
    return new NarrowException(kind, name + ": " + what);
  }

  @Override
  public String toString() {
    return name;
  }
}
