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

import json
import random
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from loadpath.common.child import Failed
from loadpath.common.command_line import BadUse, did_you_mean, files_of, parse, seconds_of, whole, writable
from loadpath.peers import install, loaders, ours, table
from loadpath.peers.busy import Busy
from loadpath.peers.context import context, shown
from loadpath.peers.measure import Plan, measure
from loadpath.peers.prepare import BadInput, prepare
from loadpath.peers.rows import Row, all_rows, chosen
from loadpath.peers.sampling import Tools, own_loaders


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


def tell(text):
    print(f"peers: {text}", file=sys.stderr, flush=True)


def tools_of(options, root):
    """Returns the programs. Raises BadUse."""
    python = install.interpreter(root, root / "build" / "peers-venv")
    if not python:
        raise BadUse("there is no Python with PyTorch: scripts/setup makes .venv")
    binaries = Path(options.get("--bin", root / "build" / "bin")).absolute()
    also = options.get("--also")
    if also and not Path(also).is_file():
        raise BadUse(f"--also {also}: there is no such file")
    limit = seconds_of(options, "--limit", 300.0)
    return Tools(python, str(binaries / "ckpt"), str(Path(also).absolute()) if also else None, limit)


def rows_of(options, tools, root):
    """Returns the rows that are to be measured. Raises BadUse."""
    bench = Path(tools.ckpt).with_name("bench")
    try:
        paths = ours.list_paths(bench)
    except (OSError, subprocess.SubprocessError):
        raise BadUse(
            f"{shown(bench, root)}: does not run; scripts/setup builds it, --bin names another folder"
        ) from None
    try:
        own = [Row(name, format) for name, format in own_loaders(tools)] if tools.also else []
    except Failed as error:
        raise BadUse(f"--also {options.get('--also')}: {error}") from None
    rows = all_rows(loaders.LOADERS, own, paths)
    pattern = options.get("--peers")
    if pattern is None:
        return rows
    try:
        found = chosen(rows, pattern)
    except re.error as error:
        raise BadUse(f"--peers {pattern}: not a regular expression: {error}") from None
    if not found:
        near = did_you_mean(pattern, sorted({word for row in rows for word in (row.name, *row.name.split())}))
        raise BadUse(f"--peers {pattern}: no loader has this in its name{near} (scripts/peers --list)")
    return found


def run(options, arguments, root):
    """Measures. Returns the exit status. Raises BadUse or BadInput."""
    caches = CACHES.get(options.get("--cache", "hot"))
    if not caches:
        raise BadUse(f"--cache {options.get('--cache')}: not known; use hot, cold or all")
    seed = whole(options, "--seed", random.SystemRandom().randrange(1, 10**6), 0)
    samples, seconds = whole(options, "--samples", 10, 1), seconds_of(options, "--time", None)
    for flag in ("--markdown", "--json"):
        writable(options, flag)
    pairs = files_of(options)
    tools = tools_of(options, root)
    rows = rows_of(options, tools, root)
    if options.get("--list"):
        print("\n".join(row.name for row in rows))
        return 0
    if not pairs:
        raise BadUse("which FILE? (scripts/peers --help)")
    work = Path(options.get("--work", root / "build" / "peers")).absolute()
    data = options.get("--data", root / "build" / "reference")
    wanted = dict.fromkeys(row.format for row in rows)
    checkpoints = [prepare(file, key, wanted, work, data, tools, tell) for file, key in pairs]

    results, interrupted, busy = [], False, Busy()
    for checkpoint, (file, _) in zip(checkpoints, pairs):
        places = (file.resolve().parent, Path(checkpoint.expected_path).parent, work, Path(tools.ckpt).parent, root)
        series, interrupted = measure(checkpoint, rows, Plan(caches, samples, seconds, seed, places, tell), tools)
        results.append((checkpoint, series))
        if interrupted:
            break
    warnings = ["interrupted before all samples were taken"] * interrupted + busy.warnings()
    about = context(arguments, root, Path(tools.ckpt).with_name("bench"), seed, caches, warnings)
    report(results, about, options, shlex.join(["scripts/peers", *arguments]))
    return 130 if interrupted else status_of([one for _, series in results for one in series])


def report(results, about, options, command):
    """Prints the table and the command, with its places, and writes the files that were asked for, without them."""
    lines = [line for checkpoint, series in results for line in table.markdown(checkpoint, series, about["seed"])]
    if any(one.samples for _, series in results for one in series):
        lines += [*table.LEGEND.split("\n"), ""]
    lines += [f"warning: {sentence}" for sentence in about.get("warnings", ())] + [""] * ("warnings" in about)
    print("\n".join(lines))
    print(f"repeat: {command}" + ("" if options.get("--seed") else f" --seed {about['seed']}"))
    if options.get("--markdown"):
        made = f"Made on {about['date'][:10]} by `{about['command']}`."
        Path(options.get("--markdown")).write_text("\n".join([*lines, made, ""]))
    if options.get("--json"):
        both = [table.json_rows(checkpoint, series, about["seed"]) for checkpoint, series in results]
        whole_report = {
            "context": about,
            "benchmarks": sum((b[0] for b in both), []),
            "not_timed": sum((b[1] for b in both), []),
        }
        Path(options.get("--json")).write_text(json.dumps(whole_report, indent=1, allow_nan=False) + "\n")


def status_of(series):
    """Returns the exit status of a run, and says why it is not 0."""
    wrong = dict.fromkeys(one.row.name for one in series if one.status == "wrong")
    if wrong:
        tell(f"wrong values: {', '.join(wrong)}")
        return 1
    if not any(one.samples for one in series):
        tell("nothing was timed")
        return 1
    return 0


def main(arguments, root):
    """Returns the exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as ctrl-C: what was measured is kept
    try:
        options = parse(arguments, "scripts/peers", VALUES, FLAGS)
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
