"""What a file's tensors are, by PyTorch and by safetensors: independent of the reader under test.

A mutated pickle may name anything. It is unpickled with PyTorch's own list of allowed names and the few classes that the
right files hold, never more.
"""
import io
import json
import pickle
import zipfile

import safetensors.torch
import torch
import torch.distributed.checkpoint as dcp
import torch.distributed.checkpoint.metadata as dcp_metadata
from torch._weights_only_unpickler import _get_allowed_globals
from torch.distributed.checkpoint import filesystem
from torch.distributed.checkpoint.default_planner import _EmptyStateDictLoadPlanner
from torch.distributed.checkpoint.state_dict_loader import _load_state_dict

ALLOWED = dict(_get_allowed_globals())
for owner in (torch.nn.Linear, torch.nn.BatchNorm1d, set):
    ALLOWED[f"{owner.__module__}.{owner.__name__}"] = owner


class Unpickler(pickle.Unpickler):
    """Python's, for every protocol, with the names of the list alone."""

    extra = {}

    def find_class(self, module, name):
        module = {"__builtin__": "builtins"}.get(module, module)
        found = {**ALLOWED, **self.extra}.get(f"{module}.{name}")
        if found is None:
            raise pickle.UnpicklingError(f"{module}.{name} is not on the list")
        return found


class Safe:
    """In the place of the module pickle."""

    UnpicklingError = pickle.UnpicklingError
    Unpickler = Unpickler

    @staticmethod
    def load(file, **_):
        return Unpickler(file).load()

    @staticmethod
    def loads(data, **_):
        return Unpickler(io.BytesIO(data)).load()


def allow(*classes):
    for owner in classes:
        Unpickler.extra[f"{owner.__module__}.{owner.__qualname__}"] = owner


def pickled(path):
    value = torch.load(path, weights_only=False, pickle_module=Safe)
    return value.state_dict() if isinstance(value, torch.nn.Module) else value


def script(path):
    return torch.jit.load(path).state_dict()


def flat(path):
    return safetensors.torch.load_file(path)


def sharded(path):
    """path: the folder with the index and the shards."""
    (index,) = path.glob("*.index.json")
    shards, merged = {}, {}
    for name, shard in json.loads(index.read_text())["weight_map"].items():
        if shard not in shards:
            shards[shard] = (flat if shard.endswith(".safetensors") else pickled)(path / shard)
        merged[name] = shards[shard][name]
    return merged


def exported(path):
    """torch.export: by its own JSON, of which version 1's numbers of dtypes are torch._export.serde.schema.ScalarType's."""
    from torch._export.serde.serialize import _SERIALIZE_TO_TORCH_DTYPE

    with zipfile.ZipFile(path) as archive:
        root = archive.namelist()[0].split("/")[0]
        config = json.loads(archive.read(f"{root}/data/weights/model_weights_config.json"))["config"]
        tensors = {}
        for name, entry in config.items():
            meta = entry["tensor_meta"]
            raw = torch.frombuffer(bytearray(archive.read(f"{root}/data/weights/{entry['path_name']}")), dtype=torch.uint8)
            numbers = lambda key: [n["as_int"] for n in meta[key]]
            dtype = _SERIALIZE_TO_TORCH_DTYPE[meta["dtype"]]
            # A record may be longer than its tensor.
            tensors[name] = raw[: len(raw) // dtype.itemsize * dtype.itemsize].view(dtype).as_strided(numbers("sizes"), numbers("strides"), meta["storage_offset"]["as_int"])
    return tensors


def distributed(path):
    filesystem.pickle = Safe
    # getattr: how Python up to 3.11.3 writes an enum.
    allow(*(c for c in vars(dcp_metadata).values() if isinstance(c, type)), filesystem._StorageInfo, type(path), getattr)
    state = {}
    load, torch.load = torch.load, lambda file, **_: load(file, weights_only=False, pickle_module=Safe)
    _load_state_dict(state, storage_reader=dcp.FileSystemReader(path), planner=_EmptyStateDictLoadPlanner(), no_dist=True)
    return state
