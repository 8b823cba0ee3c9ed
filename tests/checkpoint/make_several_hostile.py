"""Writes checkpoints in several files that must be refused, one defect each, and the line for each.

    python make_several_hostile.py DIRECTORY

DIRECTORY/expected.json: {case: line}; DIRECTORY/case is what is opened, and DIRECTORY stands in the line as "DIR".
DIRECTORY/right_sharded and right_dcp are right.
"""

import io
import json
import os
import pickle
import re
import shutil
import sys

import safetensors.torch
import torch
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemWriter, SerializationFormat, _StorageInfo
from torch.distributed.checkpoint.metadata import (
    BytesStorageMetadata,
    ChunkStorageMetadata,
    Metadata,
    MetadataIndex,
    TensorProperties,
    TensorStorageMetadata,
)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hostile_parts import blocked, forbidden  # noqa: E402

A, B = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
INDEX = "model.safetensors.index.json"
MAP = {"a": A, "b": B}


def index(weight_map=None, **metadata):
    return json.dumps({"metadata": {"total_size": 24, **metadata}, "weight_map": MAP if weight_map is None else weight_map})


def shards(a=None, b=None):
    return {A: {"a": torch.arange(4.0)} if a is None else a, B: {"b": torch.arange(2.0)} if b is None else b}


LISTED = " (listed in {index}): put all files that it lists into one folder"
NOT_PLAIN = ", which is not the plain name of a file in the same folder"
AT_INDEX = f"/{INDEX}: "
# The text of the index, the shards, the line behind DIR/case.
SHARDED = {
    "traversal": (index({"a": "../right_sharded/" + A, "b": B}), shards(), AT_INDEX + f'maps tensor a to "../right_sharded/{A}"' + NOT_PLAIN),
    "folder": (index({"a": "x/" + A, "b": B}), shards(), AT_INDEX + f'maps tensor a to "x/{A}"' + NOT_PLAIN),
    "absolute": (index({"a": "/etc/passwd", "b": B}), shards(), AT_INDEX + 'maps tensor a to "/etc/passwd"' + NOT_PLAIN),
    "parent": (index({"a": "..", "b": B}), shards(), AT_INDEX + 'maps tensor a to ".."' + NOT_PLAIN),
    "unnamed": (index({"a": "", "b": B}), shards(), AT_INDEX + 'maps tensor a to ""' + NOT_PLAIN),
    "nul": (index({"a": A + "\0", "b": B}), shards(), AT_INDEX + f'maps tensor a to "{A}\\x00"' + NOT_PLAIN),
    "backslash": (index({"a": "..\\" + A, "b": B}), shards(), AT_INDEX + f'maps tensor a to "..\\{A}"' + NOT_PLAIN),
    "missing": (index({"a": "c.safetensors", "b": B}), shards(), "/c.safetensors: cannot be opened: No such file or directory" + LISTED),
    "itself": (index({"a": INDEX, "b": B}), shards(), AT_INDEX + "lists other files (format sharded), but a file with tensors is expected here: name it as the checkpoint"),
    "two shards": (index(), shards(b={"a": torch.arange(4.0), "b": torch.arange(2.0)}), f"/{B}: holds a tensor that stands in {A} as well, record a"),
    "other shard": (index({"a": B, "b": B}), shards(a={}, b={"a": torch.arange(4.0), "b": torch.arange(2.0)}), None),
    "swapped": (index({"a": B, "b": A}), shards(), f"/{B}: holds a tensor that the index maps to {A}, record b"),
    "unmapped": (index(), shards(a={"a": torch.arange(4.0), "c": torch.zeros(1)}), f"/{A}: holds a tensor that the index does not list, record c"),
    "absent": (index({**MAP, "c": A}), shards(), f"/{A}: lacks a tensor that the index maps to it, record c"),
    "nested shard": (index(), {A: {"a": {"a": torch.zeros(1)}}, B: {"b": torch.zeros(1)}, "bin": True}, f"/{A}: is a shard that holds something else than tensors under their names, record a"),
    "list shard": (index(), {A: [torch.zeros(1)], B: {"b": torch.zeros(1)}, "bin": True}, f"/{A}: is a shard that holds a <class 'list'> instead of a dict of tensors"),
    "tensor twice": (index().replace('"b": "model', f'"a": "{A}", "b": "model'), shards(), AT_INDEX + 'names "a" twice in its weight_map'),
    "map twice": (index()[:-1] + ', "weight_map": {}}', shards(), AT_INDEX + 'names "weight_map" twice in one object of its index'),
    "size twice": (index().replace('"total_size": 24', '"total_size": 24, "total_size": 24'), shards(), AT_INDEX + 'names "total_size" twice in one object of its index'),
    "deep": (index(x=0).replace('"x": 0', '"x": ' + "[" * 100000 + "]" * 100000), shards(), AT_INDEX + "has an index that is nested too deep"),
    "deep map": (index().replace(f'"{A}"', "[" * 100000), shards(), AT_INDEX + 'maps tensor "a" to a list instead of the name of a shard'),
    "number": (index({"a": 1, "b": B}), shards(), AT_INDEX + 'maps tensor "a" to a number instead of the name of a shard'),
    "null": (index({"a": None, "b": B}), shards(), AT_INDEX + 'maps tensor "a" to null instead of the name of a shard'),
    "object": (index({"a": {}, "b": B}), shards(), AT_INDEX + 'maps tensor "a" to an object instead of the name of a shard'),
    "map list": ('{"weight_map": []}', shards(), AT_INDEX + "has a weight_map that is a list"),
    "map text": ('{"weight_map": "a"}', shards(), AT_INDEX + "has a weight_map that is a text"),
    "metadata text": (index().replace('{"total_size": 24}', '"x"'), shards(), AT_INDEX + "has metadata that is a text"),
    "no map": ('{"metadata": {}}', shards(), AT_INDEX + "is a JSON file without a weight_map, not the index of a sharded checkpoint"),
    "config": ('{"architectures": ["GPT2"], "metadata": {}}', shards(), AT_INDEX + 'is a JSON file, but not the index of a sharded checkpoint: it has "architectures" instead of metadata and weight_map'),
    "unknown member": (index()[:-1] + ', "x": 1}', shards(), AT_INDEX + 'has an unknown member in its index: "x"'),
    "cut": (index()[:-1], shards(), AT_INDEX + f"has an index that is not JSON at byte {len(index())}"),
    "behind": (index() + "x", shards(), AT_INDEX + f"has an index that is not JSON at byte {len(index()) + 1}"),
    "nul behind": (index() + "\0x", shards(), AT_INDEX + f"has an index that is not JSON at byte {len(index()) + 1}"),
    "surrogate": (index().replace('"a"', '"\\ud800"'), shards(), AT_INDEX + f"has an index that is not JSON at byte {index().index('weight_map') + 22}"),
}  # fmt: skip
del SHARDED["other shard"]


