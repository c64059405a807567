"""Quantizes float32 models to int8 and int16x8 with Narrow, with TensorFlow's converter and with ai-edge-quantizer, calibrated on the same
samples, and measures all files on the same other samples.

    static.py [MODEL.tflite...] --cache FOLDER [--narrow PATH | --no-narrow] [--options "--range mse"] [--samples N] [--markdown FILE] [--json FILE]
"""
import argparse
import hashlib
import json
import os
import re
import shlex
from typing import NamedTuple

import samples
import zoo

MODES = {"int8": ("_i8", "_u8"), "int16x8": ("_i16",)}  # and what the names of files end in that the model's makers quantized
PEERS = {"tensorflow": "tensorflow-cpu", "ai-edge": "ai-edge-quantizer"}  # and the package whose version counts
OWN = "makers"
TOOLS = ("narrow", *PEERS, OWN)
SEED = os.path.join(zoo.HERE, "..", "..", "..", "shared", "models", "seed", "cifar10_resnet18_pruned.tflite")
MEASURES = ("first", "worst")
HEADER = ["model", "mode", "tool", "status", "bytes", "first dB", "worst dB", "agree", "right", "built-in first", "worst", "agree", "right",
          "behind", "stays float"]
WIDTHS = [34, 7, 10, 11, 9, 8, 8, 6, 6, 14, 8, 6, 6, 6, 0]


def digest(*paths):
    found = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as f:
            found.update(f.read())
    return found.hexdigest()[:16]


