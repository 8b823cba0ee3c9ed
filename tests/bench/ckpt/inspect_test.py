"""`ckpt inspect` against torch.load: every tensor and value of files that PyTorch writes."""
import base64
import collections
import json
import math
import subprocess
import time
import zipfile

import numpy as np
import torch
from torch import nn

import support

DTYPES = [
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32, torch.uint64,
    torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex32, torch.complex64, torch.complex128,
    torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.float8_e5m2, torch.float8_e5m2fnuz, torch.float8_e8m0fnu,
]
# The dtypes of the older container: PyTorch cannot read its own untyped storages there.
OLD_DTYPES = [
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32,
    torch.float64, torch.complex64, torch.complex128,
]


def of_dtype(dtype, count=24):
    """Elements of every byte value."""
    size = torch.empty(0, dtype=dtype).element_size()
    if dtype is torch.bool:
        return torch.arange(count) % 3 == 0
    raw = (torch.arange(count * size, dtype=torch.int64) * 37 % 256).to(torch.uint8)
    return raw.view(dtype).clone()


def trained():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    model(torch.randn(5, 4)).sum().backward()
    optimizer.step()
    return model, optimizer


def corpus():
    """Values by name. torch.save writes each in both containers."""
    model, optimizer = trained()
    base = torch.arange(24.0).reshape(4, 6)
    bias = torch.zeros(1000)
    return {
        "bare": model.state_dict(),
        "keep_vars": model.state_dict(keep_vars=True),
        "full": {"model_state_dict": model.state_dict(), "optimizer_state_dict": optimizer.state_dict(), "epoch": 7,
                 "loss": 0.125, "rng": torch.get_rng_state(), "note": None, "done": True},
        "deep": {"a": [{"b": ({"c": model.state_dict()}, torch.ones(2))}, [torch.zeros(1), 5]]},
        "integer_keys": {0: torch.ones(1), -3: {1: torch.zeros(2), True: 4}, "0x": torch.ones(2)},
        "tensor": torch.arange(5),
        "list": [torch.ones(1), (torch.zeros(2, 0), torch.tensor(3.5))],
        "views": {"whole": base, "t": base.t(), "slice": base[1:3, ::2], "expand": torch.ones(3, 1).expand(3, 4),
                  "row": base[2], "scalar": base[3, 5], "other": bias[990:]},
        "channels_last": torch.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "bits": {"conj": torch.tensor([1 + 2j, 3 - 4j]).conj(), "neg": torch.tensor([1 + 2j, 3 - 4j]).conj().imag},
        "twice": {"a": base, "b": base},
        "parameter": {"p": nn.Parameter(torch.ones(2, 2)), "frozen": nn.Parameter(torch.ones(1), requires_grad=False)},
        "empty": {}, "values": {"size": torch.Size([2, 3]), "dtype": torch.float16, "bytes": b"\x00\xff", "big": 2**70,
                                "negative": -(2**63), "nan": math.nan, "inf": -math.inf, "complex": 1 - 2j,
                                "set": {3}, "text": "é\n\x1b[31m\"\\", "tuple": (1, ()), "whole": 3.0, "tiny": 5e-324},
        "keys": {"": torch.ones(1), "a.b": torch.ones(2), "line\nbreak": torch.ones(3), "emoji 🙂": {"$x": 1, "$$y": 2}},
        "dtypes": {str(dtype): of_dtype(dtype) for dtype in DTYPES},
        "old_dtypes": {str(dtype): of_dtype(dtype) for dtype in OLD_DTYPES},
        "counter": collections.Counter("aab"),
    }


