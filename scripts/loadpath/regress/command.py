"""Compares two builds on this machine, case by case, and says which case became slower, hungrier or wrong.

usage: scripts/regress --base X [--head Y] [--filter REGEX] [options]
  --base X           what to compare with: a git revision, a build folder, a bench (or a suite of your own), or
                     torch==VERSION; a revision is built once, and kept in build/regress
  --head Y           what is to be judged, likewise (default: the working tree)
  --base-torch V, --head-torch V   build that side against LibTorch V: 2.11.0
  --filter REGEX     the cases whose name has a match (default: those that bench runs by itself)
  --cache STATE      page cache before each load: hot, cold or all (default: hot)
  --pairs N          pairs of processes at most for each case (default: 40); most need 5 or 10
  --time-limit S     begin no pair after this time (default: 30m)
  --case-limit S     nor of one case after this (default: 3m)
  --seed N           of every order (default: one at random, which is shown)
  --data DIR         the reference data (default: build/reference, made if they are missing)
  --base-data DIR, --head-data DIR   of that side: copies of the same data on two disks
  --json FILE, --markdown FILE, --junit FILE   write the report to FILE too
  --history URL      add the run to a history (scripts/history)
  --bisect GOOD..BAD find the commit between two revisions that made a case worse: the last one that is GOOD and the
                     first one that is BAD

Both programs' workers run in new processes, in turns, in random order; what is worse is measured a second time before
it is called so. Exact costs (bytes read, copies, allocations, read calls) and answers are compared without statistics.

examples:
  scripts/regress --base main --filter '^load/gpt2/'
  scripts/regress --base torch==2.11.0 --filter '^load/crepe:full/zip/bare/'
  scripts/regress --base build-old --head build --markdown comment.md
  scripts/regress --base build --head build --head-data /mnt/new/reference     # a new disk
  scripts/regress --bisect v1.0..HEAD --filter '^load/linear/zip/bare/direct'

Exit: 0 nothing is worse, 1 something is (or is missing, or newly skipped), 2 bad use, 3 an answer is wrong,
4 something is not known, 5 nothing could be compared, 130 interrupted.
"""

import datetime
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from loadpath.common.child import Failed
from loadpath.common.command_line import BadUse, did_you_mean, parse, pattern_of, seconds_of, whole, writable
from loadpath.regress import bisect, programs
from loadpath.regress.controller import CASE_SECONDS, WHOLE_SECONDS, Plan, run
from loadpath.regress.sampling import cases_of
from loadpath.verdict import report, words
from loadpath.verdict.judge import LOOKS, Verdict

NAME = "scripts/regress"
VALUES = (
    "--base",
    "--head",
    "--base-torch",
    "--head-torch",
    "--filter",
    "--cache",
    "--pairs",
    "--time-limit",
    "--case-limit",
    "--seed",
    "--data",
    "--base-data",
    "--head-data",
    "--json",
    "--markdown",
    "--junit",
    "--history",
    "--bisect",
)
OUTPUTS = ("--json", "--markdown", "--junit")
CACHES = ("hot", "cold", "all")


def tell(text):
    print(f"regress: {text}", file=sys.stderr, flush=True)


class Progress:
    """One line on a terminal that is written over; elsewhere nothing."""

    def __init__(self):
        self.shown = sys.stderr.isatty()

    def __call__(self, text):
        if self.shown:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{text[:width]}", end="", file=sys.stderr, flush=True)

    def clear(self):
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def sides_of(options, root):
    """Returns {side: Program}. Raises BadUse."""
    base, head = options.get("--base"), options.get("--head")
    if not base and not options.get("--base-torch"):
        raise BadUse(f"which --base? a revision, a build folder, a bench or torch==VERSION ({NAME} --help)")
    found = {}
    for side, name in (("base", base), ("head", head)):
        version = options.get(f"--{side}-torch")
        if version and not programs.TORCH.fullmatch(f"torch=={version}"):
            raise BadUse(f"--{side}-torch {version}: not a version of LibTorch; 2.11.0 is one")
        if version:
            found[side] = programs.find(f"torch=={version}", root, tell, source=name or "HEAD")
        elif name:
            found[side] = programs.find(name, root, tell)
        else:
            found[side] = programs.working_tree(root, tell)
    return found


