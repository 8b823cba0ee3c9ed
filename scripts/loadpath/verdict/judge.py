"""Judges one case from its pairs of processes.

A pair is one process of base and one of head, one after the other in random order. A process gives one value of each
metric: the median over its samples, or its first load. A metric is worse if the bound of the bootstrap interval of the
median ratio that 99 % lie above is beyond the margin: 2 %, or what noise alone reaches here, if that is more. Time is
fine if the bound that 97.5 % lie below is less than 5 %. Exact costs know no noise."""

import math
from dataclasses import dataclass, field
from statistics import median

from loadpath.verdict import costs, statistics, words

MARGIN = 0.02  # below this nothing is worse
FINE_BELOW = 0.05  # time that is less than this slower is fine
LOOKS = (5, 10, 20, 40)  # numbers of pairs after which a case is judged
LEAST_NS = 1000  # a shorter difference is the clock's
MEMORY_BYTES = 4 << 20  # margins of what is measured but has little noise: the larger of this and the part
MEMORY_PART = 0.02
FAULTS = 500
FAULTS_PART = 0.10


@dataclass(frozen=True)
class Process:
    """What one process of one side measured of a case: medians over its samples, in nanoseconds, bytes and counts.
    None: it does not apply. `costs`: of the first sample; `varying`: those that differ within the process; `most`: the
    largest values of these."""

    wall_ns: float
    first_ns: float | None = None
    cpu_ns: float | None = None
    peak_extra_bytes: float | None = None
    minor_faults: float | None = None
    phases_ns: dict = field(default_factory=dict)
    costs: dict = field(default_factory=dict)
    varying: tuple = ()
    most: dict = field(default_factory=dict)


@dataclass
class Metric:
    """How one quantity of head compares with base's: medians, median pair ratio with its 95 % interval, the bounds
    that decide, and how probable such an effect is by chance. word: REGRESSION, IMPROVED, OK, or None while it is not
    known."""

    name: str
    unit: str
    base: float
    head: float
    ratio: float
    low: float
    high: float
    word: str | None = None
    p: float = 1.0
    floor: float = 0.0


@dataclass
class Verdict:
    """fails: it makes the run fail. sentences: one line each, the first says most. repeat: the command that repeats
    its pairs."""

    case: str
    word: str | None
    fails: bool = False
    pairs: int = 0
    metrics: list = field(default_factory=list)
    sentences: list = field(default_factory=list)
    reason: str = ""
    exact: bool = False  # found by costs or answers, which need no confirmation
    repeat: str = ""

    def metric(self, name):
        return next((metric for metric in self.metrics if metric.name == name), None)


def compare(name, unit, base, head, seed, margin=MARGIN):
    """Returns the Metric of two series of pairs by their ratios, without a word for what is undecided."""
    logs = [math.log(after / before) for before, after in zip(base, head)]
    medians = statistics.bootstrap(logs, seed)
    floor = max(math.log1p(margin), statistics.noise_floor(logs, seed))
    worse, better = statistics.bound(medians, statistics.ALARM), statistics.bound(medians, 1 - statistics.ALARM)
    metric = Metric(
        name,
        unit,
        median(base),
        median(head),
        math.exp(median(logs)),
        math.exp(statistics.bound(medians, statistics.FINE)),
        math.exp(statistics.bound(medians, 1 - statistics.FINE)),
        floor=math.expm1(floor),
    )
    apart = abs(median(after - before for before, after in zip(base, head)))
    if worse > floor and apart >= LEAST_NS:
        metric.word = words.REGRESSION
        metric.p = statistics.signed_rank_p(logs)
    elif better < -floor and apart >= LEAST_NS:
        metric.word = words.IMPROVED
        metric.p = statistics.signed_rank_p([-log for log in logs])
    elif metric.high < 1 + FINE_BELOW:
        metric.word = words.OK
    return metric


def compare_amounts(name, unit, base, head, seed, margin):
    """Returns the Metric of amounts that may be 0, by their differences: worse or better beyond the margin."""
    differences = [after - before for before, after in zip(base, head)]
    medians = statistics.bootstrap(differences, seed)
    before, after = median(base), median(head)
    ratio = (after / before) if before else (1.0 if after == before else math.inf)
    low, high = (
        (1 + statistics.bound(medians, part) / before) if before else ratio
        for part in (statistics.FINE, 1 - statistics.FINE)
    )
    metric = Metric(name, unit, before, after, ratio, low, high, words.OK, floor=margin / before if before else 0.0)
    if statistics.bound(medians, statistics.ALARM) > margin:
        metric.word, metric.p = words.REGRESSION, statistics.signed_rank_p(differences)
    elif statistics.bound(medians, 1 - statistics.ALARM) < -margin:
        metric.word, metric.p = words.IMPROVED, statistics.signed_rank_p([-one for one in differences])
    return metric


