"""Takes one sample: the page cache brought into its state, memory touched, one load in a new process, its values
compared."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from loadpath.peers import ours, residency
from loadpath.common.child import Child, Failed, usage_of

PAUSE_SECONDS = 0.3
LIMIT_SECONDS = 300
SCRIPTS = Path(__file__).resolve().parents[2]


@dataclass
class Checkpoint:
    """One FILE and what was made of it. paths: {format: (path, key)}; failures: {format: why it could not be written};
    model: the bundled model that it fits, or None, then no_model says why; data: the folder of hashes for `ckpt
    load`."""

    name: str
    expected_path: str
    expected: dict
    paths: dict = field(default_factory=dict)
    failures: dict = field(default_factory=dict)
    model: str | None = None
    no_model: str = ""
    data: str = ""


@dataclass
class Tools:
    """python: the interpreter of the workers; ckpt: the program; also: a file of loaders of the user's own, or None;
    seconds: the limit of one sample."""

    python: str
    ckpt: str
    also: str | None = None
    seconds: float = LIMIT_SECONDS


class Wrong(Exception):
    """A loader returned other values than the file has. Its text is one sentence."""


def environment():
    """Returns the environment of the workers: this package first."""
    return {**os.environ, "PYTHONPATH": str(SCRIPTS), "PYTHONDONTWRITEBYTECODE": "1", "TOKENIZERS_PARALLELISM": "false"}


def worker(tools, seconds=None):
    return Child([tools.python, "-m", "loadpath.peers.worker"], seconds or tools.seconds, environment())


def own_loaders(tools):
    """Returns [(name, format)] of the loaders in tools.also. Raises Failed."""
    with worker(tools) as child:
        return _answer(child.ask({"do": "list", "also": tools.also}))["loaders"]


def touch(nbytes):
    """Touches memory in a process of its own, gives it back and waits. Returns the rate in bytes per second, or
    None."""
    available = int(next(line for line in open("/proc/meminfo") if line.startswith("MemAvailable")).split()[1]) << 10
    size = min(max(256 << 20, 2 * nbytes + (128 << 20)), available // 2) >> 21 << 21
    done = subprocess.run(
        [sys.executable, "-m", "loadpath.peers.touch", str(size)], env=environment(), capture_output=True, text=True
    )
    time.sleep(PAUSE_SECONDS)
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip().isdigit() else None


def take(row, cache, checkpoint, tools):
    """Returns a sample: nanoseconds, bytes, counts. Raises Failed or residency.Unproven with the reason, or Wrong."""
    if row.format in checkpoint.failures:
        raise Failed(checkpoint.failures[row.format])
    if row.via and not checkpoint.model:
        raise Failed(checkpoint.no_model)
    path, key = checkpoint.paths[row.format]
    files = residency.files_of(Path(path))
    residency.establish(files, cache)
    sample = (_own if row.via else _python)(row, cache, checkpoint, tools, path, key, files)
    if sample["wrong"]:
        more = f" (and {len(sample['wrong']) - 1} more)" if len(sample["wrong"]) > 1 else ""
        raise Wrong(sample["wrong"][0] + more)
    del sample["wrong"]
    sample["bytes"] = checkpoint.expected["bytes"]
    sample["wall_ns"] = sum(sample["phases_ns"].values())
    sample["residency_after"] = round(residency.resident(files), 4)
    return sample


def _ready(cache, checkpoint, files):
    """Touches memory and proves the page cache, directly before a load."""
    rate = touch(checkpoint.expected["bytes"])
    part = residency.establish(files, cache)
    return {"residency_before": part, **({"touch_bytes_per_second": rate} if rate else {})}


def _python(row, cache, checkpoint, tools, path, key, files):
    with worker(tools) as child:
        request = {
            "do": "load",
            "loader": row.name,
            "path": path,
            "key": key,
            "expected": checkpoint.expected_path,
            "also": tools.also,
        }
        ready = _answer(child.ask(request))
        proven = _ready(cache, checkpoint, files)
        answer = _answer(child.ask({"do": "go"}))
        child.end()
        try:
            sample = {
                name: answer[name]
                for name in (
                    "phases_ns",
                    "cpu_ns",
                    "process_cpu_ns",
                    "minor_faults",
                    "major_faults",
                    "peak_bytes",
                    "bytes_mapped",
                    "wrong",
                    "checked",
                )
            }
            sample["from_start_ns"] = ready["at_ns"] - child.started_ns + answer["at_ns"] - answer["gone_ns"]
            sample.update(import_ns=ready["import_ns"], prepare_ns=ready["prepare_ns"], version=ready["version"])
        except KeyError as error:
            raise Failed(f"its process left {error} out of its answer") from None
        if "peak_extra_bytes" in answer:
            sample["peak_extra_bytes"] = answer["peak_extra_bytes"]
        return {**sample, **proven, "process": usage_of(child)}


def _own(row, cache, checkpoint, tools, path, key, files):
    proven = _ready(cache, checkpoint, files)
    command = [
        tools.ckpt,
        "load",
        path,
        "--model",
        checkpoint.model,
        "--via",
        row.via,
        "--data",
        checkpoint.data,
        "--json",
    ]
    command += ["--key", key] if key else []
    # A format without names that share a tensor has one of them.
    command += (
        ["--lenient"]
        if checkpoint.expected["aliases"] and row.format not in ("pth", "plain dict", "torchscript")
        else []
    )
    sample = ours.load(command, path, tools.seconds, checkpoint.expected)
    return {**sample, **proven}


def _answer(value):
    if "error" in value:
        raise Failed(reason_of(value))
    return value


def reason_of(answer):
    """Returns why a worker's answer is an error, in one line."""
    missing = answer.get("missing")
    return f"not installed: no module named {missing} (scripts/peers --install)" if missing else answer["error"]


def read_json(path):
    return json.loads(Path(path).read_text())
