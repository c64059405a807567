package io.narrow.tflite;

/** Is told how far a long task has come. Called from one thread at a time. */
public interface Progress {
  /** Ignores everything. */
  Progress NONE =
      new Progress() {
        @Override
        public void start(String task, long total) {}

        @Override
        public void step() {}

        @Override
        public void done() {}
      };

  /**
   * A task begins.
   *
   * @param task what is being done, in a word or two
   * @param total how many steps will follow
   */
  void start(String task, long total);

  /** One step of the task is finished. */
  void step();

  /** The task has ended, whether or not all steps were made. */
  void done();
}
