#!/usr/bin/env python3
"""Writes the README's table of formats: what loadpath, torch.load and LibTorch do with a file of every kind.

Makes the files, hands each to every loader in a child process with limits, and compares what came out with the truth:
"loads" means the right names, dtypes, shapes and bytes. With --check nothing is written: the exit status is 1, and the
difference is shown, where the README is out of date, and 77 where it was made with other versions.
"""
import argparse
import datetime
import difflib
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

from loaders import formats, loaders, markdown  # noqa: E402

BEGIN, END = "<!-- format table -->", "<!-- end of format table -->"
MADE = re.compile(r"^Made by `scripts/format_table\.py` on \S+ with (.*)\.$", re.MULTILINE)
LEGEND = """\
**loads**: every tensor under its right name, with the right dtype, shape and bytes. **untied**: so, but tensors that shared
memory no longer do. **wrong bytes**: accepted, with other values. **refused**: a number stands for the words below the
table. Every loader runs with its defaults; a folder is given as such."""


class Notes:
    """Numbers what refusals say, in order of appearance."""

    def __init__(self):
        self.texts = []

    def number(self, text):
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1


def cell(kind, outcome, notes):
    if outcome.kind == "refused":
        return f"refused {notes.number(markdown.first_words(outcome.words, kind.path))}"
    if outcome.kind in ("crash", "hang", "memory"):
        return {"crash": f"crash ({outcome.words})", "hang": "hangs", "memory": "out of memory"}[outcome.kind]
    truth = kind.tensors()
    if loaders.content(outcome.tensors) != loaders.content(truth):
        return "wrong bytes" if truth else "accepted"
    return "loads" if loaders.sharing(outcome.tensors) == loaders.sharing(truth) else "untied"


def block(programs):
    """The README's text between its markers."""
    runner = loaders.Loaders(programs)
    with tempfile.TemporaryDirectory() as folder:
        kinds = formats.make(folder, Path(programs) / "checkpoint_save_archives")
        rows, group, notes = [], None, Notes()
        for kind, outcomes in zip(kinds, runner.outcomes([(kind.path, kind.flags, kind.path) for kind in kinds])):
            if kind.group != group:
                group = kind.group
                rows.append([f"**{group}**"] + [""] * len(runner.NAMES))
            row = [kind.label] + [cell(kind, outcomes[name], notes) for name in runner.NAMES]
            if rows[-1][0] != kind.label:
                rows.append(row)
            elif rows[-1] != row:
                raise SystemExit(f"two files of one row differ: {rows[-1]} and {row}")
    lines = [f"Made by `scripts/format_table.py` on {datetime.date.today()} with {runner.versions()}.", "", LEGEND, ""]
    lines += markdown.table(["file", "`ckpt inspect`"] + [f"`{name}`" for name in runner.NAMES[1:]], rows)
    lines += ["", *(f"{i}. {markdown.code(text)}" for i, text in enumerate(notes.texts, 1))]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--bin", default=ROOT / "build/bin", metavar="DIR", help="the programs (default: build/bin)")
    parser.add_argument("--check", action="store_true", help="write nothing: compare")
    options = parser.parse_args()
    readme = ROOT / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    old, behind = rest.split(END)
    made = MADE.search(old)
    if options.check and made and made[1] != loaders.Loaders(options.bin).versions():
        print(f"the table was made with {made[1]}")
        return 77
    new = f"\n{block(options.bin)}\n"
    if not options.check:
        readme.write_text(before + BEGIN + new + END + behind)
        return 0
    undated = [MADE.sub(r"\1", text).splitlines() for text in (old, new)]
    difference = list(difflib.unified_diff(*undated, "README.md", "what the loaders do now", lineterm=""))
    print("\n".join(difference + ["run scripts/format_table.py"] * bool(difference)))
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
