package io.narrow.tflite.model;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.NarrowException.Kind;
import io.narrow.tflite.files.FileSink;
import io.narrow.tflite.files.WholeFile;
import io.narrow.tflite.schema.Table;
import io.narrow.tflite.schema.TableReader;
import io.narrow.tflite.schema.TableReader.MalformedException;
import io.narrow.tflite.schema.TableWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads and writes model files. */
final class ModelFile {
  static final long LARGEST_FLATBUFFER = Integer.MAX_VALUE - 16;

  private static final String IDENTIFIER = "TFL3";
  private static final int ALIGNMENT = 16;

  /** Buffers up to this size are computed at once, so that they can fill gaps of the layout. */
  private static final int SMALL = 1 << 12;

  private ModelFile() {}

  static Model read(Path file) {
    String name = String.valueOf(file.getFileName());
    if (Files.isDirectory(file)) {
      throw problem(file, "is a directory, not a model");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      ByteBuffer mapped = map(channel, 0, Math.min(size, LARGEST_FLATBUFFER));
      if (mapped.limit() < 8) {
        throw problem(
            file, mapped.limit() == 0 ? "is empty" : "is too short for a TensorFlow Lite model");
      }
      if (mapped.getInt(4) != 0x334c4654) {
        throw problem(file, "is not a TensorFlow Lite model: bytes 4 to 7 are not TFL3");
      }
      TableReader reader = new TableReader(mapped);
      Table root = reader.root("Model");
      ModelCheck.root(root);
      long[] end = {reader.end()};
      List<Buffer> buffers = new ArrayList<>();
      for (Table buffer : root.tables("buffers")) {
        buffers.add(Buffer.of(contents(channel, buffer, buffers.size(), end)));
      }
      List<OperatorCode> codes =
          root.tables("operator_codes").stream().map(OperatorCode::of).toList();
      List<Subgraph> subgraphs = new ArrayList<>();
      for (Table subgraph : root.tables("subgraphs")) {
        subgraphs.add(Subgraph.of(inlineOptions(channel, subgraph, end), codes));
      }
      ByteBuffer rest = map(channel, end[0], size - end[0]);
      Model model =
          new Model(
              name,
              root.without("operator_codes").without("subgraphs").without("buffers"),
              Compaction.codes(codes, subgraphs), // what nothing uses is not written either
              subgraphs,
              buffers,
              Tail.of(rest, end[0]),
              Optional.of(mapped).filter(whole -> whole.limit() == size));
      ModelCheck.model(model);
      return model;
    } catch (MalformedException e) {
      throw problem(file, "is damaged: " + e.getMessage());
    } catch (IOException e) {
      throw problem(file, "cannot be read: " + WholeFile.reason(e));
    }
  }

