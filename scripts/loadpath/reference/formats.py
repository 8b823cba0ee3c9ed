"""How a module with its weights becomes a checkpoint in each format."""
import contextlib
import subprocess
import sys
import types

import huggingface_hub
import safetensors.torch
import torch
import torch.distributed.checkpoint

from reference_data.store import MakeError


def save(value, path, file_format):
    """The formats that hold any value: `value` is a tree with the state dict somewhere in it."""
    torch.save(value, path, _use_new_zipfile_serialization=file_format == "zip")


def save_module(module, reference, name, path, file_format, tools):
    """The formats that hold one state dict, or the module whole."""
    _WRITERS[file_format](module, reference, name, path, tools)


MADE = {
    "zip": "torch.save",
    "legacy": "torch.save(_use_new_zipfile_serialization=False)",
    "safetensors": "safetensors.torch.save_file, tensors that share memory written once each",
    "sharded": "huggingface_hub.save_torch_state_dict, two shards or more, tensors that share memory written once each",
    "sharded_bin": "huggingface_hub.save_torch_state_dict(safe_serialization=False), two shards or more",
    "torchscript": "torch.jit.trace(module, example inputs).save",
    "cpp": "torch::save(module) of the C++ module",
    "pt2": "torch.export.save(torch.export.export(module, example inputs))",
    "dcp": "torch.distributed.checkpoint.save of one process",
    "opaque": "torch.save(module)",
}


def _unshared(module):
    """The state dict with a memory of its own for every tensor: the format knows no sharing, and its writers refuse it."""
    seen, state_dict = set(), {}
    for key, tensor in module.state_dict().items():
        state_dict[key] = tensor.clone() if tensor.data_ptr() in seen else tensor
        seen.add(tensor.data_ptr())
    return state_dict


def _safetensors(module, reference, name, path, tools):
    safetensors.torch.save_file(_unshared(module), path)


def _sharded(safe):
    def write(module, reference, name, path, tools):
        state_dict = _unshared(module)
        half = sum(tensor.nbytes for tensor in state_dict.values()) // 2
        path.mkdir()
        huggingface_hub.save_torch_state_dict(state_dict, path, max_shard_size=half, safe_serialization=safe)

    return write


@contextlib.contextmanager
def plain(module, reference):
    """The module with a forward of tensors to a tensor or a tuple of them, whatever its own returns."""
    forward = module.forward

    def of_tensors(*inputs):
        outputs = reference.forward(forward, inputs)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    module.forward = of_tensors
    try:
        yield module
    finally:
        del module.forward


def _torchscript(module, reference, name, path, tools):
    with plain(module, reference), torch.no_grad():
        traced = torch.jit.trace(module, tuple(reference.example_inputs(reference.batches[-1])), check_trace=False)
    traced.save(str(path))


def export(module, reference, dynamic_shapes=None):
    # More than one: a size of one would be taken for a constant.
    inputs = tuple(reference.example_inputs(reference.batches[-1]))
    with plain(module, reference), torch.no_grad():
        return torch.export.export(module, inputs, dynamic_shapes=dynamic_shapes)


def _pt2(module, reference, name, path, tools):
    torch.export.save(export(module, reference), path)


def _dcp(module, reference, name, path, tools):
    torch.distributed.checkpoint.save(module.state_dict(), checkpoint_id=path, no_dist=True)


def _opaque(module, reference, name, path, tools):
    # Pickle demands that a class can be imported, which those of packages whose own imports are left out cannot be.
    absent = {}
    for cls in {type(child) for child in module.modules()}:
        if cls.__module__ not in sys.modules:
            stand_in = absent.setdefault(cls.__module__, types.ModuleType(cls.__module__))
            setattr(stand_in, cls.__name__, cls)
    for package in {name.partition(".")[0] for name in absent} - set(sys.modules):
        absent[package] = types.ModuleType(package)
    sys.modules.update(absent)
    try:
        torch.save(module, path)
    finally:
        for module_name in absent:
            del sys.modules[module_name]


def _cpp(module, reference, name, path, tools):
    if not tools.save_archive.exists():
        raise MakeError(f"{path.name}: {tools.save_archive} writes it and is not there: scripts/bench builds it")
    weights = path.with_name("weights.pth")
    torch.save(module.state_dict(), weights)
    done = subprocess.run([tools.save_archive, name, weights, path], stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise MakeError(f"{path.name}: {(done.stderr.strip() or f'{tools.save_archive.name} ended with status {done.returncode}').splitlines()[0]}")


_WRITERS = {
    "safetensors": _safetensors,
    "sharded": _sharded(safe=True),
    "sharded_bin": _sharded(safe=False),
    "torchscript": _torchscript,
    "cpp": _cpp,
    "pt2": _pt2,
    "dcp": _dcp,
    "opaque": _opaque,
}
