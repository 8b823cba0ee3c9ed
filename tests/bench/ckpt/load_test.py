"""`ckpt load` against Python: the texts of load_state_dict, outputs, the golden check, hints."""
import collections
import json
import shutil

import torch
from safetensors.torch import load_file, save_file

import support
from support import LinearModel

LINEAR = {"linear.weight": torch.arange(20.0).reshape(2, 10), "linear.bias": torch.tensor([0.5, -0.5])}
PATHS = ("auto", "copy", "direct", "assign", "mmap")


def python_says(state_dict, **how):
    """Returns str(exception) of Python's load_state_dict for this state dict."""
    try:
        LinearModel(10, 2).load_state_dict(state_dict, **how)
    except (RuntimeError, TypeError) as error:
        return str(error)
    raise AssertionError("Python accepts it")


class Load(support.Case):
    def refused(self, path, *arguments, hint=None):
        """Checks exit code 1 and the hints, which follow PyTorch's text; returns that text."""
        code, out, err = self.ckpt("load", path, *arguments)
        self.assertEqual((code, out), (1, ""))
        text, *hints = err.rstrip("\n").split("\nhint: ")
        self.assertEqual(hints, [] if hint is None else hint.split("\nhint: "))
        return text

    def test_texts(self):
        w, b = LINEAR["linear.weight"], LINEAR["linear.bias"]
        cases = {
            "missing": {"linear.weight": w},
            "unexpected": LINEAR | {"extra": b, "linear.more.x": w},
            "shape": {"linear.weight": w[:, :5].clone(), "linear.bias": b},
            "both": {"linear.weight": w.t().clone(), "bias": b, "linear.bias.x": b},
            "not a tensor": {"linear.weight": [1, 2], "linear.bias": 3},
            "newline": LINEAR | {"a\nb": b},
            "empty": {},
            "list": [1],
        }
        for name, state_dict in cases.items():
            path = self.save(state_dict, f"{name}.pth")
            for via in PATHS:
                with self.subTest(name=name, via=via):
                    code, out, err = self.ckpt("load", path, "--model", "linear", "--via", via)
                    self.assertEqual((code, out), (1, ""))
                    wanted = python_says(state_dict)
                    self.assertEqual(err[:len(wanted) + 1], wanted + "\n")
                    for line in err[len(wanted) + 1:].splitlines():
                        self.assertTrue(line.startswith("hint: "), err)

    def test_lenient(self):
        path = self.save({"linear.weight": LINEAR["linear.weight"], "other": torch.ones(1)})
        got = self.json("load", path, "--model", "linear", "--lenient")
        self.assertEqual((got["missing_keys"], got["unexpected_keys"], got["errors"]), (["linear.bias"], ["other"], []))
        self.assertIn("  missing key        linear.bias, which keeps its initial values\n  unexpected key     other\n",
                      self.succeeds("load", path, "--model", "linear", "--lenient"))
        shape = {"linear.weight": torch.ones(3, 10), "linear.bias": torch.ones(2)}
        self.assertEqual(self.refused(self.save(shape), "--model", "linear", "--lenient", hint="--skip-mismatched loads the 1 key that matches"),
                         python_says(shape, strict=False))

    def test_lenient_that_loads_nothing(self):
        path = self.save({"module." + key: value for key, value in LINEAR.items()})
        code, out, err = self.ckpt("load", path, "--model", "linear", "--lenient")
        self.assertEqual(code, 0)
        self.assertIn("  warning            nothing was loaded: none of the keys of linear is in the file\n", out)
        self.assertEqual(err, f'hint: 2 keys of {path} begin with "module.", those of linear do not: --prefix module. removes it\n')

    def test_a_dtype_that_the_model_does_not_run_with(self):
        path = self.save({key: value.half() for key, value in LINEAR.items()})
        for via in PATHS:
            with self.subTest(via=via):
                if via in ("auto", "copy", "direct"):
                    self.succeeds("load", path, "--model", "linear", "--via", via)
                    continue
                code, out, err = self.ckpt("load", path, "--model", "linear", "--via", via)
                self.assertEqual((code, out), (2, ""))
                self.assertRegex(err, rf"\Ackpt: {path}: linear does not run: [^\n]*same dtype[^\n]*; by {via} it has the file's "
                                      r"dtypes \(linear.weight is float16, not float32\): --via direct converts them\n\Z")

    def test_json_of_a_refusal(self):
        path = self.save({"linear.weight": LINEAR["linear.weight"], "x": torch.ones(1)})
        code, out, err = self.ckpt("load", path, "--model", "linear", "--json")
        got = json.loads(out)
        self.assertEqual(code, 1)
        self.assertEqual((got["missing_keys"], got["unexpected_keys"]), (["linear.bias"], ["x"]))
        self.assertEqual(got["errors"], ['Missing key(s) in state_dict: "linear.bias". ', 'Unexpected key(s) in state_dict: "x". '])

    def test_hints(self):
        nested = self.save({"model_state_dict": LINEAR, "epoch": 1}, "nested.pth")
        self.refused(nested, "--model", "linear", hint='the state dict lies under "model_state_dict": --key model_state_dict')
        deep = self.save({"a": [{"b.c": LINEAR}]}, "deep.pth")
        self.refused(deep, "--model", "linear", hint='the state dict lies under "a.0.b.c": --key a.0.b.c')
        self.succeeds("load", deep, "--model", "linear", "--key", "a.0.b.c")
        prefixed = self.save({"module." + key: value for key, value in LINEAR.items()}, "prefixed.pth")
        self.refused(prefixed, "--model", "linear",
                     hint=f'2 keys of {prefixed} begin with "module.", those of linear do not: --prefix module. removes it')
        self.succeeds("load", prefixed, "--model", "linear", "--prefix", "module.")
        self.refused(prefixed, "--model", "linear", "--prefix", "module",
                     hint=f'2 keys of {prefixed} begin with "module.", those of linear do not: --prefix module. removes it')
        self.refused(prefixed, "--model", "linear", "--prefix", "modul.",
                     hint=f'2 keys of {prefixed} begin with "module.", those of linear do not: --prefix module. removes it')
        odd = self.save({"it's\n." + key: value for key, value in LINEAR.items()}, "odd.pth")
        self.refused(odd, "--model", "linear", hint=f'2 keys of {odd} begin with "it\'s\\n.", those of linear do not: '
                                                   "--prefix $'it\\x27s\\x0a.' removes it")
        self.succeeds("load", odd, "--model", "linear", "--prefix", "it's\n.")
        average = self.save({"model_state_dict": LINEAR, "ema_state_dict": {key: value + 1 for key, value in LINEAR.items()}}, "ema.pth")
        self.refused(average, "--model", "linear", hint='the state dict lies under "ema_state_dict" or under "model_state_dict": name one with --key')
        old = self.save({"custom_layer.linear.weight": torch.ones(128, 64), "custom_layer.linear.bias": torch.ones(128),
                         "fc.weight": torch.ones(10, 128), "fc.bias": torch.ones(10)}, "old.pth")
        self.refused(old, "--model", "custom", hint='renamed: "custom.linear.weight" may be "custom_layer.linear.weight", "custom.linear.bias" may be '
                                                    f'"custom_layer.linear.bias", "linear.weight" may be "fc.weight", "linear.bias" may be "fc.bias" in {old}\n'
                                                    "hint: 4 of 4 keys match with --rename '^fc\\.=linear.' --rename '^custom_layer\\.=custom.' "
                                                    f"(ckpt diff {old} --model custom shows how); some layers are paired by shape and order alone, not by name: look at them before use")
        self.succeeds("load", old, "--model", "custom", "--rename", r"^custom_layer\.=custom.", "--rename", r"^fc\.=linear.")
        part = self.save({"linear.weight": LINEAR["linear.weight"]}, "part.pth")
        self.refused(part, "--model", "linear", hint="--lenient (strict=False) loads the 1 key that matches")
        out = self.succeeds("load", part, "--model", "linear", "--lenient")
        self.assertIn("  missing key        linear.bias, which keeps its initial values\n", out)
        other = self.save({"model": torch.load(support.REFERENCE / "custom_model.pth")["model_state_dict"]}, "other.pth")
        self.refused(other, "--model", "linear", hint='the state dict lies under "model": --key model --model custom, whose keys these are')
        twice = self.save({"module.linear.weight": LINEAR["linear.weight"], "linear.weight": torch.zeros(2, 10), "linear.bias": LINEAR["linear.bias"]},
                          "twice.pth")
        self.refused(twice, "--model", "linear", hint="--lenient (strict=False) loads the 2 keys that match")
        self.refuses(f'ckpt: {twice}: would have two keys named "linear.weight", from "module.linear.weight" and "linear.weight": '
                     "change the prefixes or the rename rules", "load", twice, "--model", "linear", "--prefix", "module.")
        nothing = self.save(torch.ones(2), "nothing.pth")
        self.refused(nothing, "--model", "linear", hint=f"there is no state dict in this file: ckpt inspect {nothing} shows what it holds")
        both = self.save({"state_dict": {"module." + key: value for key, value in LINEAR.items()}}, "both.pth")
        self.refused(both, "--model", "linear", hint='the state dict lies under "state_dict", and its keys begin with "module.": '
                                                     '--key state_dict --prefix module.')
        self.succeeds("load", both, "--model", "linear", "--key", "state_dict", "--prefix", "module.")
        for key in ("epoch", "model_state_dict.linear.bias"):
            self.refused(nested, "--model", "linear", "--key", key, hint='the state dict lies under "model_state_dict": --key model_state_dict')
        self.refused(self.save([3]), "--model", "linear", hint=f"there is no state dict in this file: ckpt inspect {self.folder / 'file.pth'} shows what it holds")
        renamed = self.save({"fc.weight": LINEAR["linear.weight"], "fc.bias": LINEAR["linear.bias"]}, "renamed.pth")
        self.refused(renamed, "--model", "linear",
                     hint=f'renamed: "linear.weight" may be "fc.weight", "linear.bias" may be "fc.bias" in {renamed}\n'
                          f"hint: 2 of 2 keys match with --rename '^fc\\.=linear.' (ckpt diff {renamed} --model linear shows how); some layers are paired by shape and order alone, not by name: look at them before use")
        transposed = self.save(LINEAR | {"linear.weight": torch.ones(10, 2)}, "transposed.pth")
        self.refused(transposed, "--model", "linear",
                     hint='1 tensor would fit transposed, "linear.weight" first (Linear keeps [out, in], Conv1D [in, out])')
        self.refused(support.REFERENCE / "linear.zip.bare.pth", "--model", "custom",
                     hint="these are the keys of model linear: --model linear")

    def test_key_that_is_not_there(self):
        path = self.save({"model_state_dict": LINEAR, "epoch": 1})
        code, out, err = self.ckpt("load", path, "--model", "linear", "--key", "model")
        self.assertEqual((code, out), (2, ""))
        self.assertRegex(err, rf"\Ackpt: {path}: KeyError: 'model'.*; at the top level are 'model_state_dict', 'epoch'\n\Z")

    def test_record(self):
        path = self.save({"model_state_dict": LINEAR})
        for via in PATHS:
            with self.subTest(via=via):
                got = self.json("load", path, "--model", "linear", "--key", "model_state_dict", "--via", via)
                self.assertEqual(list(got)[:5], ["file", "model", "path", "device", "key"])
                self.assertEqual((got["file"], got["model"], got["path"], got["device"], got["bytes"]), (str(path), "linear", via, "cpu", 88))
                self.assertEqual(list(got["phases"]), ["construct", "open", "parse", "load", "first_forward"])
                for seconds in (*got["phases"].values(), got["cpu_seconds"]):
                    self.assertIsInstance(seconds, float)
                    self.assertGreaterEqual(seconds, 0)
                for field in ("peak_extra_bytes", "minor_faults", "major_faults"):
                    self.assertIsInstance(got[field], int)
                self.assertLess(got["peak_extra_bytes"], 64 << 20)
                self.assertEqual((got["missing_keys"], got["unexpected_keys"], got["errors"]), ([], [], []))

    def test_inputs_and_outputs(self):
        torch.manual_seed(3)
        model = LinearModel(10, 2).eval()
        path, given, result = self.save(model.state_dict()), self.folder / "in.safetensors", self.folder / "out.safetensors"
        inputs = torch.randn(7, 10)
        save_file({"0": inputs}, given)
        for via in PATHS:
            self.succeeds("load", path, "--model", "linear", "--via", via, "--input", given, "--output", result)
            outputs = load_file(result)
            self.assertEqual(list(outputs), ["0"])
            torch.testing.assert_close(outputs["0"], model(inputs).detach())
            result.unlink()
        for names, words in (({"1": inputs}, "its tensor 1 is not an input: they are named 0, 1, ... (or input.0, input.1, ...) in order of the arguments"),
                             ({"0": inputs, "input.0": inputs + 1}, "its tensor 0 is not an input: they are named 0, 1, ... (or input.0, input.1, ...) in order of the arguments"),
                             ({"x": inputs}, "its tensor x is not an input: they are named 0, 1, ... (or input.0, input.1, ...) in order of the arguments")):
            save_file(names, given)
            self.refuses(f"ckpt: {given}: {words}", "load", path, "--model", "linear", "--input", given)
        out = self.succeeds("load", path, "--model", "linear", "--output", result)
        self.assertIn(f"  written            1 output to {result}\n", out)
        result.unlink()
        self.refuses(f"ckpt: {path}: is zip, not safetensors; write it by safetensors.torch.save_file, or by ckpt convert",
                     "load", path, "--model", "linear", "--input", path)
        save_file({"0": torch.randn(7, 9)}, given)
        code, out, err = self.ckpt("load", path, "--model", "linear", "--input", given, "--output", result)
        self.assertEqual((code, out, err.count("\n")), (2, "", 1))
        self.assertTrue(err.startswith(f"ckpt: {given}: linear does not take these inputs: "), err)
        self.assertFalse(result.exists())

    def test_an_output_that_would_replace_what_is_read(self):
        path, given = self.save(LinearModel(10, 2).state_dict()), self.folder / "in.safetensors"
        save_file({"0": torch.ones(1, 10)}, given)
        before = path.read_bytes(), given.read_bytes()
        for file, what in ((path, "the checkpoint itself"), (given, "the input itself")):
            self.refuses(f"ckpt: {file}: is {what}; name another file to write", "load", path, "--model", "linear", "--input", given, "--output", file)
        self.assertEqual((path.read_bytes(), given.read_bytes()), before)

    def test_inputs_of_a_golden_file(self):
        golden, result = support.REFERENCE / "linear.golden.1.safetensors", self.folder / "out.safetensors"
        self.succeeds("load", support.REFERENCE / "linear_model.pth", "--model", "linear", "--key", "model_state_dict",
                      "--input", golden, "--output", result)
        torch.testing.assert_close(load_file(result)["0"], load_file(golden)["output.0"])

    def test_golden(self):
        for name, model in (("linear.zip.bare.pth", "linear"), ("custom_model.pth", "custom"), ("multi_model.pth", "multi:A"),
                            ("multi_model.pth", "multi:B")):
            with self.subTest(name=name, model=model):
                entry = next(entry for entry in json.loads((support.REFERENCE / "manifest.json").read_text())["files"][name]["models"]
                             if entry["model"] == model)
                got = self.json("load", support.REFERENCE / name, "--model", model, "--key", entry["key"], "--data", support.REFERENCE)
                self.assertRegex(got["check"], r"\A\d+ tensors equal bit by bit; output 0, batch 1: ")

    def test_golden_of_every_format(self):
        files = json.loads((support.REFERENCE / "manifest.json").read_text())["files"]
        names = [name for name, file in files.items() if file["models"] == [{"model": "custom", "key": ""}]]
        self.assertEqual(len({files[name]["format"] for name in names}), 10)
        for name in names:
            for ending in ("", "/") if (support.REFERENCE / name).is_dir() else ("",):
                with self.subTest(name=name + ending):
                    got = self.json("load", f"{support.REFERENCE / name}{ending}", "--model", "custom", "--opaque", "--data", support.REFERENCE)
                    self.assertRegex(got["check"], r"\A4 tensors equal bit by bit; output 0, batch 1: ")

    def test_golden_that_differs(self):
        data = self.folder / "data"
        shutil.copytree(support.REFERENCE, data, ignore=lambda folder, names: [n for n in names if not n.startswith(("linear", "manifest"))])
        path = data / "linear.zip.bare.pth"
        value = torch.load(path, weights_only=True)
        content, wanted = bytearray(path.read_bytes()), value["linear.bias"].numpy().tobytes()
        content[content.index(wanted)] ^= 1
        path.write_bytes(content)
        code, out, err = self.ckpt("load", path, "--model", "linear", "--data", data, "--crc", "off")
        self.assertEqual(code, 1)
        self.assertIn("linear.bias", err)
        self.assertTrue(all(line.startswith(f"ckpt: {path}: ") for line in err.splitlines()), err)
        code, out, err = self.ckpt("load", path, "--model", "linear", "--data", data, "--crc", "on")
        self.assertEqual((code, out, err.count("\n")), (2, "", 1))
        self.assertIn("CRC", err)
        self.refuses(f"ckpt: {self.folder}: there is no manifest.json in it; scripts/generate_checkpoints.py makes it",
                     "load", path, "--model", "linear", "--crc", "off", "--data", self.folder)

    def test_own_weights_have_nothing_to_be_compared_with(self):
        # A file of the reference's name, size and key, with weights of its own.
        reference, result = support.REFERENCE / "linear_model.pth", self.folder / "out.safetensors"
        torch.manual_seed(5)
        own = torch.load(reference, weights_only=True)
        own["model_state_dict"] = {key: torch.randn_like(value) for key, value in own["model_state_dict"].items()}
        content = bytearray(reference.read_bytes())
        for key, value in torch.load(reference, weights_only=True)["model_state_dict"].items():
            wanted = value.numpy().tobytes()
            at = content.index(wanted)
            content[at:at + len(wanted)] = own["model_state_dict"][key].numpy().tobytes()
        path = self.folder / "linear_model.pth"
        path.write_bytes(content)
        arguments = (path, "--model", "linear", "--key", "model_state_dict", "--crc", "off", "--data", support.REFERENCE, "--output", result)
        self.assertIn("nothing to compare with: these are not the weights of the reference in", self.succeeds("load", *arguments))
        model = LinearModel(10, 2).eval()
        model.load_state_dict(own["model_state_dict"])
        inputs = load_file(support.REFERENCE / "linear.golden.1.safetensors")["input.0"]
        save_file({"0": inputs}, self.folder / "in.safetensors")
        self.succeeds("load", *arguments, "--input", self.folder / "in.safetensors")
        torch.testing.assert_close(load_file(result)["0"], model(inputs).detach())

    def test_golden_of_a_copy_under_another_name(self):
        path = shutil.copy(support.REFERENCE / "linear_model.pth", self.folder / "mine.pth")
        got = self.json("load", f"{path}::model_state_dict", "--model", "linear", "--data", support.REFERENCE)
        self.assertEqual((got["file"], got["key"]), (str(path), "model_state_dict"))
        self.assertRegex(got["check"], r"\A2 tensors equal bit by bit; output 0, batch 1: ")

    def test_ordered_dict_and_pickle_load(self):
        plain = self.save(dict(LINEAR), "plain.pth")
        self.assertEqual(self.json("load", plain, "--model", "linear", "--via", "pickle_load")["bytes"], 88)
        ordered = self.save(collections.OrderedDict(LINEAR), "ordered.pth")
        code, out, err = self.ckpt("load", ordered, "--model", "linear", "--via", "pickle_load")
        self.assertEqual((code, out, err.count("\n")), (2, "", 1))
        self.assertTrue(err.startswith(f"ckpt: {ordered}: pickle_load cannot take this: "), err)


if __name__ == "__main__":
    support.main()
