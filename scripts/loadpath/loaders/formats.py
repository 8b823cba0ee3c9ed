"""Makes one file of every kind that people have, and knows its right tensors."""
import gzip
import io
import logging
import os
import pickle
import socket
import struct
import subprocess
import tarfile
import warnings
import zipfile
from dataclasses import dataclass

import torch
from torch import nn

from loadpath.loaders.loaders import describe

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)  # huggingface_hub warns of pickled shards


class Net(nn.Module):
    """A module whose class is not on PyTorch's list of allowed classes, like every user's class."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x):
        return self.norm(self.fc(x))


@dataclass
class Kind:
    """group, label: the row; files with the same label share one. path: the file or folder. truth: a tree with the right
    tensors, or None if there are none to load."""

    group: str
    label: str
    path: str
    truth: object
    flags: tuple = ()

    def tensors(self):
        return list(describe(self.truth)) if self.truth is not None else []


def make(folder, saver):
    """Writes a file of every kind into the folder. saver: the program that saves a module by C++ torch::save."""
    torch.manual_seed(0)
    net = Net().eval()
    state, plain = net.state_dict(), dict(net.state_dict())
    nested = {"model_state_dict": state, "epoch": 3}
    kinds = []

    def add(group, label, name, write, truth, flags=()):
        path = os.path.join(folder, name)
        write(path)
        kinds.append(Kind(group, label, path, truth, flags))

    def saved(value, **how):
        return lambda path: torch.save(value, path, **how)

    group = "torch.save, zip format"
    # The ranks are forked, so this comes first: no other thread runs yet.
    ranks = os.path.join(folder, "ranks")
    save_ranks(ranks, state)
    add(group, "`model.state_dict()`", "bare.pth", saved(state), state)
    add(group, "nested in a dict", "nested.pth", saved(nested), nested)
    add(group, "as a plain `dict`", "plain.pth", saved(plain), plain)
    add(group, "plain `dict` in a dict", "nested_plain.pth", saved({"model": plain, "epoch": 3}), {"model": plain})
    for protocol, names in ((1, "1"), (3, "3"), (4, "4, 5"), (5, "4, 5")):
        add(group, f"plain `dict`, pickle protocol {names}", f"p{protocol}.pth", saved(plain, pickle_protocol=protocol), plain)
    modern = {"fp8": torch.ones(3).to(torch.float8_e4m3fn), "u16": torch.arange(3).to(torch.uint16)}
    add(group, "plain `dict` of float8, uint16", "modern.pth", saved(modern), modern)
    base = torch.arange(12.0)
    shared = {"base": base, "part": base[2:8], "turned": base.view(3, 4).t()}
    add(group, "plain `dict`, shared memory", "shared.pth", saved(shared), shared)
    add(group, "plain `dict`, big-endian", "big.pth", lambda p: rewrite(folder + "/plain.pth", p, big_endian(plain)), plain)
    add(group, "plain `dict`, deflated", "deflated.pth", lambda p: rewrite(folder + "/plain.pth", p, compression=zipfile.ZIP_DEFLATED), plain)
    add(group, "whole module", "whole.pth", saved(net), state)
    add(group, "whole module, with `--opaque`", "whole_opaque.pth", saved(net), state, ("--opaque",))

    group = "torch.save before 1.6"
    old = {"_use_new_zipfile_serialization": False}
    add(group, "`model.state_dict()`", "bare.old", saved(state, **old), state)
    add(group, "nested in a dict", "nested.old", saved(nested, **old), nested)
    add(group, "as a plain `dict`", "plain.old", saved(plain, **old), plain)
    add(group, "whole module", "whole.old", saved(net, **old), state)
    add(group, "whole module, with `--opaque`", "whole_opaque.old", saved(net, **old), state, ("--opaque",))
    add(group, "tar archive (0.1)", "tar_era.pth", lambda p: save_tar(p, plain), plain)

    group = "other formats"
    import safetensors.torch
    from huggingface_hub import save_torch_state_dict

    add(group, "safetensors", "model.safetensors", lambda p: safetensors.torch.save_file(plain, p), plain)

    def sharded(path, **how):
        os.makedirs(path)
        save_torch_state_dict(plain, path, max_shard_size=60, **how)
        assert len(os.listdir(path)) > 2

    add(group, "sharded safetensors (folder)", "shards", sharded, plain)
    add(group, "sharded .bin (folder)", "bins",
        lambda p: sharded(p, safe_serialization=False, filename_pattern="pytorch_model{suffix}.bin"), plain)
    add(group, "distributed, one rank (folder)", "rank", lambda p: save_distributed(p, {"model": plain}), {"model": plain})
    kinds.append(Kind(group, "distributed, two ranks (folder)", ranks, {"model": plain}))
    add(group, "TorchScript, scripted", "scripted.pt", torch.jit.script(net).save, state)
    add(group, "TorchScript, traced", "traced.pt", torch.jit.trace(net, torch.ones(2, 4)).save, state)
    add(group, "torch.export `.pt2`", "exported.pt2", lambda p: torch.export.save(torch.export.export(net, (torch.ones(2, 4),)), p), state)
    torch.manual_seed(0)
    add(group, "C++ `torch::save`", "linear.cpp.pt", lambda p: subprocess.run([saver, folder], check=True), nn.Linear(10, 2).state_dict())

    group = "damaged, or no checkpoint"
    whole = bytes_of(folder + "/plain.pth")
    at = whole.index(plain["fc.weight"].numpy().tobytes())

    def add_bytes(label, name, data, truth=None):
        add(group, label, name, lambda p: write_bytes(p, data), truth)

    add_bytes("a bit of a weight flipped", "flipped.pth", whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], plain)
    add_bytes("cut off by 40 bytes", "cut.pth", whole[:-40])
    # One tensor, because the order of several depends on their addresses.
    torch.save({"w": torch.ones(3)}, folder + "/one.old", **old)
    add_bytes("before 1.6, cut off by 10 bytes", "cut.old", bytes_of(folder + "/one.old")[:-10])
    add_bytes("safetensors, cut off by 10 bytes", "cut.safetensors", bytes_of(folder + "/model.safetensors")[:-10])
    add_bytes("git-LFS pointer", "lfs.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 97781747\n")
    add_bytes("web page", "page.pth", b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body></body></html>\n")
    add_bytes("gzip of a checkpoint", "packed.pth", compressed(whole))
    add_bytes("7z archive", "seven.pth", b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(64))
    return kinds


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def write_bytes(path, data):
    with open(path, "wb") as file:
        file.write(data)


def compressed(data):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as file:
        file.write(data)
    return out.getvalue()


def rewrite(source, target, change=lambda name, data: data, compression=zipfile.ZIP_STORED):
    """Copies a zip checkpoint. change(name, data) returns a record's new bytes."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, change(name.split("/", 1)[1], old.read(name)))


