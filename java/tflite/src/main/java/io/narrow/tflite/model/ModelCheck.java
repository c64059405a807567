package io.narrow.tflite.model;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.schema.Table;
import io.narrow.tflite.schema.TableReader.MalformedException;

/**
 * Checks that every number in a model that stands for something else (a tensor, a buffer, an
 * operator code, a subgraph) has something to stand for, that constants are as large as their
 * shapes say, and that operators follow each other. What passes can be walked without further
 * checks.
 */
final class ModelCheck {
  private static final int VERSION = 3;

  private ModelCheck() {}

  static MalformedException malformed(String what) {
    return new MalformedException(what);
  }

  /** What must hold before the typed views can be made. */
  static void root(Table root) throws MalformedException {
    if (root.integer("version") != VERSION) {
      throw malformed("version " + root.integer("version") + " of the format, known is 3");
    }
    int codes = root.tables("operator_codes").size();
    for (Table code : root.tables("operator_codes")) {
      if (code.integer("builtin_code") < 0 || code.integer("version") < 1) {
        throw malformed("an operator code has no valid number or version");
      }
    }
    if (root.tables("subgraphs").isEmpty()) {
      throw malformed("it has no subgraph");
    }
    if (root.tables("buffers").isEmpty()) {
      throw malformed("it has no buffers");
    }
    for (int buffer : root.ints("metadata_buffer")) {
      within(buffer, root.tables("buffers").size(), "a buffer", "metadata_buffer");
    }
    int number = 0;
    for (Table subgraph : root.tables("subgraphs")) {
      for (Table tensor : subgraph.tables("tensors")) {
        String what = "tensor `" + tensor.string("name") + "` of subgraph " + number;
        tensor(tensor, what);
        int scales = Tensor.blockScalesNumber(tensor);
        within(Math.max(0, scales), subgraph.tables("tensors").size(), "a tensor", what);
      }
      for (Table operator : subgraph.tables("operators")) {
        within(operator.integer("opcode_index"), codes, "an operator code", "subgraph " + number);
      }
      number++;
    }
  }

  private static void tensor(Table tensor, String what) throws MalformedException {
    try {
      TensorType.of((int) tensor.integer("type"));
    } catch (NarrowException e) {
      throw malformed(
          what + " has type " + tensor.integer("type") + ", which Narrow does not know");
    }
    long elements = 1;
    for (int size : tensor.ints("shape")) {
      if (size < 0) {
        throw malformed(what + " has a negative size in its shape");
      }
      // 2^40 elements are beyond any machine; the bound keeps every product below 2^63.
      elements *= size;
      if (elements > 1L << 40) {
        throw malformed(what + " has more elements than can be");
      }
    }
  }

  static void model(Model model) throws MalformedException {
    int number = 0;
    for (Subgraph subgraph : model.subgraphs()) {
      subgraph(model, subgraph, "subgraph " + number++);
    }
    for (var entry : model.metadata().entrySet()) {
      within(entry.getValue(), model.buffers().size(), "a buffer", "metadata " + entry.getKey());
    }
    for (Signature signature : model.signatures()) {
      String what = "signature `" + signature.key() + "`";
      within(signature.subgraph(), model.subgraphs().size(), "a subgraph", what);
      int tensors = model.subgraphs().get(signature.subgraph()).tensors().size();
      for (int tensor : signature.inputs().values()) {
        within(tensor, tensors, "a tensor", what);
      }
      for (int tensor : signature.outputs().values()) {
        within(tensor, tensors, "a tensor", what);
      }
    }
  }

  private static void subgraph(Model model, Subgraph subgraph, String what)
      throws MalformedException {
    int tensors = subgraph.tensors().size();
    for (Tensor tensor : subgraph.tensors()) {
      within(tensor.buffer(), model.buffers().size(), "a buffer", "tensor `" + tensor.name() + "`");
      int bytes = model.contents(tensor).remaining();
      int bits = tensor.type().bits();
      if (bytes != 0
          && bits != 0
          && !tensor.isEncoded()
          && bytes != tensor.type().bytes(tensor.elements())) {
        throw malformed(
            "tensor `"
                + tensor.name()
                + "` holds "
                + bytes
                + " bytes, its shape "
                + tensor.shapeText()
                + " of "
                + tensor.type()
                + " needs "
                + tensor.type().bytes(tensor.elements()));
      }
    }
    all(subgraph.inputs(), tensors, 0, what + " inputs");
    all(subgraph.outputs(), tensors, 0, what + " outputs");
    int number = 0;
    for (Operator operator : subgraph.operators()) {
      String name = what + " operator " + number++ + " (" + operator.name() + ")";
      all(operator.inputs(), tensors, -1, name);
      all(operator.outputs(), tensors, 0, name);
      all(operator.table().ints("intermediates"), tensors, 0, name);
      for (int called : operator.calls()) {
        within(called, model.subgraphs().size(), "a subgraph", name);
      }
    }
    OrderCheck.check(model, subgraph, what);
  }

  private static void all(int[] numbers, int count, int smallest, String what)
      throws MalformedException {
    for (int number : numbers) {
      if (number < smallest || number >= count) {
        throw malformed(what + " refers to tensor " + number + " of " + count);
      }
    }
  }

  private static void within(long number, int count, String kind, String what)
      throws MalformedException {
    if (number < 0 || number >= count) {
      throw malformed(what + " refers to " + kind + " that does not exist: " + number);
    }
  }
}
