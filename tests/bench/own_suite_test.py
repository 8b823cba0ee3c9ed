"""A program over SuiteMain with a model of its own has bench's whole command line, under its own name."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import torch

SCRIPTS = str(Path(__file__).resolve().parents[2] / "scripts")
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

    def test_ckpts_texts_name_it(self):
        code, out, err = run("ckpt", "load", "--help")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("own_suite --list-models lists them", out)
        self.assertIn("  own_suite ckpt load ddp.pth --model mynet --prefix module. --prefix _orig_mod. --json\n", out)
        for arguments in [(), *((name,) for name in ("inspect", "load", "diff", "convert"))]:
            text = run("ckpt", *arguments, "--help")[1]
            self.assertEqual(text.count("ckpt"), text.count("own_suite ckpt"), text)
        self.assertEqual(run("ckpt", "diff", "a.pth"), (2, "", "own_suite ckpt diff: OTHER or --model is missing (own_suite ckpt diff --help)\n"))
        self.assertEqual(run("ckpt", "laod"), (2, "", "own_suite ckpt: no subcommand laod; did you mean load? (inspect, load, diff, convert; own_suite ckpt --help)\n"))
        a, b = self.folder / "a.pth", self.folder / "b.pth"
        torch.save({"w": torch.ones(3)}, a)
        torch.save({"model": {"w": torch.ones(3)}}, b)
        self.assertIn(f": own_suite ckpt diff {a} {b}::model\n", run("ckpt", "diff", a, b)[1])

    def test_a_file_of_which_a_part_is_taken(self):
        """What the rules leave out comes from the reference; what they take must not."""
        torch.save({"linear.weight": torch.arange(6.0).reshape(2, 3), "other.bias": torch.ones(9)}, self.folder / "train.pth")
        (self.folder / "my_reference.py").write_text('''
import torch
from loadpath.reference import Reference, example_input

class MyNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)

    def forward(self, x):
        return self.linear(x)

REFERENCES = {"mynet": Reference(build=MyNet, example_inputs=lambda batch: [example_input((batch, 3), 1)], batches=(1, 8),
                                 checkpoint="train.pth", only="^linear", skip="bias$")}
''')
        data = self.folder / "data"
        make = [sys.executable, "-B", "-m", "loadpath.reference", self.folder / "my_reference.py", "--data", data]
        done = subprocess.run(make, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": SCRIPTS})
        self.assertEqual(done.returncode, 0, done.stderr)
        cases = ("--filter", "^load/mynet/zip/own/(copy|direct|assign|mmap)/", "--quick", "--repetitions", "1", "--data", data)
        self.assertEqual(run(*cases)[0], 0)
        costs = self.folder / "costs.json"
        torch.save({"linear.weight": torch.full((2, 3), 2.0), "other.bias": torch.ones(9)}, data / "mynet.own.pth")
        code, _, err = run(*cases, "--write-costs", costs)
        self.assertEqual(code, 1)
        self.assertIn("4 cases failed", err)
        self.assertIn(f"own_suite: {costs}: is not written: not every case was right\n", err)
        self.assertFalse(costs.exists())

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
