"""python -m loadpath.reference: the reference data of a model of one's own."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from collections import OrderedDict
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from loadpath.reference import Reference, flat, keys, own, seeded  # noqa: E402
from loadpath.reference.store import MakeError  # noqa: E402

NET = """
import torch
from torch import nn

class MyNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.blocks = nn.ModuleList([nn.Linear(4, 4)])
        self.register_buffer("scale", torch.full((4,), 0.5), persistent=False)

    def forward(self, tokens):
        x = self.embedding(tokens).sum(1)
        logits = self.blocks[0](x) * self.scale
        return {"logits": logits, "state": (logits[:, :2],)}
"""
TWIN = """
import torch
from loadpath.reference import Reference

REFERENCES = {"mynet": Reference(build=lambda: __import__("my_net").MyNet(), example_inputs=lambda batch: [torch.arange(batch * 3).reshape(batch, 3) % 7],
                                 batches=(1, 8), checkpoint="train.pth", key="model", prefixes=("module.", "_orig_mod."),
                                 rename=((r"^stages\\.(\\d)", "blocks.$1"),))}
"""


class Rules(unittest.TestCase):
    def keys(self, *names, **rules):
        reference = Reference(build=None, example_inputs=None, batches=(1,), **rules)
        return list(keys.apply(reference, dict.fromkeys(names), "m"))

    def test_prefixes_begin_a_component_in_any_nesting(self):
        both = {"prefixes": ("module.", "_orig_mod.")}
        self.assertEqual(self.keys("module._orig_mod.a", "encoder._orig_mod.weight", **both), ["a", "encoder.weight"])
        self.assertEqual(self.keys("mymodule.a", **both), ["mymodule.a"])

    def test_a_prefix_without_a_dot_is_removed_once_at_the_beginning(self):
        self.assertEqual(self.keys("network.w", "netnet.w", "a.net.w", prefixes=("net",)), ["work.w", "net.w", "a.net.w"])

    def test_a_filter_that_matches_nothing_is_refused(self):
        for rules, line in (({"only": r"^txt\."}, r'm: only "^txt\." matches none of the 2 keys; did you mean text.?'),
                            ({"skip": "head.wieght$"}, 'm: skip "head.wieght$" matches none of the 2 keys; did you mean head.weight?')):
            with self.assertRaises(MakeError) as refused:
                self.keys("text.0.weight", "head.weight", **rules)
            self.assertEqual(str(refused.exception), line)

    def test_the_versions_of_modules_go_by_the_rules(self):
        state_dict = torch.nn.Sequential(torch.nn.BatchNorm1d(2)).state_dict(prefix="module.")
        reference = Reference(build=None, example_inputs=None, batches=(1,), prefixes=("module.",), rename=(("^0", "bn"),))
        self.assertEqual(dict(keys.apply(reference, state_dict, "m")._metadata), {"": {"version": 1}, "bn": {"version": 2}})

    def test_a_key_path(self):
        value = {"a.b": {"c": 1}, "a": {"b": 2}, "l": [{"x.w": 3, "x.v": 4, "y": 5}], 0: 6}
        for path, found in (("", value), ("a.b.c", 1), ("a.b", {"c": 1}), ("l.0.y", 5), ("l.0.x", {"w": 3, "v": 4}), ("0", 6)):
            self.assertEqual(keys.at(value, path), found, path)
        for path in ("b", "l.1", "l.0.z", "a.b.c.d", "l.x"):
            self.assertRaises(KeyError, keys.at, value, path)

    def test_rename_in_order_after_the_prefixes(self):
        rules = {"prefixes": ("module.",), "rename": (("^net", "body"), (r"(b\w+)\.(\d)", "$2-$1$$"))}
        self.assertEqual(self.keys("module.net.0.w", **rules), ["0-body$.w"])

    def test_only_and_skip_see_the_new_names(self):
        self.assertEqual(self.keys("n.a", "n.b", "c", rename=(("^n", "m"),), only="^m", skip="b$"), ["m.a"])

    def test_two_keys_of_one_name_are_refused_with_both(self):
        with self.assertRaises(MakeError) as refused:
            self.keys("module.a", "a", prefixes=("module.",))
        self.assertEqual(str(refused.exception), "m: 'module.a' and 'a' are both called 'a' by the rules")

    def test_an_output_that_is_no_tensor_is_named(self):
        for output in ("dyn", 3, 2.5, True):
            with self.assertRaises(TypeError) as refused:
                flat({"y": torch.zeros(1), "k": output})
            self.assertEqual(str(refused.exception), f"an output is {output!r}, of type {type(output).__name__}, not a tensor: "
                                                     "Reference(forward=…) says which outputs to compare")

    def test_outputs_are_flattened_in_order(self):
        a, b, c = torch.zeros(1), torch.ones(1), torch.full((1,), 2.0)
        self.assertEqual([t.item() for t in flat({"y": (b, [a]), "x": c, "none": None})], [1, 0, 2])


class OwnFile(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def make(self, *more, file="my_reference.py"):
        done = subprocess.run([sys.executable, "-B", "-W", "ignore", "-m", "loadpath.reference", self.folder / file, "--data", self.folder / "data", *more],
                              capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(SCRIPTS)}, timeout=300)
        return done.returncode, done.stdout, done.stderr

    def refused(self, line, twin, *more):
        (self.folder / "my_reference.py").write_text(twin)
        code, out, err = self.make(*more)
        self.assertEqual((code, out, err), (2, "", f"loadpath.reference: {line}\n"))

    def test_what_is_wrong_is_one_line(self):
        file = self.folder / "my_reference.py"
        code, _, err = self.make(file="nosuch.py")
        self.assertEqual((code, err), (2, f"loadpath.reference: {self.folder / 'nosuch.py'}: there is no such file\n"))
        self.refused(f"{file}: it holds no REFERENCES, a dict of a Reference by the model's name", "x = 1\n")
        self.refused(f"{file}: ZeroDivisionError: division by zero", "1 / 0\n")
        ok = "from loadpath.reference import Reference\nREFERENCES = {'mynet': Reference(build=None, example_inputs=None, batches=(1,))}\n"
        program = self.folder / "program"
        for models, line in {"mynet\\nother": f"{file}: REFERENCES has no 'other', which is a model of the C++ program",
                             "": f"{file}: the C++ program has no model 'mynet', which is in REFERENCES: add it to SuiteMain"}.items():
            program.write_text(f"#!/bin/sh\n[ $1 = --list-models ] && printf '{models}'\n")
            program.chmod(0o755)
            self.refused(line, ok, "--program", program)
        program.write_text("#!/bin/sh\necho mine: no model has a name >&2\nexit 2\n")
        self.refused(f"--program {program}: mine: no model has a name", ok, "--program", program)
        self.refused(f"--program {file}.none: No such file or directory", ok, "--program", f"{file}.none")

    def test_what_filters_leave_out_keeps_the_values_of_build(self):
        torch.save({"body.weight": torch.full((2, 2), 5.0), "old_head.bias": torch.ones(3)}, self.folder / "net.pth")
        build = lambda: torch.nn.Sequential(OrderedDict(body=torch.nn.Linear(2, 2, bias=False), head=torch.nn.Linear(2, 1)))  # noqa: E731
        for rules in ({"only": "^body"}, {"skip": "head"}):
            reference = Reference(build=build, example_inputs=None, batches=(1,), checkpoint="net.pth", seed=3, **rules)
            module = own._with_weights("m", reference, self.folder).build()
            self.assertTrue(torch.equal(module.body.weight, torch.full((2, 2), 5.0)))
            self.assertTrue(torch.equal(module.head.weight, seeded(build, 3).head.weight))
        # A backbone alone: skip is for the module's keys then. Strict within what is left.
        torch.save({"body.weight": torch.full((2, 2), 5.0)}, self.folder / "net.pth")
        reference = Reference(build=build, example_inputs=None, batches=(1,), checkpoint="net.pth", skip="^head")
        self.assertTrue(torch.equal(own._with_weights("m", reference, self.folder).build().body.weight, torch.full((2, 2), 5.0)))
        reference = Reference(build=build, example_inputs=None, batches=(1,), checkpoint="net.pth", skip="^head.bias")
        self.assertRaisesRegex(MakeError, 'Missing key.*: "head.weight"', own._with_weights("m", reference, self.folder).build)

    def test_a_model_that_fails_leaves_the_others_and_a_wrong_trace_is_not_made(self):
        (self.folder / "my_reference.py").write_text("""
