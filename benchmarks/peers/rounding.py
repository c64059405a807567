"""What each way to choose the codes of weights is worth: quantizes float32 models with Narrow in several modes, without any correction, with
biases corrected, with weights rounded together, and with both; and measures all files on the same samples that were not calibrated on.

    rounding.py [MODEL.tflite...] --cache FOLDER [--narrow PATH] [--match RE] [--modes weight-only,dynamic:4] [--ways plain,bias,both] [--markdown FILE]
"""
import argparse
import os
import re

import samples
import static
import zoo

MODES = ("weight-only", "weight-only:4", "dynamic", "dynamic:4", "int8", "int16x8")
WAYS = {
    "plain": ["--rounding", "nearest", "--no-bias-correction"],
    "bias": ["--rounding", "nearest"],
    "together": ["--rounding", "second-order", "--no-bias-correction"],
    "both": ["--rounding", "second-order"],
}
KERNELS = zoo.KERNELS[0]
CLOSE_DB = 0.3


def measure(path, args):
    """For each mode and way: the result of narrow and of static_score."""
    name = os.path.basename(path).removesuffix(".tflite")
    folder = os.path.join(os.path.abspath(args.cache), name)
    os.makedirs(folder, exist_ok=True)
    common = {"model": path, "folder": folder, "data": args.data, "kernels": KERNELS}
    first = zoo.run_steps([{**common, "do": "samples"}, {**common, "do": "static reference"}], folder, args.timeout)
    if any("failure" in result for result in first):
        print("%s: %s" % (name, next(r["failure"] for r in first if "failure" in r)), flush=True)
        return []
    rows = []
    for mode in args.modes:
        kind, _, bits = mode.partition(":")
        files, made = {}, {}
        for way in args.ways:
            files[way] = os.path.join(folder, "%s-%s%s.tflite" % (way, kind, bits))
            options = ["--mode", kind] + (["--bits", bits] if bits else []) + WAYS[way]
            for data in samples.for_narrow(path, folder, "calibrate"):
                options += ["--calibrate", data]
            made[way] = zoo.run_narrow(args.narrow, path, options, files[way], folder, args.timeout)
        scores = zoo.run_steps([{**common, "do": "static score", "file": file} for file in files.values()], folder, args.timeout)
        rows.append((name, mode, {way: {**made[way], **score} for way, score in zip(args.ways, scores)}))
    return rows


def db(result):
    return float(result["sqnr"][0]) if "sqnr" in result else None


def cell(result):
    if db(result) is None:
        return zoo.shortened(result.get("failure", result.get("skipped", "")), 30)
    return "%.2f" % db(result) + (" / %.3f" % result["agreement"] if "agreement" in result else "")


def line(row, ways):
    name, mode, results = row
    return [name, mode.replace(":", ", ") + (" bits" if ":" in mode else "")] + [cell(results[way]) for way in ways] + \
        ["%.1f" % results[ways[-1]]["seconds"]]


def summary(rows, ways):
    lines = []
    for mode in dict.fromkeys(row[1] for row in rows):
        found = [(row[0], db(row[2][ways[0]]), db(row[2][ways[-1]])) for row in rows if row[1] == mode]
        found = [(name, before, after) for name, before, after in found if before is not None and after is not None]
        if found:
            gains = [after - before for _, before, after in found]
            worse = ["%s %+.2f" % (name, after - before) for name, before, after in found if after < before - CLOSE_DB]
            lines.append("%s: %s against %s %+.2f dB in the mean of %d models, from %+.2f to %+.2f; worse by more than %.1f: %s" % (
                mode, ways[-1], ways[0], sum(gains) / len(gains), len(gains), min(gains), max(gains), CLOSE_DB, ", ".join(worse) or "none"))
    return lines


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="*", help="default: the float32 models of ../shared/models/zoo and the one of seed")
    p.add_argument("--cache", required=True, help="folder for samples and files")
    p.add_argument("--data", default=samples.DATA, help="folder with the data (default: ../shared/data)")
    p.add_argument("--narrow", default=os.path.join(zoo.HERE, "..", "..", "narrow"), help="the command to measure (default: ../../narrow)")
    p.add_argument("--modes", type=lambda s: s.split(","), default=MODES, help=",".join(MODES))
    p.add_argument("--ways", type=lambda s: s.split(","), default=list(WAYS), help=",".join(WAYS))
    p.add_argument("--match", default="", help="only models whose name matches this regular expression")
    p.add_argument("--timeout", type=float, default=1200, help="seconds for each step (default 1200)")
    p.add_argument("--markdown", help="also write the table to this file")
    args = p.parse_args()
    args.narrow = os.path.abspath(args.narrow)
    models = args.models or [static.SEED] + zoo.float_models(os.path.join(zoo.HERE, "..", "..", "..", "shared", "models", "zoo"))[0]
    models = [os.path.abspath(m) for m in models if re.search(args.match, os.path.basename(m))]
    if not models:
        p.error("no model matches " + args.match)
    os.makedirs(args.cache, exist_ok=True)
    rows = []
    for path in models:
        for row in measure(path, args):
            rows.append(row)
            print("  ".join(c.ljust(28 if i == 0 else 16) for i, c in enumerate(line(row, args.ways))), flush=True)
    end = summary(rows, args.ways)
    print("\n" + "\n".join(end))
    if args.markdown:
        with open(args.markdown, "w", encoding="utf-8") as f:
            f.write("| model | mode | " + " | ".join(args.ways) + " | s |\n|---|---|" + "--:|" * (len(args.ways) + 1) + "\n")
            f.write("".join("| " + " | ".join(line(row, args.ways)) + " |\n" for row in rows) + "\n" + "\n\n".join(end) + "\n")


if __name__ == "__main__":
    main()