def prepare(sides, options, root):
    """Has the reference data made that the cases need, unless they are named, and tells the programs. A suite of one's
    own has its own."""
    data = options.get("--data")
    for side, program in sides.items():
        own = options.get(f"--{side}-data", data)
        if own and not (Path(own) / "manifest.json").is_file():
            raise BadUse(f"{own}: no folder of reference data (there is no manifest.json; scripts/bench makes it)")
        if own or program.path.name.startswith("bench"):
            program.flags += ["--data", str(Path(own or root / "build" / "reference").absolute())]
    if data or (options.get("--base-data") and options.get("--head-data")) or not any(program.flags for program in sides.values()):
        return
    flags = [f"--filter={options.get('--filter')}"] if options.get("--filter") else []
    done = subprocess.run([root / "scripts" / "bench", "--prepare", *flags], stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise BadUse("scripts/bench --prepare said why (above)")


def chosen(sides, options):
    """Returns (names that both sides have, Verdicts of those that one side lacks). Raises BadUse."""
    pattern, cache = options.get("--filter", ""), options.get("--cache", "hot")
    listed, failure = {}, "no case has a match"
    for side, program in sides.items():
        try:
            listed[side] = cases_of(program, pattern)
        except Failed as error:
            listed[side], failure = None, f"{side}: {error}"
    if not any(listed.values()):
        raise BadUse(f"--filter {pattern}: {failure}")
    if listed["base"] is None:
        raise BadUse(failure)
    if listed["head"] is None:
        names = [name for name, one in listed["base"].items() if _wanted(one, pattern, cache)]
        return [], [Verdict(name, words.WRONG, fails=True, reason=failure) for name in names]
    wanted = {
        side: [name for name, one in cases.items() if _wanted(one, pattern, cache)] for side, cases in listed.items()
    }
    both = [name for name in wanted["base"] if name in wanted["head"]]
    lacking = [
        Verdict(name, words.MISSING, fails=True, reason="head has no such case any more")
        for name in wanted["base"]
        if name not in wanted["head"]
    ]
    lacking += [Verdict(name, words.NEW, reason="base has no such case") for name in wanted["head"] if name not in wanted["base"]]
    return both, lacking


def _wanted(case, pattern, cache):
    """A worker lists every state of the page cache and of memory; those that are meant are the flag's, or the
    pattern's."""
    for name, usual in (("cache", ("hot", "cold") if cache == "all" else (cache,)), ("memory", ("backed",))):
        state = case.get(name)
        if state and state not in usual and not re.search(rf"\b{state}\b", pattern):
            return False
    return True


def compare(options, arguments, root):
    """Compares and reports. Returns the exit status. Raises BadUse."""
    if options.get("--cache", "hot") not in CACHES:
        raise BadUse(f"--cache {options.get('--cache')}: not known; use hot, cold or all")
    seed = whole(options, "--seed", random.SystemRandom().randrange(1, 10**6), 0)
    most = whole(options, "--pairs", LOOKS[-1], LOOKS[0])
    looks = tuple(sorted({look for look in (*LOOKS, most) if look <= most}))
    seconds = seconds_of(options, "--time-limit", WHOLE_SECONDS)
    case_seconds = seconds_of(options, "--case-limit", CASE_SECONDS)
    pattern_of(options)
    for flag in OUTPUTS:
        writable(options, flag)
    if options.get("--history"):
        from loadpath.history.store import Store

        Store(options.get("--history"))  # refused now, and not after everything was measured
    sides = sides_of(options, root)
    prepare(sides, options, root)
    names, lacking = chosen(sides, options)

    progress = Progress()
    outcome = run(names, sides, Plan(seed, looks, seconds, case_seconds, progress=progress))
    progress.clear()
    verdicts = outcome.verdicts + lacking
    same = all(getattr(sides["base"], what) == getattr(sides["head"], what) for what in ("digest", "flags"))
    notes = []
    if same:
        notes = same_program(verdicts)
    notes.append("change: the median of the pairs' ratios, which is not the ratio of the two medians beside it")
    for verdict in verdicts:
        verdict.repeat = repeat_of(options, verdict.case, seed)
    status = words.EXIT_INTERRUPTED if outcome.interrupted else words.exit_status(verdicts)
    about = {
        "title": "loadpath regress",
        "base": sides["base"].describe(),
        "head": sides["head"].describe(),
        "differences": programs.differences(sides["base"], sides["head"]),
        "notes": notes + (["interrupted: what was measured until then is told"] if outcome.interrupted else []),
        "seed": seed,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "command": command_of(arguments, seed),
        "same_program": same,
        "commit": sides["head"].facts.get("commit", ""),
        "machine": machine(),
    }
    write(verdicts, about, options, outcome, status)
    return status


def same_program(verdicts):
    """Takes back what is worse though both sides are one program. Returns notes on what its noise was."""
    apart = []
    for verdict in verdicts:
        time = verdict.metric("time")
        apart += [abs(time.ratio - 1)] if time else []
        if verdict.word in (words.REGRESSION, words.IMPROVED) and not verdict.exact:
            verdict.word = words.INCONCLUSIVE
            verdict.reason = "base and head are one program, so this is noise: the machine is too busy to tell"
    if not apart:
        return ["base and head are the same program"]
    return [
        "base and head are the same program: what differs is noise; the median pair ratios lie within "
        f"{100 * max(apart):.1f} % of 1"
    ]


def machine():
    """Returns what a history tells machines apart by."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    return {
        "cpu": model,
        "processors": str(len(os.sched_getaffinity(0))),
        "kernel": os.uname().release,
    }


def command_of(arguments, seed):
    """Returns the command that measures again, without the files that it wrote."""
    kept, rest = [], list(arguments)
    while rest:
        word = rest.pop(0)
        if word.split("=")[0] in (*OUTPUTS, "--history"):
            rest = rest if "=" in word else rest[1:]
        else:
            kept.append(word)
    if not any(word.split("=")[0] == "--seed" for word in kept):
        kept += ["--seed", str(seed)]
    return shlex.join([NAME, *kept])


def repeat_of(options, case, seed):
    """Returns the command that repeats the pairs of one case."""
    kept = [
        part
        for flag, value in options.given.items()
        if flag not in ("--filter", "--seed", *OUTPUTS, "--history")
        for part in (flag, value)
    ]
    return shlex.join([NAME, *kept, "--filter", f"^{re.escape(case).replace(chr(92) + '-', '-')}$", "--seed", str(seed)])


def write(verdicts, about, options, outcome, status):
    if options.get("--markdown"):
        Path(options.get("--markdown")).write_text(report.markdown(verdicts, about))
    if options.get("--junit"):
        Path(options.get("--junit")).write_text(report.junit(verdicts, about))
    samples = {name: [_sides(pair) for pair in pairs] for name, pairs in outcome.pairs.items()}
    again = {name: [_sides(pair) for pair in pairs] for name, pairs in outcome.confirmed.items()}
    full = {**about, "pairs": samples, "confirming_pairs": again}
    if options.get("--json"):
        Path(options.get("--json")).write_text(report.as_json(verdicts, full, status))
    if options.get("--history"):
        from loadpath.history.store import add_regress

        add_regress(options.get("--history"), verdicts, full, status)
    report.show([*report.text(verdicts, about), f"repeat: {about['command']}"])


def _sides(pair):
    return {side: vars(process) for side, process in zip(("base", "head"), pair)}


def main(arguments, root):
    """Returns the exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        options = parse(arguments, NAME, VALUES)
        if options is None:
            print(__doc__.split("\n\n", 1)[1].strip())
            return 0
        if options.files:
            near = did_you_mean(options.files[0], VALUES)
            raise BadUse(f"unexpected argument: '{options.files[0]}'{near} (--base {options.files[0]} compares with it)")
        if options.get("--bisect"):
            return bisect.run(options, root, tell)
        return compare(options, arguments, root)
    except BadUse as error:
        tell(error)
        return words.EXIT_BAD_USE
    except KeyboardInterrupt:
        tell("interrupted")
        return words.EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ["LOADPATH_ROOT"])))
