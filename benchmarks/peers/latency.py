"""Latency of .tflite files that take turns, one thread, XNNPACK on.

    latency.py FILE FILE... [--turns N] [--burst N]
"""
import argparse
import os
import statistics
import time

import litert


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("files", nargs="+")
    p.add_argument("--turns", type=int, default=50, help="turns of each file, after five that are not counted (default 50)")
    p.add_argument("--burst", type=int, default=4, help="timed runs in a turn, after one that brings the file's weights back into the cache")
    args = p.parse_args()
    interpreters = []
    for path in args.files:
        it = litert.interpreter(path)
        it.allocate_tensors()
        for detail, value in zip(it.get_input_details(), litert.sample(0, it.get_input_details())):
            it.set_tensor(detail["index"], value)
        interpreters.append(it)
    times = [[] for _ in args.files]
    for turn in range(-5, args.turns):
        order = [(i + turn) % len(args.files) for i in range(len(args.files))]  # nobody always follows the same neighbour
        for i in order if turn % 2 else reversed(order):
            interpreters[i].invoke()
            spent = []
            for _ in range(args.burst):
                start = time.perf_counter()
                interpreters[i].invoke()
                spent.append((time.perf_counter() - start) * 1e3)
            if turn >= 0:
                times[i].append(spent)
    print("%-44s %10s %10s %10s %10s   %s" % ("file", "bytes", "mean ms", "median ms", "ratio", "ratio by turn: min median max"))
    medians = [statistics.median(t for turn in ours for t in turn) for ours in times]
    for path, ours, median in zip(args.files, times, medians):
        ratios = [statistics.median(a) / statistics.median(b) for a, b in zip(ours, times[0])]
        print("%-44s %10d %10.4f %10.4f %10.3f   %.3f %.3f %.3f" % (
            os.path.basename(path), os.path.getsize(path), statistics.mean(t for turn in ours for t in turn), median, median / medians[0],
            min(ratios), statistics.median(ratios), max(ratios)))


if __name__ == "__main__":
    main()
