package io.narrow.tflite.schema;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Lays {@link Table}s out as a flatbuffer and streams it. Tables come first, then small tables,
 * strings and vectors, each distinct one once (many tensors have the same shape, options or zero
 * points), then the contents of large vectors (the weights), which go from where they lie to the
 * channel without a copy in memory. flatbuffers-java's builder works backwards in one growing array
 * instead, which holds the whole file on the heap, at times twice.
 *
 * <p>Deterministic: the same tables give the same bytes.
 */
public final class TableWriter {
  /** A string or small vector that is written once, after all tables. */
  private record Leaf(ByteBuffer contents, int count, int alignment, int zeros) {
    int size() {
      return 4 + contents.remaining() + zeros;
    }

    // The methods that the compiler makes for a record link at run time, which costs 10 ms once.
    @Override
    public boolean equals(Object other) {
      return other instanceof Leaf that
          && count == that.count
          && alignment == that.alignment
          && zeros == that.zeros
          && contents.equals(that.contents);
    }

    @Override
    public int hashCode() {
      return Table.hash(contents);
    }
  }

  /** A large vector of scalars that is written after everything else. */
  private record Payload(int reference, Object contents, Field field) {
    int alignment() {
      return Math.max(4, field.alignment());
    }

    int size() {
      return contents instanceof Table.Computed computed
          ? computed.size()
          : ((ByteBuffer) contents).remaining();
    }

    int count() {
      return size() / field.element().bytes;
    }
  }

  /** XNNPACK reads up to this many bytes past the end of the last weights. */
  private static final int READ_AHEAD = 16;

  /** Vectors up to this size are compared with each other; a typical size of weights is beyond. */
  private static final int LARGEST_LEAF = 1 << 12;

  private static final int LAST_OFFSET = Integer.MAX_VALUE - READ_AHEAD;

  private ByteBuffer bytes = ByteBuffer.allocate(1 << 14).order(ByteOrder.LITTLE_ENDIAN);
  private int end;
  private final Map<String, Integer> vtables = new HashMap<>();
  private final Map<Table, List<Integer>> flat = new LinkedHashMap<>();
  private final Map<Leaf, List<Integer>> leaves = new LinkedHashMap<>();
  private final List<Payload> payloads = new ArrayList<>();

  /**
   * @param root the root table
   * @param identifier four characters, written at bytes 4 to 7
   */
  public TableWriter(Table root, String identifier) {
    reserve(8);
    byte[] mark = identifier.getBytes(StandardCharsets.US_ASCII);
    bytes.put(4, mark);
    refer(0, table(root));
    // Offsets point forward, so what is shared comes after all that refers to it.
    flat.forEach((table, references) -> refer(references, table(table)));
    leaves();
  }

  /** Bytes that {@link #write} will produce, or a number beyond 2 GiB if they are that many. */
  public long size() {
    long position = end;
    for (Payload payload : payloads) {
      position = start(position, payload.alignment()) + payload.size();
    }
    return position + (payloads.isEmpty() ? 0 : READ_AHEAD);
  }

  /** Writes the file. */
  public void write(WritableByteChannel channel) throws IOException {
    long position = end;
    for (Payload payload : payloads) {
      position = start(position, payload.alignment());
      refer(payload.reference(), Math.toIntExact(position - 4));
      position += payload.size();
    }
    writeFully(channel, bytes.duplicate().position(0).limit(end));
    position = end;
    Prefetch contents = new Prefetch(payloads.stream().map(Payload::contents).toList());
    for (Payload payload : payloads) {
      long start = start(position, payload.alignment());
      ByteBuffer gap = ByteBuffer.allocate((int) (start - position)).order(ByteOrder.LITTLE_ENDIAN);
      gap.putInt(gap.limit() - 4, payload.count());
      writeFully(channel, gap);
      writeFully(channel, contents.next());
      position = start + payload.size();
    }
    if (!payloads.isEmpty()) {
      writeFully(channel, ByteBuffer.allocate(READ_AHEAD));
    }
  }

  /** Writes all of a buffer. */
  public static void writeFully(WritableByteChannel channel, ByteBuffer source) throws IOException {
    while (source.hasRemaining()) {
      channel.write(source);
    }
  }

  /** Where the contents of a vector start whose length is to be written after {@code position}. */
  private static long start(long position, int alignment) {
    return align(position + 4, alignment);
  }

  private int table(Table table) {
    TableType type = table.type();
    List<Field> present = new ArrayList<>();
    for (int id = 0; id < type.size(); id++) {
      if (type.has(id) && table.value(id) != null) {
        present.add(type.field(id));
      }
    }
    // Widest first, so that nothing but the first field needs padding.
    present.sort((a, b) -> Integer.compare(b.kind().bytes, a.kind().bytes));
    boolean wide = !present.isEmpty() && present.get(0).kind().bytes == 8;
    int[] inside = new int[type.size()];
    int used = 4;
    for (Field field : present) {
      inside[field.id()] = used;
      used += field.kind().bytes;
    }
    int vtable = vtable(inside, used);
    int position = (int) align(end, 4);
    if (wide && position % 8 == 0) {
      position += 4;
    }
    reserve(position + used);
    bytes.putInt(position, position - vtable);
    for (Field field : present) {
      if (field.kind().scalar()) {
        scalar(field, position + inside[field.id()], table.value(field.id()));
      }
    }
    for (int id = 0; id < type.size(); id++) {
      if (inside[id] != 0 && !type.field(id).kind().scalar()) {
        reference(type.field(id), position + inside[id], table.value(id));
      }
    }
    return position;
  }

