"""What a run's results hold for: the command that repeats it, the machine. Nothing names a place of this machine."""

import datetime
import os
import re
import shlex
import subprocess
from pathlib import Path

from loadpath.peers import ours


def shown(path, root):
    """Returns the path as a reader may see it: in the repository, or its name alone."""
    full = Path(os.path.abspath(path))
    return str(full.relative_to(root)) if full.is_relative_to(root) else full.name


def without_paths(text, places):
    """Returns a reason without the places of this machine."""
    for place in sorted(map(str, places), key=len, reverse=True):
        text = text.replace(place + "/", "")
    return re.sub(r"(?<![\w.])(/[\w.+-]+){2,}/", "…/", text)


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
