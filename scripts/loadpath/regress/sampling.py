"""Takes pairs: one process of base and one of head, asked for the same case, in random order."""

import random
from statistics import median

from loadpath.common.child import Failed
from loadpath.verdict.judge import Process

LIST_SECONDS = 120
SAMPLE_SECONDS = 300
FEWEST, MOST = 4, 25  # samples of a process
ENOUGH_NS = 2e8  # of a process, spent in samples: more are taken of a short load
SIDES = ("base", "head")


class Refused(Exception):
    """A program did not time a case. status: skipped or error, as in the results; reason: one line or several."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status, self.reason = status, reason


def cases_of(program, pattern):
    """Returns {name: fields} of the cases of a program whose name has a match, without limits. Raises Failed."""
    with program.worker(LIST_SECONDS) as child:
        answer = child.ask({"do": "list", "filter": pattern})
        if "error" in answer:
            raise Failed(answer["error"])
        try:
            return {one["name"]: one for one in answer["cases"] if one.get("case") != "limit"}
        except (KeyError, TypeError, AttributeError):
            raise Failed("its process listed its cases in another language") from None


def _number(value, least):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value < 1e18


def _not_understood(samples):
    """Returns what in the samples is not as docs/worker.md and docs/results.md have it, or nothing."""
    if not isinstance(samples, list) or not all(isinstance(sample, dict) for sample in samples):
        return "samples are a list of objects"
    for sample in samples:
        if not _number(sample.get("wall_ns"), 1):
            return f"wall_ns {str(sample.get('wall_ns'))[:40]}: not a number from 1 on"
        for name in ("cpu_ns", "peak_extra_bytes", "minor_faults"):
            if sample.get(name) is not None and not _number(sample[name], 0):
                return f"{name} {str(sample[name])[:40]}: not a number from 0 on"
        for name in ("costs", "phases_ns"):
            of_it = sample.get(name, {})
            if not isinstance(of_it, dict) or not all(_number(value, 0) for value in of_it.values()):
                return f"{name} {str(of_it)[:40]}: not an object of numbers"
    return ""


def process_of(answer):
    """Returns the Process of a worker's answer. Raises Refused or Failed."""
    if "error" in answer:
        raise Failed(str(answer["error"]))
    if answer.get("status") != "ok":
        raise Refused(str(answer.get("status", "error")), str(answer.get("reason", "")))
    samples = answer.get("samples")
    wrong = _not_understood(samples) or ("first" in answer and _not_understood([answer["first"]]))
    if wrong:
        raise Failed(f"its process answered what is not its language: {wrong}")
    if not samples:
        raise Refused("dropped", "no sample was as hot, cold or backed as the case says")

    def over(name):
        values = [sample[name] for sample in samples if sample.get(name) is not None]
        return median(values) if values else None

    every = [sample.get("costs", {}) for sample in samples]
    names = dict.fromkeys(name for costs in every for name in costs)
    varying = tuple(name for name in names if len({costs.get(name) for costs in every}) > 1)
    phases = dict.fromkeys(name for sample in samples for name in sample.get("phases_ns", {}))
    return Process(
        wall_ns=over("wall_ns"),
        first_ns=answer["first"]["wall_ns"] if "first" in answer else None,
        cpu_ns=over("cpu_ns"),
        peak_extra_bytes=over("peak_extra_bytes"),
        minor_faults=over("minor_faults"),
        phases_ns={name: median(sample.get("phases_ns", {}).get(name, 0) for sample in samples) for name in phases},
        costs=every[0],
        varying=varying,
        most={name: max(costs.get(name, 0) for costs in every) for name in varying},
    )


def take(program, case, count, seconds=SAMPLE_SECONDS, environment=None):
    """Returns the Process of one new process. Raises Refused or Failed."""
    with program.worker(seconds, environment) as child:
        answer = child.ask({"do": "sample", "case": case, "samples": count, "check": "first"})
        process = process_of(answer)
        child.ask_nothing({"do": "quit"})
        return process


class Pairs:
    """The pairs of one case so far."""

    def __init__(self, case, programs, seed, fixed_order=False, second=None):
        """second: variables of the environment of whichever process comes second: an effect of the order, for the
        selftest."""
        self.case, self.programs, self.second = case, programs, second
        self.source = random.Random(f"{seed}/{case}")
        self.fixed_order = fixed_order
        self.taken, self.count = [], FEWEST

    def one_more(self):
        """Takes one pair. Raises Refused or Failed, with the side's name in `side`."""
        order = list(SIDES)
        if not self.fixed_order and self.source.random() < 0.5:
            order.reverse()
        pair = {}
        for side in order:
            try:
                later = self.second if side == order[1] else None
                pair[side] = take(self.programs[side], self.case, self.count, environment=later)
            except (Refused, Failed) as error:
                error.side = side
                raise
        self.taken.append((pair["base"], pair["head"]))
        longest = max(process.wall_ns for process in self.taken[0])
        self.count = max(FEWEST, min(MOST, round(ENOUGH_NS / longest)))
