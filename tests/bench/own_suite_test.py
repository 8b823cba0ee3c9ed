"""A program over SuiteMain with a model of its own has bench's whole command line, under its own name."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import torch

PROGRAM, BENCH = os.environ["LOADPATH_OWN_SUITE"], os.environ["LOADPATH_BENCH"]


def run(*arguments, program=PROGRAM, **environment):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=120, env={**os.environ, **environment})
    return done.returncode, done.stdout, done.stderr


class OwnSuite(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def test_it_has_its_own_models_alone(self):
        self.assertEqual(run("--list-models"), (0, "mynet  one Linear(3, 2) of one's own\n", ""))
        names = run("--list", "--filter", ".")[1].split()
        self.assertIn("load/mynet/zip/bare/direct/cpu/hot", names)
        self.assertIn("forward/mynet/cpu/batch:8/module", names)
        self.assertEqual({name.split("/")[1] for name in names if name.split("/")[0] in ("load", "startup", "forward")}, {"mynet"})

    def test_help_is_benchs_under_its_own_name(self):
        code, own, _ = run("--help")
        self.assertEqual(code, 0)
        self.assertIn("own_suite --list --filter .", own)
        self.assertNotIn("bench --", own)
        ours = run("--help", program=BENCH)[1]
        self.assertEqual([word for word in own.split() if word.startswith("--")], [word for word in ours.split() if word.startswith("--")])

    def test_messages_name_it(self):
        self.assertTrue(run("--version")[1].startswith("own_suite "))
        self.assertEqual(run("--quik"), (2, "", "own_suite: no flag --quik; did you mean --quick? (own_suite --help lists the flags)\n"))
        self.assertEqual(run("--json"), (2, "", "own_suite: --json needs a value (own_suite --help lists the flags)\n"))

    def test_missing_data_say_what_makes_them(self):
        code, _, err = run("--filter", "^forward/mynet/cpu/batch:1/module$", "--data", self.folder / "none", "--quick")
        self.assertEqual(code, 1)
        self.assertIn("; python -m loadpath.reference makes it", err)

    def test_ckpt_knows_its_models(self):
        file = self.folder / "train.pth"
        torch.save({"model": {"linear.weight": torch.ones(2, 3), "linear.bias": torch.zeros(2)}}, file)
        code, out, err = run("ckpt", "load", file, "--model", "mynet", "--key", "model")
        self.assertEqual((code, err), (0, ""), out)
        self.assertEqual(run("ckpt", "diff", file, "--model", "mynet", "--key", "model")[0], 0)
        self.assertEqual(run("ckpt", "inspect", file)[0], 0)
        self.assertEqual(run("ckpt", "load", file, "--model", "linear"), (2, "", "own_suite ckpt: no model linear (mynet)\n"))

    def test_models_that_cannot_be(self):
        part = "a name may not hold '/' or a space, nor begin with '.': it is a part of the names of cases and files"
        for wrong, sentence in {
            "none": "the suite has no models",
            "empty": "a model has no name",
            "slash": f"the model a/b: {part}",
            "make": "the model mynet has no make",
            "forward": "the model mynet has no forward",
            "inputs": "the model mynet has no example_inputs",
            "batches": "the model mynet has no batches",
            "batch": "the model mynet has the batch size 0: the least is 1",
            "twice": "two models are called mynet",
        }.items():
            with self.subTest(wrong):
                self.assertEqual(run("--list-models", OWN_SUITE_WRONG=wrong), (2, "", f"own_suite: {sentence}\n"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
