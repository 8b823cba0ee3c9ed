"""Writes checkpoints with every feature that the reader claims, and what torch.load itself makes of each.

    python make_corpus.py DIRECTORY

DIRECTORY/expected.json: per file its format and byte order, every tensor (path, dtype, shape, stride, SHA-256 of the
elements in row-major order, little-endian, conjugation and negation resolved; which tensors share a storage) and every
other value (path, type, repr).
"""

import collections
import hashlib
import json
import os
import shutil
import struct
import sys
import warnings
import zipfile

import torch
from torch.nn import Parameter

warnings.filterwarnings("ignore")
DENSE = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "bfloat16", "float32", "float64",
    "complex32", "complex64", "complex128", "bcomplex32", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz",
    "float8_e8m0fnu", "float4_e2m1fn_x2",
]  # fmt: skip


def of_dtype(name, count=6, seed=0):
    dtype = getattr(torch, name)
    generator = torch.Generator().manual_seed(seed)
    raw = torch.randint(0, 256, (count * dtype.itemsize,), dtype=torch.uint8, generator=generator)
    return (raw % 2).view(torch.bool) if name == "bool" else raw.view(dtype)


def dtypes():
    return collections.OrderedDict((n, of_dtype(n).reshape(2, 3)) for n in DENSE if hasattr(torch, n))


def views():
    base = torch.arange(60, dtype=torch.float32)
    return {
        "base": base, "slice": base[3:7], "transposed": base[:12].view(3, 4).t(), "strided": base[::7], "expanded": base[5].expand(2, 3),
        "channels_last": torch.arange(24.0).view(1, 2, 3, 4).to(memory_format=torch.channels_last), "scalar": torch.tensor(2.5),
        "empty": torch.empty(0), "empty2": torch.empty(3, 0, 2), "same": base, "overlapping": base.as_strided((4, 3), (1, 2), 4),
        "flipped": base.view(5, 12).permute(1, 0)[::3],
    }  # fmt: skip


def bits():
    z = torch.tensor([[1 + 2j, 3 - 4j], [0 + 1j, -1 - 1j]], dtype=torch.complex64)
    return {"z": z, "conj": z.conj(), "neg": z.clone().conj().imag, "both": z.t().conj(), "c128": z.to(torch.complex128).conj(),
            "neg64": z.to(torch.complex128).conj().imag[0]}  # fmt: skip


def values():
    shared = [1, 2]
    return {
        "none": None, "true": True, "false": False, "int": 7, "negative": -129, "big": 2**40, "min64": -(2**63), "max64": 2**63 - 1,
        "huge": 2**64, "huger": -(3**300), "float": 0.1, "inf": float("inf"), "nan": float("nan"), "tiny": 1e-300, "large": 1e22,
        "complex": 1.5 - 2j, "text": "text", "unicode": "Schlüssel \u2713 \U0001f525", "newline": "a\nb", "empty": "", "bytes": b"\x00\xff\x80raw",
        "bytearray": bytearray(b"\x01\x02"), "list": [1, [2, [3, []]]], "tuple": (1, ("a", ()), (1, 2, 3, 4)), "set": {1, "x"},
        "size": torch.Size([2, 3]), "device": torch.device("cpu"), "device0": torch.device("cuda", 1), "dtype": torch.float16, "layout": torch.strided,
        "counter": collections.Counter("abca"), "ordered": collections.OrderedDict([("z", 1), ("a", 2)]), 5: "integer key", (1, 2): "tuple key",
        None: "None key", True: "bool key", 2.5: "float key", "a.b.c": {"dotted.key": 1}, "": "empty key", "shared": [shared, shared],
        "long text": "x" * 300, "many": list(range(2000)), "nested": {str(i): {"i": i} for i in range(300)},
    }  # fmt: skip


def training():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model(torch.randn(5, 4)).sum().backward()
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 10)
    return {"model_state_dict": model.state_dict(), "optimizer_state_dict": optimizer.state_dict(), "scheduler": scheduler.state_dict(),
            "epoch": 12, "loss": 0.25, "rng": torch.get_rng_state()}  # fmt: skip


def parameters():
    torch.manual_seed(0)
    weight = Parameter(torch.randn(3, 2))
    frozen = Parameter(torch.randn(2), requires_grad=False)
    with_state = Parameter(torch.ones(2))
    with_state.note = "kept"
    tagged = torch.zeros(3)
    tagged.tag = 5
    module = torch.nn.Linear(2, 3)
    return {"weight": weight, "frozen": frozen, "tied": weight, "with_state": with_state, "tagged": tagged, "grad": torch.ones(2, requires_grad=True),
            "kept": module.state_dict(keep_vars=True)}  # fmt: skip