def walk(value, path=()):
    """Every tensor with its path, in the file's order."""
    if isinstance(value, torch.Tensor):
        yield list(path), value
    elif isinstance(value, dict):
        for key, inside in value.items():
            yield from walk(inside, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for position, inside in enumerate(value):
            yield from walk(inside, (*path, str(position)))


def as_json(value, order):
    """The documented JSON of a value; `order` maps a tensor's id to its index."""
    if isinstance(value, torch.Tensor):
        return {"$tensor": order[id(value)]}
    if isinstance(value, dict):
        return {("$" if str(key).startswith("$") else "") + str(key): as_json(inside, order)
                for key, inside in value.items() if not isinstance(inside, torch.Tensor)}
    if isinstance(value, (list, tuple)):
        return [as_json(inside, order) for inside in value]
    if isinstance(value, set):
        return {"$set": [as_json(inside, order) for inside in value]}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, torch.dtype):
        return {"$name": str(value)}
    if isinstance(value, complex):
        return {"$complex": [value.real, value.imag]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return {"$int": str(value)}
    return value


def typed(value):
    """The value with its types, so that 3, 3.0 and True differ."""
    if isinstance(value, dict):
        return {key: typed(inside) for key, inside in value.items()}
    if isinstance(value, list):
        return [typed(inside) for inside in value]
    return (type(value).__name__, value)


class Hparams:
    def __init__(self, **values):
        self.__dict__.update(values)


class Inspect(support.Case):
    def agrees(self, path):
        got = self.json("inspect", path, "--digest")
        loaded = torch.load(path, weights_only=True)
        wanted = list(walk(loaded))
        self.assertEqual(got["file"], str(path))
        self.assertEqual([entry["path"] for entry in got["tensors"]], [place for place, _ in wanted])
        storages = {}
        for entry, (_, tensor) in zip(got["tensors"], wanted):
            self.assertEqual(entry["dtype"], str(tensor.dtype).removeprefix("torch."), entry)
            self.assertEqual(entry["shape"], list(tensor.shape), entry)
            self.assertEqual(entry["stride"], list(tensor.stride()), entry)
            self.assertEqual(entry["storage_offset"], tensor.storage_offset(), entry)
            self.assertEqual(entry["nbytes"], tensor.numel() * tensor.element_size(), entry)
            self.assertEqual(entry["sha256"], support.digest(tensor), entry)
            self.assertEqual(entry.get("parameter", False), isinstance(tensor, nn.Parameter), entry)
            self.assertEqual(entry.get("conj", False), tensor.is_conj(), entry)
            self.assertEqual(entry.get("neg", False), tensor.is_neg(), entry)
            # One storage in the file is one storage in memory, and the other way round.
            if tensor.untyped_storage().nbytes():
                storages.setdefault(tensor.untyped_storage().data_ptr(), set()).add(entry["storage"])
        self.assertTrue(all(len(names) == 1 for names in storages.values()), storages)
        self.assertEqual(len(storages), len(set().union(*storages.values()) if storages else ()))
        order = {}
        for index, (_, tensor) in enumerate(wanted):
            order.setdefault(id(tensor), index)
        wanted_values = as_json(loaded, order)
        self.assertEqual(typed(got["values"]), typed(wanted_values))
        return got

    def test_views_of_a_compressed_storage_cost_the_whole_of_it(self):
        whole = torch.zeros(1 << 24)
        stored, deflated = self.save({str(i): whole[i : i + 1] for i in range(100)}, "stored.pth"), self.folder / "deflated.pth"
        with zipfile.ZipFile(stored) as source, zipfile.ZipFile(deflated, "w", zipfile.ZIP_DEFLATED) as target:
            for name in source.namelist():
                target.writestr(name, source.read(name))
        self.succeeds("inspect", stored, "--digest")
        self.succeeds("inspect", deflated)
        self.refuses(f"ckpt: {deflated}: has tensors that overlap: to read each takes 6.71e+09 bytes, 100 times those of their storages; name a "
                     "part of them as FILE::KEY", "inspect", deflated, "--digest")

    def test_corpus(self):
        for name, value in corpus().items():
            for legacy in (False, True) if name != "dtypes" else (False,):
                with self.subTest(name=name, legacy=legacy):
                    path = self.save(value, f"{name}.{legacy}.pth", _use_new_zipfile_serialization=not legacy)
                    got = self.agrees(path)
                    self.assertEqual(got["format"], "legacy" if legacy else "zip")
                    self.assertEqual(got["byteorder"], "little")

    def test_reference_files(self):
        # formats_test.py opens the others: torch.load does not read whole modules by itself.
        files = json.loads((support.REFERENCE / "manifest.json").read_text())["files"]
        files = [support.REFERENCE / name for name, file in files.items() if file["format"] in ("zip", "legacy")]
        self.assertTrue(files)
        for path in files:
            with self.subTest(path=path.name):
                self.agrees(path)

    def test_types_and_attributes(self):
        got = self.json("inspect", self.save({"a": (1, [2], torch.Size([3])), "d": collections.OrderedDict(x=1), 3: {4: 5, "4": 6},
                                              "mixed": {1: 2, None: 3}}))
        self.assertEqual(got["values"], {"a": [1, [2], [3]], "d": {"x": 1}, "3": {"$items": [[4, 5], ["4", 6]]},
                                         "mixed": {"1": 2, "None": 3}})
        self.assertEqual(got["types"], [
            {"path": [], "type": "dict", "keys": ["str", "str", "int", "str"]},
            {"path": ["a"], "type": "tuple"},
            {"path": ["a", "2"], "type": "torch.Size"},
            {"path": ["d"], "type": "collections.OrderedDict"},
            {"path": ["mixed"], "type": "dict", "keys": ["int", "NoneType"]},
        ])
        self.assertEqual(got["attributes"], [])
        model, _ = trained()
        got = self.json("inspect", self.save({"m": model.state_dict()}))
        self.assertEqual([entry["path"] for entry in got["attributes"]], [["m"]])
        metadata = got["attributes"][0]["value"]["_metadata"]
        self.assertEqual(metadata, {key: dict(value) for key, value in model.state_dict()._metadata.items()})

    def test_values_that_contain_themselves_or_explode(self):
        loop = [1]
        loop.append({"again": loop})
        self.assertEqual(self.json("inspect", self.save({"x": loop}))["values"], {"x": [1, {"again": {"$ref": ["x"]}}]})
        shared = [1, 2]
        self.assertEqual(self.json("inspect", self.save([shared, shared]))["values"], [[1, 2], [1, 2]])
        bomb = ["end"]
        for _ in range(40):
            bomb = [bomb, bomb]
        started = time.monotonic()
        code, out, err = self.ckpt("inspect", self.save(bomb), "--json")
        if code == 0:
            self.assertIn('{"$ref":', out)
        else:
            self.assertEqual((code, out, err.count("\n")), (2, "", 1))
        self.assertLess(len(out), 200 << 20)
        self.assertLess(time.monotonic() - started, 60)
        self.assertIn(self.ckpt("inspect", self.folder / "file.pth")[0], (0, 2))

    def test_deep_nesting(self):
        # Written by hand: Python's own pickler recurses.
        import zipfile
        depth = 200_000
        path = self.folder / "deep.pth"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("deep/data.pkl", b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b".")
            archive.writestr("deep/version", "3\n")
        code, out, err = self.ckpt("inspect", path, "--json")
        if code == 0:
            self.assertIn("[" * depth + "]" * depth, out)
        else:
            self.assertEqual((code, out, err.count("\n")), (2, "", 1))
        self.assertIn(self.ckpt("inspect", path)[0], (0, 2))

    def test_human_output(self):
        base = torch.arange(6.0).reshape(2, 3)
        path = self.save({"w\x1b": base, "t": base.t(), "epoch": 3, "lr": 0.5, "betas": (0.9, 0.999), "name": "a\nb",
                          "many": list(range(20))}, "shown.pth")
        self.assertEqual(self.succeeds("inspect", path).splitlines(), [
            f"file      {path}",
            "format    zip, little-endian",
            "tensors   2, 12 elements, 48 bytes",
            "storages  1, 24 bytes",
            "values    25",
            "",
            "tensors",
            "  w\\x1b  float32  [2, 3]  24 bytes    shares the storage of t",
            "  t      float32  [3, 2]  24 bytes    stride [1, 3], shares the storage of w\\x1b",
            "",
            "values",
            "  epoch  3",
            "  lr     0.5",
            "  betas  (0.9, 0.999)",
            "  name   'a\\nb'",
            "  many   [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … 20 in all]",
        ])
        self.assertIn(support.digest(base), self.succeeds("inspect", path, "--digest"))

    def test_the_facts_come_first(self):
        base = torch.arange(6.0)
        history = {f"step {i}": {"loss": i / 2} for i in range(200)}
        path = self.save({"history": history, "a": base, "b": base, "tail": base[4:], "epoch": 3}, "run.pth", _use_new_zipfile_serialization=False)
        out = self.succeeds("inspect", path)
        self.assertEqual(out.split("\ntensors\n")[1].splitlines(), [
            "  a     float32  [6]  24 bytes",
            "  b     float32  [6]  24 bytes    is a",
            "  tail  float32  [2]   8 bytes    shares the storage of a from element 4 on, with 1 more",
            "",
            "values",
            "  epoch                3",
            "  history.step 0.loss  0.0",
            "  history.step 1.loss  0.5",
            "  history.step 2.loss  1.0",
            "  history.step 3.loss  1.5",
            "  history              … 196 more (--print history shows all)",
        ])
        self.assertEqual(len(self.succeeds("inspect", path, "--print", "history").splitlines()), 200)

    def test_what_opaque_opens_is_shown(self):
        arrays = {"f": np.array([0.5, -1.25]), "i": np.arange(6, dtype=">i2").reshape(2, 3), "t": np.arange(6, dtype=np.uint8).reshape(2, 3).T,
                  "many": np.arange(100), "s": np.float32(0.1), "text": np.array(["a", "b"]), "none": np.zeros((0, 2))}
        path = self.save({"hparams": Hparams(lr=0.25, nested=Hparams(depth=2)), "numpy": arrays})
        out = self.succeeds("inspect", path, "--opaque")
        name = f"{Hparams.__module__}.Hparams"
        self.assertEqual([line.split(None, 1) for line in out.split("\nvalues\n")[1].splitlines()], [
            ["hparams", f"<{name}>"], ["hparams.state.lr", "0.25"], ["hparams.state.nested", f"<{name}>"], ["hparams.state.nested.state.depth", "2"],
            ["numpy.f", "numpy float64 [2]: 0.5, -1.25"], ["numpy.i", "numpy int16 [2, 3]: 0, 1, 2, 3, 4, 5"],
            ["numpy.t", "numpy uint8 [3, 2]: 0, 3, 1, 4, 2, 5"], ["numpy.many", "numpy int64 [100]: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … 100 in all"],
            ["numpy.s", "numpy float32 []: 0.1"], ["numpy.text", "numpy <U1 [2]"], ["numpy.none", "numpy float64 [0, 2]"],
        ])
        self.assertEqual(self.succeeds("inspect", path, "--opaque", "--print", "numpy.f"), "numpy float64 [2]: 0.5, -1.25\n")

    def test_a_key_behind_the_file(self):
        path = self.save({"model": {"w": torch.ones(2), "step": 3}, "epoch": 1})
        whole, part = self.json("inspect", path, "--digest"), self.json("inspect", f"{path}::model", "--digest")
        self.assertEqual(list(whole), ["file", "format", "byteorder", "tensors", "values", "types", "attributes"])
        self.assertEqual((part["file"], part["key"], part["values"]), (str(path), "model", {"step": 3}))
        self.assertEqual(part["tensors"][0], whole["tensors"][0] | {"path": ["w"]})
        self.assertEqual(self.succeeds("inspect", f"{path}::model", "--print", "step"), "3\n")

    def test_print_tensor(self):
        torch.manual_seed(1)
        tensors = {str(dtype): of_dtype(dtype) for dtype in DTYPES if dtype not in (torch.float8_e8m0fnu, torch.complex32)}
        tensors |= {
            "normal": torch.randn(3, 4), "large": torch.randn(40, 50), "wide": torch.randn(30), "cube": torch.randn(2, 3, 4),
            "small": torch.tensor([1e-9, 1.0]), "whole": torch.tensor([1.0, -20.0, 300.0]), "zero_dim": torch.tensor(2.5),
            "empty": torch.empty(0, 3), "empty_int": torch.empty(0, dtype=torch.int32), "nan": torch.tensor([math.nan, 1.5, -math.inf]),
            "all_nan": torch.tensor([math.nan]), "ints": torch.arange(1200), "int_cube": torch.arange(2000).reshape(10, 10, 20),
            "complex": torch.randn(3, dtype=torch.complex64), "half": torch.randn(9).half(), "t": torch.randn(3, 5).t(),
            "flags": torch.tensor([True, False]), "huge": torch.tensor([1e10, 2.0]), "u64": torch.tensor([2**64 - 1], dtype=torch.uint64),
        }
        path = self.save(tensors)
        for name, tensor in tensors.items():
            with self.subTest(name=name):
                out = self.succeeds("inspect", path, "--print", name)
                self.assertEqual(out[out.index("\ntensor(") + 1:-1], str(tensor))
        rows = dict(line.split(None, 1) for line in self.succeeds("inspect", path, "--print", "nan").splitlines()[:-1])
        self.assertEqual(rows, {"key": "nan", "dtype": "float32", "shape": "[3]", "stride": "[1]", "storage": rows["storage"],
                                "bytes": "12", "min": "-inf", "max": "1.5", "mean": "1.5", "zeros": "0", "NaN": "1", "infinite": "1"})
        normal = tensors["normal"]
        rows = dict(line.split(None, 1) for line in self.succeeds("inspect", path, "--print", "normal").split("tensor(")[0].splitlines())
        for row, value in (("min", normal.min()), ("max", normal.max()), ("mean", normal.double().mean())):
            self.assertAlmostEqual(float(rows[row]), value.item(), places=7)

    def test_print_value(self):
        path = self.save({"epoch": 12, "group": {"lr": 0.5, "betas": (0.9, 0.999)}, "x.y": [1, {"z": None}]})
        self.assertEqual(self.succeeds("inspect", path, "--print", "epoch"), "12\n")
        self.assertEqual(self.succeeds("inspect", path, "--print", "group"), "  lr     0.5\n  betas  (0.9, 0.999)\n")
        self.assertEqual(self.succeeds("inspect", path, "--print", "x.y.1.z"), "None\n")
        code, out, err = self.ckpt("inspect", path, "--print", "epochs")
        self.assertEqual((code, out), (2, ""))
        self.assertRegex(err, r"\Ackpt: " + str(path) + r": KeyError: 'epochs'.*epoch.*\n\Z")

    def test_checksums(self):
        path = self.save({"w": torch.arange(1000.0)})
        data = bytearray(path.read_bytes())
        data[data.index(torch.arange(1000.0).numpy().tobytes()) + 400] ^= 1
        path.write_bytes(data)
        code, out, err = self.ckpt("inspect", path, "--json", "--digest", "--crc", "on")
        self.assertEqual((code, out), (2, ""))
        self.assertRegex(err, r"\Ackpt: " + str(path) + r": .*CRC.*\n\Z")
        self.assertEqual(len(self.json("inspect", path, "--digest", "--crc", "off")["tensors"]), 1)
        self.assertEqual(len(self.json("inspect", path)["tensors"]), 1)

    def test_closed_reader(self):
        path = self.save({str(i): torch.ones(1) for i in range(20000)})
        for flags in (["--json"], []):
            with subprocess.Popen([support.CKPT, "inspect", path, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                process.stdout.read(10)
                process.stdout.close()
                self.assertEqual(process.stderr.read(), b"")
            self.assertEqual(process.returncode, 0)
        with open("/dev/full", "w") as full:
            done = subprocess.run([support.CKPT, "inspect", path], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, done.stderr), (2, b"ckpt: standard output: No space left on device\n"))

    def test_json_of_text_that_is_not_unicode(self):
        path = self.save({"a\ud800": torch.ones(1), "b": "\udfff"})
        got = self.json("inspect", path)
        self.assertEqual(got["tensors"][0]["path"], ["a\ud800"])
        self.assertEqual(got["values"], {"b": "\udfff"})
        self.assertIn("a\\ud800", self.succeeds("inspect", path))

    def test_starts_without_libtorch(self):
        libraries = subprocess.run(["ldd", support.CKPT], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("torch", libraries)


if __name__ == "__main__":
    support.main()
