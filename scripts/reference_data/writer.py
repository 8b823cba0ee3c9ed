"""Makes models' entries (hashes, goldens) and checkpoint files."""
import hashlib
import shutil

import safetensors.torch
import torch

import models
from reference_data import layouts
from reference_data.store import write_atomically


def make(store, todo, progress):
    torch.use_deterministic_algorithms(True, warn_only=True)
    built = _Built()
    try:
        for item in todo:
            if isinstance(item, str):
                progress.start(f"{item}: hashes and goldens")
                store.put_model(item, _model_entry(store, item, built.get(item)))
            else:
                progress.start(item.name)
                store.put_file(item, _write_file(store, item, {name: built.get(name) for name, _ in item.models}))
    finally:
        progress.end()


class _Built:
    """Modules by name; the large ones one at a time."""

    def __init__(self):
        self._modules = {}

    def get(self, name):
        if name not in self._modules:
            if models.family(name) != "multi":
                self._modules.clear()
            self._modules[name] = models.find(name).build()
        return self._modules[name]


def tensor_digest(tensor):
    """SHA-256 over the elements in row-major order, little-endian."""
    return hashlib.sha256(memoryview(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy())).hexdigest()


def file_digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _model_entry(store, name, module):
    reference = models.find(name)
    goldens = {}
    for batch in reference.batches:
        inputs = reference.example_inputs(batch)
        with torch.no_grad():
            outputs = reference.forward(module, inputs)
        tensors = {f"input.{i}": tensor for i, tensor in enumerate(inputs)}
        tensors |= {f"output.{i}": tensor.contiguous() for i, tensor in enumerate(outputs)}
        goldens[str(batch)] = f"{name.replace(':', '-')}.golden.{batch}.safetensors"
        write_atomically(store.path(goldens[str(batch)]), lambda path: safetensors.torch.save_file(tensors, path))
    return {
        "class": type(module).__name__,
        "python": reference.python,
        "weights": reference.weights,
        "rtol": reference.rtol,
        "atol": reference.atol,
        "why": reference.why,
        "tensors": {
            key: {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape), "sha256": tensor_digest(tensor)}
            for key, tensor in module.state_dict().items()
        },
        "goldens": goldens,
    }


def _write_file(store, file, modules):
    path = store.path(file.name)
    reference = models.find(file.models[0][0])
    if reference.published and (file.format, file.layout) == (reference.published_format, "bare"):
        write_atomically(path, lambda temporary: shutil.copyfile(reference.published, temporary))
        made = f"the file itself, {reference.weights}"
    else:
        value = layouts.layout(file.layout, modules)
        write_atomically(path, lambda temporary: _save(value, temporary, file.format))
        made = _MADE[file.format]
    entry = {
        "format": file.format,
        "layout": file.layout,
        "size": path.stat().st_size,
        "sha256": file_digest(path),
        "made": made,
        "models": [{"model": name, "key": key} for name, key in file.models],
    }
    if file.plain_dict:
        value = layouts.layout(file.layout, modules, state_dict=lambda module: dict(module.state_dict()))
        write_atomically(store.path(file.plain_dict), lambda temporary: _save(value, temporary, "zip"))
        entry["plain_dict"] = file.plain_dict
    return entry


_MADE = {
    "zip": "torch.save",
    "legacy": "torch.save(_use_new_zipfile_serialization=False)",
    "safetensors": "safetensors.torch.save_file, tensors that share memory written once each",
}


def _save(value, path, file_format):
    if file_format == "safetensors":
        seen = set()
        for key, tensor in value.items():
            # The format knows no sharing, and its writer refuses it.
            if tensor.data_ptr() in seen:
                value[key] = tensor.clone()
            seen.add(tensor.data_ptr())
        safetensors.torch.save_file(value, path)
    else:
        torch.save(value, path, _use_new_zipfile_serialization=file_format == "zip")