class Model:
    """One model, its folder in the cache, and the steps that are still to be run on it."""

    def __init__(self, path, args, cache):
        self.path, self.args, self.cache = path, args, cache
        self.name = os.path.basename(path).removesuffix(".tflite")
        self.identity = digest(path)
        self.folder = os.path.join(os.path.abspath(args.cache), self.name + "-" + self.identity)
        self.few = ("" if args.samples is None else "-%d" % args.samples) + ("-draw%d" % args.draw if args.draw else "")
        os.makedirs(self.folder, exist_ok=True)

    def run(self, wanted):
        """Carries out {key: [(field or None, step)]}, each key from the cache if it has it, and returns {key: result}."""
        results, todo = {}, []
        for key, steps in wanted.items():
            if key in self.cache.entries:
                results[key] = dict(self.cache.entries[key])
            else:
                results[key] = {}
                todo += [(key, field, {"model": self.path, "folder": self.folder, "data": self.args.data, **step}) for field, step in steps]
        if todo:
            for (key, field, _), result in zip(todo, zoo.run_steps([step for _, _, step in todo], self.folder, self.args.timeout)):
                results[key].update({field: result} if field else result)
            for key in dict.fromkeys(key for key, _, _ in todo):
                if not key.startswith("narrow") and "timed out" not in json.dumps(results[key]):
                    self.cache.put(key, results[key])
        return results

    def file(self, tool, mode):
        return os.path.join(self.folder, "%s-%s%s.tflite" % (tool, mode, self.few))

    def own(self, mode):
        """The makers' integer file of the same model, or None."""
        stem = self.path.removesuffix(".tflite")
        names = [stem.removesuffix("_f32") + ending for ending in MODES[mode]] + [stem.replace("_pruned", "_int8_notall")] * (mode == "int8")
        return next((n + ".tflite" for n in names if n != stem and os.path.exists(n + ".tflite")), None)

    def measured(self, path):
        return [(k, {"do": "static score", "kernels": k, "file": path}) for k in zoo.KERNELS] + \
            [("types", {"do": "float operators", "file": path})]

    def measure(self):
        source = digest(os.path.join(zoo.HERE, "samples.py"))
        key = "samples %s %s" % (self.name, source)
        written = self.run({key: [(None, {"do": "samples"})]})[key]
        if "failure" in written:
            return {"model": self.name, "float": {k: written["failure"] for k in zoo.KERNELS}, "rows": []}
        kind = "calibrate"
        if self.args.draw:
            kind = self.run({"narrow draw": [(None, {"do": "draw", "draw": self.args.draw})]})["narrow draw"]["kind"]
        about = " ".join((self.name, self.identity, written["digest"]))
        wanted = {"float " + about: [(k, {"do": "static reference", "kernels": k}) for k in zoo.KERNELS]}
        for mode in self.args.modes:
            for tool in PEERS if self.args.peers else ():
                path = self.file(tool, mode)
                wanted["%s %s %s%s" % (tool, mode, about, self.few)] = \
                    [(None, {"do": "static peer", "tool": tool, "mode": mode, "calibration": kind, "samples": self.args.samples,
                              "file": path})] + \
                    self.measured(path)
            if self.own(mode):
                wanted["%s %s %s %s" % (OWN, mode, about, digest(self.own(mode)))] = \
                    [(None, {"do": "same weights", "file": self.own(mode)})] + self.measured(self.own(mode))
        ours = {}
        for mode in self.args.modes if self.args.narrow else ():
            path = self.file("narrow", mode)
            options = ["--mode", mode] + shlex.split(self.args.options)
            options += [] if self.args.samples is None else ["--samples", str(self.args.samples)]
            for data in samples.for_narrow(self.path, self.folder, kind):
                options += ["--calibrate", data]
            ours[mode] = zoo.run_narrow(self.args.narrow, self.path, options, path, self.folder, self.args.timeout)
            wanted["narrow %s %s" % (mode, about)] = self.measured(path)
        results = self.run(wanted)
        on_float = results["float " + about]
        runs = {k: "failure" not in on_float[k] for k in zoo.KERNELS}
        rows = []
        for mode in self.args.modes:
            row = {"mode": mode}
            for key, result in results.items():
                tool, of, _ = key.split(" ", 2)
                if tool in TOOLS and of == mode:
                    result = {**(ours[mode] if tool == "narrow" else {}), **result}
                    row[tool] = zoo.judge({**result, "tensors": result["types"].get("integer")}, runs)
            rows.append(row)
        self.compare(rows)
        return {"model": self.name, "bytes": os.path.getsize(self.path), "float": {k: on_float[k].get("failure") for k in zoo.KERNELS},
                "accuracy": on_float[zoo.KERNELS[0]].get("accuracy"), "zero": any(on_float[k].get("zero") for k in zoo.KERNELS), "rows": rows}


    def compare(self, rows):
        """Adds to the rows that are behind how far the difference would go with other test samples."""
        behind = [(row, gap(row)) for row in rows if "narrow" in row]
        behind = [(row, found) for row, found in behind if found and found.db > zoo.CLOSE_DB]
        steps = [{"model": self.path, "folder": self.folder, "do": "static difference", "kernels": found.kernels,
                  "file": self.file("narrow", row["mode"]), "other": self.file(found.other, row["mode"])} for row, found in behind]
        for (row, found), result in zip(behind, zoo.run_steps(steps, self.folder, self.args.timeout)):
            if "error" in result:
                row["error"] = result["error"][MEASURES.index(found.measure)]


class Gap(NamedTuple):
    db: float
    other: str
    kernels: str
    measure: str
    values: str

    def __str__(self):
        return "%s (%s, %s)" % (self.values, self.measure, self.kernels)


def gap(row, others=tuple(PEERS), tool="narrow"):
    """By how many dB a file is worse than the best one of the others, where that is most, or None."""
    found = []
    for kernels in zoo.KERNELS:
        for i, measure in enumerate(MEASURES):
            values = {t: float(row[t][kernels]["sqnr"][i]) for t in (tool, *others)
                      if t in row and row[t]["status"] == "ok" and "sqnr" in row[t].get(kernels, {})}
            mine = values.pop(tool, None)
            if mine is not None and values:
                best = max(values, key=values.get)
                if values[best] != mine:
                    found.append(Gap(values[best] - mine, best, kernels, measure, "%s %.2f, %s %.2f" % (tool, mine, best, values[best])))
    return max(found) if found else None


def stays_float(result):
    return ", ".join("%s %d" % item for item in sorted(result.get("types", {}).get("float", {}).items()))


