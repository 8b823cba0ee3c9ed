"""The formats that the loaders read, and how each is written from a state dict. Run by a worker, because all need
PyTorch."""

import os
from dataclasses import dataclass
from typing import Callable


def magic(path):
    """Returns "zip", "pickle", "safetensors" or "" by the file's first bytes. Raises OSError."""
    with open(path, "rb") as file:
        head = file.read(9)
    if head[:4] == b"PK\3\4":
        return "zip"
    if head[:1] == b"\x80":
        return "pickle"
    return (
        "safetensors"
        if len(head) == 9 and head[8:] == b"{" and int.from_bytes(head[:8], "little") < os.path.getsize(path)
        else ""
    )


def read(path, key):
    """Returns {name: tensor} of a file by PyTorch or safetensors. Raises what they raise, or KeyError."""
    import torch

    from loadpath.peers.keys import under

    if magic(path) == "safetensors":
        import safetensors.torch

        return safetensors.torch.load_file(path)
    state = under(torch.load(path, weights_only=True), key)
    return {str(name): tensor for name, tensor in state.items() if isinstance(tensor, torch.Tensor)}


def _once(tensors):
    """Returns the tensors contiguous, and each once: of names that share one, the first."""
    from loadpath.peers.keys import aliases_of

    aliases, seen, once = aliases_of(tensors), set(), {}
    for name, tensor in tensors.items():
        if name in aliases:
            continue
        memory = tensor.untyped_storage().data_ptr()
        once[name] = tensor.detach().clone() if memory in seen else tensor.detach().contiguous()
        seen.add(memory)
    return once


def _write_pth(tensors, path):
    import torch

    torch.save(dict(tensors), path)


def _write_safetensors(tensors, path):
    import safetensors.torch

    safetensors.torch.save_file(_once(tensors), path)


def _write_dcp(tensors, path):
    import torch.distributed.checkpoint as dcp

    dcp.save(_once(tensors), storage_writer=dcp.FileSystemWriter(path), no_dist=True)


def _write_torchscript(tensors, path):
    import torch

    from loadpath.peers.expected import describe
    from loadpath.peers.module import module_of

    module = module_of(describe(tensors), "meta")
    module.load_state_dict(tensors, assign=True)
    torch.jit.save(torch.jit.script(module), path)


def _write_tensorizer(tensors, path):
    from tensorizer import TensorSerializer

    serializer = TensorSerializer(path)
    serializer.write_state_dict(_once(tensors))
    serializer.close()


def _write_flashpack(tensors, path):
    from flashpack.serialization import pack_to_file

    pack_to_file(_once(tensors), path, None)


@dataclass(frozen=True)
class Format:
    """ending: of the file that write(tensors, path) makes."""

    ending: str
    write: Callable[[dict, str], None]


FORMATS = {
    "pth": Format(".pth", _write_pth),
    "plain dict": Format(".dict.pth", _write_pth),
    "safetensors": Format(".safetensors", _write_safetensors),
    "dcp": Format(".dcp", _write_dcp),
    "torchscript": Format(".pt", _write_torchscript),
    "tensorizer": Format(".tensors", _write_tensorizer),
    "flashpack": Format(".flashpack", _write_flashpack),
}