def archive(value):
    data = io.BytesIO()
    torch.save(value, data)
    return data.getvalue()


def whole():
    """A right checkpoint: a 4 x 6 tensor in three chunks and two files, a tensor in one, a number. As parts to be broken."""
    t = torch.arange(24.0).view(4, 6)
    tensors = {"t": [((0, 0), t[:2].clone(), 0), ((2, 0), t[2:, :4].clone(), 1), ((2, 4), t[2:, 4:].clone(), 1)], "u": [((0,), torch.arange(3), 0)]}
    files, storage, described = [b"", b""], {}, {}
    for name, chunks in tensors.items():
        for number, (offset, chunk, file) in enumerate(chunks):
            data = archive(chunk)
            storage[MetadataIndex(name, offset, number)] = _StorageInfo(f"__{file}_0.distcp", len(files[file]), len(data))
            files[file] += data
        shape = [4, 6] if name == "t" else [3]
        described[name] = TensorStorageMetadata(
            TensorProperties(dtype=chunks[0][1].dtype), torch.Size(shape), [ChunkStorageMetadata(torch.Size(o), c.size()) for o, c, _ in chunks]
        )
    data = archive(7)
    described["step"] = BytesStorageMetadata()
    storage[MetadataIndex("step")] = _StorageInfo("__0_0.distcp", len(files[0]), len(data))
    files[0] += data
    paths = {"t": ("model", "t"), "u": ("list", 1), "step": ("step",)}
    return Metadata(described, paths, storage, None, "1.0.0"), files