def cells(entry, row, tool):
    result = row[tool]
    made = result["status"] not in ("refused", "crashed")
    line = [entry["model"], row["mode"], tool, result["status"], str(result["bytes"]) if made else ""]
    for kernels in zoo.KERNELS:
        got = result.get(kernels, {})
        line += ["%.2f" % float(v) for v in got["sqnr"]] if "sqnr" in got else ["", ""]
        line += ["%.3f" % got[name] if name in got else "" for name in ("agreement", "accuracy")]
    behind = gap(row) if tool == "narrow" else None
    failures = [result.get("failure")] + [result.get(k, {}).get("failure") for k in zoo.KERNELS]
    said = next((f for f in failures if f and made | (f == result.get("failure"))), "")
    return line + ["%.2f" % behind.db if behind and behind.db > 0 else "", said or stays_float(result)]


def plain(row):
    return "  ".join(c.ljust(w) if i < 4 or i > 13 else c.rjust(w) for i, (c, w) in enumerate(zip(row, WIDTHS))).rstrip()


def full_integer(result):
    return result["status"] == "ok" and not result["types"].get("float")


def beside_makers(entry, row):
    """What both files give on the default kernels; whether the makers quantized the same weights or trained on."""
    theirs, kernels = row[OWN], zoo.KERNELS[0]
    said = []
    for name in ("accuracy", "agreement", "score"):
        values = [r.get(kernels, {}).get(name) for r in (row["narrow"], theirs)]
        if None not in values:
            before = "float %.3f, " % entry["accuracy"] if name == "accuracy" else ""
            said.append("%s %snarrow %.3f, theirs %.3f" % (name, before, *values))
    behind = gap(row, (OWN,))
    said.append("%+.2f dB: %s" % (-behind.db, behind) if behind else "equal")
    return "%s, %s: %s; %d of %d weights are the float model's" % (entry["model"], row["mode"], "; ".join(said), theirs["same"], theirs["all"])


