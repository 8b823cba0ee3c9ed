"""Holds the exact costs of the usual loads against results/costs.json: bytes read, copied and allocated, read calls.

usage: scripts/costs [--update --reason TEXT] [options]
  --update           write the costs as they are now, and show what changed
  --reason TEXT      why they changed: kept in the file
  --file FILE        the costs file (default: results/costs.json)
  --filter REGEX     the loads (default: the three original models and CREPE's tiny one, by every path but auto, which
                     chooses by the machine)
  --bench PROGRAM    the program (default: build/bin/bench)
  --data DIR         the reference data (default: build/reference)

A load that costs less fails, too, until --update has written it: else the next change may take it back unseen. What is
read and mapped belongs to one file, and is compared if the file is the very one that the costs were written with.

Exit: 0 as the file says, or written, 1 something costs more or less, or is new or missing, 2 bad use, 3 an answer is
wrong.
"""

import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from loadpath.common import command_line
from loadpath.common.command_line import BadUse, no_files, pattern_of
from loadpath.verdict import costs, words

NAME = "scripts/costs"
VALUES = ("--reason", "--file", "--filter", "--bench", "--data")
FLAGS = ("--update",)
FILTER = r"^load/(linear|custom|multi:A\+B|crepe:tiny)/.*/(copy|direct|assign|mmap)/"
# `auto` chooses by the machine, and LibTorch's readers count nothing.
GATED = re.compile(r"/(copy|direct|assign|mmap)/")
OF_ONE_FILE = ("bytes_read", "read_calls")
SECONDS = 600


def measured(bench, data, pattern):
    """Returns ({case: {"file", "costs"}}, what bench said is wrong, or ""). Raises BadUse."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "costs.json"
        command = [bench, "--data", data, "--kind", "load", "--repetitions", "1", "--filter", pattern]
        try:
            done = subprocess.run([*command, "--write-costs", file], capture_output=True, text=True, timeout=SECONDS)
        except OSError as error:
            raise BadUse(f"{bench}: cannot be started: {error.strerror}; scripts/setup builds it") from None
        wrong = done.stderr.strip() if done.returncode == 1 else ""
        if done.returncode not in (0, 1) or not (wrong or file.exists()):
            raise BadUse((done.stderr.strip().splitlines() or [f"{bench} ended with {done.returncode}"])[-1])
        return json.loads(file.read_text())["loads"] if file.exists() else {}, wrong


def read(path):
    """Returns the parsed costs file. Raises BadUse."""
    try:
        whole = json.loads(Path(path).read_text())
        if whole["schema"] != 1 or not all(isinstance(one["costs"], dict) for one in whole["loads"].values()):
            raise ValueError
        return whole
    except OSError as error:
        raise BadUse(f"{path}: {error.strerror}; {NAME} --update --reason TEXT writes it") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadUse(f"{path}: is not a costs file of schema 1") from None


def compared(before, now):
    """Returns [(case, sentence, whether it is worse)] of what differs between two {case: {"file", "costs"}}."""
    found = []
    for case in sorted({*before, *now}):
        if case not in now:
            found.append((case, "has no costs now: it is gone, was skipped or is wrong", True))
        elif case not in before:
            found.append((case, "is new", False))
        else:
            sides = _comparable(before[case], now[case])
            found += [(case, sentence, worse) for sentence, worse in costs.sentences(*sides)]
    return found


def _comparable(before, now):
    """Returns the costs of both that may be compared."""
    sides = before["costs"], now["costs"]
    if before["file"] == now["file"]:
        return sides
    mapped = any("bytes_mapped" in side for side in sides)
    if ("bytes_mapped" in before["costs"]) != ("bytes_mapped" in now["costs"]):
        return sides  # that a load maps at all does not depend on the file
    return tuple(
        {name: value for name, value in side.items() if name == "bytes" or not mapped and name not in OF_ONE_FILE}
        for side in sides
    )


def write(path, loads, updates):
    """Replaces the file as a whole."""
    new = Path(f"{path}.new")
    whole = {"schema": 1, "updates": updates, "loads": loads}
    new.write_text(json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    os.replace(new, path)


def run(options, root):
    """Returns the exit status. Raises BadUse."""
    no_files(options, NAME)
    file = options.get("--file", str(root / "results" / "costs.json"))
    update, reason = options.get("--update"), options.get("--reason")
    if bool(update) != bool(reason):
        raise BadUse("--update needs --reason TEXT" if update else "--reason needs --update")
    chosen = pattern_of(options, default=FILTER)
    there = {"loads": {}, "updates": []} if update and not Path(file).exists() else read(file)
    bench = options.get("--bench", str(root / "build" / "bin" / "bench"))
    data = options.get("--data", str(root / "build" / "reference"))
    if not Path(data, "manifest.json").is_file():
        raise BadUse(f"{data}: no folder of reference data (there is no manifest.json; scripts/bench makes it)")
    loads, wrong = measured(bench, data, chosen.pattern)
    loads = {case: one for case, one in loads.items() if GATED.search(case)}
    found = compared({case: one for case, one in there["loads"].items() if chosen.search(case)}, loads)
    if wrong:
        print(wrong, file=sys.stderr)
        return words.EXIT_WRONG
    for case, sentence, worse in found:
        print(f"{'+' if worse else '*' if sentence == 'is new' else '-'} {case}: {sentence}")
    if update:
        kept = {case: one for case, one in there["loads"].items() if not chosen.search(case)}
        entry = {"date": datetime.date.today().isoformat(), "reason": reason, "changes": len(found)}
        write(file, {**kept, **loads}, [*there.get("updates", []), entry])
        print(f"{Path(file).name}: {len(loads)} loads, {len(found)} changes written: {reason}")
        return words.EXIT_OK
    if found:
        print(
            f"costs: {len(found)} difference{'s' * (len(found) != 1)} from {Path(file).name} (+ worse, - less, * new); if they are meant: "
            f"{NAME} --update --reason TEXT",
            file=sys.stderr,
        )
        return words.EXIT_REGRESSION
    others = sum(there["loads"][case]["file"] != one["file"] for case, one in loads.items())
    print(
        f"{len(loads)} loads cost exactly what {Path(file).name} says"
        + (f"; {others} of them load another file, so that what they read was not compared" if others else "")
    )
    return words.EXIT_OK


def main(arguments, root):
    """Returns the exit status."""
    return command_line.run(arguments, NAME, __doc__, VALUES, FLAGS, lambda options: run(options, root))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ["LOADPATH_ROOT"])))