  private int vtable(int[] inside, int tableBytes) {
    int count = inside.length;
    while (count > 0 && inside[count - 1] == 0) {
      count--;
    }
    String key = tableBytes + Arrays.toString(Arrays.copyOf(inside, count));
    Integer known = vtables.get(key);
    if (known != null) {
      return known;
    }
    int position = (int) align(end, 2);
    reserve(position + 4 + 2 * count);
    bytes.putShort(position, (short) (4 + 2 * count));
    bytes.putShort(position + 2, (short) tableBytes);
    for (int id = 0; id < count; id++) {
      bytes.putShort(position + 4 + 2 * id, (short) inside[id]);
    }
    vtables.put(key, position);
    return position;
  }

  private void scalar(Field field, int at, Object value) {
    switch (field.kind()) {
      case FLOAT -> bytes.putFloat(at, (Float) value);
      case BOOL, BYTE, UBYTE -> bytes.put(at, (byte) (long) (Long) value);
      case USHORT -> bytes.putShort(at, (short) (long) (Long) value);
      case INT, UINT -> bytes.putInt(at, (int) (long) (Long) value);
      default -> bytes.putLong(at, (Long) value);
    }
  }

  @SuppressWarnings("unchecked")
  private void reference(Field field, int at, Object value) {
    switch (field.kind()) {
      case STRING -> {
        byte[] text = (byte[]) value;
        later(new Leaf(ByteBuffer.wrap(text), text.length, 4, 1), at);
      }
      case VECTOR -> {
        if (value instanceof Table.Computed) {
          payloads.add(new Payload(at, value, field));
          return;
        }
        ByteBuffer contents = (ByteBuffer) value;
        if (contents.remaining() > LARGEST_LEAF) {
          payloads.add(new Payload(at, contents, field));
        } else {
          int count = contents.remaining() / field.element().bytes;
          later(new Leaf(contents, count, Math.max(4, field.alignment()), 0), at);
        }
      }
      case TABLES -> {
        List<Table> tables = (List<Table>) value;
        int vector = (int) align(end, 4);
        reserve(vector + 4 + 4 * tables.size());
        bytes.putInt(vector, tables.size());
        refer(at, vector);
        for (int i = 0; i < tables.size(); i++) {
          child(vector + 4 + 4 * i, tables.get(i));
        }
      }
      default -> child(at, (Table) value);
    }
  }

  private void child(int at, Table table) {
    if (table.isFlat(LARGEST_LEAF)) {
      flat.computeIfAbsent(table, t -> new ArrayList<>()).add(at);
    } else {
      refer(at, table(table));
    }
  }

  private void later(Leaf leaf, int at) {
    leaves.computeIfAbsent(leaf, l -> new ArrayList<>()).add(at);
  }

  /** Writes the leaves, the small ones into the gaps that the alignment of others leaves. */
  private void leaves() {
    TreeMap<Integer, Deque<Leaf>> small = new TreeMap<>();
    for (Leaf leaf : leaves.keySet()) {
      if (leaf.alignment() == 4) {
        small.computeIfAbsent(leaf.size(), size -> new ArrayDeque<>()).add(leaf);
      }
    }
    for (Leaf leaf : leaves.keySet()) {
      if (leaf.alignment() > 4) {
        fill(small, start(end, leaf.alignment()) - 4);
        leaf(leaf);
      }
    }
    small.values().forEach(rest -> rest.forEach(this::leaf));
  }

  private void fill(TreeMap<Integer, Deque<Leaf>> small, long limit) {
    while (true) {
      var fitting = small.floorEntry((int) (limit - align(end, 4)));
      if (fitting == null) {
        return;
      }
      leaf(fitting.getValue().remove());
      if (fitting.getValue().isEmpty()) {
        small.remove(fitting.getKey());
      }
    }
  }

  private void leaf(Leaf leaf) {
    ByteBuffer contents = leaf.contents();
    int start = (int) start(end, leaf.alignment());
    reserve(start + contents.remaining() + leaf.zeros());
    bytes.putInt(start - 4, leaf.count());
    bytes.put(start, contents, contents.position(), contents.remaining());
    refer(leaves.get(leaf), start - 4);
  }

  private void refer(List<Integer> references, int target) {
    references.forEach(at -> refer(at, target));
  }

  private void refer(int at, int target) {
    bytes.putInt(at, target - at);
  }

  /** Makes the file at least this long. */
  private void reserve(int length) {
    if (length > bytes.capacity()) {
      int capacity = (int) Math.min(LAST_OFFSET, Math.max(length, 2L * bytes.capacity()));
      ByteBuffer larger = ByteBuffer.allocate(capacity).order(ByteOrder.LITTLE_ENDIAN);
      larger.put(0, bytes, 0, end);
      bytes = larger;
    }
    end = Math.max(end, length);
  }

  private static long align(long position, int alignment) {
    return (position + alignment - 1) / alignment * alignment;
  }
}
