"""Verdicts as a table for a terminal, as Markdown, JSON and JUnit. A report holds what was compared, under which seed,
and by which command."""

import json
import math
import os
import sys
from dataclasses import asdict
from xml.etree import ElementTree

from loadpath.verdict import tell, words

SCHEMA_VERSION = 1
FEW = 6


def show(lines):
    """Prints lines. Whoever reads may have had enough: the exit status is the verdict's all the same."""
    try:
        print("\n".join(lines))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def sorted_worst_first(verdicts):
    return sorted(verdicts, key=lambda verdict: (words.WORST_FIRST.index(verdict.word), verdict.case))


def _row(verdict):
    time = verdict.metric("time")
    if not time:
        return [verdict.word, verdict.case, "", "", "", "", str(verdict.pairs or "")]
    return [
        verdict.word,
        verdict.case,
        tell.duration(time.base),
        tell.duration(time.head),
        tell.percent(time.ratio),
        f"{tell.percent(time.low)} to {tell.percent(time.high)}" if math.isfinite(time.low) else "",
        str(verdict.pairs),
    ]


HEAD = ["verdict", "case", "base", "head", "change", "95 % interval", "pairs"]


def _aligned(rows):
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width) for at, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]


def lines_of(verdict):
    """Returns what a verdict says besides its figures, one line each."""
    return [*verdict.sentences, *([verdict.reason] if verdict.reason else [])]


def _counted(verdicts):
    counts = {word: sum(verdict.word == word for verdict in verdicts) for word in words.WORST_FIRST}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def text(verdicts, about):
    """Returns the lines of the table: a case on two lines where its name is long, so that it fits 100 columns."""
    out = _heading(about)
    every = sorted_worst_first(verdicts)
    ordered = [verdict for verdict in every if not _skipped_by_both(verdict) and not _not_measured(verdict)]
    if ordered:
        rows = [HEAD[:1] + HEAD[2:-1] + [about.get("counted", HEAD[-1])], *([row[0], *row[2:]] for row in map(_row, ordered))]
        table = _aligned(rows)
        out.append("  " + table[0])
        for verdict, line in zip(ordered, table[1:]):
            out.append(verdict.case)
            out.append("  " + line)
            out += ["    " + sentence for sentence in lines_of(verdict)]
            if verdict.repeat and verdict.word in (words.REGRESSION, words.WRONG, words.INCONCLUSIVE):
                out.append("    repeat: " + verdict.repeat)
    out += _folded("skipped by both", [one for one in every if _skipped_by_both(one)])
    out += _folded("not measured", [one for one in every if _not_measured(one)])
    out += ["", _counted(verdicts) or "nothing was compared"]
    out += about.get("notes", [])
    return out


def _not_measured(verdict):
    return verdict.word == words.INCONCLUSIVE and not verdict.pairs and not verdict.metrics


def _folded(what, verdicts):
    """Returns a line for each of a few verdicts, or one for all."""
    if len(verdicts) <= FEW:
        return [f"{what}: {one.case}: {one.reason}" for one in verdicts]
    return [f"{what}: {len(verdicts)} cases, as {verdicts[0].case}: {verdicts[0].reason}"]


def _skipped_by_both(verdict):
    return verdict.word == words.SKIPPED and not verdict.fails


def _heading(about):
    out = [f"{side}: {about[side]}" for side in ("base", "head") if about.get(side)]
    out += about.get("differences", [])
    return [*out, ""] if out else []


def markdown(verdicts, about):
    """Returns the report as Markdown, for a comment on a change."""
    out = [f"### {about['title']}: {_counted(verdicts) or 'nothing was compared'}", ""]
    out += [f"- {side}: {about[side]}" for side in ("base", "head") if about.get(side)]
    out += [f"- {line}" for line in about.get("differences", [])]
    if verdicts:
        out += ["", "| " + " | ".join(HEAD) + " |", "|---|---|--:|--:|--:|--:|--:|"]
        for verdict in sorted_worst_first(verdicts):
            verdict_cells = _row(verdict)
            verdict_cells[1] = f"`{verdict_cells[1]}`"
            out.append("| " + " | ".join(verdict_cells) + " |")
        told = [verdict for verdict in sorted_worst_first(verdicts) if lines_of(verdict)]
        out += [""] if told else []
        for verdict in told:
            out += [f"- `{verdict.case}`: " + "; ".join(line.replace("\n", " ") for line in lines_of(verdict))]
    out += ["", *about.get("notes", [])]
    if about.get("command"):
        out += ["", f"Repeat: `{about['command']}`"]
    return "\n".join(out).rstrip() + "\n"


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items() if _finite(one) is not None}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_json(verdicts, about, status):
    """Returns the report as a text of JSON; what is not finite is left out."""
    whole = {"verdict_schema_version": SCHEMA_VERSION, **about, "exit_status": status}
    whole["verdicts"] = [asdict(verdict) | {"fails": fails(verdict)} for verdict in sorted_worst_first(verdicts)]
    return json.dumps(_finite(whole), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def junit(verdicts, about):
    """Returns the report as JUnit's XML: what makes the run fail is a failure, what is not known is skipped."""
    failing = [verdict for verdict in verdicts if fails(verdict)]
    skipped = [verdict for verdict in verdicts if not fails(verdict) and verdict.word in _NOT_JUDGED]
    suite = ElementTree.Element(
        "testsuite",
        name=about["title"],
        tests=str(len(verdicts)),
        failures=str(len(failing)),
        skipped=str(len(skipped)),
        errors="0",
    )
    for verdict in sorted_worst_first(verdicts):
        case = ElementTree.SubElement(suite, "testcase", classname=about["title"], name=verdict.case)
        told = "\n".join(lines_of(verdict))
        if fails(verdict):
            failure = ElementTree.SubElement(case, "failure", message=(told.split("\n")[0] or verdict.word), type=verdict.word)
            failure.text = told
        elif verdict.word in _NOT_JUDGED:
            ElementTree.SubElement(case, "skipped", message=told.split("\n")[0] or verdict.word)
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


_NOT_JUDGED = (words.SKIPPED, words.INCONCLUSIVE)


def fails(verdict):
    return verdict.word in (words.WRONG, words.REGRESSION, words.MISSING) or verdict.fails
