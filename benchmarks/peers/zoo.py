"""Quantizes every float32 model of a folder with Narrow and with ai-edge-quantizer and measures both files on the stock runtime.

    zoo.py [FOLDER] [--narrow PATH | --no-narrow] [--cache FILE] [--markdown FILE] [--json FILE]
"""
import argparse
import glob
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from importlib.metadata import version

import litert

HERE = os.path.dirname(os.path.abspath(__file__))
SECOND_LOOK = "dynamic 1024+"
# Row, options of `narrow quantize`, recipe of ai-edge-quantizer. The second row is Narrow's first file again, beside the recipe that also
# leaves weights of fewer than 1024 elements float.
MODES = [("dynamic", ["--mode", "dynamic"], "dynamic_wi8_afp32"),
         (SECOND_LOOK, ["--mode", "dynamic"], "dynamic_legacy_wi8_afp32"),
         ("float16", ["--mode", "float16"], "float16"),
         ("weight-only", ["--mode", "weight-only", "--bits", "8"], "weight_only_wi8_afp32")]
KERNELS = list(litert.KERNELS)
CLOSE_DB = 0.5


def one_line(text, folder):
    return " ".join(text.replace(folder + os.sep, "").replace(folder, "").split())


def shortened(text, width):
    return text if len(text) <= width else text[:width - 1] + "…"


