/** An application in a module. */
module consumer {
  requires io.narrow.kernels;
}
