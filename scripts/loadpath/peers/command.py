"""Loads checkpoints by other loaders and by ours, side by side, and prints a table of their times.

usage: scripts/peers FILE[::KEY]… [--key KEY] [options]
       scripts/peers --install
  FILE               a .pth or .safetensors file; its tensors are written in the other formats that loaders read
  --key KEY          where the state dict lies in FILE: model_state_dict
  --peers REGEX      measure the loaders whose name has a match, whatever the case
  --cache STATE      page cache before each load: hot, cold or all (default: hot)
  --samples N        loads of each loader, in random order, after one that is not counted (default: 10; 1: no trial)
  --time T           begin no further round after this time: 60s, 5m
  --seed N           of the order (default: one at random, which is shown)
  --markdown FILE    write the table to FILE, too
  --json FILE        write every sample to FILE
  --also FILE        measure the loaders of a Python file, too: LOADERS, as in scripts/loadpath/peers/loaders.py
  --limit T          end a load that takes longer than this, with its comparison (default: 300s)
  --bin DIR          the folder of bench and ckpt (default: build/bin)
  --data DIR         the reference data, which know the bundled models (default: build/reference)
  --work DIR         where the tensors are written in other formats, and kept (default: build/peers)
  --list             print the loaders, one a line
  --install          install the other loaders into build/peers-venv; nothing else installs anything

Each load is a process of its own. The values of every load are compared with those that PyTorch reads, by SHA-256,
before its time counts; a loader with other values gets no time. A loader that cannot run is listed with the reason.

examples:
  scripts/peers model.safetensors
  scripts/peers train.pth --key model_state_dict --cache all --samples 20 --json peers.json
  scripts/peers model.pth --peers 'safetensors|direct' --time 60s --seed 1

Exit: 0 all right, 1 a loader gave wrong values or nothing was timed, 2 bad use or bad input, 130 interrupted.
"""

import datetime
import difflib
import json
import os
import random
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from loadpath.peers import install, loaders, ours, residency, table
from loadpath.peers.busy import Busy
from loadpath.peers.child import Failed
from loadpath.peers.prepare import BadInput, prepare
from loadpath.peers.rows import all_rows, chosen
from loadpath.peers.sampling import Tools, Wrong, take
from loadpath.peers.schedule import rounds
from loadpath.peers.table import LEGEND, Series

VALUES = (
    "--key",
    "--peers",
    "--cache",
    "--samples",
    "--time",
    "--seed",
    "--markdown",
    "--json",
    "--also",
    "--limit",
    "--bin",
    "--data",
    "--work",
)
FLAGS = ("--list", "--install")
CACHES = {"hot": ("hot",), "cold": ("cold",), "all": ("hot", "cold")}


class BadUse(Exception):
    """Its text is one sentence."""


@dataclass
class Options:
    files: list
    given: dict

    def get(self, flag, default=None):
        return self.given.get(flag, default)


def did_you_mean(word, candidates):
    near = difflib.get_close_matches(word.lower(), [candidate.lower() for candidate in candidates], 1, 0.6)
    return f"; did you mean {next(c for c in candidates if c.lower() == near[0])}?" if near else ""


def parse(arguments):
    """Returns the Options, or None after --help. Raises BadUse."""
    options, rest = Options([], {}), list(arguments)
    while rest:
        word = rest.pop(0)
        flag, equals, value = word.partition("=")
        if word in ("-h", "--help"):
            return None
        if flag in FLAGS and not equals:
            options.given[flag] = True
        elif flag in VALUES:
            value = value if equals else rest.pop(0) if rest and not rest[0].startswith("--") else ""
            if not value:
                raise BadUse(f"{flag} needs a value (scripts/peers --help)")
            options.given[flag] = value
        elif word.startswith("-"):
            raise BadUse(
                f"unknown flag: {flag}{did_you_mean(flag, (*VALUES, *FLAGS, '--help'))}"
                " (scripts/peers --help lists the flags)"
            )
        else:
            options.files.append(word)
    return options


def seconds_of(options, flag, default):
    """Returns a length of time in seconds. Raises BadUse."""
    text = options.get(flag)
    if text is None:
        return default
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|min)?", text)
    seconds = float(found[1]) * {"ms": 1e-3, "m": 60, "min": 60}.get(found[2], 1) if found else 0
    if not 0 < seconds <= 1e6:
        raise BadUse(f"{flag} {text}: not a length of time; use 60s or 5m")
    return seconds