def run_steps(steps, folder, timeout):
    """Results of the steps, in order; a crash or a timeout becomes the failure of the step it happened in."""
    results, log = [], os.path.join(folder, "worker.err")
    while len(results) < len(steps):
        with open(log, "w") as err:
            worker = subprocess.Popen([sys.executable, os.path.join(HERE, "worker.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=err, text=True, errors="replace")
        late, watchdog, before = threading.Event(), None, len(results)

        def stop(process=worker, flag=late):
            flag.set()
            process.kill()

        begun = False
        watchdog = threading.Timer(timeout, stop)
        watchdog.start()
        worker.stdin.write(json.dumps(steps[before:]))
        worker.stdin.close()
        for line in worker.stdout:
            if line.startswith("@begin"):
                begun = True
                watchdog.cancel()
                watchdog = threading.Timer(timeout, stop)
                watchdog.start()
            elif line.startswith("@done"):
                begun = False
                results.append(json.loads(line[6:]))
        code = worker.wait()
        watchdog.cancel()
        if len(results) < len(steps):
            with open(log, errors="replace") as err:
                said = [s for s in err.read().splitlines() if re.search("error|fail|abort|assert|terminate|fault", s, re.IGNORECASE)]
            if not begun and len(results) == before:
                raise SystemExit("worker.py did not start: " + (said[-1] if said else "exit code %d" % code))
            how = "crashed: " + (signal.Signals(-code).name if code < 0 else "exit code %d" % code) + (", " + said[-1] if said else "")
            if late.is_set():
                how = "timed out after %d s" % timeout
            results.append({"failure": how})
    return [{k: one_line(v, folder) if k == "failure" else v for k, v in r.items()} for r in results]


def run_narrow(command, model, options, out, folder, timeout):
    if os.path.exists(out):
        os.remove(out)
    start = time.perf_counter()
    try:
        done = subprocess.run([command, "quantize", model, "-o", out] + options, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=timeout)
        code, said, printed = done.returncode, done.stderr.strip().splitlines(), done.stdout.strip().splitlines()
    except subprocess.TimeoutExpired:
        code, said, printed = None, ["timed out after %d s" % timeout], []
    result = {"exit": code, "seconds": round(time.perf_counter() - start, 3), "stderr": [one_line(s, folder) for s in said],
              "stdout": [one_line(s, folder) for s in printed]}
    if code != 0:
        if os.path.exists(out):
            result["left"] = os.path.getsize(out)
            os.remove(out)
        how = "" if code is None else "crashed: %s, " % signal.Signals(-code).name if code < 0 else "exit %d: " % code
        result["failure"] = how + (result["stderr"][0] if said else "no message")
    elif not os.path.exists(out):
        result["failure"] = "exit 0, but no file"
    else:
        result["bytes"] = os.path.getsize(out)
    return result


def judge(result, runs):
    """Adds `status` to the result of one tool on one model in one mode; `runs`: on which kernels the float model runs.
    Narrow refuses with exit 2 or 4, ai-edge with any exception; everything else that leaves no file is a crash."""
    kernels = [k for k in KERNELS if runs[k]]
    if "failure" in result:
        crashed = re.match("crashed|timed out", result["failure"]) or result.get("exit", 2) not in (2, 4)
        result["status"] = "crashed" if crashed else "refused"
    elif not kernels:
        result["status"] = "unmeasured"
    elif any("failure" in result[k] for k in kernels):
        result["status"] = "not loading"
    else:
        result["status"] = "ok" if result.get("tensors") else "unchanged"
    return result


class Cache:
    """Results of other tools: they depend on the model, what was asked for, the samples and the installed versions only."""

    def __init__(self, path, setting, packages):
        self.path = path
        self.setting = {**setting, **{p: version(p) for p in packages}}
        self.entries = {}
        if path and os.path.exists(path):
            with open(path) as f:
                stored = json.load(f)
            if stored["setting"] == self.setting:
                self.entries = stored["entries"]

    def put(self, key, result):
        self.entries[key] = result
        if self.path:
            with open(self.path + ".part", "w") as f:
                json.dump({"setting": self.setting, "entries": self.entries}, f, indent=1)
            os.replace(self.path + ".part", self.path)


def measure(model, args, cache):
    """All rows of one model: {"model", "bytes", "float": {kernels: failure or None}, "zero", "rows": [...]}."""
    with open(model, "rb") as f:
        identity = hashlib.sha256(f.read()).hexdigest()[:16]
    name = os.path.basename(model)
    with tempfile.TemporaryDirectory(prefix="narrow-zoo-") as folder:
        common = {"model": model, "folder": folder, "samples": args.samples}
        steps, owners = [], []

        def add(owner, key, **step):
            steps.append({**common, **step})
            owners.append((owner, key))

        def add_file(owner, path):
            for kernels in KERNELS:
                add(owner, kernels, do="quantized", kernels=kernels, file=path)
            add(owner, "tensors", do="tensors", file=path)

        on_float, ours, theirs = {}, {}, {}
        for kernels in KERNELS:
            add(on_float, kernels, do="float", kernels=kernels)
        for mode, options, recipe in MODES:
            if args.narrow and tuple(options) not in ours:
                out = os.path.join(folder, "narrow-%d.tflite" % len(ours))
                ours[tuple(options)] = run_narrow(args.narrow, model, options, out, folder, args.timeout)
                add_file(ours[tuple(options)], out)
            key = identity + " " + recipe
            theirs[recipe] = dict(cache.entries[key]) if key in cache.entries else {}
            if not theirs[recipe]:
                out = os.path.join(folder, "ai-edge-%s.tflite" % recipe)
                add(theirs[recipe], None, do="ai-edge", recipe=recipe, file=out)
                add_file(theirs[recipe], out)
        for (owner, key), result in zip(owners, run_steps(steps, folder, args.timeout)):
            if key == "tensors":
                owner.update({"tensors": result["tensors"]} if "tensors" in result else {"unread": result.get("failure", "no file")})
            elif key:
                owner[key] = result
            else:
                owner.update(result)
    for _, _, recipe in MODES:
        key = identity + " " + recipe
        if key not in cache.entries and "timed out" not in json.dumps(theirs[recipe]):
            cache.put(key, {"model": name, "recipe": recipe, **theirs[recipe]})
    runs = {k: "failure" not in on_float[k] for k in KERNELS}
    rows = []
    for mode, options, recipe in MODES:
        row = {"mode": mode, "ai-edge": judge(theirs[recipe], runs), "narrow": judge(dict(ours[tuple(options)]), runs) if args.narrow else None}
        row["same"] = same_tensors(row["narrow"], row["ai-edge"])
        rows.append(row)
    return {"model": name, "bytes": os.path.getsize(model), "float": {k: on_float[k].get("failure") for k in KERNELS},
            "zero": any(on_float[k].get("zero") for k in KERNELS), "rows": rows}


def same_tensors(narrow, peer):
    """yes, none where neither quantized anything, or how many float constants only Narrow (+) and only ai-edge (-) quantized;
    empty where one of them has no file."""
    if not narrow or "tensors" not in narrow or "tensors" not in peer:
        return ""
    ours, theirs = set(narrow["tensors"]), set(peer["tensors"])
    if ours == theirs:
        return "yes" if ours else "none"
    return "no" + (" +%d" % len(ours - theirs) if ours - theirs else "") + (" -%d" % len(theirs - ours) if theirs - ours else "")


def cells(result, on_float):
    """Bytes and the SQNR for each set of kernels, as they stand in the table."""
    if result is None:
        return ["", "", ""]
    if result["status"] in ("refused", "crashed"):
        return [result["status"], "", ""]
    def ratio(kernels):
        got = result[kernels]
        if on_float[kernels] is not None:
            return "-"
        return "fails" if "failure" in got else "%.1f" % float(got["sqnr"])
    return ["%d%s" % (result["bytes"], " =" if result["status"] == "unchanged" else "")] + [ratio(k) for k in KERNELS]


def notes(row, on_float, width):
    said = []
    for tool in ("narrow", "ai-edge"):
        result = row[tool]
        if result is None:
            continue
        for where in [result] + [result[k] for k in KERNELS if on_float[k] is None and result["status"] not in ("refused", "crashed")]:
            if "failure" in where and "%s: %s" % (tool, where["failure"]) not in said:
                said.append("%s: %s" % (tool, where["failure"]))
    return "; ".join(shortened(s, width) for s in said)


HEADER = ["model", "mode", "float bytes", "Narrow bytes", "xnnpack dB", "built-in dB", "ai-edge bytes", "xnnpack dB", "built-in dB",
          "same tensors", "notes"]


def table_rows(entry, width):
    for row in entry["rows"]:
        yield [entry["model"].removesuffix(".tflite"), row["mode"], str(entry["bytes"])] + cells(row["narrow"], entry["float"]) + \
            cells(row["ai-edge"], entry["float"]) + [row["same"], notes(row, entry["float"], width)]


def plain(row):
    widths = [36, 13, 11, 12, 10, 11, 13, 10, 11, 12, 0]
    return "  ".join(c.ljust(w) if i in (0, 1, 9, 10) else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip()


def below(row, on_float):
    """By how many dB Narrow's file is worse than ai-edge's on the kernels where it is worst, or None."""
    if not row["narrow"] or row["same"] != "yes":
        return None
    gaps = []
    for kernels in KERNELS:
        ours, theirs = row["narrow"][kernels].get("sqnr"), row["ai-edge"][kernels].get("sqnr")
        if on_float[kernels] is None and ours is not None and theirs is not None and float(ours) != float(theirs):
            gaps.append((float(theirs) - float(ours), kernels))
    return max(gaps) if gaps else None


def grouped(found):
    """One line per model and text, with all modes it is about, from (entry, row, text) in order."""
    modes = {}
    for entry, row, text in found:
        modes.setdefault((entry["model"], text), []).append(row["mode"])
    return ["%s, %s%s" % (model, ", ".join(names), ": " + text if text else "") for (model, text), names in modes.items()]


def summary(entries, kinds):
    """Lines of Markdown that also read well as they are."""
    lines = ["%d float32 models." % len(entries)]

    def listing(title, items):
        lines.extend(["", title + (":" if items else ": none.")] + [""] * bool(items) + ["- " + item for item in items])

    states = ["ok", "unchanged", "not loading", "refused", "crashed", "unmeasured"]
    lines += ["", "| tool | mode | " + " | ".join(states) + " |", "|---" * (len(states) + 2) + "|"]
    for tool in ("narrow", "ai-edge"):
        for i, (mode, _, _) in enumerate(MODES):
            found = [e["rows"][i][tool]["status"] for e in entries if e["rows"][i][tool]]
            if found and not (tool == "narrow" and mode == SECOND_LOOK):
                lines.append("| %s | %s | %s |" % (tool, mode, " | ".join(str(found.count(s)) for s in states)))
    listing("The float model itself does not run, so its files are not measured",
            ["%s on %s: %s" % (e["model"], k, shortened(e["float"][k], 100)) for e in entries for k in KERNELS if e["float"][k]])
    listing("The float model answers zero to every sample, so the SQNR says nothing", [e["model"] for e in entries if e["zero"]])
    every = [(e, row) for e in entries for row in e["rows"]]
    ours = [(e, row, row["narrow"]) for e, row in every if row["narrow"] and row["mode"] != SECOND_LOOK]
    if ours:
        gaps = [(e, row, below(row, e["float"])) for e, row in every]
        listing("Narrow more than %.1f dB below ai-edge with the same tensors quantized" % CLOSE_DB,
                ["%s, %s: %.1f dB on %s" % (e["model"], row["mode"], *gap) for e, row, gap in gaps if gap and gap[0] > CLOSE_DB])
        listing("Narrow: not loading", grouped((e, row, notes({**row, "ai-edge": None}, e["float"], 200))
                                               for e, row, r in ours if r["status"] == "not loading"))
        listing("Narrow: refused or crashed", grouped((e, row, shortened(r["failure"], 200))
                                                      for e, row, r in ours if r["status"] in ("refused", "crashed")))
        listing("Narrow: failed otherwise than with exit 2 or 4, one line on stderr and no file",
                grouped((e, row, "exit %s, %d lines%s" % (r["exit"], len(r["stderr"]), ", left a file" if "left" in r else ""))
                        for e, row, r in ours if "failure" in r and (r["exit"] not in (2, 4) or len(r["stderr"]) != 1 or "left" in r)))
        quiet = [(e, row, "") for e, row, r in ours if r["status"] == "unchanged" and not r["stderr"]]
        listing("Narrow: unchanged without a word on stderr", grouped(quiet))
        listing("... although ai-edge quantized something there", grouped(q for q in quiet if q[1]["ai-edge"].get("tensors")))
    listing("ai-edge: not loading, refused or crashed", grouped((e, row, notes({**row, "narrow": None}, e["float"], 200)) for e, row in every
                                                                if row["ai-edge"]["status"] in ("not loading", "refused", "crashed")))
    listing("ai-edge: unchanged without a word", grouped((e, row, "") for e, row in every if row["ai-edge"]["status"] == "unchanged"))
    listing("Kind in the README of the models and what the file says differ", kinds)
    return lines


def float_models(folder):
    """Paths of the float32 models, and where ../README.md has another opinion in its column `kind`."""
    kinds = {}
    if os.path.exists(os.path.join(folder, "..", "README.md")):
        with open(os.path.join(folder, "..", "README.md"), encoding="utf-8") as f:
            for line in f:
                columns = [c.strip() for c in line.split("|")]
                if len(columns) > 5 and columns[1].endswith(".tflite"):
                    kinds[columns[1]] = columns[3]
    paths, differ = [], []
    for path in sorted(glob.glob(os.path.join(folder, "*.tflite"))):
        name = os.path.basename(path)
        try:
            reason = litert.not_float32(*litert.read(path))
        except Exception as e:
            reason = "cannot be read: %s" % e
        if reason is None:
            paths.append(path)
        if name in kinds and (kinds[name] == "float32") != (reason is None):
            differ.append("%s: %s, but %s" % (name, kinds[name], reason or "float32"))
    return paths, differ


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("folder", nargs="?", default=os.path.join(HERE, "..", "..", "..", "shared", "models", "zoo"))
    p.add_argument("--narrow", default=os.path.join(HERE, "..", "..", "narrow"), help="the command to measure (default: ../../narrow)")
    p.add_argument("--no-narrow", action="store_true", help="ai-edge-quantizer only")
    p.add_argument("--samples", type=int, default=8, help="seeded random inputs per model (default 8)")
    p.add_argument("--match", default="", help="only models whose name matches this regular expression")
    p.add_argument("--cache", help="JSON file that keeps ai-edge-quantizer's results between runs")
    p.add_argument("--timeout", type=float, default=300, help="seconds for each step (default 300)")
    p.add_argument("--markdown", help="also write table and summary to this file")
    p.add_argument("--json", help="also write everything measured to this file")
    args = p.parse_args()
    args.narrow = None if args.no_narrow else os.path.abspath(args.narrow)
    if args.narrow and not os.access(args.narrow, os.X_OK):
        p.error("no command at %s: give --narrow PATH or --no-narrow" % args.narrow)
    models, kinds = float_models(args.folder)
    models = [m for m in models if re.search(args.match, os.path.basename(m))]
    if not models:
        p.error("no float32 .tflite in " + args.folder)
    cache, entries = Cache(args.cache, {"samples": args.samples}, ["ai-edge-quantizer", "ai-edge-litert", "numpy"]), []
    print(plain(HEADER), flush=True)
    for model in models:
        entries.append(measure(model, args, cache))
        for row in table_rows(entries[-1], 90):
            print(plain(row), flush=True)
    end = summary(entries, kinds)
    print("\n" + "\n".join(end))
    if args.markdown:
        with open(args.markdown, "w", encoding="utf-8") as f:
            f.write("| " + " | ".join(HEADER) + " |\n" + "|---|---" + "|--:" * 7 + "|---|---|\n")
            for entry in entries:
                for row in table_rows(entry, 160):
                    f.write("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |\n")
            f.write("\n" + "\n".join(end) + "\n")
    if args.json:
        with open(args.json, "w") as f:
            json.dump(entries, f, indent=1)


if __name__ == "__main__":
    main()