def _both(pairs, name):
    """Returns (base's values, head's values) of the pairs in which both sides have one."""
    values = [(getattr(base, name), getattr(head, name)) for base, head in pairs]
    values = [pair for pair in values if None not in pair]
    return [before for before, _ in values], [after for _, after in values]


def metrics_of(pairs, seed):
    """Returns the Metrics of [(base's Process, head's Process)]."""
    base, head = _both(pairs, "wall_ns")
    found = [compare("time", "ns", base, head, seed)]
    base, head = _both(pairs, "first_ns")
    if len(base) >= LOOKS[0]:
        found.append(compare("first load", "ns", base, head, seed))
    for name, unit, attribute, least, part in (
        ("memory", "bytes", "peak_extra_bytes", MEMORY_BYTES, MEMORY_PART),
        ("page faults", "count", "minor_faults", FAULTS, FAULTS_PART),
    ):
        base, head = _both(pairs, attribute)
        if len(base) >= LOOKS[0]:
            found.append(compare_amounts(name, unit, base, head, seed, max(least, part * median(base))))
    return found


def _varying(processes):
    """Returns the names of the costs that are not the same in all samples of all processes."""
    names = {name for process in processes for name in process.varying}
    return names | {name for name in costs.NAMES if len({process.costs.get(name) for process in processes}) > 1}


def cost_findings(pairs):
    """Returns ([(sentence, whether it is worse)], names of costs that are not judged). A cost that differs from load to
    load is judged only if base's does not: then head's largest counts."""
    of_base, of_head = (_varying([pair[side] for pair in pairs]) for side in (0, 1))
    varying = of_base | of_head
    unsteady = []
    for name in (name for name in costs.NAMES if name in of_head - of_base):
        before = pairs[0][0].costs.get(name)
        most = max((head.most.get(name, head.costs.get(name)) or 0 for _, head in pairs))
        if before is not None and name not in costs.LESS_IS_WORSE and most > before:
            unsteady.append((f"{name} {before:,} → up to {most:,}, differing from load to load", True))
            varying.discard(name)
    base, head = (
        {name: value for name, value in pairs[0][side].costs.items() if name not in varying} for side in (0, 1)
    )
    if base and not head:
        return [*unsteady, ("it has no exact costs any more", True)], sorted(varying)
    if not base:
        return unsteady, sorted(varying)
    judged = varying | of_head
    kept = ({name: value for name, value in side.items() if name not in judged} for side in (base, head))
    return unsteady + costs.sentences(*kept), sorted(varying)


def phase_that_moved(pairs):
    """Returns (phase, median difference in nanoseconds) of the phase that changed most, or None."""
    names = dict.fromkeys(name for pair in pairs for process in pair for name in process.phases_ns)
    moved = {
        name: median(head.phases_ns.get(name, 0) - base.phases_ns.get(name, 0) for base, head in pairs)
        for name in names
    }
    return max(moved.items(), key=lambda one: abs(one[1]), default=None)


def judge(case, pairs, seed):
    """Returns the Verdict of a case with pairs; its word is None while more pairs may tell more."""
    verdict = Verdict(case, None, pairs=len(pairs))
    found, varying = cost_findings(pairs)
    worse = [sentence for sentence, is_worse in found if is_worse]
    verdict.sentences += worse + [sentence for sentence, is_worse in found if not is_worse]
    if varying:
        verdict.sentences.append(f"not judged, for it differs from load to load: {', '.join(varying)}")
    if worse:
        verdict.word, verdict.exact = words.REGRESSION, True
    if len(pairs) < LOOKS[0]:
        return verdict
    verdict.metrics = metrics_of(pairs, seed)
    if verdict.word is None:
        verdict.word = _word(verdict.metrics, bool(found))
    return verdict


def _word(metrics, cheaper):
    of_each = {metric.name: metric.word for metric in metrics}
    if words.REGRESSION in of_each.values():
        return words.REGRESSION
    if of_each["time"] is None:
        return None
    return words.IMPROVED if cheaper or words.IMPROVED in of_each.values() else words.OK
