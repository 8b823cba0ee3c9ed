"""Writes a model's checkpoint in each format.

write_FORMAT(content, path) writes the file or folder of a format that harness/golden/reference_files.json lists. The
first line of its docstring goes into the manifest: it says how the file was made.
"""
import contextlib
import dataclasses
import subprocess
import sys
import types
from pathlib import Path

import safetensors.torch
import torch

from loadpath.reference import Reference, flat, layouts, table
from loadpath.reference.store import MakeError


@dataclasses.dataclass(frozen=True)
class Content:
    """What a checkpoint file is made of."""

    file: table.File
    modules: dict[str, torch.nn.Module]  # by model name; the formats that hold one state dict take the only one
    reference: Reference  # of the first model
    program: Path  # the suite: bench, or one of one's own

    @property
    def model(self):
        return next(iter(self.modules))

    @property
    def module(self):
        return self.modules[self.model]

    def tree(self, state_dict=lambda module: module.state_dict()):
        """Returns the value to save for the formats that hold any value: a tree with the state dict somewhere in it."""
        return layouts.layout(self.file, self.modules, state_dict)


def writer(file_format):
    """Returns the function that writes a format."""
    found = globals().get(f"write_{file_format}")
    if found is None:
        raise MakeError(f"{table.SOURCE.name} lists the format {file_format}: add a function write_{file_format} to {__file__}")
    return found


def write_zip(content, path):
    """torch.save"""
    torch.save(content.tree(), path)


def write_legacy(content, path):
    """torch.save(_use_new_zipfile_serialization=False)"""
    torch.save(content.tree(), path, _use_new_zipfile_serialization=False)


def write_safetensors(content, path):
    """safetensors.torch.save_file, tensors that share memory written once each"""
    safetensors.torch.save_file(_unshared(content.module), path)


def write_sharded(content, path):
    """huggingface_hub.save_torch_state_dict, two shards or more, tensors that share memory written once each"""
    _save_shards(content.module, path, safe_serialization=True)


def write_sharded_bin(content, path):
    """huggingface_hub.save_torch_state_dict(safe_serialization=False), two shards or more"""
    _save_shards(content.module, path, safe_serialization=False)


def write_torchscript(content, path):
    """torch.jit.trace(module, example inputs).save"""
    reference = content.reference
    with plain(content.module, reference) as module, torch.no_grad():
        traced = torch.jit.trace(module, tuple(reference.example_inputs(reference.batches[-1])), check_trace=False)
        for batch in reference.batches:
            _compare_trace(traced, module, reference.example_inputs(batch), batch)
    traced.save(str(path))


def _compare_trace(traced, module, inputs, batch):
    """A trace keeps what the forward pass did with its inputs: with others it may be wrong without a word."""
    try:
        for got, wanted in zip(flat(traced(*inputs)), flat(module(*inputs)), strict=True):
            torch.testing.assert_close(got, wanted, rtol=1e-2, atol=1e-3, equal_nan=True)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise MakeError(f"the trace is wrong for batch {batch}, for the forward pass depends on its inputs: {str(error).splitlines()[0]}") from None


def write_cpp(content, path):
    """torch::save(module) of the C++ module"""
    program = content.program
    if not program.exists():
        raise MakeError(f"{path.name}: {program} writes it and is not there: build it first")
    weights = path.with_name("weights.pth")
    torch.save(content.module.state_dict(), weights)
    done = subprocess.run([program, "--save-archive", content.model, weights, path], stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"{program.name} ended with status {done.returncode}"
        raise MakeError(f"{path.name}: the C++ model does not take Python's weights: {said}")


def write_pt2(content, path):
    """torch.export.save(torch.export.export(module, example inputs))"""
    torch.export.save(export(content.module, content.reference), path)


def write_dcp(content, path):
    """torch.distributed.checkpoint.save of one process"""
    import torch.distributed.checkpoint

    with contextlib.chdir(path.parent):  # it writes the path as it is given into the file
        torch.distributed.checkpoint.save(content.module.state_dict(), checkpoint_id=path.name, no_dist=True)


def write_opaque(content, path):
    """torch.save(module)"""
    with _importable(content.module):
        torch.save(content.module, path)


def _unshared(module):
    """Returns the state dict with separate memory for every tensor: safetensors cannot share, and its writers refuse it."""
    seen, state_dict = set(), {}
    for key, tensor in module.state_dict().items():
        state_dict[key] = tensor.clone() if tensor.data_ptr() in seen else tensor
        seen.add(tensor.data_ptr())
    return state_dict


def _save_shards(module, path, safe_serialization):
    import huggingface_hub

    state_dict = _unshared(module)
    half = sum(tensor.nbytes for tensor in state_dict.values()) // 2
    path.mkdir()
    huggingface_hub.save_torch_state_dict(state_dict, path, max_shard_size=half, safe_serialization=safe_serialization)


@contextlib.contextmanager
def plain(module, reference):
    """Gives the module a forward that takes tensors and returns a tensor or a tuple of them, whatever its own returns."""
    forward = module.forward

    def of_tensors(*inputs):
        outputs = reference.forward(forward, inputs)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    module.forward = of_tensors
    try:
        yield module
    finally:
        del module.forward


def export(module, reference, dynamic_shapes=None):
    # The batch size is above one, because torch.export would take a size of one for a constant.
    inputs = tuple(reference.example_inputs(reference.batches[-1]))
    with plain(module, reference), torch.no_grad():
        return torch.export.export(module, inputs, dynamic_shapes=dynamic_shapes)


@contextlib.contextmanager
def _importable(module):
    """Makes every class of the module importable, as pickle demands. models/package.py leaves whole packages out."""
    absent = {}
    for cls in {type(child) for child in module.modules()}:
        if cls.__module__ not in sys.modules:
            stand_in = absent.setdefault(cls.__module__, types.ModuleType(cls.__module__))
            setattr(stand_in, cls.__name__, cls)
    for package in {name.partition(".")[0] for name in absent} - set(sys.modules):
        absent[package] = types.ModuleType(package)
    sys.modules.update(absent)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
