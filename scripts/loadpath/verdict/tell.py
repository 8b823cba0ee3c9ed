"""A verdict in words, and in the units that people read."""

import math

from loadpath.verdict import words

WORSE = {
    "time": "slower",
    "first load": "slower on the first load of a process",
    "memory": "more peak memory",
    "page faults": "more page faults",
}
BETTER = {
    "time": "faster",
    "first load": "faster on the first load of a process",
    "memory": "less peak memory",
    "page faults": "fewer page faults",
}


def duration(ns):
    """Returns nanoseconds with three digits and a unit: 5.31 ms."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if abs(ns) >= size:
            return f"{_three(ns / size)} {unit}"
    return f"{_three(ns)} ns"


def amount(value, unit):
    if unit == "ns":
        return duration(value)
    if unit == "bytes":
        for name, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
            if abs(value) >= size:
                return f"{_three(value / size)} {name}"
        return f"{value:.0f} B"
    return f"{value:,.0f}"


def _three(value):
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def percent(ratio):
    """Returns a ratio as a change: +12.3 %."""
    if math.isinf(ratio):
        return "from nothing"
    change = 100 * (ratio - 1)
    return f"{change:+.1f} %" if abs(change) < 99.95 else f"{_three(ratio)} times"


def metric_sentence(metric, phase=None):
    """Returns what a metric that is worse or better did, in one sentence. phase: (name, nanoseconds) that moved."""
    says = (WORSE if metric.word == words.REGRESSION else BETTER)[metric.name]
    text = (
        f"{percent(metric.ratio)} ({percent(metric.low)} to {percent(metric.high)}) {says}: "
        f"{amount(metric.base, metric.unit)} → {amount(metric.head, metric.unit)}"
    )
    if phase and metric.name == "time" and abs(phase[1]) >= 0.3 * abs(metric.head - metric.base):
        text += f", in the phase {phase[0]} ({'+' if phase[1] > 0 else '-'}{duration(abs(phase[1]))})"
    return text


def add_sentences(verdict, phase=None):
    """Adds a sentence to the verdict for each of its metrics that moved."""
    for metric in verdict.metrics:
        if metric.word in (words.REGRESSION, words.IMPROVED):
            verdict.sentences.append(metric_sentence(metric, phase))
    if verdict.word == words.INCONCLUSIVE and not verdict.reason:
        time = verdict.metric("time")
        if time:
            verdict.reason = (
                f"between {percent(time.low)} and {percent(time.high)} after {verdict.pairs} pairs: "
                "more pairs or a quieter machine would tell"
            )
