"""The Python loaders that are measured: one row each. A worker imports a row's packages, then times its `load`.

The packages are imported by functions of the row, never here: a package that is not installed must fail in its own
worker."""

from dataclasses import dataclass, field
from types import ModuleType
from typing import Callable

from loadpath.peers.formats import FORMATS


@dataclass
class Ready:
    """What a row's `load` may use, made outside the clock. path: the file or folder; key: where the state dict lies in
    it; target: what `prepare` returned."""

    path: str
    key: str = ""
    modules: dict[str, ModuleType] = field(default_factory=dict)
    target: object = None


@dataclass(frozen=True)
class Loader:
    """name: for people and --peers. format: a name of formats.FORMATS. imports: modules to import, outside the clock;
    the first is the loader's own. package: whose version is shown. load(ready) returns {name: tensor}, or {name:
    tensor} under the key. prepare(expected) returns what must exist before the load, for example a module: it is
    outside the clock, too."""

    name: str
    format: str
    imports: tuple[str, ...]
    load: Callable[[Ready], dict]
    package: str = "torch"
    prepare: Callable[[dict], object] | None = None


def _torch(ready):
    return ready.modules["torch"]


def _state_dict(ready, **how):
    from loadpath.peers.keys import under

    return under(_torch(ready).load(ready.path, weights_only=True, **how), ready.key)


def _into_module(ready, assign, **how):
    tensors = {
        name: value for name, value in _state_dict(ready, **how).items() if isinstance(value, _torch(ready).Tensor)
    }
    ready.target.load_state_dict(tensors, assign=assign)
    return ready.target.state_dict(keep_vars=True)


def _module(device):
    def make(expected):
        from loadpath.peers.module import module_of

        return module_of(expected, device)

    return make


def _empty_tensors(expected):
    import torch

    return {
        name: torch.empty(tensor["shape"], dtype=getattr(torch, tensor["dtype"]))
        for name, tensor in expected["tensors"].items()
        if name not in expected["aliases"]
    }


def _safe_open(ready):
    with ready.modules["safetensors"].safe_open(ready.path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def _fastsafetensors(ready):
    with ready.modules["fastsafetensors"].fastsafe_open(ready.path, nogds=True, device="cpu") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def _runai(ready):
    with ready.modules["runai_model_streamer"].SafetensorsStreamer() as streamer:
        streamer.stream_file(ready.path)
        return dict(streamer.get_tensors())


def _tensorizer(ready):
    tensors = ready.modules["tensorizer"].TensorDeserializer(ready.path, device="cpu")
    return {name: tensors[name] for name in tensors.keys()}


def _instanttensor(ready):
    with ready.modules["instanttensor"].safe_open(ready.path, framework="pt", device="cpu") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def _distributed(ready):
    checkpoint = ready.modules["torch.distributed.checkpoint"]
    checkpoint.load(ready.target, storage_reader=checkpoint.FileSystemReader(ready.path), no_dist=True)
    return ready.target


LOADERS = (
    Loader("torch.load", "pth", ("torch",), _state_dict),
    Loader("torch.load(mmap=True)", "pth", ("torch",), lambda ready: _state_dict(ready, mmap=True)),
    Loader(
        "torch.load, load_state_dict",
        "pth",
        ("torch",),
        lambda ready: _into_module(ready, False),
        prepare=_module("cpu"),
    ),
    Loader(
        "torch.load, load_state_dict(assign=True)",
        "pth",
        ("torch",),
        lambda ready: _into_module(ready, True),
        prepare=_module("meta"),
    ),
    Loader(
        "torch.load(mmap=True), load_state_dict(assign=True)",
        "pth",
        ("torch",),
        lambda ready: _into_module(ready, True, mmap=True),
        prepare=_module("meta"),
    ),
    Loader(
        "torch.distributed.checkpoint",
        "dcp",
        ("torch.distributed.checkpoint", "torch"),
        _distributed,
        prepare=_empty_tensors,
    ),
    Loader(
        "safetensors load_file",
        "safetensors",
        ("safetensors.torch", "torch"),
        lambda ready: ready.modules["safetensors.torch"].load_file(ready.path),
        "safetensors",
    ),
    Loader("safetensors safe_open", "safetensors", ("safetensors", "torch"), _safe_open, "safetensors"),
    Loader("fastsafetensors", "safetensors", ("fastsafetensors", "torch"), _fastsafetensors, "fastsafetensors"),
    Loader("runai-model-streamer", "safetensors", ("runai_model_streamer", "torch"), _runai, "runai-model-streamer"),
    Loader("tensorizer", "tensorizer", ("tensorizer", "torch"), _tensorizer, "tensorizer"),
    Loader(
        "flashpack",
        "flashpack",
        ("flashpack.deserialization", "torch"),
        lambda ready: ready.modules["flashpack.deserialization"].revert_from_file(ready.path),
        "flashpack",
    ),
    Loader("InstantTensor", "safetensors", ("instanttensor", "torch"), _instanttensor, "instanttensor"),
)


def from_file(path):
    """Returns the rows of a Python file that defines LOADERS, for a loader of one's own. Raises whatever the file
    raises, or ValueError if it has none."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("own_loaders", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows = tuple(getattr(module, "LOADERS", ()))
    if not rows or not all(isinstance(row, Loader) for row in rows):
        raise ValueError("it defines no LOADERS, a list of loadpath.peers.loaders.Loader")
    for row in rows:
        if row.format not in FORMATS:
            raise ValueError(f"{row.name} has the format {row.format!r}; there are {', '.join(FORMATS)}")
        if row.name in {other.name for other in LOADERS}:
            raise ValueError(f"there is a loader {row.name!r} already")
    return rows