def write_by_safetensors(directory, state_dict):
    """Where the tensors lie: PyTorch writes this, but its FileSystemReader takes every chunk for what torch.save writes."""
    writer = FileSystemWriter(directory, serialization_format=SerializationFormat.SAFETENSORS)
    metadata = torch.distributed.checkpoint.save(state_dict, storage_writer=writer, no_dist=True)
    (offset,) = {place.offset for index, place in metadata.storage_data.items() if index.offset is not None}
    try:
        torch.distributed.checkpoint.load(state_dict, checkpoint_id=directory, no_dist=True)
    except CheckpointException:
        return offset
    raise SystemExit("PyTorch reads what SerializationFormat.SAFETENSORS writes: the reader here must as well")


def chunk(metadata, number, offsets=None, sizes=None):
    box = metadata.state_dict_metadata["t"].chunks[number]
    if offsets:
        info = metadata.storage_data.pop(MetadataIndex("t", box.offsets))
        metadata.storage_data[MetadataIndex("t", offsets)] = info
        box.offsets = torch.Size(offsets)
    if sizes:
        box.sizes = torch.Size(sizes)


def info(metadata, name, offset=None):
    return metadata.storage_data[MetadataIndex(name, offset)]


def replaced(value):
    """Puts another archive in the place of tensor u's only chunk: at the end of its file."""

    def change(metadata, files):
        data = archive(value) if not isinstance(value, bytes) else value
        place = info(metadata, "u", (0,))
        place.offset, place.length = len(files[0]), len(data)
        files[0] += data

    return change


def path(name, *keys):
    return lambda m, f: m.planner_data.__setitem__(name, keys[0] if len(keys) == 1 and not isinstance(keys[0], (str, int)) else keys)


def on(name, change):
    return lambda m, f: change(m.state_dict_metadata[name])


def flipped_at():
    return torch._C.PyTorchFileReader(io.BytesIO(archive(torch.arange(3)))).get_record_offset("data/0")


def flipped():
    data = bytearray(archive(torch.arange(3)))
    data[flipped_at()] ^= 1
    return bytes(data)


def bad_value(text):
    class Bad:
        def __reduce__(self):
            return eval, (text,)

    return Bad()


