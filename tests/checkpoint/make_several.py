"""Writes checkpoints in several files, and what PyTorch, transformers and safetensors make of each.

    python make_several.py DIRECTORY

DIRECTORY/expected.json: as make_corpus.py, and per checkpoint `crc` (whether its bytes carry checksums) and `located` ("all",
"some" or "none" of its storages lie plainly in a file).
"""

import collections
import json
import os
import shutil
import socket
import sys
import unittest.mock
import warnings

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import torch.multiprocessing as mp
from make_corpus import DENSE, bits, describe, of_dtype, training
from torch.distributed.checkpoint.default_planner import DefaultSavePlanner
from torch.distributed.checkpoint.format_utils import dcp_to_torch_save

warnings.filterwarnings("ignore")
RANKS = 4


def sharded_tensors():
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor

    flat, grid = init_device_mesh("cpu", (RANKS,)), init_device_mesh("cpu", (2, 2))
    numbers = lambda *shape, dtype=torch.float32: torch.arange(torch.Size(shape).numel()).reshape(shape).to(dtype)
    return {
        "rows": distribute_tensor(numbers(8, 3), flat, [Shard(0)]), "uneven": distribute_tensor(numbers(7, 2), flat, [Shard(0)]),
        "few": distribute_tensor(numbers(2, 5), flat, [Shard(0)]), "columns": distribute_tensor(numbers(3, 10, dtype=torch.float64), flat, [Shard(1)]),
        "middle": distribute_tensor(numbers(2, 6, 4, dtype=torch.int64), flat, [Shard(1)]), "whole": distribute_tensor(numbers(5), flat, [Replicate()]),
        "blocks": distribute_tensor(numbers(5, 7), grid, [Shard(0), Shard(1)]), "twice": distribute_tensor(numbers(9, 2), grid, [Shard(0), Shard(0)]),
        "half": distribute_tensor(numbers(4, 6), grid, [Replicate(), Shard(1)]), "plain": numbers(3, 2), "step": 7,
        "nested": {"deep": [distribute_tensor(numbers(6), flat, [Shard(0)]), {"x": numbers(1)}]},
        # Chunks whose elements lie in another order than rows.
        "turned": DTensor.from_local(numbers(3, 2).t() + 10 * dist.get_rank(), flat, [Shard(0)]),
        "turned columns": DTensor.from_local(numbers(3, 2).t() + 10 * dist.get_rank(), flat, [Shard(1)]),
        "large": distribute_tensor(torch.arange(1 << 18, dtype=torch.int32).reshape(512, 512), grid, [Shard(1), Shard(0)]),
    }  # fmt: skip


def save_rank(rank, port, path):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=RANKS)
    dcp.save(sharded_tensors(), checkpoint_id=path)
    dist.destroy_process_group()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def nested():
    state = training()
    state["layers"] = [torch.ones(2), {"x": torch.zeros(1)}, [torch.arange(3), 4]]
    state.update(none=None, text="text", tuple=(1, ("a", 2.5)), empty=torch.empty(0, 3), scalar=torch.tensor(2.5), numbers=[1, 2])
    return state


def views():
    base = torch.arange(24.0)
    return {
        "channels_last": base.view(1, 2, 3, 4).to(memory_format=torch.channels_last), "transposed": base.view(4, 6).t(), "expanded": base[:1].expand(5),
        "slice": base[3:9], "strided": base[::5], **bits(),
    }  # fmt: skip


def numbered(count):
    torch.manual_seed(count)
    return collections.OrderedDict((f"layer.{i}.weight", torch.randn(i + 1, 3)) for i in range(count))


