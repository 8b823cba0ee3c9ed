"""Samples the cases until each is judged, with what is confirmed and what the time allows."""

import random
import time
from dataclasses import dataclass, field, replace

from loadpath.common.child import Failed
from loadpath.regress import sampling
from loadpath.regress.sampling import Pairs, Refused
from loadpath.verdict import statistics, tell, words
from loadpath.verdict.judge import LOOKS, Verdict, judge, phase_that_moved

CASE_SECONDS = 180
TIMES = ("time", "first load")  # the metrics whose noise is large
WHOLE_SECONDS = 1800


@dataclass
class Plan:
    """seed: of every order; looks: numbers of pairs after which a case is judged; seconds: in all; case_seconds: for
    each; confirm: whether what is worse is measured again; fixed_order: base always first, which the selftest shows to
    be wrong; second: see Pairs; progress(text): one line on what is done; clock."""

    seed: int
    looks: tuple = LOOKS
    seconds: float = WHOLE_SECONDS
    case_seconds: float = CASE_SECONDS
    confirm: bool = True
    fixed_order: bool = False
    second: dict | None = None
    progress: object = None
    clock: object = time.monotonic


@dataclass
class _Case:
    pairs: Pairs
    verdict: Verdict | None = None
    spent: float = 0.0
    done: bool = False


@dataclass
class Outcome:
    """verdicts: of every case; interrupted: ended by the user; pairs: {case: [(base, head)]}; confirmed: likewise of the
    second run."""

    verdicts: list = field(default_factory=list)
    interrupted: bool = False
    pairs: dict = field(default_factory=dict)
    confirmed: dict = field(default_factory=dict)


def run(names, programs, plan):
    """Returns the Outcome of the named cases, which both programs have."""
    begun = plan.clock()
    outcome = Outcome()
    cases = {name: _Case(Pairs(name, programs, plan.seed, plan.fixed_order, plan.second)) for name in names}
    try:
        _sample(cases, plan, begun + plan.seconds)
        if plan.confirm:
            _confirm(cases, programs, plan, begun + plan.seconds, outcome)
    except KeyboardInterrupt:
        outcome.interrupted = True
    for name, case in cases.items():
        outcome.pairs[name] = case.pairs.taken
        outcome.verdicts.append(_ended(case, plan, outcome.interrupted))
    return outcome


def _sample(cases, plan, until):
    """Takes pairs, in rounds of one for each case that is not judged yet, each in an order of its own."""
    for number in range(1, plan.looks[-1] + 1):
        open_ones = [case for case in cases.values() if not case.done]
        if not open_ones or plan.clock() >= until:
            return
        random.Random(f"{plan.seed}/round/{number}").shuffle(open_ones)
        for at, case in enumerate(open_ones):
            if plan.clock() >= until:
                return
            _progress(plan, cases, f"pair {number}, {at + 1}/{len(open_ones)}", case.pairs.case)
            began = plan.clock()
            _take(case)
            case.spent += plan.clock() - began
        if number in plan.looks:
            _look(cases, plan)


def _take(case):
    try:
        case.pairs.one_more()
    except Refused as refused:
        case.verdict, case.done = _refused(case, refused), True
    except Failed as failed:
        case.verdict, case.done = _failed(case, failed), True


def _refused(case, refused):
    """Returns the Verdict of a case that one side did not time."""
    verdict = Verdict(case.pairs.case, words.SKIPPED, pairs=len(case.pairs.taken))
    if refused.status == "skipped":
        other = _other(case, refused.side)
        if other and refused.side == "head":
            verdict.fails, verdict.reason = True, f"newly skipped: {_line(refused.reason)}"
        elif other:
            verdict.word, verdict.reason = words.NEW, f"base skips it: {_line(refused.reason)}"
        else:
            verdict.reason = _line(refused.reason)
        return verdict
    if refused.status == "dropped":
        verdict.word, verdict.reason = words.INCONCLUSIVE, f"{refused.side}: {refused.reason}"
        return verdict
    if refused.side == "base" and not case.pairs.taken:
        verdict.word, verdict.reason = words.SKIPPED, f"base is wrong already: {_line(refused.reason)}"
        verdict.fails = False
        if _wrong_too(case):
            verdict.word, verdict.reason = words.WRONG, f"both are wrong: {_line(refused.reason)}"
        return verdict
    verdict.word, verdict.exact = words.WRONG, True
    verdict.reason = f"{refused.side} is wrong: {_line(refused.reason)}"
    return verdict


def _other(case, side):
    """Returns whether the other side times the case."""
    other = "base" if side == "head" else "head"
    try:
        sampling.take(case.pairs.programs[other], case.pairs.case, 1)
    except (Refused, Failed):
        return False
    return True


def _wrong_too(case):
    try:
        sampling.take(case.pairs.programs["head"], case.pairs.case, 1)
    except Refused as refused:
        return refused.status != "skipped"
    except Failed:
        return False
    return False


