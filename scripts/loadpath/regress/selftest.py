"""Finds out how far the verdicts of scripts/regress can be trusted on this machine, now.

usage: bench selftest [options]
  --short            two minutes: few live runs; what depends on the clock is told and not required
  --filter REGEX     the cases (default: CREPE's full model by direct and by mmap, and the linear model by direct)
  --pairs N          pairs of the series that is resampled (default: 60)
  --runs N           live runs of a program against itself (default: 20)
  --draws N          resampled runs of each kind (default: 400)
  --seed N           of every order (default: one at random, which is shown)
  --json FILE        write the report to FILE too
  --bench PROGRAM    the program (default: the one that was called); bench-worse lies beside it
  --data DIR         the reference data (default: build/reference)

What is tried: a program against itself (how often is that called a REGRESSION, resampled and live); the same with a
sleep of 5, 10 and 20 per cent in its load paths, resampled and live; one more copy of each tensor, one more read of the
file, a mapping turned into a read, a changed byte, a tensor that is not loaded, another dtype (each must be found by
its exact cost or its answer, every time); and a design that always runs base first, with a program that is slower
whenever it comes second, which must be called worse: else this test could not see a bias.

Exit: 0 all as promised, 1 a false alarm or an exact finding that was missed, 2 bad use, 4 this machine is too noisy for
what is promised: the smallest effect that it shows is told.
"""

import datetime
import json
import os
import random
import shlex
import sys
import time
from pathlib import Path

from loadpath.common.child import Failed
from loadpath.common import command_line
from loadpath.common.command_line import BadUse, no_files, whole, writable
from loadpath.regress import programs
from loadpath.regress.command import Progress, machine
from loadpath.regress.controller import Plan, run
from loadpath.regress.sampling import Pairs, Refused, cases_of
from loadpath.verdict import tell, words
from loadpath.verdict.judge import LOOKS, compare, judge

NAME = "bench selftest"
VALUES = ("--filter", "--pairs", "--runs", "--draws", "--seed", "--json", "--bench", "--data")
FLAGS = ("--short",)
FILTER = "^load/(crepe:full/zip/bare/(direct|mmap)|linear/zip/bare/direct)/cpu/hot$"
EFFECTS = (1.05, 1.10, 1.20)
GRID = (1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.08, 1.10, 1.12, 1.15, 1.20, 1.30, 1.50, 2.00)
# What is promised: false alarms of a whole run, confirmation included, and the power within so many pairs.
MOST_ALARMS = 0.01
POWER = {(1.10, 10): 0.95, (1.05, 40): 0.90}
EXACT = {
    "clone": "one more copy of each tensor",
    "read": "one more read of the file",
    "unmap": "a mapping turned into a read",
    "flip": "a changed byte",
    "drop": "a tensor that is not loaded",
    "dtype": "a tensor of another dtype",
}
ANSWERS = ("flip", "drop", "dtype")
ORDER_EFFECT = "sleep:10"


def sequential(base, head, looks, seed):
    """Returns (word, pairs) of one metric, judged after each look."""
    metric = None
    for look in looks:
        if look > len(base):
            break
        metric = compare("time", "ns", base[:look], head[:look], seed)
        # One comparison: a false discovery rate of 5 % is a p of 5 %.
        if metric.word == words.REGRESSION and metric.p <= 0.05 or metric.word in (words.OK, words.IMPROVED):
            return metric.word, look
    return words.INCONCLUSIVE, look


def draw(trace, effect, looks, source):
    """Returns (word, pairs) of a run that is resampled from a series of a program against itself: consecutive pairs
    from a random one on, the sides changed at random, head times `effect`."""
    start = source.randrange(len(trace))
    base, head = [], []
    for step in range(looks[-1]):
        pair = trace[(start + step) % len(trace)]
        one, other = pair if source.random() < 0.5 else pair[::-1]
        base.append(one)
        head.append(other * effect)
    return sequential(base, head, looks, source.randrange(1 << 30))


