"""The folder of reference data: what is there, whether it is up to date, and the manifest."""
import fcntl
import functools
import hashlib
import importlib.metadata
import json
import os
import tempfile
from pathlib import Path

import models
from reference_data.table import File

SCHEMA = 1
_ROOT = Path(__file__).resolve().parent.parent.parent
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
def stamp(*names):
    """What a file or a model's entry depends on: the generator, the models' sources and the packages' versions."""
    sources = sorted((_ROOT / "scripts" / "reference_data").glob("*.py"))
    sources += [_ROOT / "models" / f"{name}.py" for name in ("reference", "example_input", *sorted({*map(models.family, names)}))]
    digest = hashlib.sha256(json.dumps(versions()).encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


class Store:
    """DIR and its manifest.json, locked against other writers while it is open."""

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
        """Models (names) and files (File) that are not there or out of date; models first."""
        return [name for name in wanted.models if not self._has_model(name)] + [
            file for file in wanted.files if not self._has_file(file)
        ]

    def put_model(self, name, entry):
        self._manifest["models"][name] = {**entry, "stamp": stamp(name)}
        self._write()

    def put_file(self, file, entry):
        self._manifest["files"][file.name] = {**entry, "stamp": _file_stamp(file)}
        self._write()

    def _has_model(self, name):
        entry = self._manifest["models"].get(name)
        return bool(entry) and entry["stamp"] == stamp(name) and all(map(self._exists, entry["goldens"].values()))

    def _has_file(self, file):
        entry = self._manifest["files"].get(file.name)
        return (
            bool(entry)
            and entry["stamp"] == _file_stamp(file)
            and self._exists(file.name, entry["size"])
            and (file.plain_dict is None or self._exists(file.plain_dict))
        )

    def _exists(self, name, size=None):
        try:
            found = os.stat(self.path(name)).st_size
        except FileNotFoundError:
            return False
        return size is None or found == size

    def _read(self):
        try:
            manifest = json.loads(self.path("manifest.json").read_text())
            if manifest["schema"] == SCHEMA:
                return {"schema": SCHEMA, "versions": versions(), "files": manifest["files"], "models": manifest["models"]}
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            pass  # none yet, or one that cannot be relied on: everything is made anew
        return {"schema": SCHEMA, "versions": versions(), "files": {}, "models": {}}

    def _write(self):
        write_atomically(self.path("manifest.json"), lambda path: path.write_text(json.dumps(self._manifest, indent=1) + "\n"))


def _file_stamp(file: File):
    return stamp(*(name for name, _ in file.models))


def write_atomically(path, write):
    """write(path of the same name in a folder beside it), then a rename: nobody ever sees half a file. torch.save puts
    the file's name into the archive, so it must be the real one from the start."""
    with tempfile.TemporaryDirectory(prefix=".making.", dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        write(temporary)
        os.replace(temporary, path)
