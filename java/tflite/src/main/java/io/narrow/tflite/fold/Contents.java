package io.narrow.tflite.fold;

import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Buffers of a model while it is folded: what is computed from one in the same way is there once.
 */
final class Contents {
  private final Draft draft;
  private final Map<Buffer, Integer> numbers = new IdentityHashMap<>();
  private final Map<List<Object>, Buffer> computed = new HashMap<>();

  Contents(Draft draft) {
    this.draft = draft;
  }

  Buffer of(int number) {
    Buffer contents = draft.contents(number);
    numbers.putIfAbsent(contents, number);
    return contents;
  }

  /** Number of a buffer, which is added where it is new. */
  int number(Buffer contents) {
    return numbers.computeIfAbsent(contents, draft::addBuffer);
  }

  /**
   * What is computed from a buffer.
   *
   * @param how all that the result depends on beside it
   */
  Buffer computed(Buffer from, List<Object> how, Supplier<Buffer> compute) {
    return computed.computeIfAbsent(List.of(number(from), how), key -> compute.get());
  }
}
