"""`ckpt diff`: what differs, and why."""
import math

import torch
from torch import nn

import support

LINEAR = {"linear.weight": torch.arange(20.0).reshape(2, 10), "linear.bias": torch.tensor([0.5, -0.5])}


class Hparams:
    def __init__(self, **values):
        self.__dict__.update(values)


class Diff(support.Case):
    def differences(self, a, b, *arguments):
        got = self.json("diff", self.save(a, "a.pth"), self.save(b, "b.pth"), *arguments, code=1)
        self.assertFalse(got["equal"])
        return got

    def test_equal(self):
        a = self.save(LINEAR | {"epoch": 3}, "a.pth")
        b = self.save(LINEAR | {"epoch": 3}, "b.pth", _use_new_zipfile_serialization=False)
        self.assertEqual(self.succeeds("diff", a, b), "equal: 2 keys compared\n")
        self.assertEqual(self.json("diff", a, b), {"wanted": str(a), "have": str(b), "equal": True, "compared": 2, "missing": [],
                                                   "unexpected": [], "shapes": [], "dtypes": [], "tensors": [], "values": [], "causes": []})
        # NaN is itself, bit by bit.
        nan = {"x": torch.tensor([math.nan])}
        self.assertTrue(self.json("diff", self.save(nan, "n.pth"), self.save(nan, "m.pth"))["equal"])

    def test_quantised_tensors(self):
        def quantised(values):
            return {"w": torch.quantize_per_tensor(torch.tensor(values), 0.1, 0, torch.qint8)}

        got = self.differences(quantised([1.0, 2.0]), quantised([1.0, 3.0]))
        self.assertEqual([value["have"] for value in got["values"]], ["another one"])
        self.succeeds("diff", self.folder / "a.pth", self.save(quantised([1.0, 2.0]), "b.pth"))

    def test_quantised_tensors_are_compared_by_their_keys(self):
        def q(*values):
            return torch.quantize_per_tensor(torch.tensor(values, dtype=torch.float32), 1.0, 0, torch.qint8)

        path = self.save({"a": q(1, 2), "b": q(3, 4)}, "a.pth")
        self.succeeds("diff", path, self.save({"b": q(3, 4), "a": q(1, 2)}, "turned.pth"))
        swapped = self.save({"b": q(1, 2), "a": q(3, 4)}, "swapped.pth")
        self.assertEqual(sorted(value["path"] for value in self.json("diff", path, swapped, code=1)["values"]), ["a.0", "b.0"])
        wrapped = self.save({"module.a": q(1, 2), "b": q(3, 4)}, "wrapped.pth")
        self.succeeds("diff", wrapped, path, "--prefix", "module.")
        self.assertFalse(self.json("diff", wrapped, swapped, "--prefix", "module.", code=1)["equal"])

    def test_one_tensor_under_many_names_is_compared_once(self):
        layer = torch.nn.Linear(1024, 1024, bias=False)
        tied = self.save(torch.nn.ModuleList([layer] * 400).state_dict(), "tied.pth")
        self.assertEqual(self.succeeds("diff", tied, tied), "equal: 400 keys compared\n")
        got = self.json("diff", tied, self.save(torch.nn.ModuleList([torch.nn.Linear(1024, 1024, bias=False)] * 400).state_dict(), "b.pth"), code=1)
        self.assertEqual([tensor["key"] for tensor in got["tensors"]], [f"{i}.weight" for i in range(400)])

    def test_a_prefix_that_would_put_one_tensor_in_the_place_of_another(self):
        both = self.save({"w": torch.zeros(1), "module.w": torch.ones(1)}, "both.pth")
        self.refuses(f'ckpt: {both}: would have two keys named "w", from "w" and "module.w": change the prefixes or the rename rules',
                     "diff", both, both, "--prefix", "module.")

    def test_every_kind(self):
        w = LINEAR["linear.weight"]
        other = w.clone()
        other[1, 2] += 0.25
        other[1, 5] -= 3
        got = self.differences({"same": w, "w": w, "gone": w, "shape": w, "dtype": w, "zero": torch.tensor([0.0]), "epoch": 1, "a": [1, 2]},
                               {"same": w, "w": other, "new": w, "shape": w.t().contiguous(), "dtype": w.double(),
                                "zero": torch.tensor([-0.0]), "epoch": 2, "b": None})
        self.assertEqual((got["missing"], got["unexpected"], got["compared"]), (["gone"], ["new"], 5))
        self.assertEqual(got["shapes"], [{"key": "shape", "wanted": "[2, 10]", "have": "[10, 2]"}])
        self.assertEqual(got["dtypes"], [{"key": "dtype", "wanted": "float32", "have": "float64"}])
        self.assertEqual(got["tensors"], [{"key": "w", "elements": 20, "differing": 2, "first": 12, "largest": 3.0, "largest_at": [1, 5],
                                           "relative": 0.2, "relative_at": [1, 5]},
                                          {"key": "zero", "elements": 1, "differing": 1, "first": 0, "largest": 0.0, "largest_at": [0],
                                           "relative": 0.0, "relative_at": [0]}])
        self.assertEqual(got["values"], [{"path": "epoch", "wanted": "1", "have": "2"}, {"path": "a", "wanted": "[1, 2]", "have": ""},
                                         {"path": "b", "wanted": "", "have": "None"}])
        out = self.succeeds("diff", self.folder / "a.pth", self.folder / "b.pth", code=1)
        self.assertIn("tensors that differ\n  w     2 of 20 elements  largest difference 3 at [1, 5]           largest relative 0.2 at [1, 5]\n"
                      "  zero    1 of 1 element  no number differs: other bits (-0, NaN)\n", out)
        self.assertIn("missing in " + str(self.folder / "b.pth") + "\n  gone\n", out)
        self.assertTrue(out.endswith("different: 1 missing, 1 unexpected, 1 of another shape, 1 of another dtype, 2 with other elements, 3 other values; 5 keys compared\n"), out)

    def test_dtypes_of_differences(self):
        for dtype, step in ((torch.float16, 0.5), (torch.bfloat16, 0.5), (torch.float8_e4m3fn, 0.5), (torch.int64, 2), (torch.uint8, 200),
                            (torch.bool, 1), (torch.complex64, 3 + 4j)):
            a = torch.zeros(3, dtype=torch.complex64 if dtype is torch.complex64 else torch.float64)
            b = a.clone()
            b[1] = step
            got = self.differences({"x": a.to(dtype)}, {"x": b.to(dtype)})
            inf = {"$float": "inf"}
            self.assertEqual(got["tensors"], [{"key": "x", "elements": 3, "differing": 1, "first": 1, "largest": float(abs(step)),
                                               "largest_at": [1], "relative": inf, "relative_at": [1]}], dtype)

    def test_tolerance_is_that_of_assert_close(self):
        torch.manual_seed(0)
        special = torch.tensor([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0])
        for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz,
                      torch.float8_e5m2fnuz, torch.complex128, torch.complex64, torch.int32, torch.uint8, torch.int64, torch.uint16, torch.bool):
            for rtol, atol in ((0.0, 0.0), (0.1, 0.0), (0.0, 0.5), (1e-2, 1e-3), (0.0, 1.0)):
                a = torch.rand(5, 60, dtype=torch.float64) * 4
                b = a * (1 + torch.rand_like(a) * 0.2)
                if dtype.is_complex:
                    a, b = torch.complex(a, -a), torch.complex(b, -a)
                elif dtype.is_floating_point:
                    a[0, :36], b[0, :36] = special.repeat(6), special.repeat_interleave(6)
                elif dtype is torch.bool:
                    a, b = a > 2, b > 2.2
                else:
                    a, b = a * 20, b * 20
                a, b = a.to(dtype), b.to(dtype)
                wide = torch.complex128 if dtype.is_complex else torch.float64
                x, y = a.to(wide), b.to(wide)
                wanted = int((~torch.isclose(y, x, rtol=rtol, atol=atol, equal_nan=True)).sum())
                paths = self.save({"x": a}, "a.pth"), self.save({"x": b}, "b.pth")
                got = self.json("diff", *paths, "--rtol", rtol, "--atol", atol, code=1 if wanted else 0)
                self.assertEqual((got["equal"], got["rtol"], got["atol"]), (wanted == 0, rtol, atol))
                self.assertEqual([t["differing"] for t in got["tensors"]], [wanted] if wanted else [], (dtype, rtol, atol))

    def test_tolerance(self):
        a, b = self.save({"x": torch.tensor([[1.0, 100.0], [0.0, 5.0]])}, "a.pth"), self.save({"x": torch.tensor([[1.5, 101.0], [0.25, 5.0]])}, "b.pth")
        out = self.succeeds("diff", a, b, "--rtol", "0.1", code=1)
        self.assertEqual(out, "tensors that differ by more than 0 + 0.1 of the value\n"
                              "  x  2 of 4 elements  largest difference 0.5 at [0, 0]  largest relative inf at [1, 0]\n"
                              "different: 1 with other elements; 1 key compared\n")
        self.assertEqual(self.succeeds("diff", a, b, "--rtol", "0.01", "--atol", "0.5"), "equal: 1 key compared\n")
        number, nan = self.save({"x": torch.tensor([1.0])}, "x.pth"), self.save({"x": torch.tensor([math.nan])}, "y.pth")
        self.assertFalse(self.json("diff", number, nan, "--atol", "100", code=1)["equal"])
        code, out, err = self.ckpt("diff", a, b, "--atol", "-1")
        self.assertEqual((code, out, err.count("\n")), (2, "", 1))
        self.assertIn("--atol", err)
        code, out, err = self.ckpt("diff", a, "--model", "linear", "--rtol", "1")
        self.assertEqual((code, out, err.count("\n")), (2, "", 1))

    def test_causes(self):
        w, b = LINEAR["linear.weight"], LINEAR["linear.bias"]
        net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 6)).state_dict()
        shifted = {f"{int(key[0]) + 1}{key[1:]}": value for key, value in net.items()}
        a, b_name = str(self.folder / "a.pth"), str(self.folder / "b.pth")
        self.assertEqual(self.differences(dict(net), shifted)["causes"],
                         [f'an index is shifted by 1: "0.weight" of {a} is "1.weight" in {b_name} (a Sequential with a layer more or '
                          'less before it)'])
        self.assertEqual(self.differences(LINEAR, {"module." + k: v for k, v in LINEAR.items()})["causes"],
                         [f'2 keys of {b_name} begin with "module.", those of {a} do not: --prefix module. removes it'])
        self.assertEqual(self.differences({"module." + k: v for k, v in LINEAR.items()}, LINEAR)["causes"],
                         [f'2 keys of {a} begin with "module.", those of {b_name} do not: --prefix module. removes it'])
        self.assertEqual(self.differences(LINEAR, {"state": {"model": LINEAR}})["causes"],
                         [f'in {b_name} the state dict lies under "state.model": ckpt diff {a} {b_name}::state.model'])
        self.assertEqual(self.differences({"fc.weight": w, "fc.bias": b}, {"head.weight": w, "head.bias": b})["causes"],
                         [f'renamed: "fc.weight" may be "head.weight", "fc.bias" may be "head.bias" in {b_name}'])
        self.assertEqual(self.differences(LINEAR, {"x": torch.ones(1)})["causes"],
                         [f"no key of {a} is in {b_name}: it holds another model, or its state dict lies elsewhere in the file "
                          "(ckpt inspect shows where)"])
        self.assertEqual(self.differences(LINEAR, LINEAR | {"linear.bias": b + 1})["causes"], [])

    def test_key_and_prefix(self):
        a = self.save({"m": {"module." + k: v for k, v in LINEAR.items()}}, "a.pth")
        b = self.save({"m": LINEAR}, "b.pth")
        self.assertTrue(self.json("diff", a, b, "--key", "m", "--prefix", "module.")["equal"])
        self.assertFalse(self.json("diff", a, b, "--key", "m", code=1)["equal"])
        code, out, err = self.ckpt("diff", a, b, "--key", "x")
        self.assertEqual((code, out, err.count("\n")), (2, "", 1))

    def test_a_prefix_that_data_parallel_adds(self):
        """Its state dict has the prefix in _metadata too, where batch normalisation has its version."""
        net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        bare = self.save(net.state_dict(), "bare.pth")
        wrapped = self.save(nn.DataParallel(net).state_dict(), "wrapped.pth")
        compiled = self.save(torch.compile(net).state_dict(), "compiled.pth")
        for other, prefix in ((wrapped, "module."), (compiled, "_orig_mod.")):
            for files in ((bare, other), (other, bare)):
                (cause,) = self.json("diff", *files, code=1)["causes"]
                self.assertIn(f" begin with \"{prefix}\", ", cause)
                self.assertTrue(cause.endswith(f": --prefix {prefix} removes it"), cause)
                self.assertEqual(self.succeeds("diff", *files, "--prefix", prefix), "equal: 7 keys compared\n")
        older = nn.DataParallel(net).state_dict()
        older._metadata["module.1"]["version"] = 1
        self.assertEqual(self.json("diff", bare, self.save(older, "older.pth"), "--prefix", "module.", code=1)["values"],
                         [{"path": "_metadata.1.version", "wanted": "2", "have": "1"}])

    def test_a_key_per_file(self):
        nested = self.save({"model_state_dict": LINEAR, "epoch": 1}, "checkpoint.pth")
        plain = self.save(LINEAR, "plain.pth")
        # The hint is a command; followed, it compares the two.
        for files in ((nested, plain), (plain, nested)):
            (cause,) = self.json("diff", *files, code=1)["causes"]
            before, command = cause.split(": ckpt ")
            self.assertEqual(before, f'in {nested} the state dict lies under "model_state_dict"')
            self.assertEqual(self.succeeds(*command.split()), "equal: 2 keys compared\n")
        got = self.json("diff", f"{nested}::model_state_dict", plain)
        self.assertEqual((got["wanted"], got["have"], got["equal"]), (f"{nested}::model_state_dict", str(plain), True))
        # A key of its own wins over --key.
        deep = self.save({"a": {"b": LINEAR}}, "deep.pth")
        self.assertTrue(self.json("diff", nested, f"{deep}::a.b", "--key", "model_state_dict")["equal"])
        self.assertTrue(self.json("diff", f"{nested}::model_state_dict", "--model", "linear")["equal"])
        code, out, err = self.ckpt("diff", nested, f"{plain}::model")
        self.assertEqual((code, out), (2, ""))
        self.assertRegex(err, rf"\Ackpt: {plain}: KeyError: 'model'; .*\n\Z")

    def test_values_inside_objects(self):
        a, b = self.save({"h": Hparams(lr=0.5, name="x")}, "a.pth"), self.save({"h": Hparams(lr=0.25, name="x")}, "b.pth")
        got = self.json("diff", a, b, "--opaque", code=1)
        self.assertEqual(got["values"], [{"path": "h.state.lr", "wanted": "0.5", "have": "0.25"}])

    def test_model(self):
        path = self.save({"model_state_dict": LINEAR})
        got = self.json("diff", path, "--model", "linear", code=1)
        self.assertEqual((got["missing"], got["unexpected"]), (["linear.weight", "linear.bias"], ["model_state_dict"]))
        self.assertEqual(got["causes"], ['the state dict lies under "model_state_dict": --key model_state_dict'])
        self.assertTrue(self.json("diff", path, "--model", "linear", "--key", "model_state_dict")["equal"])
        wrong = self.save({"linear.weight": torch.ones(10, 2), "linear.bias": torch.ones(2, dtype=torch.float64)})
        got = self.json("diff", wrong, "--model", "linear", code=1)
        self.assertEqual(got["shapes"], [{"key": "linear.weight", "wanted": "[2, 10]", "have": "[10, 2]"}])
        self.assertEqual(got["dtypes"], [{"key": "linear.bias", "wanted": "float32", "have": "float64"}])
        self.assertEqual(got["causes"], ['1 tensor would fit transposed, "linear.weight" first (Linear keeps [out, in], Conv1D [in, out])'])
        self.assertNotIn("errors", got)
        self.assertEqual(self.succeeds("diff", self.save(LINEAR), "--model", "linear"), "equal: 2 keys compared by name, shape and dtype; values are not\n")
        half = self.save({key: value.half() for key, value in LINEAR.items()})
        got = self.json("diff", half, "--model", "linear", code=1)
        self.assertEqual(got["causes"], ["none: load_state_dict takes it, and converts the dtypes"])
        for value, what in ((3, "<class 'int'>"), (None, "<class 'NoneType'>")):
            odd = self.save({**LINEAR, "linear.bias": value})
            got = self.json("diff", odd, "--model", "linear", code=1)
            self.assertEqual((got["equal"], got["missing"], got["unexpected"], got["shapes"]), (False, [], [], []))
            self.assertEqual(got["errors"], ['While copying the parameter named "linear.bias", expected torch.Tensor or Tensor-like '
                                             f"object from checkpoint but received {what}"])
        listed = self.save([1])
        self.refuses(f"ckpt: {listed}: Expected state_dict to be dict-like, got <class 'list'>.", "diff", listed, "--model", "linear")


if __name__ == "__main__":
    support.main()
