"""Writes the table of docs/formats.md: what loadpath, torch.load and LibTorch do with a file of every kind.

Makes the files, loads each by every loader in a child process with limits, and compares the tensors with the right ones:
"loads" means the right names, dtypes, shapes and bytes. With --check it writes nothing: it shows the difference and exits
with 1 if the table is out of date, and with 77 if the table was made with other versions.
"""
import argparse
import datetime
import difflib
import re
import tempfile
from pathlib import Path

from loadpath.loaders import formats, loaders, markdown

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "formats.md"
BEGIN, END = "<!-- format table -->", "<!-- end of format table -->"
MADE = re.compile(r"^Made by `scripts/format_table\.py` on \S+ with (.*)\.$", re.MULTILINE)
LEGEND = """\
**loads**: every tensor has the right name, dtype, shape and bytes. **untied**: the same, but tensors that shared memory no
longer do. **wrong bytes**: accepted, with other values. **refused**: the number refers to the messages below the table.
Every loader runs with its defaults. A folder is passed as a folder."""


class Notes:
    """Numbers the messages of refusals in order of appearance."""

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
    """Returns the document's text between its markers."""
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
                raise SystemExit(f"two files of one row differ: {rows[-1]} and {row}; give them different labels in formats.py")
    lines = [f"Made by `scripts/format_table.py` on {datetime.date.today()} with {runner.versions()}.", "", LEGEND, ""]
    lines += markdown.table(["file", "`ckpt inspect`"] + [f"`{name}`" for name in runner.NAMES[1:]], rows)
    lines += ["", *(f"{i}. {markdown.code(text)}" for i, text in enumerate(notes.texts, 1))]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--bin", default=ROOT / "build/bin", metavar="DIR", help="the folder of the programs (default: build/bin)")
    parser.add_argument("--check", action="store_true", help="write nothing; compare the table with what the loaders do now")
    options = parser.parse_args()
    before, rest = DOCUMENT.read_text().split(BEGIN)
    old, behind = rest.split(END)
    made = MADE.search(old)
    if options.check and made and made[1] != loaders.Loaders(options.bin).versions():
        print(f"the table was made with {made[1]}")
        return 77
    new = f"\n{block(options.bin)}\n"
    if not options.check:
        DOCUMENT.write_text(before + BEGIN + new + END + behind)
        return 0
    undated = [MADE.sub(r"\1", text).splitlines() for text in (old, new)]
    difference = list(difflib.unified_diff(*undated, DOCUMENT.name, "what the loaders do now", lineterm=""))
    print("\n".join(difference + ["run scripts/format_table.py"] * bool(difference)))
    return 1 if difference else 0
