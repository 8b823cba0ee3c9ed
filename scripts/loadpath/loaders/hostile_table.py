#!/usr/bin/env python3
"""Hands every hand-made hostile file to the four loaders and writes what came of it to results/hostile_files.md.

About five minutes. The counts go into the README, between its markers.
"""
import argparse
import collections
import datetime
import os
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

from loaders import hostile, loaders, markdown  # noqa: E402

BEGIN, END = "<!-- hostile files -->", "<!-- end of hostile files -->"
WORDS = ("refused", "accepted", "other tensors", "crash", "hangs", "out of memory")
HEAD = """\
# Hostile files

Made by `scripts/hostile_table.py` on {date} with {versions}.

The files are those of `tests/checkpoint/make_hostile*.py`, `make_extremes.py` and `make_several_hostile.py`: one defect each,
named by the file, with the sentence that loadpath must answer beside it, which the tests hold it to. Here each file went to
every loader with its defaults, in a child process with limits: {memory} GiB of memory, {cpu} s of processor time.

- **refused**: an error that the caller can catch. **accepted**: the tensors of the undamaged file, or a value without any:
  the defect did no harm. **other tensors**: accepted, with other values than the undamaged file's, or without its tensors.
- **crash**, **hangs**, **out of memory**: the process ended by a signal, ran past its limit, or asked for more than it.
- **–**: not tried (torch.load and LibTorch take no folders), or not recorded here.
- LibTorch's two loaders do not read every undamaged file of a kind (the README's table says which): they refuse
  safetensors, the format before 1.6 and `.pt2` whatever the defect, and torch::jit::load what torch.save wrote.
"""


def row_of(case, outcomes):
    """loadpath's answer, and a word for each of the others."""
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
    """Per loader, how often each word occurs."""
    counts = {name: collections.Counter() for name in loaders.Loaders.NAMES}
    for _, answer, words in rows:
        counts["loadpath"]["accepted" if answer == "reads it" else "refused"] += 1
        for name, word in zip(loaders.Loaders.NAMES[1:], words):
            counts[name][re.sub(r" \(.*", "", word)] += 1
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--bin", default=ROOT / "build/bin", metavar="DIR", help="the programs (default: build/bin)")
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
    head = HEAD.format(date=datetime.date.today(), versions=runner.versions(), memory=loaders.children.MEMORY_BYTES >> 30,
                       cpu=loaders.children.CPU_SECONDS)  # fmt: skip
    listed = [[f"`{name}`", answer if answer == "reads it" else markdown.code(answer).replace("|", "\\|"), *words] for name, answer, words in rows]
    text = [head, *markdown.table(["loader", *WORDS, "–"], summary), ""]
    text += markdown.table(["file", "`ckpt inspect`", *(f"`{n}`" for n in loaders.Loaders.NAMES[1:])], listed)
    (ROOT / "results/hostile_files.md").write_text("\n".join(text) + "\n")
    readme = ROOT / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    readme.write_text(f"{before}{BEGIN}\n{sentence(len(rows), counts)}\n{END}{rest.split(END)[1]}")


def sentence(total, counts):
    """The README's lines."""
    def of(name):
        c = counts[name]
        tried = sum(c[w] for w in WORDS)
        return f"`{name}` on {tried}: " + ", ".join(f"{c[w]} {w}" for w in WORDS if c[w])

    ours = counts["loadpath"]
    return (f"{total} hand-made hostile files, one defect each: loadpath refuses {ours['refused']} in one line and reads the {ours['accepted']} that are\n"
            f"harmless. The other loaders, each in a child process with limits:\n\n"
            + "\n".join(f"- {of(name)}" for name in loaders.Loaders.NAMES[1:])
            + "\n\n[results/hostile_files.md](results/hostile_files.md) lists every file, and says what the words mean.")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