def _failed(case, failed):
    side = getattr(failed, "side", "head")
    verdict = Verdict(case.pairs.case, words.WRONG, pairs=len(case.pairs.taken), exact=True)
    verdict.reason = f"{side}: {failed}"
    if side == "base":
        verdict.word = words.INCONCLUSIVE
    return verdict


def _line(text):
    return " ".join(text.split())


def _look(cases, plan):
    """Judges the cases that are open. What is slower must also stand among all comparisons of times: with many, some
    are far out by chance. Memory and page faults have margins that noise does not reach."""
    open_ones = [case for case in cases.values() if not case.done]
    for case in open_ones:
        case.verdict = judge(case.pairs.case, case.pairs.taken, plan.seed)
    family = [
        (case, metric)
        for case in cases.values()
        if case.verdict
        for metric in case.verdict.metrics
        if metric.name in TIMES
    ]
    kept = statistics.discoveries(
        [metric.p if metric.word == words.REGRESSION else 1.0 for _, metric in family]
    )
    for at, (case, metric) in enumerate(family):
        if metric.word == words.REGRESSION and at not in kept and not case.done:
            metric.word = None
            if not case.verdict.exact and not any(m.word == words.REGRESSION for m in case.verdict.metrics):
                case.verdict.word = None
    for case in open_ones:
        case.done = case.verdict.word is not None or case.spent >= plan.case_seconds


def _confirm(cases, programs, plan, until, outcome):
    """Measures again what is worse by measurement, later and in another order; what does not come again is not told as a
    regression."""
    doubted = {
        name: case
        for name, case in cases.items()
        if case.verdict and case.verdict.word == words.REGRESSION and not case.verdict.exact
    }
    if not doubted:
        return
    second = replace(plan, seed=plan.seed + 1, confirm=False)
    again = {name: _Case(Pairs(name, programs, second.seed, plan.fixed_order, plan.second)) for name in doubted}
    try:
        _sample(again, second, max(until, plan.clock() + plan.case_seconds * len(doubted)))
    finally:
        for name, case in again.items():
            outcome.confirmed[name] = case.pairs.taken
            first = doubted[name].verdict
            worse = {metric.name for metric in first.metrics if metric.word == words.REGRESSION}
            # Whole loads may be too noisy to show again what a process's first load showed, and the other way round not.
            worse |= {"time"} if "first load" in worse else set()
            still = case.verdict.metrics if case.verdict else []
            if case.verdict and (case.verdict.exact or case.verdict.fails):
                doubted[name].verdict = case.verdict
            elif not still:
                first.reason = "not measured again: the time was over, or it was interrupted"
            elif not any(metric.name in worse and metric.word == words.REGRESSION for metric in still):
                first.word = words.INCONCLUSIVE
                seen = next((metric for metric in still if metric.name in worse), None)
                first.reason = "it was worse, and not so when it was measured again" + (
                    f": {tell.percent(seen.ratio)} ({tell.percent(seen.low)} to {tell.percent(seen.high)})" if seen else ""
                )
            else:
                seen = next(metric for metric in still if metric.name in worse and metric.word == words.REGRESSION)
                first.reason = (
                    f"measured again in {case.verdict.pairs} pairs: {tell.percent(seen.ratio)} {tell.WORSE[seen.name]}"
                )


def _ended(case, plan, interrupted):
    verdict = case.verdict
    taken = case.pairs.taken
    if verdict is None and taken:
        verdict = judge(case.pairs.case, taken, plan.seed)
    if verdict is None:
        verdict = Verdict(case.pairs.case, words.INCONCLUSIVE)
        verdict.reason = "interrupted before it was measured" if interrupted else "the time was over before it was measured"
    time_metric = verdict.metric("time")
    if verdict.word is None and time_metric and time_metric.word in (words.OK, words.IMPROVED):
        verdict.word = time_metric.word  # what else moved is no more than chance does among so many
    if verdict.word is None or (verdict.word == words.REGRESSION and not case.done and not verdict.exact):
        verdict.word = words.INCONCLUSIVE
        if interrupted:
            verdict.reason = f"interrupted after {len(taken)} pairs"
        elif len(taken) < plan.looks[0]:
            verdict.reason = f"the time was over after {len(taken)} of the {plan.looks[0]} pairs that are needed"
    tell.add_sentences(verdict, phase_that_moved(taken) if taken else None)
    return verdict


def _progress(plan, cases, where, name):
    if not plan.progress:
        return
    known = {}
    for case in cases.values():
        if case.done and case.verdict and case.verdict.word:
            known[case.verdict.word] = known.get(case.verdict.word, 0) + 1
    so_far = ", ".join(f"{count} {word}" for word, count in sorted(known.items()))
    plan.progress(f"{where}{f' ({so_far})' if so_far else ''}: {name}")