def whole(options, flag, default, least):
    """Returns a whole number. Raises BadUse."""
    text = options.get(flag)
    if text is None:
        return default
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < least:
        raise BadUse(f"{flag} {text}: not a whole number from {least} on")
    return int(text)


def rows_of(options, root):
    """Returns the rows that are to be measured. Raises BadUse."""
    bench = Path(options.get("--bin", root / "build" / "bin")) / "bench"
    try:
        paths = ours.list_paths(bench)
    except (OSError, subprocess.SubprocessError):
        raise BadUse(
            f"{shown(bench, root)}: does not run; scripts/setup builds it, --bin names another folder"
        ) from None
    own = ()
    if options.get("--also"):
        try:
            own = loaders.from_file(options.get("--also"))
        except Exception as error:  # it is a program
            raise BadUse(f"--also {options.get('--also')}: {type(error).__name__}: {error}") from None
    rows = all_rows((*loaders.LOADERS, *own), paths)
    pattern = options.get("--peers")
    if pattern is None:
        return rows
    try:
        found = chosen(rows, pattern)
    except re.error as error:
        raise BadUse(f"--peers {pattern}: not a regular expression: {error}") from None
    if not found:
        words = sorted({word for row in rows for word in (row.name, *row.name.split())})
        raise BadUse(
            f"--peers {pattern}: no loader has this in its name{did_you_mean(pattern, words)} (scripts/peers --list)"
        )
    return found


def shown(path, root):
    """Returns the path as a reader may see it: in the repository, or its name alone."""
    full = Path(os.path.abspath(path))
    return str(full.relative_to(root)) if full.is_relative_to(root) else full.name


def without_paths(text, places):
    """Returns a reason without the places of this machine."""
    for place in sorted(map(str, places), key=len, reverse=True):
        text = text.replace(place + "/", "")
    return re.sub(r"(?<![\w.])(/[\w.+-]+){2,}/", "…/", text)


def files_of(options):
    """Returns [(file, key)]. Raises BadUse."""
    pairs = []
    for word in options.files:
        name, _, key = word.partition("::")
        if key and options.get("--key"):
            raise BadUse(f"{word}: has a key, and --key has another; give one")
        pairs.append((Path(name), key or options.get("--key", "")))
    return pairs


def writable(options, flag):
    """Raises BadUse if the file of a flag cannot be written."""
    if path := options.get(flag):
        folder = Path(path).absolute().parent
        if Path(path).is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
            raise BadUse(f"{flag} {path}: cannot be written")


def tell(text):
    print(f"peers: {text}", file=sys.stderr, flush=True)


def measure(checkpoint, rows, caches, options, tools, seed, places):
    """Takes the samples of one checkpoint. Returns its Series."""
    series = [Series(row, cache) for row in rows for cache in caches]

    def attempt(one, number):
        try:
            sample = take(one.row, one.cache, checkpoint, tools)
        except Wrong as error:
            one.fail("wrong", str(error))
        except (Failed, residency.Unproven) as error:
            one.fail("skipped", without_paths(str(error), places))
        except OSError as error:
            one.fail("skipped", without_paths(f"{error.filename or 'file'}: {error.strerror}", places))
        else:
            one.samples += [{**sample, "round": number}] if number is not None else []

    samples = whole(options, "--samples", 10, 1)
    if samples > 1:
        tell(f"{checkpoint.name}: trying {len(rows)} loaders")
    for one in series if samples > 1 else ():  # which of them run; their programs are then in the page cache, too
        if one.cache == caches[0]:
            attempt(one, None)
        else:
            first = next(other for other in series if other.row == one.row)
            if first.status != "ok":
                one.fail(first.status, first.reason)
    last = -1
    able = [one for one in series if one.status == "ok"]
    for number, one in rounds(able, samples, seed, seconds_of(options, "--time", None)):
        if number != last:
            tell(f"round {number + 1}: {len(able)} loads")
            last = number
        if one.status == "ok":
            attempt(one, number)
    return series


