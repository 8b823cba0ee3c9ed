"""--prefix, --rename, --only, --skip and --skip-mismatched of ckpt's subcommands, and the rules that ckpt diff proposes.

Python's own renaming of the keys is what each is compared with.
"""
import re
import unittest
from collections import OrderedDict

import torch
from safetensors.torch import load_file
from torch import nn

import support
from support import Case

from loadpath.reference import Reference, keys  # noqa: E402: found by support
from loadpath.reference.store import MakeError  # noqa: E402

CUSTOM = torch.load(support.REFERENCE / "custom_model.pth", weights_only=True)["model_state_dict"]
LINEAR = torch.load(support.REFERENCE / "linear_model.pth", weights_only=True)["model_state_dict"]


def renamed(state_dict, rename):
    return OrderedDict((rename(key), value) for key, value in state_dict.items())


class RulesTest(Case):
    def test_prefixes_in_any_nesting(self):
        for name, wrap in {"ddp of compiled": "module._orig_mod.{}", "compiled ddp": "_orig_mod.module.{}"}.items():
            with self.subTest(name):
                path = self.save({"model": renamed(CUSTOM, wrap.format)})
                got = self.json("load", path, "--key", "model", "--model", "custom", "--prefix", "module.", "--prefix", "_orig_mod.")
                self.assertIn("4 tensors equal bit by bit", got["check"])
        path = self.save(renamed(CUSTOM, lambda key: key.replace("custom.", "custom._orig_mod.")))
        self.assertIn("equal bit by bit", self.json("load", path, "--model", "custom", "--prefix", "_orig_mod.")["check"])

    def test_rename_in_order_with_groups(self):
        path = self.save(renamed(CUSTOM, lambda key: re.sub(r"linear\.(\w+)$", r"lin.\1_0", key)))
        got = self.json("load", path, "--model", "custom", "--rename", r"lin\.(\w+)_0$=linear.$1")
        self.assertIn("4 tensors equal bit by bit", got["check"])
        # The last "=" parts the two, so that an expression may hold one.
        self.succeeds("load", path, "--model", "custom", "--rename", r"(?=lin\.)lin\.(\w+)_0$=linear.$1")

    def test_only_and_skip_are_for_both_sides(self):
        part = {key: value for key, value in CUSTOM.items() if key.startswith("custom.")}
        got = self.json("load", self.save(part | {"head.weight": torch.ones(1)}), "--model", "custom", "--only", r"^custom\.")
        self.assertEqual((got["missing_keys"], got["unexpected_keys"], got["errors"]), ([], [], []))
        self.assertEqual(got["left_out"], ["linear.weight", "linear.bias"])
        self.assertEqual(got["check"], "nothing to compare with: only a part of custom was loaded")
        self.assertIn("  left out           1 key of the file and 2 of the model, by --only or --skip: these keep their initial values\n",
                      self.succeeds("load", self.folder / "file.pth", "--model", "custom", "--only", r"^custom\."))
        # A file of the backbone alone: skip is for the model's keys then.
        self.succeeds("load", self.save(part), "--model", "custom", "--skip", r"^linear\.")
        # Strict within what is left.
        broken = self.save({key: value for key, value in part.items() if not key.endswith("bias")}, "broken.pth")
        code, _, err = self.ckpt("load", broken, "--model", "custom", "--only", r"^custom\.")
        self.assertEqual((code, err.split("hint")[0]),
                         (1, 'Error(s) in loading state_dict for CustomModel:\n\tMissing key(s) in state_dict: "custom.linear.bias". \n'))

    def test_skip_mismatched(self):
        path = self.save(CUSTOM | {"linear.weight": torch.ones(7, 128), "linear.bias": torch.ones(7)})
        sentence = ("size mismatch for linear.weight: copying a param with shape torch.Size([7, 128]) from checkpoint, the shape in current "
                    "model is torch.Size([10, 128]).")
        got = self.json("load", path, "--model", "custom", "--skip-mismatched")
        self.assertEqual((got["mismatched"][0], len(got["mismatched"]), got["errors"]), (sentence, 2, []))
        self.assertIn(f"  skipped            {sentence}\n", self.succeeds("load", path, "--model", "custom", "--skip-mismatched"))
        self.assertEqual(self.ckpt("load", path, "--model", "custom")[0], 1)

    def test_nothing_loaded_is_said(self):
        path = self.save({key: torch.ones(7) for key in CUSTOM})
        got = self.json("load", path, "--model", "custom", "--skip-mismatched")
        self.assertEqual(got["warnings"], ["nothing was loaded: of the 4 keys of custom, 4 of another shape"])
        got = self.json("load", path, "--model", "custom", "--skip-mismatched", "--skip", "bias$")
        self.assertEqual(got["warnings"], ["nothing was loaded: of the 4 keys of custom, 2 of another shape, 2 left out by --only or --skip"])
        path = self.save(CUSTOM | {"x": torch.ones(1)})
        got = self.json("load", path, "--model", "custom", "--only", "^x$", "--lenient")
        self.assertEqual(got["warnings"], ["nothing was loaded: of the 4 keys of custom, 4 left out by --only or --skip"])
        got = self.json("load", path, "--model", "custom", "--skip", "^x$")
        self.assertEqual(got["warnings"], [])

    def test_what_matches_nothing(self):
        path = self.save(LINEAR)
        for flag in ("only", "skip"):
            self.refuses(f'ckpt: {path}: {flag} "^linaer" matches none of the 2 keys; did you mean linear.?',
                         "load", path, "--model", "linear", f"--{flag}", "^linaer")
            self.refuses(f'ckpt: {path}: {flag} "^linaer" matches none of the 2 keys; did you mean linear.?',
                         "diff", path, path, f"--{flag}", "^linaer")
        self.assertIn('  warning            rename "^a$" -> "b" changes none of the 2 keys\n',
                      self.succeeds("load", path, "--model", "linear", "--rename", "^a$=b"))

    def test_what_is_no_rule(self):
        path = self.save(LINEAR)
        code, out, err = self.ckpt("load", path, "--model", "linear", "--rename", "abc")
        self.assertEqual((code, out, err), (2, "", 'ckpt load: --rename: abc has no "=": write PATTERN=REPLACEMENT (ckpt load --help)\n'))
        code, out, err = self.ckpt("load", path, "--model", "linear", "--rename", "(=b")
        self.assertEqual((code, out, err.count("\n")), (2, "", 1))
        self.assertIn('ckpt load: --rename: rename "(" -> "b" is not a regular expression (', err)
        code, out, err = self.ckpt("load", path, "--model", "linear", "--only", "[")
        self.assertIn('ckpt load: --only: only "[" is not a regular expression (', err)

    def test_diff_of_two_files(self):
        a = self.save(CUSTOM, "a.pth")
        b = self.save({"model": renamed(CUSTOM, lambda key: "module." + key.replace("custom.", "block.")) | {"module.extra": torch.ones(1)}}, "b.pth")
        rules = ["--prefix", "module.", "--rename", r"^block\.=custom."]
        self.assertEqual(self.json("diff", a, f"{b}::model", *rules, code=1)["unexpected"], ["extra"])
        self.assertEqual(self.succeeds("diff", a, f"{b}::model", *rules, "--skip", "^extra$"), "equal: 4 keys compared\n")
        self.assertEqual(self.succeeds("diff", a, f"{b}::model", *rules, "--only", r"^custom\."), "equal: 2 keys compared\n")

    def test_convert(self):
        path, out = self.save(renamed(CUSTOM, lambda key: "net." + key)), self.folder / "out.safetensors"
        self.succeeds("convert", path, out, "--rename", r"^net\.=", "--skip", "bias$")
        got = load_file(out)
        self.assertEqual(sorted(got), ["custom.linear.weight", "linear.weight"])
        self.assertTrue(torch.equal(got["linear.weight"], CUSTOM["linear.weight"]))
        self.refuses(f'ckpt: {path}: rename "^nte" -> "" changes none of the 4 keys at its top level; the first is net.custom.linear.weight',
                     "convert", path, out, "--rename", "^nte=")


