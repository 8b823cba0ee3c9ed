"""loadpath's own paths, and LibTorch's two readers, by `ckpt load` in a process of its own.

`ckpt load` loads into a bundled model and compares the parameters with a manifest's hashes. The manifest is made here,
from the tensors that PyTorch read (expected.py); a file whose tensors are no bundled model's cannot be measured."""

import json
import subprocess
from pathlib import Path

from loadpath.common.child import Child, Failed, usage_of

# LibTorch's readers: the format that each reads, and its name in the table.
LIBTORCH = {"pickle_load": ("plain dict", "torch::pickle_load"), "jit_load": ("torchscript", "torch::jit::load")}
OWN_FORMATS = ("pth", "safetensors", "dcp")


def list_paths(bench):
    """Returns the names of the load paths that this build has. Raises OSError or subprocess.SubprocessError."""
    done = subprocess.run([bench, "--list-paths"], capture_output=True, text=True, timeout=60, check=True)
    return [line.split()[0] for line in done.stdout.splitlines() if line.strip()]


def version(bench):
    """Returns what `bench --version` says of the programs: its lines, joined."""
    done = subprocess.run([bench, "--version"], capture_output=True, text=True, timeout=60)
    return ", ".join(done.stdout.splitlines())


def fitting_model(manifest, expected):
    """Returns the name of the model in the manifest that has exactly these tensors, by name, dtype and shape; None if
    there is none."""

    def kinds(tensors):
        return {name: (tensor["dtype"], tensor["shape"]) for name, tensor in tensors.items()}

    wanted = kinds(expected["tensors"])
    return next((name for name, model in manifest["models"].items() if kinds(model["tensors"]) == wanted), None)


def write_manifest(folder, data, model, expected, paths):
    """Makes a folder of reference data for `ckpt load --data`: the hashes of `expected` for the model, and paths,
    {format: (path, key)}, as its files. Outputs are not compared: any golden of the model does, with a tolerance that
    takes all."""
    reference = json.loads((Path(data) / "manifest.json").read_text())["models"][model]
    batch, golden = min(reference["goldens"].items(), key=lambda item: int(item[0]))
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for format, (path, key) in paths.items():
        name = f"{format.replace(' ', '-')}{Path(path).suffix}"
        _link(folder / name, path)
        files[name] = {
            "format": "peers",
            "layout": format,
            "size": 0,
            "sha256": "",
            "models": [{"model": model, "key": key}],
        }
    _link(folder / golden, Path(data) / golden)
    entry = {
        "rtol": 0.0,
        "atol": 1e30,
        "why": "outputs are not compared here",
        "tensors": expected["tensors"],
        "goldens": {batch: golden},
    }
    (folder / "manifest.json").write_text(json.dumps({"schema": 1, "files": files, "models": {model: entry}}))


def _link(link, target):
    link.unlink(missing_ok=True)
    link.symlink_to(Path(target).resolve())


def load(command, path, seconds, expected):
    """Runs `ckpt load … --json` once and returns its sample, or only `wrong` if its values are wrong. Raises Failed."""
    with Child(command, seconds, watch=path) as child:
        answer, failure = None, None
        try:
            answer = child.answer()
        except Failed as error:
            failure = error
        status = child.end()
        if answer is None:
            raise Failed(child.last_error().removeprefix("ckpt: ") or str(failure))
        unexpected = set(answer["missing_keys"]) - set(expected["aliases"])
        values = [error for error in answer["errors"] if error.startswith("parameters: ")]
        wrong = [error.removeprefix("parameters: ") for error in values]
        wrong += [f"{name} is missing" for name in sorted(unexpected)]
        if answer["errors"] and not values:
            raise Failed(answer["errors"][0].splitlines()[0])
        if wrong:
            return {"wrong": wrong}
        if status != 0 or "equal bit by bit" not in answer["check"]:
            raise Failed(f"its values were not compared: {answer['check'] or child.last_error()}")
        phases = {name: round(1e9 * answer["phases"][name]) for name in ("open", "parse", "load")}
        sample = {
            "phases_ns": phases,
            "prepare_ns": round(1e9 * answer["phases"]["construct"]),
            "wrong": [],
            "checked": len(expected["tensors"]),
            "peak_extra_bytes": answer["bytes"] + answer["peak_extra_bytes"],
            "minor_faults": answer["minor_faults"],
            "major_faults": answer["major_faults"],
            "process": usage_of(child),
        }
        if child.opened_ns:
            sample["from_start_ns"] = child.opened_ns - child.started_ns + sum(phases.values())
        sample["bytes_mapped"] = answer.get("bytes_mapped", 0)
        if answer["fallback"]:
            sample["fallback"] = answer["fallback"]
        if "cpu_seconds" in answer:
            sample["cpu_ns"] = round(1e9 * answer["cpu_seconds"])
        return sample
