"""Compares results that were recorded: bench --json, or Google Benchmark's own JSON.

usage: scripts/compare A.json B.json… [options]
  A.json             what to compare with; every other file is held against it
  --filter REGEX     the cases whose name has a match
  --markdown FILE, --json FILE, --junit FILE   write the report to FILE too
  --strict           a cheaper case fails too: record A.json anew

Exact costs and answers are judged. Times are judged if both files are of one machine, under the same conditions, and
then with a wide margin, because two runs at two times differ by themselves: a ratio that is surely beyond 1.25 is a
REGRESSION. scripts/regress, which takes turns, sees a tenth of that.

examples:
  scripts/compare results/old.json new.json
  scripts/compare a.json b.json --filter '^load/gpt2/' --markdown comment.md

Exit: 0 nothing is worse, 1 something is (or is missing, or newly skipped), 2 bad use, 3 an answer is wrong,
4 something is not known, 5 nothing could be compared.
"""

import os
import shlex
import sys
from pathlib import Path

import numpy
from scipy import stats

from loadpath.common import command_line
from loadpath.common.command_line import BadUse, pattern_of, writable
from loadpath.compare.recorded import middle, read
from loadpath.verdict import costs, report, statistics, tell, words
from loadpath.verdict.judge import Metric, Verdict

NAME = "scripts/compare"
VALUES = ("--filter", "--markdown", "--json", "--junit")
FLAGS = ("--strict",)
MARGIN = 1.25  # of two runs that did not take turns
FINE = 1.10
CHANCE = 0.2  # a p above this: no sign of a difference
LEAST = 5  # samples for an interval
SEED = 1
# What must agree before times may be judged, by its name in the context, and what that is called.
MACHINE = ("host_name", "cpu", "processors", "num_cpus", "mhz_per_cpu", "memory", "kernel", "filesystem")
CONDITIONS = ("build_type", "library_build_type", "cpu_capability", "threads", "huge_pages", "governor", "cpu_scaling_enabled")


def obstacles(a, b):
    """Returns why the times of two files cannot be judged, one line each; empty if they can."""
    found = []
    for what, names in (("machines", MACHINE), ("conditions", CONDITIONS)):
        for name in names:
            before, now = a.context.get(name), b.context.get(name)
            if name in a.context and name in b.context and str(before) != str(now) and not _near(name, before, now):
                found.append(f"other {what}: {name} {before} → {now}")
    if a.ours != b.ours:
        found.append("one file is bench's and the other Google Benchmark's")
    for one in (a, b):
        for warning in one.context.get("warnings") or []:
            found.append(f"{one.file}: {warning}")
    return found


def _near(name, before, now):
    # A processor's clock is measured anew by each run.
    numbers = all(isinstance(value, (int, float)) for value in (before, now))
    return name == "mhz_per_cpu" and numbers and abs(before - now) <= 0.05 * before


def time_metric(a, b, judged):
    """Returns the Metric of two series of times that did not take turns: the ratio of their medians, its interval, and
    the p of the Mann-Whitney U test."""
    before, now = middle(a), middle(b)
    metric = Metric("time", "ns", before, now, now / before, now / before, now / before)
    if a.alone or b.alone or min(len(a.times), len(b.times)) < LEAST:
        metric.low = metric.high = float("nan")
        metric.p = float("nan")
        return metric
    ratios = numpy.sort(statistics.resampled_medians(b.times, SEED + 1) / statistics.resampled_medians(a.times, SEED))
    metric.low, metric.high = (statistics.bound(ratios, part) for part in (statistics.FINE, 1 - statistics.FINE))
    metric.p = float(stats.mannwhitneyu(a.times, b.times, alternative="two-sided").pvalue)
    metric.floor = MARGIN - 1
    if judged:
        if statistics.bound(ratios, statistics.ALARM) > MARGIN:
            metric.word = words.REGRESSION
        elif statistics.bound(ratios, 1 - statistics.ALARM) < 1 / MARGIN:
            metric.word = words.IMPROVED
        elif metric.high < FINE or metric.p > CHANCE and metric.high < MARGIN:
            metric.word = words.OK
    return metric