WRAPPERS = ["module.", "_orig_mod."]
# Keys, and rules for them.
RULES = [
    (["module._orig_mod.a.w", "enc._orig_mod.layers.0.module.w", "module.module.c", "submodule.w"], {"prefixes": WRAPPERS}),
    (["network.w", "netnet.w", "a.net.w"], {"prefixes": ["net"]}),
    (["network.w", "net.w", "x.net.a"], {"prefixes": ["net", "net."]}),
    (["a.b.w", "x.a.b.v", "a.w", "aa.b.w"], {"prefixes": ["a.b."]}),
    (["encoder.0.conv1.w", "head.w"], {"rename": [(r"^encoder\.", "text."), (r"text\.(\d+)\.conv(\d)", "text.$1.c$2")]}),
    (["a_b_c", "d"], {"rename": [("_", ".")]}),
    (["ab", "cd"], {"rename": [("(a)(x)?", "[$1|$2|$3|$&|$$|$x|$0|$01|$10]")]}),
    (["abc"], {"rename": [("x*", "-")]}),
    (["a1", "b\u0663"], {"rename": [(r"\d", "#"), (r"\w#", "w")]}),
    (["a", "b\n"], {"rename": [("a$", "c"), (r"[$\n]$", "$$")]}),
    (["module.encoder.w", "module.encoder.bias", "module.head.w"],
     {"prefixes": ["module."], "rename": [(r"^encoder\.", "text.")], "only": r"^text\.", "skip": "bias$"}),
    (["w", "module.w"], {"prefixes": ["module."]}),
    (["w", "module.w", "v"], {"prefixes": ["module."], "skip": "^w$"}),
    (["text.0.weight", "head.weight"], {"only": r"^txt\."}),
    (["text.0.weight", "head.weight"], {"skip": "head.wieght$"}),
    (["a"], {"rename": [("(a", "b")]}),
    (["a"], {"rename": [("(a)", r"\1b")]}),
]


