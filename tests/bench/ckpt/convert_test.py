"""`ckpt convert` against the safetensors package: every format in, the same bytes out; a refused conversion leaves nothing."""
import collections
import json
import os
import resource
import struct
import subprocess

import safetensors
import safetensors.torch
import torch
import torch.distributed.checkpoint as dcp
from torch import nn

import support

DTYPES = (
    "bool uint8 int8 int16 int32 int64 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64 "
    "float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2"
).split()


def of_dtype(name):
    dtype = getattr(torch, name)
    size = torch.empty(0, dtype=dtype).element_size()
    raw = torch.arange(6 * size, dtype=torch.uint8) * 37 % (2 if name == "bool" else 251)
    return raw.view(dtype).reshape(2, 3)


def header(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(length))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(7, 4)
        self.lm_head = nn.Linear(4, 7, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, x):
        return self.lm_head(self.wte(x))


class Convert(support.Case):
    def converted(self, path, *arguments):
        """The tensors of the file that convert makes of `path`, and convert's report."""
        out = self.folder / "out.safetensors"
        report = self.json("convert", path, out, *arguments)
        self.assertEqual(sorted(os.listdir(self.folder / "in") if (self.folder / "in").exists() else []), self.inputs)
        return safetensors.torch.load_file(out), report

    def setUp(self):
        super().setUp()
        self.inputs = []
        self.out = self.folder / "out.safetensors"

    def test_leaves_no_weight_out(self):
        advice = "; make it a dense tensor with values in Python first\n"
        weights = {
            "quantised": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
            "meta": torch.empty(2, device="meta"),
            "sparse": torch.eye(2).to_sparse(),
        }
        for name, weight in weights.items():
            path = self.save({"bias": torch.ones(1), "weight": weight}, f"{name}.pth")
            code, out, err = self.ckpt("convert", path, self.out)
            self.assertEqual((code, out), (2, ""), name)
            self.assertTrue(err.startswith(f"ckpt: {path}: has a tensor at its top level that safetensors cannot hold, weight: "), err)
            self.assertTrue(err.endswith(advice), err)
            self.assertFalse(self.out.exists())
        path = self.save({"epoch": 3}, "values.pth")
        self.assertEqual(self.ckpt("convert", path, self.out),
                         (2, "", f"ckpt: {path}: has no tensors at its top level: there is nothing to convert; name another key\n"))
        self.assertFalse(self.out.exists())

    def assert_same(self, got, wanted):
        self.assertEqual({k: (v.dtype, v.shape, support.digest(v)) for k, v in got.items()},
                         {k: (v.dtype, v.shape, support.digest(v)) for k, v in wanted.items()})

    def test_every_dtype_and_view(self):
        base = torch.arange(24.0)
        state = {name: of_dtype(name) for name in DTYPES} | {
            "scalar": torch.tensor(2.5), "empty": torch.empty(0, 3), "transposed": base.view(4, 6).t(), "expanded": base[:1].expand(5),
            "strided": base[::5], "conj": torch.arange(3.0).mul(1 + 2j).conj(),
            "imag": torch.arange(3.0).mul(1 + 2j).conj().imag, "nan": torch.tensor([float("nan"), -0.0, float("inf")]),
            'é "quoted"\n': torch.ones(1),
        }  # fmt: skip
        for how in ({}, {"_use_new_zipfile_serialization": False}):
            got, report = self.converted(self.save(state, **how))
            self.assert_same(got, state)
            self.assertEqual((report["tensors"], report["left_out"]), (len(state), []))
            self.assertEqual({a["name"]: (a["of"], a["equal"], a["written"]) for a in report["aliases"]},
                             {"strided": ("expanded", False, True), "transposed": ("strided", False, True)})

    def test_the_bytes_are_those_of_the_package(self):
        state = {name: of_dtype(name) for name in DTYPES}
        self.json("convert", self.save(state), self.out)
        theirs = self.folder / "theirs.safetensors"
        safetensors.torch.save_file(state, theirs, metadata={"format": "pt"})
        self.assertEqual(self.out.read_bytes(), theirs.read_bytes())

    def test_every_format(self):
        torch.manual_seed(0)
        model = support.LinearModel(10, 2).eval()
        wanted, example = dict(model.state_dict()), (torch.ones(1, 10),)
        files = {name: self.folder / name for name in ("scripted.pt", "model.pt2", "one.safetensors", "dcp", "shards")}
        torch.jit.script(model).save(str(files["scripted.pt"]))
        torch.export.save(torch.export.export(model, example), str(files["model.pt2"]))
        safetensors.torch.save_file(wanted, files["one.safetensors"], metadata={"who": "me"})
        dcp.save(wanted, checkpoint_id=files["dcp"], no_dist=True)
        files["shards"].mkdir()
        for i, (key, tensor) in enumerate(wanted.items()):
            safetensors.torch.save_file({key: tensor}, files["shards"] / f"{i}.safetensors")
        index = {"metadata": {}, "weight_map": {key: f"{i}.safetensors" for i, key in enumerate(wanted)}}
        (files["shards"] / "model.safetensors.index.json").write_text(json.dumps(index))
        files["zip.pth"] = self.save(model.state_dict(), "zip.pth")
        files["old.pth"] = self.save(model.state_dict(), "old.pth", _use_new_zipfile_serialization=False)
        files["whole.pth"] = self.save(model, "whole.pth")
        for name, path in files.items():
            with self.subTest(name):
                got, report = self.converted(path, *(["--opaque"] if name == "whole.pth" else []))
                self.assert_same(got, wanted)
                self.assertEqual(report["aliases"], [])
                self.assertEqual(header(self.out)["__metadata__"], {"format": "pt"} | ({"who": "me"} if name == "one.safetensors" else {}))
                loaded = self.json("load", self.out, "--model", "linear")
                self.assertEqual((loaded["missing_keys"], loaded["unexpected_keys"], loaded["errors"]), ([], [], []))
                self.succeeds("diff", self.out, files["one.safetensors"])

    def test_tied_weights(self):
        model = Tied()
        path = self.save(model.state_dict())
        got, report = self.converted(path)
        self.assert_same(got, model.state_dict())
        alias = {"name": "wte.weight", "of": "lm_head.weight", "equal": True}
        self.assertEqual((report["aliases"], report["left_out"]), ([alias | {"written": True}], ["_metadata"]))
        Tied().load_state_dict(got)
        got, report = self.converted(path, "--aliases", "once")
        self.assertEqual((list(got), report["aliases"], report["tensors"]), (["lm_head.weight"], [alias | {"written": False}], 1))
        theirs = self.folder / "theirs.safetensors"
        safetensors.torch.save_model(model, str(theirs), metadata={"format": "pt"})
        # The package writes __metadata__ in a different order each time.
        self.assertEqual(header(self.out), header(theirs))
        self.assert_same(got, safetensors.torch.load_file(theirs))
        other = Tied()
        self.assertEqual(safetensors.torch.load_model(other, str(self.out)), (set(), []))
        self.assertTrue(torch.equal(other.wte.weight, model.wte.weight))

    def test_the_text(self):
        state = collections.OrderedDict(a=torch.zeros(2), step=3)
        state["b"] = state["a"]
        path = self.save({"model": state, "epoch": 1})
        out = self.succeeds("convert", path, self.out, "--key", "model").splitlines()
        self.assertEqual(out[:-1], [
            f"file      {path}, zip",
            f"output    {self.out}",
            "tensors   2, 16 bytes, each read back from the output and equal",
            "aliases   b is a, written apart",
            "left out  step: no tensors",
        ])  # fmt: skip
        self.assertRegex(out[-1], r"^seconds   \d+\.\d\d$")

    def test_one_state_dict_at_a_time(self):
        nested = self.save({"model": {"w": torch.ones(1)}, "ema": {"shadow": {"w": torch.ones(1)}}, "epoch": 1}, "nested.pth")
        self.refuses(f"ckpt: {nested}: has no tensor of its own at its top level; one state dict is written at a time: "
                     "--key model or --key ema.shadow", "convert", nested, self.out)
        self.refuses(f"ckpt: {nested}: has no tensor of its own under ema; one state dict is written at a time: --key ema.shadow",
                     "convert", nested, self.out, "--key", "ema")
        mixed = self.save({"w": torch.ones(1), "more": [torch.ones(2)]}, "mixed.pth")
        self.refuses(f"ckpt: {mixed}: has more tensors below those at its top level, and a safetensors file holds one dict of "
                     "tensors: take its values out in Python",
                     "convert", mixed, self.out)
        self.assertFalse(self.out.exists())

    def test_a_key_behind_the_file(self):
        path = self.save({"model": {"w": torch.ones(3)}, "epoch": 1})
        got, report = self.converted(f"{path}::model")
        self.assert_same(got, {"w": torch.ones(3)})
        self.assertEqual((report["file"], report["key"]), (str(path), "model"))

    def test_prefix(self):
        net = torch.nn.DataParallel(torch.nn.Linear(2, 3))
        path = self.save({"state_dict": net.state_dict()})
        self.assert_same(self.converted(path, "--key", "state_dict", "--prefix", "module.")[0], net.module.state_dict())
        self.refuses(f"ckpt: {path}: the prefix \"modul.\" is in none of the 2 keys under state_dict; the first is module.weight",
                     "convert", path, self.out, "--key", "state_dict", "--prefix", "modul.")

    def test_a_training_checkpoint_names_its_model_and_not_the_optimizers_moments(self):
        model = torch.nn.Linear(2, 3)
        optimizer = torch.optim.Adam(model.parameters())
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        path = self.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()})
        self.refuses(f"ckpt: {path}: has no tensor of its own at its top level; one state dict is written at a time: --key model", "convert", path, self.out)

    def test_what_the_format_cannot_hold(self):
        for name, state, words in (
            ("wide.pth", {"w": torch.ones(1, dtype=torch.complex128)}, "safetensors has no dtype for w, which is complex128"),
            ("number.pth", {3: torch.ones(1)}, "has a tensor at its top level whose key is not text: 3"),
            ("reserved.pth", {"__metadata__": torch.ones(1)}, "a tensor cannot be named __metadata__ in safetensors"),
            ("surrogate.pth", {"\ud800": torch.ones(1)}, "a name is not Unicode text, which safetensors requires"),
            ("list.pth", [torch.ones(1)], "has no state dict at its top level, but <list of 1>"),
        ):
            path = self.save(state, name)
            self.refuses(f"ckpt: {path}: {words}", "convert", path, self.out)
        self.assertFalse(self.out.exists())

    def test_nothing_is_left_of_a_file_that_could_not_be_written(self):
        path = self.save({"w": torch.ones(1 << 20)})
        self.refuses(f"ckpt: {self.folder}/no/out.safetensors: cannot be written: No such file or directory", "convert", path, self.folder / "no/out.safetensors")
        self.refuses(f"ckpt: {self.folder}: cannot be written: Is a directory", "convert", path, self.folder)
        self.refuses(f"ckpt: {path}: is the checkpoint itself; name another file to write", "convert", path, path)
        self.out.write_text("before")

        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

        done = subprocess.run([support.CKPT, "convert", path, self.out], capture_output=True, text=True, preexec_fn=small_files)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (2, "", f"ckpt: {self.out}: cannot be written: File too large\n"))
        self.assertEqual((self.out.read_text(), sorted(os.listdir(self.folder))), ("before", ["file.pth", "out.safetensors"]))

    def test_a_flipped_bit_is_not_converted(self):
        path = self.save({"w": torch.arange(1000.0)})
        data = bytearray(path.read_bytes())
        data[data.index(torch.arange(1000.0).numpy().tobytes()) + 100] ^= 1
        path.write_bytes(data)
        code, out, err = self.ckpt("convert", path, self.out)
        self.assertEqual((code, out, len(err.splitlines()), self.out.exists()), (2, "", 1, False))
        self.assertIn("CRC", err)


if __name__ == "__main__":
    support.main()