def judge(a, b, judged):
    """Returns the Verdict of a case that both files have."""
    verdict = Verdict(b.name, words.OK, pairs=min(len(a.times), len(b.times)))
    if b.status != "ok":
        return _not_timed(a, b, verdict)
    if a.status != "ok":
        verdict.word, verdict.reason = words.NEW, f"it was {a.status} before: {' '.join(a.reason.split())}"
        return verdict
    if a.checked and b.checked is False:
        verdict.word, verdict.fails, verdict.reason = words.WRONG, True, "its answer is no longer checked"
        return verdict
    if a.costs and not b.costs:
        verdict.word, verdict.exact, verdict.reason = words.REGRESSION, True, "it has no exact costs any more"
        return verdict
    if a.times and not b.times:
        verdict.word, verdict.reason = words.INCONCLUSIVE, "it has no samples any more"
        return verdict
    if a.costs and b.costs:
        left_out = {*a.varying, *b.varying}
        found = costs.sentences(
            *({name: value for name, value in one.costs.items() if name not in left_out} for one in (a, b))
        )
        verdict.sentences = [sentence for sentence, _ in found]
        if any(is_worse for _, is_worse in found):
            verdict.word, verdict.exact = words.REGRESSION, True
        elif found:
            verdict.word = words.IMPROVED
    if a.times and b.times:
        metric = time_metric(a, b, judged)
        verdict.metrics = [metric]
        if metric.word == words.REGRESSION:
            verdict.word = words.REGRESSION
        elif verdict.word == words.OK and judged:
            verdict.word = metric.word or words.INCONCLUSIVE
            if metric.word is None:
                verdict.reason = "it may be slower or not: more samples tell, or scripts/regress, which takes turns"
                if metric.high != metric.high:
                    verdict.reason = f"fewer than {LEAST} samples"
        elif verdict.word == words.OK and not (a.costs and b.costs):
            verdict.word, verdict.reason = words.INCONCLUSIVE, "its time is not judged, and it has no exact costs"
        tell.add_sentences(verdict)
        if metric.p == metric.p:
            verdict.sentences.append(f"p {metric.p:.3g} (Mann-Whitney U, {len(a.times)} and {len(b.times)} samples)")
    return verdict


def _not_timed(a, b, verdict):
    verdict.reason = " ".join(b.reason.split())
    if b.status == "error":
        verdict.word = words.WRONG
    else:
        verdict.word, verdict.fails = words.SKIPPED, a.status == "ok"
        verdict.reason = ("newly skipped: " if verdict.fails else "") + verdict.reason
    return verdict


def compare(a, b, pattern, strict):
    """Returns (Verdicts, notes) of two files."""
    why_not = obstacles(a, b)
    verdicts = []
    for key in {**a.series, **b.series}:
        before, now = a.series.get(key), b.series.get(key)
        if not pattern.search((now or before).name):
            continue
        if now is None:
            verdicts.append(Verdict(before.name, words.MISSING, fails=True, reason="it is not in the second file"))
        elif before is None:
            verdicts.append(Verdict(now.name, words.NEW, reason="it is not in the first file"))
        else:
            verdicts.append(judge(before, now, not why_not))
    if strict:
        for verdict in verdicts:
            verdict.fails = verdict.fails or verdict.word == words.IMPROVED
    notes = [f"times are shown and not judged: {line}" for line in why_not]
    return verdicts, notes


def main(arguments, root):
    """Returns the exit status."""

    def work(options):
        if len(options.files) < 2:
            raise BadUse(f"two files or more are needed: scripts/compare A.json B.json ({NAME} --help)")
        for flag in ("--json", "--markdown", "--junit"):
            writable(options, flag)
        pattern = pattern_of(options)
        files = [read(file) for file in options.files]
        return tell_all(files, pattern, options, shlex.join([NAME, *arguments]))

    return command_line.run(arguments, NAME, __doc__, VALUES, FLAGS, work)


def tell_all(files, pattern, options, command):
    """Compares each file with the first and writes the reports. Returns the exit status: the worst of all."""
    statuses, texts, markdowns, verdict_lists = [], [], [], []
    for other in files[1:]:
        verdicts, notes = compare(files[0], other, pattern, bool(options.get("--strict")))
        about = {
            "title": "loadpath compare",
            "counted": "samples",
            "base": files[0].file,
            "head": other.file,
            "differences": _facts(files[0], other),
            "notes": notes,
            "command": command,
        }
        status = words.exit_status(verdicts)
        if notes and status == words.EXIT_INCONCLUSIVE and not _has_costs(files[0]):
            status = words.EXIT_NOT_COMPARABLE
        if status == words.EXIT_OK and any(report.fails(verdict) for verdict in verdicts):
            status = words.EXIT_REGRESSION
        statuses.append(status)
        texts += [*report.text(verdicts, about), ""]
        markdowns.append(report.markdown(verdicts, about))
        verdict_lists.append((verdicts, about, status))
    report.show(["\n".join(texts).rstrip()])
    worst = max(statuses, key=_SEVERITY.index)
    if options.get("--markdown"):
        Path(options.get("--markdown")).write_text("\n".join(markdowns))
    if options.get("--junit"):
        every = [verdict for verdicts, _, _ in verdict_lists for verdict in verdicts]
        Path(options.get("--junit")).write_text(report.junit(every, verdict_lists[0][1]))
    if options.get("--json"):
        parts = [report.as_json(*one).rstrip() for one in verdict_lists]
        Path(options.get("--json")).write_text(parts[0] + "\n" if len(parts) == 1 else "[" + ",\n".join(parts) + "]\n")
    return worst


_SEVERITY = (0, 4, 5, 1, 3)


def _has_costs(recorded):
    return any(series.costs for series in recorded.series.values())


def _facts(a, b):
    names = ("version", "commit", "libtorch", "compiler", "library_version")
    return [
        f"{name}: {a.context.get(name, 'unknown')} → {b.context.get(name, 'unknown')}"
        for name in names
        if a.context.get(name) != b.context.get(name)
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ["LOADPATH_ROOT"])))