def big_endian(state):
    """Returns a change for rewrite() that stores the numbers as a big-endian machine does."""
    widths = [t.element_size() for t in state.values()]

    def change(name, data):
        if name == "byteorder":
            return b"big"
        if not name.startswith("data/"):
            return data
        width = widths[int(name.split("/")[1])]
        return b"".join(data[i : i + width][::-1] for i in range(0, len(data), width))

    return change


def save_tar(path, state):
    """Writes PyTorch 0.1's format, which legacy_load of torch/serialization.py reads."""
    storages, tensors = io.BytesIO(), io.BytesIO()
    pickle.dump(len(state), storages, 2)
    pickle.dump(len(state), tensors, 2)
    for key, tensor in enumerate(state.values()):
        storage = torch.FloatStorage if tensor.dtype == torch.float32 else torch.LongStorage
        pickle.dump((key, "cpu", storage), storages, 2)
        storages.write(struct.pack("<q", tensor.numel()) + tensor.numpy().tobytes())
        kind = torch.FloatTensor if tensor.dtype == torch.float32 else torch.LongTensor
        pickle.dump((key, key, kind), tensors, 2)
        tensors.write(struct.pack("<i4x", tensor.dim()) + struct.pack(f"<{2 * tensor.dim() + 1}q", *tensor.shape, *tensor.stride(), 0))
    pickle.dump([], storages, 2)

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return list(map(id, state.values())).index(id(value)) if isinstance(value, torch.Tensor) else None

    tree = io.BytesIO()
    Pickler(tree, 2).dump(state)
    info = io.BytesIO()
    pickle.dump({"protocol_version": 1000, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}, info, 2)
    with tarfile.open(path, "w") as tar:
        for name, data in (("sys_info", info), ("pickle", tree), ("tensors", tensors), ("storages", storages)):
            member = tarfile.TarInfo(name)
            member.size = len(data.getvalue())
            tar.addfile(member, io.BytesIO(data.getvalue()))


def save_distributed(path, value):
    import torch.distributed.checkpoint as dcp

    dcp.save(value, checkpoint_id=path, no_dist=True)


def save_ranks(path, state):
    """Saves from two ranks. Matrices are split by rows, and each rank saves one half."""
    import torch.multiprocessing as mp

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    mp.start_processes(save_rank, (port, path, state), nprocs=2, start_method="fork")


def save_rank(rank, port, path, state):
    import torch.distributed as dist
    import torch.distributed.checkpoint as dcp
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Replicate, Shard, distribute_tensor

    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    value = {n: distribute_tensor(t, mesh, [Shard(0) if t.dim() == 2 else Replicate()]) for n, t in state.items()}
    dcp.save({"model": value}, checkpoint_id=path)
    dist.destroy_process_group()
