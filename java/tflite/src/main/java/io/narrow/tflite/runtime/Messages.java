package io.narrow.tflite.runtime;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.Interpreter.Options;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What an {@link IsolatedInterpreter} and its {@link InterpreterServer} say to each other. */
final class Messages {
  /** What a request begins with. */
  enum Request {
    OPEN,
    RUN,
    RESET
  }

  /** Asks to load a model. */
  record Open(String file, Options options) {}

  private Messages() {}

  static void writeOpen(DataOutputStream to, String file, Options options) throws IOException {
    to.writeByte(Request.OPEN.ordinal());
    writeText(to, file);
    to.writeInt(options.threads());
    to.writeBoolean(options.xnnpack());
    to.writeBoolean(options.checked());
    writeInts(to, options.outputs().stream().mapToInt(Integer::intValue).toArray());
    to.writeInt(options.shapes().size());
    for (int[] shape : options.shapes()) {
      writeInts(to, shape);
    }
  }

  static Open readOpen(DataInputStream from) throws IOException {
    String file = readText(from);
    Options options =
        Options.DEFAULT
            .withThreads(from.readInt())
            .withXnnpack(from.readBoolean())
            .withChecked(from.readBoolean());
    List<Integer> outputs = new ArrayList<>();
    for (int output : readInts(from)) {
      outputs.add(output);
    }
    List<int[]> shapes = new ArrayList<>();
    for (int left = from.readInt(); left > 0; left--) {
      shapes.add(readInts(from));
    }
    return new Open(file, options.withOutputs(outputs).withShapes(shapes));
  }

  static void writeRun(DataOutputStream to, List<ByteBuffer> inputs) throws IOException {
    to.writeByte(Request.RUN.ordinal());
    to.writeInt(inputs.size());
    for (ByteBuffer input : inputs) {
      writeBytes(to, input);
    }
  }

  static List<ByteBuffer> readRun(DataInputStream from) throws IOException {
    List<ByteBuffer> inputs = new ArrayList<>();
    for (int left = from.readInt(); left > 0; left--) {
      inputs.add(readBytes(from));
    }
    return inputs;
  }

  static void writeReset(DataOutputStream to) throws IOException {
    to.writeByte(Request.RESET.ordinal());
  }

  static Request readRequest(DataInputStream from) throws IOException {
    return Request.values()[from.readByte()];
  }

  static void writeDone(DataOutputStream to) throws IOException {
    to.writeBoolean(true);
  }

  static void writeFailure(DataOutputStream to, NarrowException why) throws IOException {
    to.writeBoolean(false);
    to.writeByte(why.kind().ordinal());
    writeText(to, why.getMessage());
  }

  /**
   * Reads what precedes the results.
   *
   * @throws NarrowException that the other side wrote
   */
  static void readAnswer(DataInputStream from) throws IOException {
    if (!from.readBoolean()) {
      NarrowException.Kind kind = NarrowException.Kind.values()[from.readByte()];
      throw new NarrowException(kind, readText(from));
    }
  }

  static void writeInfos(DataOutputStream to, List<TensorInfo> infos) throws IOException {
    to.writeInt(infos.size());
    for (TensorInfo info : infos) {
      writeText(to, info.name());
      to.writeInt(info.type().ordinal());
      writeInts(to, info.shape());
      to.writeFloat(info.scale());
      to.writeInt(info.zeroPoint());
    }
  }

  static List<TensorInfo> readInfos(DataInputStream from) throws IOException {
    List<TensorInfo> infos = new ArrayList<>();
    for (int left = from.readInt(); left > 0; left--) {
      String name = readText(from);
      TensorType type = TensorType.values()[from.readInt()];
      infos.add(new TensorInfo(name, type, readInts(from), from.readFloat(), from.readInt()));
    }
    return infos;
  }

  static void writeBytes(DataOutputStream to, ByteBuffer bytes) throws IOException {
    byte[] copy = new byte[bytes.remaining()];
    bytes.duplicate().get(copy);
    to.writeInt(copy.length);
    to.write(copy);
  }

  static ByteBuffer readBytes(DataInputStream from) throws IOException {
    int length = from.readInt();
    byte[] bytes = from.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException();
    }
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void writeText(DataOutputStream to, String text) throws IOException {
    writeBytes(to, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static String readText(DataInputStream from) throws IOException {
    return StandardCharsets.UTF_8.decode(readBytes(from)).toString();
  }

  private static void writeInts(DataOutputStream to, int[] values) throws IOException {
    to.writeInt(values.length);
    for (int value : values) {
      to.writeInt(value);
    }
  }

  private static int[] readInts(DataInputStream from) throws IOException {
    int[] values = new int[from.readInt()];
    for (int i = 0; i < values.length; i++) {
      values[i] = from.readInt();
    }
    return values;
  }
}