import torch
from loadpath.reference import Reference

class Dyn(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(2))

    def forward(self, x):
        return x.sum() * self.weight if x.shape[0] == 1 else x.mean() * self.weight

class Bad(Dyn):
    def forward(self, x):
        return {"y": x, "name": "bad"}

def reference(build):
    return Reference(build=build, example_inputs=lambda batch: [torch.full((batch, 2), 3.0)], batches=(1, 4))

REFERENCES = {"bad": reference(Bad), "dyn": reference(Dyn), "worse": reference(lambda: 1 / 0), "custom": reference(Dyn)}
""")
        code, out, err = self.make()
        self.assertEqual((code, out), (2, ""))
        self.assertRegex(err, r"\Aloadpath\.reference: bad: TypeError: an output is 'bad', of type str.*\nloadpath\.reference: worse: build\(\) raises ZeroDivisionError.*\n\Z")
        manifest = json.loads((self.folder / "data" / "manifest.json").read_text())
        self.assertEqual(sorted(manifest["models"]), ["custom", "dyn"])
        self.assertRegex(manifest["not_made"]["dyn.torchscript.bare.pt"]["reason"],
                         "^the trace is wrong for batch 1, for the forward pass depends on its inputs: ")
        self.assertEqual(manifest["not_made"]["custom.aoti.pt2"]["format"], "aoti")
        (self.folder / "my_reference.py").write_text("from loadpath.reference import Reference\nREFERENCES = dict.fromkeys(('a:b', 'a-b'), "
                                                     "Reference(build=None, example_inputs=None, batches=(1,)))\n")
        self.assertEqual(self.make()[2], "loadpath.reference: 'a:b' and 'a-b' would have files of one name: call one of them otherwise\n")

    def test_the_users_own_file(self):
        (self.folder / "my_net.py").write_text(NET)
        (self.folder / "my_reference.py").write_text(TWIN)
        code, _, err = self.make()
        self.assertEqual((code, err), (2, f"loadpath.reference: mynet: {self.folder.resolve() / 'train.pth'}: there is no such file\n"))

        names = {}
        exec(NET, names)
        torch.manual_seed(3)
        net = names["MyNet"]().eval()
        torch.save({"model": {"module._orig_mod." + key.replace("blocks", "stages"): value for key, value in net.state_dict().items()}}, self.folder / "train.pth")
        code, out, err = self.make()
        self.assertEqual(code, 0, err)
        data = self.folder / "data"
        manifest = json.loads((data / "manifest.json").read_text())
        own = manifest["files"]["mynet.own.pth"]
        self.assertEqual((own["format"], own["layout"], own["models"]), ("zip", "own", [{"model": "mynet", "key": "model"}]))
        self.assertEqual((own["prefixes"], own["rename"]), (["module.", "_orig_mod."], [[r"^stages\.(\d)", "blocks.$1"]]))
        self.assertEqual((data / "mynet.own.pth").read_bytes(), (self.folder / "train.pth").read_bytes())
        self.assertEqual(own["loaded"], sorted(net.state_dict()))
        self.assertEqual(list(manifest["not_made"]), ["mynet.cpp.bare.pt"])
        self.assertNotIn(str(self.folder), (data / "manifest.json").read_text())

        golden = load_file(data / manifest["models"]["mynet"]["goldens"]["8"])
        outputs = flat(net(golden["input.0"]))
        self.assertEqual(len(outputs), 2)
        for i, output in enumerate(outputs):
            self.assertTrue(torch.equal(golden[f"output.{i}"], output), i)

        self.assertEqual(self.make(), (0, f"reference data: up to date, in {data}\n", ""))
        (data / "mynet.own.pth").unlink()
        self.assertEqual(self.make()[:2], (0, f"reference data: 1 made, in {data}\n"))
        # The twin imports its module only when it builds.
        for scale in (0.25, 0.125):
            (self.folder / "my_net.py").write_text(NET.replace("0.5", str(scale)))
            self.assertEqual(self.make()[0], 0)
            again = load_file(data / "mynet.golden.8.safetensors")
            self.assertTrue(torch.equal(again["output.0"], golden["output.0"] * (scale * 2)))

        # "cpp" was not made, for want of a program. One that fails is an error, not a model that has no such file.
        program = self.folder / "mine"
        program.write_text("#!/bin/sh\n[ $1 = --list-models ] && echo mynet && exit\necho 'mine: Missing key' >&2\nexit 1\n")
        program.chmod(0o755)
        for _ in range(2):
            self.assertEqual(self.make("--program", program), (2, "", "loadpath.reference: mynet.cpp.bare.pt: the C++ model does not take Python's weights: mine: Missing key\n"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
