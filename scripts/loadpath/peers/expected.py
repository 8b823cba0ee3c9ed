"""Describes the tensors of a file by dtype, shape and SHA-256, and compares loaded tensors with that.

{"tensors": {name: {"dtype": "float32", "shape": [2, 10], "sha256": "…"}}, "aliases": {name: earlier name}, "bytes": 88}
"""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

from loadpath.peers.keys import aliases_of


def _digest(tensor):
    import torch

    plain = tensor.detach().resolve_conj().resolve_neg().contiguous()
    return hashlib.sha256(plain.reshape(-1).view(torch.uint8).numpy() if plain.numel() else b"").hexdigest()


def _described(tensors):
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for (name, tensor), digest in zip(tensors.items(), pool.map(_digest, tensors.values())):
            yield (
                name,
                {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape), "sha256": digest},
            )


def describe(tensors):
    """Returns the description of {name: tensor}. `bytes` counts a tensor with several names once."""
    aliases = aliases_of(tensors)
    return {
        "tensors": dict(_described(tensors)),
        "aliases": aliases,
        "bytes": sum(tensor.nbytes for name, tensor in tensors.items() if name not in aliases),
    }


def wrong(tensors, expected):
    """Returns a sentence for each tensor that is not as expected. A name may be absent if an earlier name has its
    tensor."""
    found, sentences = dict(_described(tensors)), []
    for name, want in expected["tensors"].items():
        have = found.pop(name, None)
        if have is None:
            if expected["aliases"].get(name) not in tensors:
                sentences.append(f"{name} is missing")
        elif (have["dtype"], have["shape"]) != (want["dtype"], want["shape"]):
            sentences.append(f"{name} is {have['dtype']} {have['shape']}, not {want['dtype']} {want['shape']}")
        elif have["sha256"] != want["sha256"]:
            sentences.append(f"{name} has other values than the file")
    return sentences + [f"{name} is not in the file" for name in found]
