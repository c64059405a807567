package io.narrow.kernels;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.bytedeco.javacpp.Pointer;

/**
 * Direct memory for one native call at a time: stands in for arrays where a call works on pointers.
 * It is reused, because allocating it costs more than a small call.
 */
final class Scratch {
  private static final int LARGEST_KEPT = 1 << 20;
  private static final ConcurrentLinkedQueue<Scratch> POOL = new ConcurrentLinkedQueue<>();

  private final Block[] blocks = {new Block(), new Block(), new Block(), new Block(), new Block()};

  private Scratch() {}

  static Scratch take() {
    Scratch scratch = POOL.poll();
    return scratch != null ? scratch : new Scratch();
  }

  void giveBack() {
    POOL.add(this);
    for (Block block : blocks) {
      if (block.memory != null && block.memory.capacity() > LARGEST_KEPT) {
        block.memory = null;
      }
    }
  }

  /** A block of at least so many bytes, with any contents. */
  Block block(int index, int size) {
    Block block = blocks[index];
    if (block.memory == null || block.memory.capacity() < size) {
      block.memory = ByteBuffer.allocateDirect(Math.max(size, 64)).order(ByteOrder.nativeOrder());
      block.pointer = new Pointer(block.memory);
    }
    block.memory.clear().limit(size);
    return block;
  }

  static final class Block {
    private ByteBuffer memory;
    private Pointer pointer;

    /** From position 0 to the size that was asked for. */
    ByteBuffer memory() {
      return memory;
    }

    Pointer pointer() {
      return pointer;
    }
  }
}
