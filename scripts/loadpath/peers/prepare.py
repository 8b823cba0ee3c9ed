"""Reads a FILE's tensors by PyTorch, once, and writes them in the formats that the loaders read. Both are kept in a
work folder until the file changes."""

import hashlib
import json
import shutil
from pathlib import Path

from loadpath.peers import formats, ours
from loadpath.common.child import Failed
from loadpath.peers.sampling import Checkpoint, read_json, reason_of, worker

SECONDS = 3600.0  # within which a FILE must be read and written in other formats


class BadInput(Exception):
    """A FILE cannot be taken. Its text is one sentence that begins with the file."""


def prepare(file, key, wanted, work, data, tools, tell):
    """Returns the Checkpoint of FILE. wanted: the formats that are needed; data: the reference data, whose manifest
    names the bundled models; tell(text) is called before each long step. Raises BadInput."""
    native = _native(file)
    folder = _folder(file, key, work)
    expected_path = folder / "expected.json"
    paths = {format: folder / f"tensors{formats.FORMATS[format].ending}" for format in wanted if format != native}
    missing = {format: path for format, path in paths.items() if not path.exists()}
    failures = {}
    if missing or not expected_path.exists():
        tell(f"reading {file.name} by PyTorch" + (f", writing its tensors as {', '.join(missing)}" if missing else ""))
        failures = _let_write(tools, file, key, expected_path, missing)
    checkpoint = Checkpoint(
        file.name + (f"::{key}" if key else ""), str(expected_path), read_json(expected_path), failures=failures
    )
    checkpoint.paths = {format: (str(path), "") for format, path in paths.items() if format not in failures}
    checkpoint.paths[native] = (str(file.resolve()), key)
    _find_model(checkpoint, folder / "reference", data)
    return checkpoint


def _native(file):
    """Returns the format that FILE has. Raises BadInput."""
    try:
        magic = formats.magic(file)
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from None
    if not magic:
        raise BadInput(f"{file}: neither a .pth nor a .safetensors file; ckpt convert makes one of what loadpath reads")
    return "safetensors" if magic == "safetensors" else "pth"


def _folder(file, key, work):
    """Returns the folder for what is made of FILE, emptied if FILE has changed since."""
    source = {"file": str(file.resolve()), "key": key, "size": file.stat().st_size, "mtime_ns": file.stat().st_mtime_ns}
    name = hashlib.sha256(f"{file.resolve()}::{key}".encode()).hexdigest()[:8]
    folder = work / f"{file.stem}-{name}"
    stamp = folder / "source.json"
    if not stamp.exists() or read_json(stamp) != source:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        stamp.write_text(json.dumps(source))
    return folder


def _let_write(tools, file, key, expected_path, paths):
    """Lets a worker write the description of the tensors, unless it is there, and the tensors as {format: path}. A file
    appears under its name once it is complete. Returns {format: why it could not be written}. Raises BadInput."""
    unfinished = {format: path.with_name(f"unfinished-{path.name}") for format, path in paths.items()}
    description = None if expected_path.exists() else expected_path.with_name("unfinished.json")
    for path in unfinished.values():
        _remove(path)
    request = {"do": "prepare", "path": str(file), "key": key, "output": description and str(description)}
    failures, described = {}, False
    try:
        with worker(tools, SECONDS) as child:
            answer = child.ask({**request, "formats": {format: str(path) for format, path in unfinished.items()}})
            if "error" in answer:
                raise BadInput(f"{file}: {reason_of(answer)}")
            if description:
                description.rename(expected_path)
            described = True
            for format, path in paths.items():
                answer = child.answer()
                if answer["error"]:
                    failures[format] = reason_of(answer)
                    _remove(unfinished[format])
                else:
                    unfinished[format].rename(path)
    except Failed as error:
        if not described:
            raise BadInput(f"{file}: {error}") from None
        rest = [format for format, path in paths.items() if not path.exists() and format not in failures]
        failures.update({format: f"its file could not be written: {error}" for format in rest})
    return failures


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _find_model(checkpoint, folder, data):
    manifest = Path(data) / "manifest.json"
    if not manifest.exists():
        checkpoint.no_model = (
            "needs a model: there are no reference data that name the bundled ones (scripts/bench makes them)"
        )
        return
    model = ours.fitting_model(read_json(manifest), checkpoint.expected)
    if not model:
        checkpoint.no_model = "needs a model: ckpt load fills a bundled one, and none has these tensors"
        return
    ours.write_manifest(folder, data, model, checkpoint.expected, checkpoint.paths)
    checkpoint.model, checkpoint.data = model, str(folder)