def summary(entries):
    """Lines of Markdown that also read well as they are."""
    lines = ["%d float32 models." % len(entries)]

    def listing(title, items):
        lines.extend(["", title + (":" if items else ": none.")] + [""] * bool(items) + ["- " + item for item in items])

    states = ["ok", "unchanged", "not loading", "refused", "crashed", "unmeasured"]
    lines += ["", "| tool | mode | full integer | " + " | ".join(states) + " |", "|---" * (len(states) + 3) + "|"]
    every = [(e, row) for e in entries for row in e["rows"]]
    modes = list(dict.fromkeys(row["mode"] for _, row in every))
    for tool in TOOLS:
        for mode in modes:
            found = [row[tool] for _, row in every if row["mode"] == mode and tool in row]
            if found:
                counts = [sum(r["status"] == s for r in found) for s in states]
                lines.append("| %s | %s | %d of %d | %s |" % (tool, mode, sum(map(full_integer, found)), len(found), " | ".join(map(str, counts))))
    listing("The float model itself does not run", ["%s on %s: %s" % (e["model"], k, zoo.shortened(e["float"][k], 100))
                                                    for e in entries for k in zoo.KERNELS if e["float"].get(k)])
    listing("The float model answers zero to every sample", [e["model"] for e in entries if e.get("zero")])
    for mode in modes:
        gaps = [(gap(row), e, row) for e, row in every if row["mode"] == mode and "narrow" in row]
        gaps = sorted(((g, e, row) for g, e, row in gaps if g), key=lambda item: -item[0].db)
        listing("%s: Narrow more than %.1f dB below the better of the two others" % (mode, zoo.CLOSE_DB),
                ["%s: %.2f dB%s: %s%s" % (e["model"], g.db, " +- %.2f" % row["error"] if "error" in row else "", g, "".join("; %s keeps float: %s" % (t, stays_float(row[t]))
                                                                      for t in ("narrow", *PEERS) if stays_float(row[t])))
                 for g, e, row in gaps if g.db > zoo.CLOSE_DB])
        listing("%s: Narrow within that or above" % mode, ["%s: %+.2f dB" % (e["model"], -g.db) for g, e, _ in gaps if g.db <= zoo.CLOSE_DB])
    listing("Narrow beside the files of the models' makers", [beside_makers(e, row) for e, row in every if OWN in row and "narrow" in row])
    for tool in ("narrow", *PEERS):
        found = [(e, row, row[tool]) for e, row in every if tool in row]
        listing(tool + ": refused, crashed or not loading",
                ["%s, %s: %s: %s" % (e["model"], row["mode"], r["status"], zoo.shortened(cells(e, row, tool)[-1], 250))
                 for e, row, r in found if r["status"] in ("refused", "crashed", "not loading")])
        listing(tool + ": operators that stay float", ["%s, %s: %s of %d" % (e["model"], row["mode"], stays_float(r), r["types"]["operators"])
                                                       for e, row, r in found if r["status"] == "ok" and stays_float(r)])
        listing(tool + ": unchanged", ["%s, %s" % (e["model"], row["mode"]) for e, row, r in found if r["status"] == "unchanged"])
    return lines


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="*", help="default: the float32 models of ../shared/models/zoo and the one of seed")
    p.add_argument("--cache", required=True, help="folder for samples, the tools' files and their results")
    p.add_argument("--data", default=samples.DATA, help="folder with the data (default: ../shared/data)")
    p.add_argument("--narrow", default=os.path.join(zoo.HERE, "..", "..", "narrow"), help="the command to measure (default: ../../narrow)")
    p.add_argument("--no-narrow", action="store_true", help="the other tools only")
    p.add_argument("--no-peers", dest="peers", action="store_false", help="Narrow only: which operators are integers, what each file gives")
    p.add_argument("--options", default="", help="more options of `narrow quantize`")
    p.add_argument("--samples", type=int, help="calibrate on the first so many (default: all, at most %d)" % samples.MOST)
    p.add_argument("--draw", type=int, default=0, help="take them from the samples in a seeded order of this number (default 0: as they are)")
    p.add_argument("--modes", type=lambda s: s.split(","), default=tuple(MODES), help="int8,int16x8")
    p.add_argument("--match", default="", help="only models whose name matches this regular expression")
    p.add_argument("--timeout", type=float, default=1200, help="seconds for each step (default 1200)")
    p.add_argument("--markdown", help="also write table and summary to this file")
    p.add_argument("--json", help="also write everything measured to this file")
    args = p.parse_args()
    args.narrow = None if args.no_narrow else os.path.abspath(args.narrow)
    if args.narrow and not os.access(args.narrow, os.X_OK):
        p.error("no command at %s: give --narrow PATH or --no-narrow" % args.narrow)
    models = args.models or [SEED] + zoo.float_models(os.path.join(zoo.HERE, "..", "..", "..", "shared", "models", "zoo"))[0]
    models = [os.path.abspath(m) for m in models if re.search(args.match, os.path.basename(m))]
    if not models:
        p.error("no model matches " + args.match)
    os.makedirs(args.cache, exist_ok=True)
    cache = zoo.Cache(os.path.join(args.cache, "results.json"), {}, [*PEERS.values(), "ai-edge-litert", "numpy"])
    entries = []
    print(plain(HEADER), flush=True)
    for path in models:
        entries.append(Model(path, args, cache).measure())
        for row in entries[-1]["rows"]:
            for tool in TOOLS:
                if tool in row:
                    print(plain([zoo.shortened(c, 110) for c in cells(entries[-1], row, tool)]), flush=True)
    end = summary(entries)
    print("\n" + "\n".join(end))
    if args.markdown:
        with open(args.markdown, "w", encoding="utf-8") as f:
            f.write("| " + " | ".join(HEADER) + " |\n" + "|---" * 4 + "|--:" * 10 + "|---|\n")
            for entry in entries:
                for row in entry["rows"]:
                    for tool in TOOLS:
                        if tool in row:
                            f.write("| " + " | ".join(c.replace("|", "\\|") for c in cells(entry, row, tool)) + " |\n")
            f.write("\n" + "\n".join(end) + "\n")
    if args.json:
        with open(args.json, "w") as f:
            json.dump(entries, f, indent=1)


if __name__ == "__main__":
    main()
