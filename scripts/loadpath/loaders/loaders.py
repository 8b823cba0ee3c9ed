"""The four loaders. Each returns an Outcome whose tensors are described as `ckpt inspect --digest` describes them."""
import ctypes
import hashlib
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from loadpath.loaders import children
from loadpath.loaders.children import Outcome

# A tensor may repeat one element (stride 0), so a small file may describe a huge tensor.
MAX_BYTES = 1 << 28


class Loaders:
    """programs: the folder of ckpt and foreign_load."""

    NAMES = ("loadpath", "torch.load", "torch::pickle_load", "torch::jit::load")

    def __init__(self, programs):
        self.bin = Path(programs)
        torch.set_num_threads(1)

    def versions(self):
        foreign = subprocess.run([self.bin / "foreign_load", "version"], check=True, capture_output=True, text=True)
        return f"PyTorch {torch.__version__.split('+')[0]} and LibTorch {foreign.stdout.strip()}"

    def outcomes(self, files):
        """Returns {name of the loader: Outcome} for each of `files`: (path, flags for ckpt, path for the other loaders)."""
        # The forks come first, because they need a process without other threads.
        gathered = [{"torch.load": self.torch_load(path)} for _, _, path in files]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            waiting = [(pool.submit(self.loadpath, path, *flags), pool.submit(self.pickle_load, other), pool.submit(self.jit_load, other))
                       for path, flags, other in files]  # fmt: skip
            for outcomes, jobs in zip(gathered, waiting):
                outcomes.update(zip(("loadpath", "torch::pickle_load", "torch::jit::load"), (job.result() for job in jobs)))
        return gathered

    def loadpath(self, path, *flags):
        command = children.limited([self.bin / "ckpt", "inspect", path, "--json", "--digest", *flags], memory=3 << 29)
        try:
            done = subprocess.run(command, capture_output=True, timeout=children.WALL_SECONDS)
        except subprocess.TimeoutExpired:
            return Outcome("hang")
        if done.returncode == 0:
            return Outcome("loads", tensors=tensors_of(done.stdout.decode()))
        if done.returncode == 2:
            return Outcome("refused", done.stderr.decode().removeprefix("ckpt: ").strip())
        return children.from_status(done.returncode)

    def torch_load(self, path):
        return children.function(lambda: {"tensors": list(describe(torch.load(path)))})

    def pickle_load(self, path):
        return children.program([self.bin / "foreign_load", "pickle_load", path])

    def jit_load(self, path):
        return children.program([self.bin / "foreign_load", "jit_load", path])


def tensors_of(shown):
    """Returns the tensors of `ckpt inspect --json`. Cuts the values off, which may nest too deep for Python's parser."""
    return json.loads(shown.partition(',\n"values":')[0] + "}")["tensors"]


def describe(root):
    """Yields every tensor in a tree of dicts, lists and tuples.

    Does not recurse: a file may nest without limit, and contain itself.
    """
    waiting, storages, inside = [(root, None, False)], {}, set()
    while waiting:
        value, place, leaving = waiting.pop()
        if leaving:
            inside.remove(id(value))
        elif isinstance(value, torch.Tensor):
            yield of_tensor(value, path_to(place), storages)
        elif isinstance(value, (dict, list, tuple)) and id(value) not in inside:
            inside.add(id(value))
            waiting.append((value, place, True))
            items = value.items() if isinstance(value, dict) else enumerate(value)
            waiting.extend((item, (place, str(key)), False) for key, item in reversed(list(items)))


def path_to(place):
    path = []
    while place:
        place, key = place
        path.insert(0, key)
    return path


def of_tensor(tensor, path, storages):
    dense = tensor.layout == torch.strided and not tensor.is_quantized and not tensor.is_meta
    memory = tensor.untyped_storage().data_ptr() if dense else None
    return {
        "path": path, "dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape),
        "sha256": digest(tensor) if dense and tensor.nbytes <= MAX_BYTES else "", "storage": storages.setdefault(memory, len(storages)),
    }  # fmt: skip


def digest(tensor):
    """Returns the SHA-256 of the elements in row-major order, conjugation and negation resolved."""
    plain = tensor.detach().resolve_conj().resolve_neg().clone(memory_format=torch.contiguous_format)
    return hashlib.sha256(ctypes.string_at(plain.data_ptr(), plain.nbytes) if plain.numel() else b"").hexdigest()


def content(tensors):
    """Returns names, dtypes, shapes and hashes, by which tensors are compared with the right ones."""
    return {tuple(t["path"]): (t["dtype"], tuple(t["shape"]), t["sha256"]) for t in tensors}


def sharing(tensors):
    """Returns the sets of names that share memory."""
    groups = {}
    for t in tensors:
        groups.setdefault(t["storage"], set()).add(tuple(t["path"]))
    return {frozenset(g) for g in groups.values() if len(g) > 1}