class BothSidesTest(Case):
    """The rules of python -m loadpath.reference, which makes the data, and of C++, which loads it."""

    def test_they_give_the_same_names(self):
        for names, rules in RULES:
            with self.subTest(keys=names, **rules):
                state_dict = {name: torch.tensor([float(i)]) for i, name in enumerate(names)}
                arguments = [word for prefix in rules.get("prefixes", ()) for word in ("--prefix", prefix)]
                arguments += [word for rule in rules.get("rename", ()) for word in ("--rename", "=".join(rule))]
                arguments += [word for what in ("only", "skip") if what in rules for word in (f"--{what}", rules[what])]
                out = self.folder / "out.safetensors"
                code, _, err = self.ckpt("convert", self.save(state_dict), out, *arguments)
                try:
                    expected = keys.apply(Reference(build=None, example_inputs=None, batches=(1,), **rules), state_dict, "m")
                except MakeError as error:
                    self.assertEqual(code, 2, error)
                    if "matches none" in str(error):
                        self.assertEqual(err, f"ckpt: {self.folder / 'file.pth'}: {str(error).removeprefix('m: ')}\n")
                    continue
                self.assertEqual((code, err), (0, ""))
                self.assertEqual({key: value.item() for key, value in load_file(out).items()},
                                 {key: value.item() for key, value in expected.items()})