AT = "/.metadata: "
# What is changed, the line behind DIR/case.
DCP = {
    "hole": (lambda m, f: chunk(m, 2, sizes=(2, 1)), AT + "has chunks that leave a part of their tensor out, record t"),
    "no chunks": (on("t", lambda t: t.chunks.clear()), AT + "has chunks that leave a part of their tensor out, record t"),
    "overlap": (lambda m, f: chunk(m, 1, sizes=(2, 5)), AT + "has chunks that overlap, record t"),
    "overlap and hole": (lambda m, f: chunk(m, 2, offsets=(2, 3)), AT + "has chunks that overlap and leave a part of their tensor out, record t"),
    "outside": (lambda m, f: chunk(m, 2, offsets=(2, 5)), AT + "has a chunk that reaches outside its tensor, record t"),
    "far outside": (lambda m, f: chunk(m, 2, offsets=(2**63 - 1, 4)), AT + "has a chunk that reaches outside its tensor, record t"),
    "negative offset": (lambda m, f: chunk(m, 2, offsets=(-1, 4)), AT + "has a chunk that reaches outside its tensor, record t"),
    "negative size": (lambda m, f: chunk(m, 2, sizes=(-2, -2)), AT + "has a chunk that reaches outside its tensor, record t"),
    "chunk twice": (on("t", lambda t: t.chunks.append(t.chunks[0])), AT + "has two chunks at the same offset, record t"),
    "rank": (lambda m, f: chunk(m, 2, sizes=(2, 2, 1)), AT + "has a chunk without offsets and sizes of its tensor's rank, record t"),
    "huge": (on("t", lambda t: setattr(t, "size", torch.Size((2**40, 2**40)))), AT + f"has a tensor of shape [{2**40}, {2**40}], record t"),
    "negative": (on("t", lambda t: setattr(t, "size", torch.Size((-1, 6)))), AT + "has a tensor of shape [-1, 6], record t"),
    "too large": (on("u", lambda u: (setattr(u, "size", torch.Size((2**40,))), setattr(u.chunks[0], "sizes", torch.Size((2**40,))))), "/__0_0.distcp: holds a chunk of 8796093022208 bytes in 1577, record u, offset 1577"),
    "missing file": (lambda m, f: setattr(info(m, "u", (0,)), "relative_path", "x.distcp"), "/x.distcp: cannot be opened: No such file or directory" + LISTED),
    "traversal": (lambda m, f: setattr(info(m, "u", (0,)), "relative_path", "../right_dcp/__0_0.distcp"), AT + "has storage_data in a file that does not lie in its folder: '../right_dcp/__0_0.distcp', record u"),
    "absolute": (lambda m, f: setattr(info(m, "u", (0,)), "relative_path", "/etc/passwd"), AT + "has storage_data in a file that does not lie in its folder: '/etc/passwd', record u"),
    "hidden traversal": (lambda m, f: setattr(info(m, "u", (0,)), "relative_path", "x/../../y"), AT + "has storage_data in a file that does not lie in its folder: 'x/../../y', record u"),
    "truncated": (lambda m, f: f.__setitem__(1, f[1][:-3]), "/__1_0.distcp: is cut off: 3 bytes are missing, record t"),
    "empty file": (lambda m, f: f.__setitem__(1, b""), "/__1_0.distcp: is cut off: 1577 bytes are missing, record t"),
    "offset": (lambda m, f: setattr(info(m, "u", (0,)), "offset", 2**62), f"/__0_0.distcp: is cut off: {2**62 + 1577 - 4415} bytes are missing, record u"),
    "negative place": (lambda m, f: setattr(info(m, "u", (0,)), "offset", -1), AT + "has storage_data without a relative path, an offset and a length, record u"),
    "same bytes": (lambda m, f: setattr(info(m, "u", (0,)), "offset", 0), None),
    "transform": (lambda m, f: setattr(info(m, "u", (0,)), "transform_descriptors", ["zstd"]), AT + "has storage_data that went through 'zstd': load it with PyTorch and save it again without extensions, record u"),
    "no storage": (lambda m, f: m.storage_data.pop(MetadataIndex("u", (0,))), AT + "has no storage_data for a chunk, record u"),
    "no value": (lambda m, f: m.storage_data.pop(MetadataIndex("step")), AT + "has no storage_data for a value, record step"),
    "unlisted": (lambda m, f: m.storage_data.__setitem__(MetadataIndex("v"), _StorageInfo("__0_0.distcp", 0, 0)), AT + "has storage_data for something that its state_dict_metadata does not list, record v"),
    "dtype": (replaced(torch.zeros(3, dtype=torch.float64)), "/__0_0.distcp: holds a chunk of dtype float64, but .metadata says int64, record u, offset 4415"),
    "shape": (replaced(torch.arange(4)), "/__0_0.distcp: holds a chunk of shape [4], but .metadata says [3], record u, offset 4415"),
    "view": (replaced(torch.arange(6)[::2]), "/__0_0.distcp: holds a chunk that is a view of another storage, record u, offset 4415"),
    "no tensor": (replaced({"u": torch.arange(3)}), "/__0_0.distcp: holds <class 'dict'> instead of a chunk of a tensor, record u, offset 4415"),
    "junk": (replaced(b"x" * 1000), "/__0_0.distcp: in the part from 4415 to 5415, u: is not a checkpoint: it is neither a zip archive, an old torch.save file nor safetensors"),
    "cut chunk": (replaced(archive(torch.arange(3))[:-30]), "/__0_0.distcp: in the part from 4415 to 5962, u: is cut off: 30 bytes are missing at its end"),
    "damaged chunk": (replaced(flipped()), f"/__0_0.distcp: has bytes that do not match their CRC-32: the file is damaged, record u, offset {4415 + flipped_at()}"),
    "sparse": (on("u", lambda u: setattr(u.properties, "layout", torch.sparse_coo)), AT + "has a tensor of layout torch.sparse_coo, which is not dense, record u"),
    "quantised": (on("u", lambda u: setattr(u.properties, "dtype", torch.quint8)), AT + "has a tensor of dtype torch.quint8, which is not dense, record u"),
    "no entry": (lambda m, f: m.state_dict_metadata.__setitem__("v", 3), AT + "has state_dict_metadata that describes neither a tensor nor bytes, record v"),
    "number key": (lambda m, f: m.state_dict_metadata.__setitem__(5, BytesStorageMetadata()), AT + "has state_dict_metadata with a name that is not a str"),
    "no dict": (lambda m, f: setattr(m, "storage_data", [1]), AT + "has no storage_data"),
    "planner": (lambda m, f: setattr(m, "planner_data", "x"), AT + "has planner_data that is not a dict"),
    "version": (lambda m, f: setattr(m, "version", "2.0"), AT + "is of version 2.0; version 1 is read here"),
    "path twice": (path("u", "model", "t"), AT + "has a path that another value already uses, record u"),
    "path through": (path("u", "model", "t", "x"), AT + "has a path that another value already uses, record u"),
    "path onto": (path("u", "model"), AT + "has a path that another value already uses, record u"),
    "path mixed": (path("u", "model", 1), AT + "has a path that uses a dict as a list or a list as a dict, record u"),
    "path far": (path("u", "list", 2**40), AT + "has a path to a position far behind the end of its list, record u"),
    "path negative": (path("u", "list", -1), AT + "has a path with a negative position, record u"),
    "path empty": (path("u", ()), AT + "has an empty path, record u"),
    "path float": (path("u", (1.5,)), AT + "has a path with an element that is neither str nor int, record u"),
    "path number": (path("u", 7.5), AT + "has a path that is not a tuple, record u"),
    "value": (lambda m, f: (replace_value(m, f, archive(bad_value("1")))), "/__0_0.distcp: in the part from 4415 to {end}, step: " + blocked("builtins.eval") + ", record data.pkl, offset 2: do not trust this file"),
}  # fmt: skip


