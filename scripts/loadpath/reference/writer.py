"""Makes the models' entries (hashes, goldens), checkpoint files and compiled programs."""
import hashlib
import shutil

import safetensors.torch
import torch

from loadpath.reference import FLOAT32_ATOL, FLOAT32_RTOL, formats, registry, table
from loadpath.reference.store import files_in, size_of, write_atomically


def make(store, todo, progress, program):
    torch.use_deterministic_algorithms(True, warn_only=True)
    built = _Built()
    try:
        for item in todo:
            if isinstance(item, str):
                progress.start(f"{item}: hashes and goldens")
                store.put_model(item, _model_entry(store, item, built.get(item)))
            elif not isinstance(item, table.Program):
                progress.start(item.name)
                modules = {name: built.get(name) for name, _ in item.models}
                content = formats.Content(item, modules, registry.find(item.models[0][0]), program)
                store.put_file(item, _write_file(store, content))
        _write_programs(store, [item for item in todo if isinstance(item, table.Program)], built, progress)
    finally:
        progress.end()


class _Built:
    """Builds modules by name. Keeps one at a time, for some are large; those that share a file are kept together."""

    def __init__(self):
        self._modules = {}

    def get(self, name):
        if name not in self._modules:
            if table.shared_file(name) is None:
                self._modules.clear()
            self._modules[name] = registry.find(name).build()
        return self._modules[name]


def tensor_digest(tensor):
    """Returns the SHA-256 of the elements in row-major order, little-endian."""
    return hashlib.sha256(memoryview(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy())).hexdigest()


def file_digest(path):
    """Returns a file's SHA-256, or for a folder that of the lines "SHA-256  path inside" (harness/golden/manifest.h)."""
    if path.is_dir():
        lines = (f"{file_digest(file)}  {file.relative_to(path).as_posix()}\n" for file in files_in(path))
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _model_entry(store, name, module):
    reference = registry.find(name)
    goldens = {}
    for batch in reference.batches:
        inputs = reference.example_inputs(batch)
        with torch.no_grad():
            outputs = reference.forward(module, inputs)
        tensors = {f"input.{i}": tensor for i, tensor in enumerate(inputs)}
        tensors |= {f"output.{i}": tensor.detach().clone(memory_format=torch.contiguous_format) for i, tensor in enumerate(outputs)}
        goldens[str(batch)] = f"{name.replace(':', '-')}.golden.{batch}.safetensors"
        write_atomically(store.path(goldens[str(batch)]), lambda path: safetensors.torch.save_file(tensors, path))
    rtol, atol, why = _tolerance(reference, module)
    return {
        "class": type(module).__name__,
        "python": reference.python,
        "weights": reference.weights,
        "rtol": rtol,
        "atol": atol,
        "why": why,
        "tensors": {
            key: {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape), "sha256": tensor_digest(tensor)}
            for key, tensor in module.state_dict().items()
        },
        "goldens": goldens,
    }


def _tolerance(reference, module):
    """The Reference's tolerances and why; of a model of less precision its own, if the Reference says nothing else."""
    if (reference.rtol, reference.atol) == (FLOAT32_RTOL, FLOAT32_ATOL):
        dtypes = {parameter.dtype for parameter in module.parameters()}
        for dtype, rtol, atol in ((torch.bfloat16, 1.6e-1, 1e-2), (torch.float16, 1e-2, 1e-3)):
            if dtype in dtypes:
                why = f"ten times torch.testing.assert_close's rtol for {str(dtype).removeprefix('torch.')}: each layer rounds"
                return rtol, atol, why
    return reference.rtol, reference.atol, reference.why


def _write_file(store, content):
    file, reference = content.file, content.reference
    path = store.path(file.name)
    if reference.published and (file.format, file.layout) == (reference.published_format, "bare"):
        write_atomically(path, lambda temporary: shutil.copyfile(reference.published, temporary))
        made = f"the file itself, {reference.weights}"
    else:
        write = formats.writer(file.format)
        write_atomically(path, lambda temporary: write(content, temporary))
        made = write.__doc__.partition("\n")[0]
    entry = {
        "format": file.format,
        "layout": file.layout,
        "size": size_of(path),
        "sha256": file_digest(path),
        "made": made,
        "models": [{"model": name, "key": key} for name, key in file.models],
    }
    if file.plain_dict:
        value = content.tree(state_dict=lambda module: dict(module.state_dict()))
        write_atomically(store.path(file.plain_dict), lambda temporary: torch.save(value, temporary))
        entry["plain_dict"] = file.plain_dict
    return entry


def _write_programs(store, todo, built, progress):
    if not todo:
        return
    from loadpath.reference import programs  # imports the compiler

    with programs.cache(store.directory):
        for program in todo:
            progress.start(f"{program.name}: compiling")
            module, reference = built.get(program.model), registry.find(program.model)
            path = store.path(program.name)
            write_atomically(path, lambda temporary: programs.compile_program(module, reference, temporary))
            store.put_program(program, {"model": program.model, "size": size_of(path), "sha256": file_digest(path), "made": programs.MADE})