def main(directory):
    os.makedirs(directory, exist_ok=True)
    expected = {}

    def path(name):
        return os.path.join(directory, name)

    def fresh(name):
        shutil.rmtree(path(name), ignore_errors=True)
        return path(name)

    def add(name, form, wanted, crc, located):
        expected[name] = dict(describe(wanted), format=form, byteorder="little", crc=crc, located=located)

    def add_dcp(name, located):
        dcp_to_torch_save(path(name), path("converted.pth"))
        add(name, "dcp", torch.load(path("converted.pth"), weights_only=True), True, located)

    # While no thread of this process runs: the ranks are forked from it.
    mp.start_processes(save_rank, (free_port(), fresh("ranks")), nprocs=RANKS, start_method="fork")
    add_dcp("ranks", "some")
    assert len([f for f in os.listdir(path("ranks")) if f.endswith(".distcp")]) == RANKS

    dcp.save(nested(), checkpoint_id=fresh("nested"), no_dist=True)
    add_dcp("nested", "all")
    expected["nested/.metadata"] = expected["nested"]
    dcp.save(nested(), storage_writer=dcp.FileSystemWriter(fresh("threads"), thread_count=3, single_file_per_rank=False), no_dist=True)
    add_dcp("threads", "all")
    dcp.save(nested(), checkpoint_id=fresh("flat"), planner=DefaultSavePlanner(flatten_state_dict=False), no_dist=True)
    add_dcp("flat", "all")
    # An enum in .metadata is written by its name up to Python 3.11.3, by its value since.
    for how, reduce in (("name", lambda enum, _: (getattr, (type(enum), enum.name))), ("value", lambda enum, _: (type(enum), (enum.value,)))):
        with unittest.mock.patch.object(dcp.metadata._MEM_FORMAT_ENCODING, "__reduce_ex__", reduce):
            dcp.save(views(), checkpoint_id=fresh(f"enum_by_{how}"), no_dist=True)
        add_dcp(f"enum_by_{how}", "some")
    dcp.save(views(), checkpoint_id=fresh("views"), no_dist=True)
    add_dcp("views", "some")
    dcp.save({n: of_dtype(n).reshape(2, 3) for n in DENSE}, checkpoint_id=fresh("dtypes"), no_dist=True)
    # torch.empty, which dcp_to_torch_save loads into, knows them all; copying does not.
    add("dtypes", "dcp", {n: of_dtype(n).reshape(2, 3) for n in DENSE}, True, "all")

    import safetensors.torch
    from huggingface_hub import save_torch_state_dict
    from transformers import GPT2Config, GPT2LMHeadModel

    def index_of(name, suffix):
        with open(path(f"{name}/{suffix}.index.json")) as file:
            return json.load(file)

    def add_sharded(name, suffix, crc):
        shards, merged, metadata = {}, collections.OrderedDict(), None
        for key, shard in index_of(name, suffix)["weight_map"].items():
            if shard not in shards:
                file = path(f"{name}/{shard}")
                shards[shard] = safetensors.torch.load_file(file) if shard.endswith("safetensors") else torch.load(file, weights_only=True)
            value = shards[shard][key]
            merged[key] = value.clone() if shard.endswith("safetensors") else value
        for shard in shards.values():
            if hasattr(shard, "_metadata"):
                metadata = collections.OrderedDict({**(metadata or {}), **shard._metadata})
        if metadata is not None:
            merged._metadata = metadata
        assert len(shards) > 1
        add(name, "sharded", merged, crc, "all")
        expected[f"{name}/{suffix}.index.json"] = expected[name]

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=60, n_positions=16, n_embd=8, n_layer=2, n_head=2)
    GPT2LMHeadModel(config).save_pretrained(fresh("transformers"), max_shard_size="3KB")
    add_sharded("transformers", "model.safetensors", False)
    os.makedirs(fresh("hub"))
    save_torch_state_dict(numbered(9), path("hub"), max_shard_size=200, safe_serialization=False, filename_pattern="pytorch_model{suffix}.bin")
    add_sharded("hub", "pytorch_model.bin", True)

    # By hand: shared storages, _metadata, a shard in another folder behind a link, a shard of each format.
    os.makedirs(fresh("mixed"))
    os.makedirs(fresh("blobs"))
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    first = model.state_dict()
    base = torch.arange(12.0)
    second = {"base": base, "part": base[2:8].view(2, 3), "turned": base.view(3, 4).t()}
    third = {"x": torch.arange(5), "half": torch.ones(3, dtype=torch.float16)}
    fourth = {"old": torch.arange(4.0)}
    torch.save(first, path("mixed/first.bin"))
    torch.save(second, path("blobs/0123abcd"))
    os.symlink("../blobs/0123abcd", path("mixed/second.bin"))
    safetensors.torch.save_file(third, path("mixed/third.safetensors"), metadata={"format": "pt"})
    torch.save(fourth, path("mixed/fourth.bin"), _use_new_zipfile_serialization=False)
    parts = {"first.bin": first, "second.bin": second, "third.safetensors": third, "fourth.bin": fourth}
    names = sorted(((name, shard) for shard, part in parts.items() for name in part), reverse=True)
    with open(path("mixed/pytorch_model.bin.index.json"), "w") as file:
        json.dump({"metadata": {"total_size": 1, "list": [1, 2.5, None, {"a": True}], "big": 2**63}, "weight_map": dict(names)}, file)
    add_sharded("mixed", "pytorch_model.bin", False)

    os.makedirs(fresh("single"))
    torch.save(second, path("single/pytorch_model.bin"))
    add("single", "zip", second, True, "all")

    with open(path("expected.json"), "w") as file:
        json.dump(expected, file)


if __name__ == "__main__":
    main(sys.argv[1])
