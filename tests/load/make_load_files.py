"""Writes checkpoints that make load paths fall back or fail. Usage: make_load_files.py FOLDER"""
import sys
import zipfile
from pathlib import Path

import torch

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
a = torch.arange(20, dtype=torch.float32).view(4, 5) / 7
b = torch.arange(6, dtype=torch.float32) - 2.5

torch.save({"a": a, "b": b}, folder / "plain.pth")
torch.save({"weights": {"a": a, "b": b}}, folder / "nested.pth")
torch.save({"a": a, "b": b}, folder / "legacy.pth", _use_new_zipfile_serialization=False)
torch.save({"a": a, "b": b}, folder / "protocol_3.pth", pickle_protocol=3)
torch.save({"a": torch.cat([a.flatten(), torch.zeros(3000)])[:20].view(4, 5), "b": b}, folder / "wide.pth")
torch.save({"a": a.double(), "b": b}, folder / "dtype.pth")
torch.save({"a": a.t().contiguous().t(), "b": b}, folder / "strided.pth")
whole = torch.cat([b, a.flatten()])
torch.save({"a": whole[6:].view(4, 5), "b": whole[:6]}, folder / "slices.pth")
torch.save({"a": a, "b": b, "c": torch.zeros(3)}, folder / "unexpected.pth")
torch.save({"a": a, "b": b[:5].clone()}, folder / "shape.pth")
# Two names of one tensor of the module. In some files a path takes one of the two in another way than the other.
one, two = torch.ones(6), torch.full((6,), 2.0)
torch.save({"a": one, "other.b": two}, folder / "names.pth")
torch.save({"a": one, "other.b": two.double()}, folder / "names_dtype.pth")
torch.save({"a": one.double(), "other.b": two}, folder / "names_other_dtype.pth")
torch.save({"a": one, "other.b": torch.full((6, 2), 2.0)[:, 0]}, folder / "names_strided.pth")
negated = torch.complex(torch.zeros(6), -two).conj().imag
assert negated.is_neg() and torch.equal(negated, two)
torch.save({"a": one, "other.b": negated}, folder / "names_negated.pth")
# Slices of one storage, of which the module takes one in another way than the other: b is of another dtype there.
slices = torch.arange(12, dtype=torch.float32) + 1
torch.save({"big": torch.ones(1000), "a": slices[:6], "b": slices[6:]}, folder / "mixed.pth")
channels_last = torch.empty_strided((4, 6, 1, 1), (6, 1, 6, 6)).copy_(torch.arange(24.0).view(4, 6, 1, 1))
assert channels_last.is_contiguous()
torch.save({"weight": channels_last}, folder / "channels_last.pth")
both = torch.ones(8)
torch.save({"a": torch.full((4, 5), 3.0), "b": both[:6], "tied": both[:6]}, folder / "tied.pth")

with zipfile.ZipFile(folder / "plain.pth") as source, zipfile.ZipFile(folder / "deflated.pth", "w", zipfile.ZIP_DEFLATED) as target:
    for name in source.namelist():
        target.writestr(name, source.read(name))

(folder / "cut.pth").write_bytes((folder / "plain.pth").read_bytes()[:-200])

# A bit of b's storage, which comes after a's, is flipped: its CRC-32 is now wrong.
data = bytearray((folder / "plain.pth").read_bytes())
data[bytes(data).index(b.numpy().tobytes())] ^= 1
(folder / "corrupt.pth").write_bytes(data)
