package io.narrow.kernels;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.bytedeco.javacpp.Pointer;

/**
 * Direct memory for one native call at a time: stands in for arrays where a call works on pointers.
 * It is reused, because allocating it costs more than a small call. What is kept for that is
 * bounded: as many as processors, 5 MiB each.
 *
 * <p>One belongs to a single thread from {@link #take} to {@link #giveBack}.
 */
final class Scratch {
  static final int LARGEST_KEPT = 1 << 20;
  static final int BLOCKS = 5;

  private static final AtomicReferenceArray<Scratch> POOL =
      new AtomicReferenceArray<>(Runtime.getRuntime().availableProcessors());

  private final Block[] blocks = new Block[BLOCKS];

  private Scratch() {}

  static Scratch take() {
    for (int i = 0; i < POOL.length(); i++) {
      int slot = slot(i);
      Scratch scratch = POOL.get(slot) == null ? null : POOL.getAndSet(slot, null);
      if (scratch != null) {
        return scratch;
      }
    }
    return new Scratch();
  }

  /**
   * Leaves it to others, so this comes last, and the caller must not use it or its blocks again.
   */
  void giveBack() {
    for (int i = 0; i < BLOCKS; i++) {
      if (blocks[i] != null && blocks[i].memory.capacity() > LARGEST_KEPT) {
        blocks[i] = null;
      }
    }
    for (int i = 0; i < POOL.length(); i++) {
      int slot = slot(i);
      if (POOL.get(slot) == null && POOL.compareAndSet(slot, null, this)) {
        return;
      }
    }
  }

  /** Threads start to look at different places, so that they seldom meet. */
  private static int slot(int i) {
    return (int) ((Thread.currentThread().getId() + i) % POOL.length());
  }

  /** A block of at least so many bytes, with any contents. */
  Block block(int index, int size) {
    Block block = blocks[index];
    if (block == null || block.memory.capacity() < size) {
      ByteBuffer memory =
          ByteBuffer.allocateDirect(Math.max(size, 64)).order(ByteOrder.nativeOrder());
      block = new Block(memory, new Pointer(memory));
      blocks[index] = block;
    }
    Buffer positions = block.memory; // ByteBuffer's own are new to Android 15
    positions.clear();
    positions.limit(size);
    return block;
  }

  /**
   * @param memory from position 0 to the size that was asked for
   */
  record Block(ByteBuffer memory, Pointer pointer) {}
}