def cycle():
    outer = [1]
    outer.append(outer)
    table = {"list": outer}
    table["self"] = table
    return table


CASES = {f.__name__: f for f in (dtypes, views, bits, values, training, parameters)}
CASES["tensor"] = lambda: torch.arange(5)
CASES["list"] = lambda: [torch.arange(3), (torch.zeros(1), {"x": torch.ones(2)})]
CASES["int"] = lambda: 42


def digest(tensor):
    tensor = tensor.detach().resolve_conj().resolve_neg().contiguous()
    raw = tensor.reshape(-1).view(torch.uint8) if tensor.numel() else torch.empty(0, dtype=torch.uint8)
    return hashlib.sha256(raw.numpy().tobytes()).hexdigest()


def describe(root):
    tensors, leaves, storages = [], [], {}

    def walk(value, path, inside):
        if isinstance(value, torch.Tensor):
            group = storages.setdefault(value.untyped_storage().data_ptr(), len(storages)) if value.untyped_storage().nbytes() else -1
            tensors.append({
                "path": path, "dtype": str(value.dtype)[6:], "shape": list(value.shape), "stride": list(value.stride()), "group": group,
                "storage_offset": value.storage_offset(), "requires_grad": value.requires_grad, "parameter": isinstance(value, Parameter),
                "sha256": digest(value),
            })  # fmt: skip
        elif id(value) in inside:
            leaves.append([path, str(type(value)), "<inside itself>"])
        elif isinstance(value, dict):
            leaves.append([path, str(type(value)), f"<{len(value)}>"])
            for key, item in value.items():
                walk(item, path + [str(key)], inside | {id(value)})
            if getattr(value, "_metadata", None) is not None:
                leaves.append([path + ["_metadata"], str(type(value._metadata)), ",".join(value._metadata)])
        elif isinstance(value, (list, tuple)):
            leaves.append([path, str(type(value)), f"<{len(value)}>"])
            for i, item in enumerate(value):
                walk(item, path + [str(i)], inside | {id(value)})
        elif isinstance(value, (set, frozenset)):
            leaves.append([path, str(type(value)), ",".join(sorted(map(repr, value)))])
        elif isinstance(value, (str, bytes, bytearray)) and len(value) > 200:
            leaves.append([path, str(type(value)), f"<{type(value).__name__} of {len(value)}>"])
        elif isinstance(value, torch.device):
            leaves.append([path, str(type(value)), str(value)])
        else:
            leaves.append([path, str(type(value)), repr(value)])

    walk(root, [], frozenset())
    return {"tensors": tensors, "values": leaves}


def load(path):
    try:
        return torch.load(path, weights_only=True)
    except Exception:  # protocols 3 to 5: torch.load's restricted unpickler knows 2 alone
        return torch.load(path, weights_only=False)