def confirmed(trace, effect, looks, source):
    """Returns (word, pairs) of a run with its confirmation."""
    word, pairs = draw(trace, effect, looks, source)
    if word == words.REGRESSION and draw(trace, effect, looks, source)[0] != words.REGRESSION:
        word = words.INCONCLUSIVE
    return word, pairs


class Selftest:
    def __init__(self, bench, worse, cases, seed, pairs, runs, draws, progress, short=False):
        self.bench, self.worse, self.cases = bench, worse, cases
        self.seed, self.pairs, self.runs, self.draws = seed, pairs, runs, draws
        self.progress = progress
        self.order_looks = LOOKS[:1] if short else LOOKS[:3]
        self.alike_looks = LOOKS[:2] if short else LOOKS[:3]
        self.sleep_looks = LOOKS[:2] if short else LOOKS
        self.rows, self.failures, self.too_noisy = [], [], []
        self.traces, self.pair_seconds = {}, {}

    def row(self, what, case, said, fine=True):
        self.rows.append({"what": what, "case": case, "result": said, "fine": fine})

    def sides(self, how):
        self.worse.environment = {"LOADPATH_WORSE": how}
        return {"base": self.bench, "head": self.worse}

    def resampled(self):
        """A series of the program against itself: what chance alone does, and what it would hide."""
        sides = {"base": self.bench, "head": self.bench}
        series = {case: Pairs(case, sides, self.seed) for case in self.cases}
        source = random.Random(f"{self.seed}/order")
        for number in range(self.pairs):
            for case in source.sample(self.cases, len(self.cases)):
                self.progress(f"a program against itself: pair {number + 1} of {self.pairs}: {case}")
                begun = time.monotonic()
                series[case].one_more()
                self.pair_seconds[case] = self.pair_seconds.get(case, 0) + time.monotonic() - begun
        for case, pairs in series.items():
            self.traces[case] = [(base.wall_ns, head.wall_ns) for base, head in pairs.taken]
            self.pair_seconds[case] /= self.pairs
        self.progress("resampling")
        for case in self.cases:
            self._judge_trace(case, random.Random(f"{self.seed}/{case}"))

    def _judge_trace(self, case, source):
        trace = self.traces[case]
        looks = tuple(look for look in LOOKS if look <= len(trace))
        words_of = [confirmed(trace, 1.0, looks, source)[0] for _ in range(self.draws)]
        alarms = words_of.count(words.REGRESSION)
        unknown = words_of.count(words.INCONCLUSIVE)
        fine = alarms <= MOST_ALARMS * self.draws
        if not fine:
            self.failures.append(f"{case}: {alarms} false alarms in {self.draws}")
        self.row(
            "no effect, resampled",
            case,
            f"{alarms} of {self.draws} called worse, {unknown} INCONCLUSIVE (at most {MOST_ALARMS:.0%} may be)",
            fine,
        )
        for effect in EFFECTS:
            within = {}
            for most in (10, 40):
                if most > len(trace):
                    continue
                some = tuple(look for look in LOOKS if look <= most)
                found = sum(draw(trace, effect, some, source)[0] == words.REGRESSION for _ in range(self.draws))
                within[most] = found / self.draws
            promised = [(most, POWER[(effect, most)]) for most in within if (effect, most) in POWER]
            fine = all(within[most] >= power for most, power in promised)
            if not fine:
                self.too_noisy.append(case)
            self.row(
                f"{tell.percent(effect)}, resampled",
                case,
                ", ".join(f"found in {part:.0%} within {most} pairs" for most, part in within.items())
                + "".join(f" (promised: {power:.0%} within {most})" for most, power in promised),
                fine,
            )
        smallest = {most: self._smallest(trace, most, source) for most in (10, 40) if most <= len(trace)}
        self.row(
            "smallest effect",
            case,
            ", ".join(
                (f"{tell.percent(effect)}" if effect else "more than twice")
                + f" in {most} pairs ({most * self.pair_seconds[case]:.0f} s)"
                for most, effect in smallest.items()
            )
            + ", found in 90 %",
        )

    def _smallest(self, trace, most, source):
        looks = tuple(look for look in LOOKS if look <= most)
        draws = max(20, self.draws // 4)
        for effect in GRID:
            if sum(draw(trace, effect, looks, source)[0] == words.REGRESSION for _ in range(draws)) >= 0.9 * draws:
                return effect
        return None

    def live(self):
        """Whole runs, as scripts/regress makes them."""
        alarms, unknown = 0, 0
        for number in range(self.runs):
            self.progress(f"live run {number + 1} of {self.runs} of a program against itself")
            outcome = run(self.cases, {"base": self.bench, "head": self.bench}, Plan(self.seed + number, self.alike_looks))
            alarms += any(verdict.word == words.REGRESSION for verdict in outcome.verdicts)
            unknown += sum(verdict.word == words.INCONCLUSIVE for verdict in outcome.verdicts)
        if alarms:
            self.failures.append(f"{alarms} of {self.runs} live runs of a program against itself alarmed")
        self.row(
            "no effect, live",
            f"all {len(self.cases)}",
            f"{alarms} of {self.runs} runs have a REGRESSION; {unknown} of {self.runs * len(self.cases)} verdicts INCONCLUSIVE",
            not alarms,
        )
        for effect in EFFECTS if self.runs >= 10 else EFFECTS[-1:]:
            self.progress(f"live: a sleep of {100 * effect - 100:.0f} %")
            outcome = run(self.cases, self.sides(f"sleep:{100 * effect - 100:.0f}"), Plan(self.seed, self.sleep_looks))
            for verdict in outcome.verdicts:
                found = verdict.word == words.REGRESSION
                metric = verdict.metric("time")
                if not found and effect >= 1.10:
                    self.too_noisy.append(verdict.case)
                self.row(
                    f"{tell.percent(effect)} by a sleep, live",
                    verdict.case,
                    f"{verdict.word} after {verdict.pairs} pairs" + (f": {tell.percent(metric.ratio)}" if metric else ""),
                    found or effect < 1.10,
                )

    def exact(self):
        """What exact costs and answers must show, by one pair."""
        for how, what in EXACT.items():
            for case in self.cases:
                if how == "unmap" and "/mmap/" not in case:
                    continue
                self.progress(f"{what}: {case}")
                pairs = Pairs(case, self.sides(how), self.seed)
                said, found = "", False
                try:
                    pairs.one_more()
                    verdict = judge(case, pairs.taken, self.seed)
                    found = verdict.word == words.REGRESSION and how not in ANSWERS
                    said = (verdict.sentences or ["nothing"])[0]
                except Refused as refused:
                    found = refused.side == "head" and refused.status == "error" and how in ANSWERS
                    said = " ".join(refused.reason.split())
                except Failed as failed:
                    said = str(failed)
                if not found:
                    self.failures.append(f"{case}: {what} was not found: {said}")
                self.row(what, case, said, found)

    def fixed_order(self):
        """A program that is slower whenever it comes second: in random order that is no difference between two sides,
        in a fixed order it is."""
        case = self.cases[0]
        self.worse.environment = {"LOADPATH_WORSE": ""}
        sides = {"base": self.worse, "head": self.worse}
        said = {}
        for fixed in (True, False):
            self.progress(f"{'fixed' if fixed else 'random'} order: {case}")
            plan = Plan(
                self.seed, self.order_looks, confirm=False, fixed_order=fixed, second={"LOADPATH_WORSE": ORDER_EFFECT}
            )
            said[fixed] = run([case], sides, plan).verdicts[0]
        seen = said[True].word == words.REGRESSION
        kept = said[False].word != words.REGRESSION
        if not kept:
            self.failures.append(f"{case}: in random order, an effect of the order was taken for one of the program")
        if not seen:
            self.too_noisy.append(case)
        self.row("slower when second, fixed order", case, f"{said[True].word}: the bias is seen", seen)
        self.row("slower when second, random order", case, said[False].word, kept)


def text(rows):
    """Returns the lines of the table."""
    out, last = [], None
    kinds = list(dict.fromkeys(row["what"] for row in rows))
    for row in sorted(rows, key=lambda one: kinds.index(one["what"])):
        if row["what"] != last:
            out.append(row["what"])
            last = row["what"]
        mark = "ok " if row["fine"] else "NOT"
        out.append(f"  {mark} {row['case']}")
        out.append(f"        {row['result']}")
    return out


def selftest(options, arguments, root):
    """Runs it and prints the table. Returns the exit status. Raises BadUse."""
    no_files(options, NAME)
    short = bool(options.get("--short"))
    seed = whole(options, "--seed", random.SystemRandom().randrange(1, 10**6), 0)
    pairs = whole(options, "--pairs", 10 if short else 60, 10)
    runs = whole(options, "--runs", 1 if short else 20, 0)
    draws = whole(options, "--draws", 50 if short else 400, 20)
    writable(options, "--json")
    path = Path(options.get("--bench", root / "build" / "bin" / "bench"))
    worse_path = path.with_name("bench-worse")
    if not worse_path.exists():
        raise BadUse(f"{worse_path.name} is not beside {path}: ninja -C build bench-worse, or scripts/bench selftest")
    bench, worse = programs.find(str(path), root, _tell), programs.find(str(worse_path), root, _tell)
    data = ["--data", str(Path(options.get("--data", root / "build" / "reference")).absolute())]
    bench.flags, worse.flags = data, list(data)
    try:
        cases = list(cases_of(bench, options.get("--filter", FILTER)))
    except Failed as error:
        raise BadUse(f"--filter: {error}") from None
    cases = [case for case in cases if case.endswith("/hot")]
    if not cases:
        raise BadUse("--filter: no hot load has a match")
    begun = time.monotonic()
    progress = Progress()
    test = Selftest(bench, worse, cases, seed, pairs, runs, draws, progress, short)
    for part in (test.exact, test.fixed_order, test.resampled, test.live):
        try:
            part()
        except (Refused, Failed) as error:
            progress.clear()
            raise BadUse(f"{cases[0] if len(cases) == 1 else 'a case'} cannot be measured: {error}") from None
    progress.clear()
    print(f"selftest of {bench.describe()}, seed {seed}, {time.monotonic() - begun:.0f} s\n")
    print("\n".join(text(test.rows)))
    noisy = [] if short else sorted(set(test.too_noisy))
    print()
    for line in test.failures:
        print(f"not as promised: {line}")
    for case in noisy:
        print(f"too noisy now for what is promised: {case} (its smallest effect stands above)")
    status = words.EXIT_REGRESSION if test.failures else words.EXIT_INCONCLUSIVE if noisy else words.EXIT_OK
    if status == words.EXIT_OK:
        print(
            "costs and answers are found; what depends on the clock is told above, and not required (leave out --short)"
            if short
            else "the verdicts of scripts/regress can be trusted on this machine"
        )
    if options.get("--json"):
        whole_report = {
            "selftest_schema_version": 1,
            "program": bench.describe(),
            "seed": seed,
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "command": command_of(arguments, seed),
            "machine": machine(),
            "rows": test.rows,
            "exit_status": status,
            "traces_ns": {case: [list(pair) for pair in trace] for case, trace in test.traces.items()},
        }
        Path(options.get("--json")).write_text(json.dumps(whole_report, indent=1, ensure_ascii=False) + "\n")
    return status


def command_of(arguments, seed):
    """Returns the command that repeats it, without the program's place."""
    kept = list(arguments)
    if "--bench" in kept:
        del kept[kept.index("--bench") : kept.index("--bench") + 2]
    kept += [] if any(word.split("=")[0] == "--seed" for word in kept) else ["--seed", str(seed)]
    return shlex.join(["scripts/bench", "selftest", *kept])


def _tell(line):
    print(f"selftest: {line}", file=sys.stderr, flush=True)


def main(arguments, root):
    """Returns the exit status."""
    try:
        return command_line.run(
            arguments, NAME, __doc__, VALUES, FLAGS, lambda options: selftest(options, arguments, root)
        )
    except KeyboardInterrupt:
        _tell("interrupted")
        return words.EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ.get("LOADPATH_ROOT", Path(__file__).resolve().parents[3]))))
