"""Keeps the folder of reference data: its files, whether they are up to date, and the manifest."""
import fcntl
import functools
import hashlib
import importlib.metadata
import json
import os
import tempfile
from pathlib import Path

from loadpath.reference import registry
from loadpath.reference.table import AOTI, SOURCE, File, Program

SCHEMA = 1
_PACKAGES = ("torch", "torchvision", "transformers", "torchcrepe", "facenet-pytorch", "safetensors", "numpy")


@functools.cache
def versions():
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


@functools.cache
def _hashed(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def stamp(*names, entry=None):
    """Returns a hash of what a file or a model's entry depends on: the generator, the models' sources, package versions.

    `entry` is one that was made before, and lists the modules that were imported when it was.
    """
    modules = entry["modules"] if entry and "modules" in entry else registry.imported()
    sources = [*sorted(Path(__file__).parent.glob("*.py")), SOURCE]
    sources += registry.sources(names, modules)
    digest = hashlib.sha256(json.dumps(versions()).encode())
    for source in sources:
        digest.update(_hashed(source).encode())
    return digest.hexdigest()[:16]


class MakeError(RuntimeError):
    """Says in one line what could not be made, and why."""


class Store:
    """Opens DIR and its manifest.json, and locks them against other writers until it is closed."""

    def __init__(self, directory):
        self.directory = Path(directory)

    def __enter__(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock = open(self.directory / ".lock", "a")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._manifest = self._read()
        return self

    def __exit__(self, *_):
        self._lock.close()

    def path(self, name):
        return self.directory / name

    def missing(self, wanted):
        """Returns the models (names), files (File) and programs (Program) that are absent or out of date, in this order."""
        return (
            [name for name in wanted.models if not self._has_model(name)]
            + [file for file in wanted.files if not self._has_file(file)]
            + [program for program in wanted.programs if not self._has_program(program)]
        )

    def put_model(self, name, entry):
        self._manifest["models"][name] = _stamped(entry, stamp(name))
        self._write()

    def put_file(self, file, entry):
        self._manifest.get("not_made", {}).pop(file.name, None)
        self._manifest["files"][file.name] = _stamped(entry, _file_stamp(file))
        self._write()

    def put_program(self, program, entry):
        self._manifest["programs"][program.name] = _stamped(entry, _program_stamp(program))
        self._write()

    def put_own(self, name, entry):
        self._manifest["files"][name] = _stamped(entry, stamp(entry["models"][0]["model"]))
        self._write()

    def has_own(self, name, model):
        entry = self._manifest["files"].get(name)
        return bool(entry) and entry["stamp"] == stamp(model, entry=entry) and self._exists(name, entry["size"])

    def put_not_made(self, file, reason):
        """Notes why a file of a model of one's own cannot be made."""
        self._manifest["files"].pop(file.name, None)
        program = isinstance(file, Program)
        entry = {"model": file.model, "format": AOTI if program else file.format, "layout": "bare" if program else file.layout,
                 "reason": reason}
        self._manifest.setdefault("not_made", {})[file.name] = _stamped(entry, (_program_stamp if program else _file_stamp)(file))
        self._write()

    def forget_not_made(self, reason):
        """Drops the notes of that reason: it is none any more."""
        notes = self._manifest.get("not_made", {})
        self._manifest["not_made"] = {name: entry for name, entry in notes.items() if entry["reason"] != reason}

    def forget_others(self, names, own):
        """Drops the entries of models that are no longer there, and of published files that are not in `own` (names)."""
        self._manifest["models"] = {name: entry for name, entry in self._manifest["models"].items() if name in names}
        for kind in ("files", "not_made"):
            entries = self._manifest.get(kind, {})
            self._manifest[kind] = {name: entry for name, entry in entries.items()
                                    if (entry["models"][0]["model"] if kind == "files" else entry["model"]) in names
                                    and (entry["layout"] != "own" or name in own)}

    def _has_program(self, program):
        not_made = self._manifest.get("not_made", {}).get(program.name)
        if not_made and not_made["stamp"] == _program_stamp(program, not_made):
            return True
        entry = self._manifest["programs"].get(program.name)
        return bool(entry) and entry["stamp"] == _program_stamp(program, entry) and self._exists(program.name, entry["size"])

    def _has_model(self, name):
        entry = self._manifest["models"].get(name)
        return bool(entry) and entry["stamp"] == stamp(name, entry=entry) and all(map(self._exists, entry["goldens"].values()))

    def _has_file(self, file):
        not_made = self._manifest.get("not_made", {}).get(file.name)
        if not_made and not_made["stamp"] == _file_stamp(file, not_made):
            return True
        entry = self._manifest["files"].get(file.name)
        return (
            bool(entry)
            and entry["stamp"] == _file_stamp(file, entry)
            and self._exists(file.name, entry["size"])
            and (file.plain_dict is None or self._exists(file.plain_dict))
        )

    def _exists(self, name, size=None):
        path = self.path(name)
        return path.exists() and size in (None, size_of(path))

    def _read(self):
        try:
            manifest = json.loads(self.path("manifest.json").read_text())
            if manifest["schema"] == SCHEMA:
                return {**self._with(manifest["files"], manifest["models"], manifest.get("programs", {})),
                        **({"not_made": manifest["not_made"]} if "not_made" in manifest else {})}
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            pass  # there is none, or it is damaged: everything is made again
        return self._with({}, {}, {})

    @staticmethod
    def _with(files, entries, programs):
        return {"schema": SCHEMA, "versions": versions(), "files": files, "models": entries, "programs": programs}

    def _write(self):
        write_atomically(self.path("manifest.json"), lambda path: path.write_text(json.dumps(self._manifest, indent=1) + "\n"))


def _stamped(entry, stamp):
    modules = registry.imported()
    return {**entry, **({"modules": list(modules)} if modules else {}), "stamp": stamp}


def _file_stamp(file: File, entry=None):
    return stamp(*(name for name, _ in file.models), entry=entry)


def _program_stamp(program: Program, entry=None):
    """Includes the processor's features: machine code runs only on the processor that it was compiled for."""
    with open("/proc/cpuinfo") as file:
        flags = next((line for line in file if line.startswith(("flags", "Features"))), "")
    return stamp(program.model, entry=entry) + hashlib.sha256(flags.encode()).hexdigest()[:8]


def files_in(path):
    """Returns the file itself, or the files in a folder ordered by path."""
    return [path] if path.is_file() else sorted(found for found in path.rglob("*") if found.is_file())


def size_of(path):
    return sum(file.stat().st_size for file in files_in(path))


def write_atomically(path, write):
    """Calls write() with a path in a temporary folder, then renames it: half a file or folder is never seen. The path has
    the final name, because torch.save puts the name into the archive."""
    with tempfile.TemporaryDirectory(prefix=".making.", dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        write(temporary)
        if path.is_dir():
            os.replace(path, Path(folder) / "before")
        os.replace(temporary, path)