def rewrite(source, target, change=None, compression=zipfile.ZIP_STORED, skip=()):
    """Copies a zip checkpoint with Python's zipfile; `change(name, data)` gives the new bytes."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for info in old.infolist():
            inner = info.filename.split("/", 1)[1]
            if inner not in skip:
                data = old.read(info)
                new.writestr(info.filename, change(inner, data) if change else data)


def swapped(source, units, target):
    """The file as a big-endian machine would have written it. units: bytes that reverse together, by storage."""

    def change(name, data):
        if name == "byteorder":
            return b"big"
        if not name.startswith("data/"):
            return data
        unit = units[int(name.split("/")[1])]
        return b"".join(data[i : i + unit][::-1] for i in range(0, len(data), unit))

    rewrite(source, target, change)


def main(directory):
    os.makedirs(directory, exist_ok=True)
    expected = {}

    def add(name, form, wanted=None, byteorder="little"):
        path = os.path.join(directory, name)
        entry = describe(load(path) if wanted is None else wanted)
        entry.update(format=form, byteorder=byteorder)
        expected[name] = entry

    for case, make in CASES.items():
        for form, zipped in (("zip", True), ("legacy", False)):
            for protocol in (1, 2, 3, 4, 5):
                name = f"{case}.{form}.p{protocol}.pth"
                path = os.path.join(directory, name)
                torch.save(make(), path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
                # What PyTorch itself writes and cannot read back: v3 tensors in the legacy format.
                add(name, form, wanted=make() if (case, form) == ("dtypes", "legacy") else None)
    for name, value in (("int", 42), ("values", {k: v for k, v in values().items() if k != "layout"})):
        torch.save(value, os.path.join(directory, f"{name}.zip.p0.pth"), pickle_protocol=0)
        add(f"{name}.zip.p0.pth", "zip")

    def path(name):
        return os.path.join(directory, name)

    torch.save(cycle(), path("cycle.pth"))
    add("cycle.pth", "zip")
    deep = None
    for _ in range(400):
        deep = [deep]
    torch.save(deep, path("deep.pth"))
    add("deep.pth", "zip")

    plain = path("training.zip.p2.pth")
    shutil.copy(plain, path("renamed to something else"))
    add("renamed to something else", "zip")
    rewrite(plain, path("deflated.pth"), compression=zipfile.ZIP_DEFLATED)
    add("deflated.pth", "zip")
    rewrite(plain, path("old.pth"), skip=(".format_version", ".storage_alignment", "byteorder", ".data/serialization_id"))
    add("old.pth", "zip")
    torch.serialization.set_crc32_options(False)
    torch.save(training(), path("nocrc.pth"))
    torch.serialization.set_crc32_options(True)
    add("nocrc.pth", "zip")
    from torch.utils.serialization import config

    config.save.storage_alignment = 4096
    torch.save(training(), path("aligned.pth"))
    config.save.storage_alignment = 64
    add("aligned.pth", "zip")

    table = dtypes()
    halves = [t.dtype.itemsize // 2 if t.dtype.is_complex else t.dtype.itemsize for t in table.values()]
    swapped(path("dtypes.zip.p2.pth"), halves, path("big.pth"))
    add("big.pth", "zip", wanted=table, byteorder="big")
    # PyTorch itself swaps storages of a type of their own, and leaves those of v3 tensors as they are.
    loaded = torch.load(path("big.pth"), weights_only=True)
    assert all(torch.equal(loaded[n].view(torch.uint8), table[n].view(torch.uint8)) for n in ("int16", "int64", "float32", "complex64"))
    swapped(path("views.zip.p2.pth"), [4] * 99, path("bigviews.pth"))
    add("bigviews.pth", "zip", wanted=load(path("views.zip.p2.pth")), byteorder="big")

    odd = {
        "coo": torch.sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 2.0], (2, 2)), "csr": torch.eye(2).to_sparse_csr(),
        "quantized": torch.quantize_per_tensor(torch.ones(4), 0.1, 3, torch.quint8), "meta": torch.empty(3, device="meta"),
        "storage": torch.arange(3.0).storage(), "untyped": torch.arange(3.0).untyped_storage(),
    }  # fmt: skip
    torch.save(odd, path("odd.pth"))

    # A record of more than 4 GiB, and one behind it. skip_data leaves a hole in place of the bytes.
    huge = torch.empty((1 << 30) + 16, dtype=torch.float32)
    with torch.serialization.skip_data():
        torch.save({"before": torch.empty(4), "huge": huge, "behind": torch.empty(5)}, path("zip64.pth"))
    offsets = [torch._C.PyTorchFileReader(path("zip64.pth")).get_record_offset(f"data/{i}") for i in range(3)]
    with open(path("zip64.pth"), "r+b") as file:
        for offset in (offsets[0], offsets[1] + huge.nbytes - 16, offsets[2]):
            file.seek(offset)
            file.write(torch.arange(4.0).numpy().tobytes())
    mapped = torch.load(path("zip64.pth"), mmap=True)
    assert mapped["huge"][-1] == 3 and mapped["behind"].tolist() == [0, 1, 2, 3, 0]
    with open(path("zip64.json"), "w") as file:
        json.dump(offsets, file)

    import safetensors.torch

    flat = {n: of_dtype(n).reshape(2, 3) for n in DENSE if n not in ("complex32", "complex128", "bcomplex32")}
    flat.update(scalar=torch.tensor(1.5), empty=torch.empty(2, 0, 3))
    safetensors.torch.save_file(flat, path("dtypes.safetensors"), metadata={"format": "pt", "note": "x"})
    ordered = safetensors.torch.load_file(path("dtypes.safetensors"))
    with open(path("dtypes.safetensors"), "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    names = sorted((n for n in header if n != "__metadata__"), key=lambda n: header[n]["data_offsets"])
    add("dtypes.safetensors", "safetensors", wanted={n: ordered[n] for n in names})

    # As some writers have it: no metadata, and yet the key.
    text = b'{"__metadata__":null,"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    with open(path("null_metadata.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + torch.arange(2.0).numpy().tobytes())
    wanted = safetensors.torch.load_file(path("null_metadata.safetensors"))
    assert torch.equal(torch.load(path("null_metadata.safetensors"))["a"], wanted["a"])
    add("null_metadata.safetensors", "safetensors", wanted=wanted)

    with open(path("expected.json"), "w") as file:
        json.dump(expected, file)


if __name__ == "__main__":
    main(sys.argv[1])
