"""Loads one file by one loader, once: `python -m loadpath.peers.worker`. The parent asks on standard input; one JSON a
line.

    -> {"do": "load", "loader": NAME, "path": FILE, "key": KEY, "expected": FILE.json, "also": null or loaders.py}
    <- {"ready": true, "import_ns": 1, "prepare_ns": 1, "version": "1.2", "at_ns": monotonic clock}
    -> {"do": "go"}
    <- {"phases_ns": {"load": 1, "touch": 1}, "cpu_ns": 1, …, "bytes_mapped": 1, "wrong": [], "checked": 2, "at_ns": …}

    -> {"do": "prepare", "path", "key", "output": FILE.json or null, "formats": {FORMAT: FILE}}
    <- {"tensors": 2}                                       the expected tensors are written as JSON
    <- {"format": FORMAT, "error": null or "one line"}      and in each format

    -> {"do": "list", "also": loaders.py}
    <- {"loaders": [[NAME, FORMAT]]}

A failure is {"error": "one line"}. Times are nanoseconds, sizes bytes.
"""

import gc
import importlib
import importlib.metadata
import json
import os
import sys
import time

from loadpath.peers import formats, loaders


def first_line(error):
    """Returns what went wrong in one line."""
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error).strip()
    line = text.split("\n")[0] or type(error).__name__
    return line if isinstance(error, (KeyError, ValueError)) and " " in line else f"{type(error).__name__}: {line}"


def failure(error):
    """Returns the answer for an exception; `missing` is the module that is not installed."""
    return {"error": first_line(error), "missing": error.name if isinstance(error, ModuleNotFoundError) else None}


def _import(names):
    return {name: importlib.import_module(name) for name in names}


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def load(request, ask, answer):
    names = [row.name for row in loaders.LOADERS]
    rows = loaders.LOADERS if request["loader"] in names else loaders.from_file(request["also"])
    row = next(row for row in rows if row.name == request["loader"])
    start = time.monotonic_ns()
    modules = _import(row.imports)
    imported = time.monotonic_ns()
    from loadpath.peers import expected, memory

    with open(request["expected"]) as file:
        wanted = json.load(file)
    ready = loaders.Ready(request["path"], request.get("key", ""), modules)
    before = time.monotonic_ns()
    if row.prepare:
        ready.target = row.prepare(wanted)
    prepared = time.monotonic_ns()
    gc.collect()
    answer(
        {
            "ready": True,
            "import_ns": imported - start,
            "prepare_ns": prepared - before,
            "version": _version(row.package),
            "at_ns": time.monotonic_ns(),
        }
    )
    ask()
    gone = time.monotonic_ns()
    used = memory.Used()
    begin = time.perf_counter_ns()
    tensors = row.load(ready)
    loaded = time.perf_counter_ns()
    tensors = {name: tensor for name, tensor in tensors.items() if isinstance(tensor, modules["torch"].Tensor)}
    memory.make_resident(list(tensors.values()))
    resident = time.perf_counter_ns()
    costs, at = used.end(), time.monotonic_ns()
    wrong = expected.wrong(tensors, wanted)
    answer(
        {
            "phases_ns": {"load": loaded - begin, "touch": resident - loaded},
            **costs,
            "gone_ns": gone,
            "at_ns": at,
            "bytes_mapped": memory.mapped_bytes(list(tensors.values())),
            "wrong": wrong,
            "checked": len(wanted["tensors"]),
        }
    )


def prepare(request, ask, answer):
    tensors = formats.read(request["path"], request.get("key", ""))
    if not tensors:
        raise ValueError("there are no tensors to load")
    if request["output"]:
        from loadpath.peers import expected

        with open(request["output"], "w") as file:
            json.dump(expected.describe(tensors), file)
    answer({"tensors": len(tensors)})
    for format, output in request["formats"].items():
        reply = {"format": format, "error": None}
        try:
            formats.FORMATS[format].write(tensors, output)
        except Exception as error:  # a writer may raise anything, and the next format is another's
            reply = {**reply, **failure(error)}
        answer(reply)


def list_loaders(request, ask, answer):
    answer({"loaders": [[row.name, row.format] for row in loaders.from_file(request["also"])]})


def main():
    # What a loader prints must not reach the parent.
    outlet = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def ask():
        return json.loads(sys.stdin.readline() or "{}")

    def answer(value):
        print(json.dumps(value), file=outlet, flush=True)

    try:
        request = ask()
        {"load": load, "prepare": prepare, "list": list_loaders}[request.get("do")](request, ask, answer)
    except Exception as error:  # a loader may raise anything
        answer(failure(error))
    outlet.flush()
    os._exit(0)  # LibTorch takes its operators apart for a long time


if __name__ == "__main__":
    main()