def context(arguments, root, bench, seed, caches, warnings):
    """Returns what the results hold for. `command` repeats them."""
    commit = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True
    ).stdout.strip()
    words = [
        shown(word, root) if Path(word).is_absolute() or "/" in word and Path(word).exists() else word
        for word in arguments
    ]
    words += [] if any(word.split("=")[0] == "--seed" for word in words) else ["--seed", str(seed)]
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = int(next(line for line in open("/proc/meminfo") if line.startswith("MemTotal")).split()[1]) << 10
    return {
        "peers_schema_version": 1,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join(["scripts/peers", *words]),
        "seed": seed,
        "commit": commit,
        "processor": model,
        "processors": len(os.sched_getaffinity(0)),
        "memory_bytes": memory,
        "kernel": os.uname().release,
        "cache_states": list(caches),
        "loadpath": ours.version(bench),
        **({"warnings": warnings} if warnings else {}),
    }


def run(options, arguments, root):
    """Measures. Returns the exit status. Raises BadUse or BadInput."""
    rows = rows_of(options, root)
    if options.get("--list"):
        print("\n".join(row.name for row in rows))
        return 0
    if not options.files:
        raise BadUse("which FILE? (scripts/peers --help)")
    caches = CACHES.get(options.get("--cache", "hot"))
    if not caches:
        raise BadUse(f"--cache {options.get('--cache')}: not known; use hot, cold or all")
    seed = whole(options, "--seed", random.SystemRandom().randrange(1, 10**6), 0)
    whole(options, "--samples", 10, 1), seconds_of(options, "--time", None)
    for flag in ("--markdown", "--json"):
        writable(options, flag)
    pairs = files_of(options)
    python = install.interpreter(root, root / "build" / "peers-venv")
    if not python:
        raise BadUse("there is no Python with PyTorch: scripts/setup makes .venv")
    binaries = Path(options.get("--bin", root / "build" / "bin")).resolve()
    also = options.get("--also")
    tools = Tools(
        python,
        str(binaries / "ckpt"),
        str(Path(also).resolve()) if also else None,
        seconds_of(options, "--limit", 300.0),
    )
    work, data = (
        Path(options.get("--work", root / "build" / "peers")),
        options.get("--data", root / "build" / "reference"),
    )
    wanted = dict.fromkeys(row.format for row in rows)
    checkpoints = [prepare(file, key, wanted, work.absolute(), data, tools, tell) for file, key in pairs]

    results, interrupted, busy = [], False, Busy()
    for checkpoint, (file, _) in zip(checkpoints, pairs):
        places = (file.resolve().parent, Path(checkpoint.expected_path).parent, work.absolute(), binaries, root)
        try:
            series = measure(checkpoint, rows, caches, options, tools, seed, places)
        except KeyboardInterrupt:
            interrupted = True
            break
        results.append((checkpoint, series))
    lines = [line for checkpoint, series in results for line in table.markdown(checkpoint, series, seed)]
    lines += [*LEGEND.split("\n"), ""] if any(one.samples for _, series in results for one in series) else []
    warnings = ["interrupted: the last file is left out"] * interrupted + busy.warnings()
    lines += [*(f"warning: {sentence}" for sentence in warnings), ""] if warnings else []
    about = context(arguments, root, binaries / "bench", seed, caches, warnings)
    print("\n".join(lines), end="")
    print(f"repeat: {about['command']}")
    if options.get("--markdown"):
        Path(options.get("--markdown")).write_text(
            "\n".join([*lines, f"Made on {about['date'][:10]} by `{about['command']}`.", ""])
        )
    if options.get("--json"):
        both = [table.json_rows(checkpoint, series, seed) for checkpoint, series in results]
        Path(options.get("--json")).write_text(
            json.dumps(
                {
                    "context": about,
                    "benchmarks": [row for timed, _ in both for row in timed],
                    "not_timed": [row for _, rest in both for row in rest],
                },
                indent=1,
            )
            + "\n"
        )
    if interrupted:
        return 130
    every = [one for _, series in results for one in series]
    wrong = dict.fromkeys(one.row.name for one in every if one.status == "wrong")
    if wrong:
        tell(f"wrong values: {', '.join(wrong)}")
    elif not any(one.samples for one in every):
        tell("nothing was timed")
    return 1 if wrong or not any(one.samples for one in every) else 0


def main(arguments, root):
    """Returns the exit status."""
    try:
        options = parse(arguments)
        if options is None:
            print(__doc__.split("\n\n", 1)[1].strip())
            return 0
        if options.get("--install"):
            install.install(root, root / "build" / "peers-venv", tell)
            if not options.files and not options.get("--list"):
                return 0
        return run(options, arguments, root)
    except (BadUse, BadInput, install.NotInstalled) as error:
        tell(error)
        return 2
    except KeyboardInterrupt:
        tell("interrupted")
        return 130