class PartTest(Case):
    """FILE::model.enc, where the keys of the dict "model" begin with "enc."."""

    def test_in_every_subcommand(self):
        whole = renamed(LINEAR, lambda key: "enc." + key) | {"head.weight": torch.ones(3), 5: torch.ones(1)}
        plain, path = self.save(LINEAR, "plain.pth"), self.save({"model": dict(whole), "epoch": 3})
        part = f"{path}::model.enc"
        for via in ("direct", "pickle_load"):
            if via == "pickle_load":  # which reads no dict of two types of keys
                del whole[5]
                path = self.save({"model": dict(whole), "epoch": 3})
            self.assertIn("equal bit by bit", self.json("load", part, "--model", "linear", "--via", via)["check"], via)
            self.assertEqual(self.json("load", part, "--model", "linear", "--via", via, "--only", "bias")["left_out"], ["linear.weight"])
        path = self.save({"model": dict(whole) | {5: torch.ones(1), "more": {"a": torch.ones(1)}}, "epoch": 3})
        self.assertEqual(self.succeeds("diff", part, "--model", "linear"), "equal: 2 keys compared by name, shape and dtype; values are not\n")
        self.assertEqual(self.succeeds("diff", part, plain), "equal: 2 keys compared\n")
        self.assertEqual(self.succeeds("diff", plain, part, "--only", "^linear\\.b"), "equal: 1 key compared\n")
        self.assertEqual(self.json("diff", part, self.save(whole, "b.pth"), code=1)["unexpected"], ["enc.linear.weight", "enc.linear.bias", "head.weight"])
        out = self.folder / "out.safetensors"
        self.succeeds("convert", part, out, "--rename", "^linear=fc")
        self.assertEqual(sorted(load_file(out)), ["fc.bias", "fc.weight"])

    def test_the_modules_of_a_part(self):
        net, other = nn.Sequential(OrderedDict(enc=nn.BatchNorm1d(3), head=nn.Linear(3, 1))), nn.BatchNorm1d(3)
        a, b = self.save(net.state_dict(), "a.pth"), self.save(other.state_dict(), "b.pth")
        self.assertEqual(self.succeeds("diff", f"{a}::enc", b), "equal: 5 keys compared\n")
        state_dict = other.state_dict()
        state_dict._metadata[""]["version"] = 1
        b = self.save(state_dict, "b.pth")
        # The path is that of the first file.
        self.assertEqual(self.json("diff", f"{a}::enc", b, code=1)["values"], [{"path": "_metadata.enc.version", "wanted": "2", "have": "1"}])

    def test_what_is_wrong_with_a_part(self):
        state_dict = renamed(LINEAR, lambda key: "enc." + key)
        state_dict._metadata = 5
        path = self.save(state_dict)
        self.refuses(f"ckpt: {path}: 'int' object has no attribute 'get'", "diff", f"{path}::enc", "--model", "linear")
        self.refuses(f"ckpt: {path}: KeyError: 'dec'; at the top level are 'enc.linear.weight', 'enc.linear.bias'",
                     "diff", f"{path}::dec", "--model", "linear")