def replace_value(metadata, files, data):
    place = info(metadata, "step")
    place.offset, place.length = len(files[0]), len(data)
    files[0] += data


# The bytes of .metadata, the line.
PICKLES = {
    "eval": (pickle.dumps(Metadata({}, None, {}, bad_value("1"), "1.0.0"), protocol=4), blocked("builtins.eval")),
    "system": (pickle.dumps(Metadata({}, None, {}, os.system, "1.0.0"), protocol=4), blocked("posix.system")),
    "other class": (pickle.dumps(Metadata({}, None, {}, torch.nn.Linear, "1.0.0"), protocol=4), forbidden("torch.nn.modules.linear.Linear")),
    "planner class": (pickle.dumps(Metadata({}, torch.distributed.checkpoint.DefaultSavePlanner, {}, None, "1.0.0"), protocol=4), forbidden("torch.distributed.checkpoint.default_planner.DefaultSavePlanner")),
    "not metadata": (pickle.dumps(TensorProperties(), protocol=4), "is a pickle, but not the .metadata of a distributed checkpoint"),
    "persistent": (b"\x80\x04\x8c\x25torch.distributed.checkpoint.metadata\x8c\x08Metadata\x93)\x85Q.", "has a persistent id in a .metadata, which holds no tensors, offset 54"),
    "pickle behind": (pickle.dumps(whole()[0], protocol=4) + b"xy", "has 2 bytes behind its pickle"),
}  # fmt: skip


