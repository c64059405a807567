package io.narrow.tflite.schema;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Gives contents one after another, and computes the next while one is in use. */
final class Prefetch {
  private final List<Object> contents;
  private final ByteBuffer[] memory = new ByteBuffer[2];
  private CompletableFuture<ByteBuffer> coming;
  private int started;

  /**
   * @param contents buffers and {@link Table.Computed}
   */
  Prefetch(List<Object> contents) {
    this.contents = contents;
    this.coming = start();
  }

  /** The next contents, to be used before this is called again. */
  ByteBuffer next() {
    ByteBuffer ready = coming.join();
    coming = start();
    return ready;
  }

  private CompletableFuture<ByteBuffer> start() {
    if (started == contents.size()) {
      return CompletableFuture.completedFuture(ByteBuffer.allocate(0));
    }
    int slot = started % memory.length;
    Object value = contents.get(started++);
    return value instanceof Table.Computed computed
        ? CompletableFuture.supplyAsync(() -> compute(computed, slot))
        : CompletableFuture.completedFuture(((ByteBuffer) value).duplicate());
  }

  private ByteBuffer compute(Table.Computed computed, int slot) {
    if (memory[slot] == null || memory[slot].capacity() < computed.size()) {
      memory[slot] = ByteBuffer.allocateDirect(computed.size());
    }
    computed.compute().accept(memory[slot].clear().limit(computed.size()));
    return memory[slot].position(0).limit(computed.size());
  }
}
