"""Loads every hand-made hostile file by the four loaders and writes the outcomes to results/hostile_files.md.

Takes about five minutes. Writes the counts into docs/hostile_files.md, between its markers.
"""
import argparse
import collections
import datetime
import os
import re
import tempfile
from pathlib import Path

from loadpath.loaders import children, hostile, loaders, markdown

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "results" / "hostile_files.md"
DOCUMENT = ROOT / "docs" / "hostile_files.md"
BEGIN, END = "<!-- hostile files -->", "<!-- end of hostile files -->"
WORDS = ("refused", "accepted", "other tensors", "crash", "hangs", "out of memory")
HEAD = """\
# Hostile files

Made by `scripts/hostile_table.py` on {date} with {versions}.

`tests/checkpoint/make_hostile*.py`, `make_extremes.py` and `make_several_hostile.py` make the files. Each file has one
defect, which its name tells, and a sentence that loadpath must answer, which the tests compare. Here every loader got each
file with its defaults, in a child process with limits: {memory} GiB of memory, {cpu} s of processor time.

- **refused**: an error that the caller can catch. **accepted**: the tensors of the undamaged file, or a value without
  tensors; the defect did no harm. **other tensors**: accepted, with other values than the undamaged file's, or without
  its tensors.
- **crash**, **hangs**, **out of memory**: the process ended by a signal, exceeded its time limit, or its memory limit.
- **–**: not tried (torch.load and LibTorch do not take folders), or not recorded here.
- LibTorch's two loaders do not read every kind of file, even undamaged (the table in [docs/formats.md](../docs/formats.md)
  says which): both refuse safetensors, the format before 1.6 and `.pt2`, and torch::jit::load the files of torch.save.
"""


def row_of(case, outcomes):
    """Returns loadpath's answer and a word for each of the other loaders."""
    ours = outcomes["loadpath"]
    if ours.kind == "loads":
        answer = "reads it" if case.wanted is None else None
    else:
        answer = ours.words.removeprefix(f"{case.path}: ") if case.wanted and case.wanted in ours.words and ours.kind == "refused" else None
    if answer is None:
        raise SystemExit(f"{case.name}: loadpath {ours.kind} {ours.words!r}, not {case.wanted!r}")
    tried = not os.path.isdir(case.path) and case.name not in hostile.NOT_RECORDED
    return answer, [hostile.word(case, outcomes[name], ours) if tried else "–" for name in loaders.Loaders.NAMES[1:]]


def tally(rows):
    """Returns how often each word occurs, by loader."""
    counts = {name: collections.Counter() for name in loaders.Loaders.NAMES}
    for _, answer, words in rows:
        counts["loadpath"]["accepted" if answer == "reads it" else "refused"] += 1
        for name, word in zip(loaders.Loaders.NAMES[1:], words):
            counts[name][re.sub(r" \(.*", "", word)] += 1
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--bin", default=ROOT / "build/bin", metavar="DIR", help="the folder of the programs (default: build/bin)")
    options = parser.parse_args()
    runner = loaders.Loaders(options.bin)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        hostile.make(folder, ROOT / "tests/checkpoint")
        cases = hostile.cases(folder)
        for case, outcomes in zip(cases, runner.outcomes([(c.path, ("--opaque",) if c.opaque else (), c.foreign()) for c in cases])):
            answer, words = row_of(case, outcomes)
            rows.append((case.name, markdown.first_words(answer.replace(folder + "/", ""), case.path), words))
    counts = tally(rows)
    summary = [[f"`{name}`" if name != "loadpath" else "`ckpt inspect`"] + [str(counts[name][word]) for word in (*WORDS, "–")] for name in counts]
    head = HEAD.format(date=datetime.date.today(), versions=runner.versions(), memory=children.MEMORY_BYTES >> 30,
                       cpu=children.CPU_SECONDS)  # fmt: skip
    listed = [[f"`{name}`", answer if answer == "reads it" else markdown.code(answer).replace("|", "\\|"), *words] for name, answer, words in rows]
    text = [head, *markdown.table(["loader", *WORDS, "–"], summary), ""]
    text += markdown.table(["file", "`ckpt inspect`", *(f"`{n}`" for n in loaders.Loaders.NAMES[1:])], listed)
    RESULTS.write_text("\n".join(text) + "\n")
    before, rest = DOCUMENT.read_text().split(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{sentence(len(rows), counts)}\n{END}{rest.split(END)[1]}")


def sentence(total, counts):
    """Returns the lines of docs/hostile_files.md."""
    def of(name):
        c = counts[name]
        tried = sum(c[w] for w in WORDS)
        return f"`{name}` on {tried}: " + ", ".join(f"{c[w]} {w}" for w in WORDS if c[w])

    ours = counts["loadpath"]
    return (f"{total} hand-made hostile files, one defect each: loadpath refuses {ours['refused']} in one line and reads the {ours['accepted']} that are\n"
            f"harmless. The other loaders, each in a child process with limits:\n\n"
            + "\n".join(f"- {of(name)}" for name in loaders.Loaders.NAMES[1:])
            + "\n\n[results/hostile_files.md](../results/hostile_files.md) lists every file and defines the words.")  # fmt: skip