def main(directory):
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    expected = {}

    def make(case):
        os.makedirs(os.path.join(directory, case))
        return lambda name, data: open(os.path.join(directory, case, name), "wb").write(data)

    def write_sharded(case, text, parts):
        write = make(case)
        write(INDEX, text.encode())
        parts = dict(parts)
        binary = parts.pop("bin", False)
        for name, part in parts.items():
            write(name, archive(part) if binary else safetensors.torch.save(part))

    def write_dcp(case, metadata, files):
        write = make(case)
        write(".metadata", metadata if isinstance(metadata, bytes) else pickle.dumps(metadata, protocol=4))
        for number, data in enumerate(files):
            write(f"__{number}_0.distcp", data)

    write_sharded("right_sharded", index(), shards())
    write_dcp("right_dcp", *whole())
    for name, (text, parts, line) in SHARDED.items():
        case = "sharded_" + name.replace(" ", "_")
        write_sharded(case, text, parts)
        expected[case] = f"DIR/{case}{line}".replace("{index}", INDEX)
    for name, (change, line) in DCP.items():
        case = "dcp_" + name.replace(" ", "_")
        metadata, files = whole()
        change(metadata, files)
        write_dcp(case, metadata, files)
        if name == "same bytes":
            line = "/__0_0.distcp: holds two parts of the checkpoint in the same bytes, record u, offset 0"
        expected[case] = f"DIR/{case}{line}".replace("{end}", str(len(files[0]))).replace("{index}", ".metadata")
    for name, (data, sentence) in PICKLES.items():
        case = "metadata_" + name.replace(" ", "_")
        write_dcp(case, data, whole()[1])
        # Where the name stands that is refused.
        at = re.search(rb"(eval|system|Linear|DefaultSavePlanner)\x94(?=\x93)", data)
        advice = ": do not trust this file" if "never read" in sentence else ""
        expected[case] = f"DIR/{case}{AT}{sentence}" + (f", offset {at.end()}" if at else "") + advice

    several = {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(4), "step": 3}
    for case, state_dict in {"one": {"a": several["a"]}, "several": several}.items():
        offset = write_by_safetensors(os.path.join(directory, "by_safetensors_" + case), state_dict)
        expected["by_safetensors_" + case] = (
            f"DIR/by_safetensors_{case}/__0_0.distcp: holds tensors as SerializationFormat.SAFETENSORS writes them, which PyTorch's FileSystemReader "
            f"does not read either: save the checkpoint without it, record {'a' if case == 'one' else 'b'}, offset {offset}"
        )

    expected["right_dcp/__0_0.distcp"] = "DIR/right_dcp/__0_0.distcp: is one part of a distributed checkpoint: name its folder, or the .metadata in it"
    make("empty")
    expected["empty"] = (
        "DIR/empty: is a folder without a checkpoint: name a checkpoint file, or a folder that holds one of pytorch_model.bin, .metadata, "
        "*.safetensors.index.json, *.bin.index.json, model.safetensors"
    )
    for case, names in {"one_of_several": ("a.ckpt", "b.pth", "notes.txt"), "many": [f"epoch_{i:02}.pth" for i in range(20)], "alone": ("last.ckpt",)}.items():
        write = make(case)
        for name in names:
            write(name, b"x")
    os.makedirs(os.path.join(directory, "runs", "checkpoint-1000"))
    os.makedirs(os.path.join(directory, "runs", "checkpoint-500"))
    os.makedirs(os.path.join(directory, "runs", "logs"))
    for run in ("checkpoint-1000", "checkpoint-500"):
        with open(os.path.join(directory, "runs", run, "model.safetensors"), "wb") as file:
            file.write(b"x")
    several = "is a folder with several checkpoints: name one of "
    expected["one_of_several"] = "DIR/one_of_several: " + several + "a.ckpt and b.pth"
    expected["many"] = "DIR/many: " + several + ", ".join(f"epoch_{i:02}.pth" for i in range(12)) + " and 8 more"
    expected["alone"] = "DIR/alone: is a folder: name the checkpoint in it, last.ckpt"
    expected["runs"] = "DIR/runs: " + several + "checkpoint-1000 and checkpoint-500"
    write_sharded("both", index(), shards())
    with open(os.path.join(directory, "both", ".metadata"), "wb") as file:
        file.write(b"x")
    expected["both"] = f"DIR/both: is a folder with several checkpoints: name one of .metadata and {INDEX}"
    write_sharded("fifo", index({"a": "fifo", "b": B}), shards())
    os.mkfifo(os.path.join(directory, "fifo", "fifo"))
    expected["fifo"] = "DIR/fifo/fifo: is a FIFO; a checkpoint must be a regular file" + LISTED.format(index=INDEX)
    write_sharded("shard_folder", index({"a": "folder", "b": B}), shards())
    os.mkdir(os.path.join(directory, "shard_folder", "folder"))
    expected["shard_folder"] = "DIR/shard_folder/folder: is a directory, not a checkpoint file" + LISTED.format(index=INDEX)
    write_sharded("huge_index", "{" + " " * 10, shards())
    os.truncate(os.path.join(directory, "huge_index", INDEX), 100_000_001)
    expected["huge_index"] = f"DIR/huge_index/{INDEX}: has an index of more than 100,000,000 bytes"

    with open(os.path.join(directory, "expected.json"), "w") as file:
        json.dump(expected, file)


if __name__ == "__main__":
    main(sys.argv[1])