class ProposalTest(Case):
    def proposal(self, path, model="custom"):
        return self.json("diff", path, "--model", model, code=1)["proposal"]

    def test_a_command_that_then_compares_equal(self):
        rename = lambda key: "module._orig_mod." + key.replace("custom.linear", "block.fc")
        path = self.save({"state": renamed(CUSTOM, rename), "epoch": 1})
        got = self.proposal(path)
        self.assertEqual((got["key"], got["prefixes"], got["matched_before"], got["matched"], got["wanted"]),
                         ("state", ["module.", "_orig_mod."], 0, 4, 4))
        self.assertEqual((got["missing"], got["unexpected"]), ([], []))
        command = got["command"].replace("'", "").split()
        self.assertEqual(command[:3], ["ckpt", "diff", f"{path}::state"])
        self.assertEqual(self.succeeds(*command[1:]), "equal: 4 keys compared by name, shape and dtype; values are not\n")
        self.assertIn("equal bit by bit", self.json("load", *command[2:])["check"])

    def test_text(self):
        path = self.save(renamed(CUSTOM, lambda key: "net." + key.replace("custom.", "block.")) | {"net.x": torch.ones(1)})
        out = self.succeeds("diff", path, "--model", "custom", code=1)
        self.assertIn(f"""proposal: with these rules 4 of 4 keys match, 0 without them
  --prefix net.                changes 5 keys  net.block.linear.weight -> block.linear.weight
  --rename '^block\\.=custom.'  changes 2 keys  block.linear.weight -> custom.linear.weight
  still unexpected: x
  ckpt diff {path} --prefix net. --rename '^block\\.=custom.' --model custom
different without these rules: 4 missing, 5 unexpected; 0 keys compared by name, shape and dtype; values are not
""", out)

    def test_the_rest_has_its_own_cause(self):
        """Not the prefix, which the proposal removes already."""
        path = self.save({"module." + key: value[:, :-1] if key == "linear.weight" else value for key, value in CUSTOM.items()})
        got = self.json("diff", path, "--model", "custom", code=1)
        self.assertEqual((got["proposal"]["matched"], got["proposal"]["missing"], got["proposal"]["unexpected"]), (3, [], []))
        self.assertEqual(got["proposal"]["shapes"], [{"key": "linear.weight", "wanted": "[10, 128]", "have": "[10, 127]"}])
        self.assertEqual(got["causes"], [])
        self.assertIn("  still of another shape: linear.weight [10, 128] -> [10, 127]\n", self.succeeds("diff", path, "--model", "custom", code=1))
        path = self.save({"module." + key: value.T if key == "linear.weight" else value for key, value in CUSTOM.items()})
        self.assertIn("likely cause of the rest: 1 tensor would fit transposed, \"linear.weight\" first ", self.succeeds("diff", path, "--model", "custom", code=1))

    def test_what_is_paired_by_order(self):
        path = self.save(renamed(CUSTOM, lambda key: "net." + re.sub("^linear", "other", key)))
        out = self.succeeds("diff", path, "--model", "custom", code=1)
        self.assertRegex(out, r"  --prefix net\. +changes 4 keys  \S+ -> \S+\n")
        self.assertRegex(out, r"  --rename '\^other\\\.=linear\.'  changes 2 keys  \S+ -> \S+ +by shape and order alone\n")

    def test_skip_mismatched_is_offered(self):
        path = self.save(CUSTOM | {"linear.weight": torch.ones(7, 128), "linear.bias": torch.ones(7)})
        _, _, err = self.ckpt("load", path, "--model", "custom")
        self.assertTrue(err.endswith("hint: --skip-mismatched loads the 2 keys that match\n"), err)
        path = self.save({key: torch.ones(7) if key == "linear.bias" else value for key, value in CUSTOM.items() if key != "custom.linear.bias"})
        _, _, err = self.ckpt("load", path, "--model", "custom")
        self.assertTrue(err.endswith("hint: --lenient --skip-mismatched loads the 2 keys that match\n"), err)

    def test_the_hint_of_load_warns_and_keeps_the_filters(self):
        path = self.save(renamed(CUSTOM, lambda key: "net." + key.replace("custom.", "block.")) | {"net.x": torch.ones(1)})
        _, _, err = self.ckpt("load", path, "--model", "custom", "--skip", "x$", "--only", ".")
        self.assertIn("hint: 4 of 4 keys match with --prefix net. --rename '^block\\.=custom.' --only . --skip 'x$' "
                      f"(ckpt diff {path} --model custom shows how)\n", err)
        out = self.succeeds("diff", path, "--model", "custom", "--skip", "x$", "--only", ".", code=1)
        self.assertIn(f"  ckpt diff {path} --prefix net. --rename '^block\\.=custom.' --only . --skip 'x$' --model custom\n", out)
        self.assertNotIn("still unexpected", out)
        # Of the keys that are asked for, all match.
        _, _, err = self.ckpt("load", path, "--model", "custom", "--skip", "bias$")
        self.assertIn("hint: 2 of 2 keys match with --prefix net. --rename '^block\\.=custom.' --skip 'bias$' (", err)
        path = self.save(renamed(CUSTOM, lambda key: re.sub("^linear", "other", key)))
        _, _, err = self.ckpt("load", path, "--model", "custom")
        self.assertIn("shows how); some layers are paired by shape and order alone, not by name: look at them before use\n", err)

    def test_another_model_gets_none(self):
        path = self.save(nn.Conv2d(1, 2, 3).state_dict())
        self.assertNotIn("proposal", self.json("diff", path, "--model", "custom", code=1))
        self.assertNotIn("proposal", self.json("diff", self.save(CUSTOM, "same.pth"), "--model", "custom"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
