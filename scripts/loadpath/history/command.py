"""Keeps runs in a database that a team can share: one file by SQLite, or PostgreSQL.

usage: scripts/history add FILE… [--branch NAME] [--store STORE]
       scripts/history show [--filter REGEX] [--metric NAME] [--last N] [--changes]
       scripts/history export [--format json|csv] [--filter REGEX] [--output FILE]
       scripts/history import FILE…
       scripts/history prune --keep N | --before DATE
  --store STORE     a file, or postgresql://user@host/name (default: $LOADPATH_HISTORY, else build/history.db)
  add FILE          results of bench --json, or Google Benchmark's own JSON; one that is there already is left alone
  show              the last runs; with --filter, every series whose name has a match, one line a run
  --metric NAME     time (default), an exact cost such as bytes_read, verdict, or "ratio of time"
  --changes         where exact costs and paired ratios changed, by Apache Otava
  export            everything: a JSON line a run, which `import` takes, or CSV, a line a point
  prune             deletes all but the newest N runs, or those that were measured before a date: 2026-01-31

scripts/regress … --history STORE adds a comparison of two builds.

examples:
  build/bin/bench --filter '^load/linear/' --json run.json && scripts/history add run.json
  scripts/history show --filter 'load/gpt2/zip/bare/direct' --last 20
  scripts/history export --output backup.jsonl

Exit: 0 done, 2 bad use, or a store that cannot be used.
"""

import csv
import io
import os
import sys
from pathlib import Path

from loadpath.common import command_line
from loadpath.common.command_line import BadUse, did_you_mean, no_files, pattern_of, whole
from loadpath.history import rows
from loadpath.history.store import Store, dump
from loadpath.regress.programs import short
from loadpath.verdict import tell

NAME = "scripts/history"
VALUES = ("--store", "--branch", "--filter", "--metric", "--last", "--format", "--output", "--keep", "--before")
FLAGS = ("--changes",)


def add(options, store_name):
    _need_files(options)
    found = [rows.of_results(file, options.get("--branch", "")) for file in options.files]  # all are read before one is added
    store = Store(store_name)
    for file, run in zip(options.files, found):
        print(f"{file}: {'added' if store.add(run) else 'is there already'}: {run.kind}, {len(run.points)} points of {run.date}")


def import_lines(options, store_name):
    _need_files(options)
    found, added, there = [], 0, 0
    for file in options.files:
        try:
            lines = Path(file).read_text().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise BadUse(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
        found += [rows.of_line(line, f"{file}:{at}") for at, line in enumerate(lines, 1) if line.strip()]
    store = Store(store_name)  # all are read before one is added
    for run in found:
        if store.add(run):
            added += 1
        else:
            there += 1
    print(f"{added} runs added, {there} were there already")


def show(options, store_name):
    store = Store(store_name, create=False)
    pattern = _pattern(options)
    if options.get("--changes"):
        return show_changes(store, pattern)
    last = whole(options, "--last", 20, 1)
    if not options.get("--filter") and not options.get("--metric"):
        every = store.runs()
        for run in every[-last:]:
            where = f"{short(run['commit'])} {run['branch']}".strip()
            print(f"{run['date']}  {run['kind']:<7}  {run['points']:>6} points  {where}")
        print(f"{len(every)} runs in {store.shown}")
        return
    metric = options.get("--metric", "time")
    found = {}
    for row in store.read(pattern, [metric]):
        found.setdefault(row["name"], []).append(row)
    if not found:
        known = sorted({row["metric"] for row in store.read(pattern)})
        raise BadUse(
            f"--metric {metric}: no series with this name has it" + did_you_mean(metric, known)
            if known
            else f"--filter {options.get('--filter')}: no series has a match"
        )
    for name, points in found.items():
        print(name)
        for row in points[-last:]:
            print(f"  {row['date']}  {short(row['commit']):<12}  {_shown(row)}")


def _shown(row):
    if row["value"] is None:
        return row["text"]
    if row["unit"] == "ratio":
        text = tell.percent(row["value"])
        return text + (f" ({tell.percent(row['low'])} to {tell.percent(row['high'])})" if row["low"] else "")
    if row["unit"] == "ns":
        text = tell.duration(row["value"])
        return text + (f" ({tell.duration(row['low'])} to {tell.duration(row['high'])})" if row["low"] else "")
    return f"{row['value']:,.0f}"


def show_changes(store, pattern):
    from loadpath.history.changes import changes

    found = changes(store.read(pattern))
    for change in found:
        before, after = (_shown({**change, "value": change[side], "low": None, "text": ""}) for side in ("before", "after"))
        by = "exact" if change["by"] == "exact" else f"p {change['by']:.2g}"
        print(f"{change['date']}  {short(change['commit']):<12}  {change['name']}: {change['metric']} {before} → {after} ({by})")
    print(f"{len(found)} change{'s' * (len(found) != 1)} in exact costs and paired ratios")


def export(options, store_name):
    kind = options.get("--format", "json")
    if kind not in ("json", "csv"):
        raise BadUse(f"--format {kind}: not known; use json or csv")
    pattern = _pattern(options)
    if kind == "json" and pattern:
        raise BadUse("--filter chooses series, and the JSON export holds whole runs; use --format csv")
    store = Store(store_name, create=False)
    if kind == "json":
        text = "".join(line + "\n" for line in dump(store))
    else:
        out = io.StringIO()
        names = ("date", "kind", "commit", "branch", "name", "metric", "unit", "value", "low", "high", "text", "key", "environment")
        writer = csv.DictWriter(out, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(store.read(pattern))
        text = out.getvalue()
    if not options.get("--output"):
        sys.stdout.write(text)
        return
    output = Path(options.get("--output"))
    new = output.with_name(output.name + ".new")
    try:
        new.write_text(text)
        os.replace(new, output)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise BadUse(f"--output {output}: cannot be written: {error.strerror}") from None


def prune(options, store_name):
    keep, before = options.get("--keep"), options.get("--before")
    if (keep is None) == (before is None):
        raise BadUse("prune needs --keep N or --before DATE" + (", not both" if keep else ""))
    chosen = {"keep": whole(options, "--keep", 0, 1)} if keep else {"before": rows.utc(before)}
    store = Store(store_name, create=False)
    gone = store.prune(**chosen)
    print(f"{gone} runs deleted, {len(store.runs())} are left")


def _need_files(options):
    if not options.files:
        raise BadUse(f"which FILE? ({NAME} --help)")


def _pattern(options):
    return pattern_of(options) if options.get("--filter") else None


COMMANDS = {"add": add, "show": show, "export": export, "import": import_lines, "prune": prune}


def run(options, root):
    """Runs the command that the first argument names. Returns the exit status. Raises BadUse."""
    if not options.files:
        raise BadUse(f"which command? {', '.join(COMMANDS)} ({NAME} --help)")
    what = options.files.pop(0)
    if what not in COMMANDS:
        raise BadUse(f"unknown command: {what}{did_you_mean(what, list(COMMANDS))} ({NAME} --help)")
    if what in ("show", "export", "prune"):
        no_files(options, NAME)
    store = options.get("--store") or os.environ.get("LOADPATH_HISTORY") or str(root / "build" / "history.db")
    COMMANDS[what](options, store)
    return 0


def main(arguments, root):
    """Returns the exit status."""
    try:
        return command_line.run(arguments, NAME, __doc__, VALUES, FLAGS, lambda options: run(options, root))
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ["LOADPATH_ROOT"])))