  private static ByteBuffer map(FileChannel channel, long offset, long size) throws IOException {
    ByteBuffer view =
        size == 0 ? ByteBuffer.allocate(0) : channel.map(MapMode.READ_ONLY, offset, size);
    return view.order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Contents of a buffer, which stand in its table or, in large files, after the flatbuffer. */
  private static ByteBuffer contents(FileChannel channel, Table buffer, int number, long[] end)
      throws IOException, MalformedException {
    long offset = buffer.integer("offset");
    if (offset >= 0 && offset <= 1) {
      return buffer.bytes("data");
    }
    return region(channel, offset, buffer.integer("size"), "buffer " + number, end);
  }

  private static ByteBuffer region(
      FileChannel channel, long offset, long size, String what, long[] end)
      throws IOException, MalformedException {
    if (offset < 0 || size < 0 || size > channel.size() || offset > channel.size() - size) {
      throw ModelCheck.malformed(what + " points outside the file");
    }
    if (size > Integer.MAX_VALUE) {
      throw ModelCheck.malformed(what + " holds more than 2 GiB");
    }
    end[0] = Math.max(end[0], offset + size);
    return map(channel, offset, size);
  }

  /** Moves custom options that stand after the flatbuffer into their operators. */
  private static Table inlineOptions(FileChannel channel, Table subgraph, long[] end)
      throws IOException, MalformedException {
    List<Table> operators = new ArrayList<>();
    boolean changed = false;
    for (Table operator : subgraph.tables("operators")) {
      long offset = operator.integer("large_custom_options_offset");
      if (offset < 0 || offset > 1) {
        ByteBuffer options =
            region(
                channel,
                offset,
                operator.integer("large_custom_options_size"),
                "operator " + operators.size() + ".custom_options",
                end);
        operator =
            operator
                .with("custom_options", options)
                .without("large_custom_options_offset")
                .without("large_custom_options_size");
        changed = true;
      }
      operators.add(operator);
    }
    return changed ? subgraph.with("operators", operators) : subgraph;
  }

  /**
   * @param largest bytes beyond which buffers go after the flatbuffer
   */
  static long write(Model model, Path file, long largest) {
    return WholeFile.write(file, channel -> write(model, channel, largest));
  }

  static long write(Model model, WritableByteChannel channel) throws IOException {
    FileSink sink = new FileSink(channel);
    write(model, sink, LARGEST_FLATBUFFER);
    return sink.position();
  }

  static boolean fitsMemory(Model model) {
    long contents = model.buffers().stream().mapToLong(Buffer::size).sum();
    return contents <= LARGEST_FLATBUFFER / 2 || writer(model).size() <= LARGEST_FLATBUFFER;
  }

  private static TableWriter writer(Model model) {
    return new TableWriter(model.table(inline(model)), IDENTIFIER);
  }

  static ByteBuffer bytes(Model model) {
    TableWriter writer = writer(model);
    if (writer.size() > LARGEST_FLATBUFFER) {
      throw model.problem(Kind.UNSUPPORTED, "is larger than 2 GiB, too large for one buffer");
    }
    ByteBuffer bytes = ByteBuffer.allocateDirect((int) writer.size());
    try {
      writer.write(new MemoryChannel(bytes));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.flip().asReadOnlyBuffer();
  }

  /** A channel to memory. */
  private record MemoryChannel(ByteBuffer target) implements WritableByteChannel {
    @Override
    public int write(ByteBuffer source) {
      int count = source.remaining();
      target.put(source);
      return count;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }

  private static List<Table> inline(Model model) {
    List<Table> inline = new ArrayList<>();
    for (Buffer buffer : model.buffers()) {
      Table table = Table.of("Buffer");
      inline.add(
          buffer.size() == 0
              ? table
              : buffer.isComputed() && buffer.size() > SMALL
                  ? table.with("data", buffer.size(), buffer::computeInto)
                  : table.with("data", buffer.bytes()));
    }
    return inline;
  }

  private static void write(Model model, FileSink channel, long largest) throws IOException {
    TableWriter writer = writer(model);
    if (writer.size() <= largest) {
      writer.write(channel);
    } else {
      writeAfterwards(model, channel);
    }
    if (model.tail().size() > 0) {
      long position = align(channel.position());
      TableWriter.writeFully(channel, ByteBuffer.allocate((int) (position - channel.position())));
      TableWriter.writeFully(channel, model.tail().at(position));
    }
  }

  /** Writes a flatbuffer without buffers, and the buffers after it. */
  private static void writeAfterwards(Model model, FileSink channel) throws IOException {
    // Offsets and sizes are fields of fixed width, so the first layout tells where they end up.
    long position = new TableWriter(model.table(placed(model, ALIGNMENT)), IDENTIFIER).size();
    List<Table> buffers = placed(model, align(position));
    new TableWriter(model.table(buffers), IDENTIFIER).write(channel);
    for (int i = 0; i < buffers.size(); i++) {
      if (model.buffers().get(i).size() > 0) {
        long gap = buffers.get(i).integer("offset") - channel.position();
        TableWriter.writeFully(channel, ByteBuffer.allocate((int) gap));
        TableWriter.writeFully(channel, model.buffers().get(i).bytes());
      }
    }
    TableWriter.writeFully(channel, ByteBuffer.allocate(ALIGNMENT));
  }

  private static List<Table> placed(Model model, long start) {
    List<Table> tables = new ArrayList<>();
    long position = start;
    for (Buffer buffer : model.buffers()) {
      Table table = Table.of("Buffer");
      if (buffer.size() > 0) {
        table = table.with("offset", position).with("size", (long) buffer.size());
        position = align(position + buffer.size());
      }
      tables.add(table);
    }
    return tables;
  }

  private static long align(long position) {
    return (position + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  private static NarrowException problem(Path file, String what) {
    return new NarrowException(Kind.INPUT, file + ": " + what);
  }
}
