"""scripts/peers on the smallest reference file: a whole run, and every loader that is installed."""

import json
import shlex
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from support import BIN, REFERENCE, ROOT, Folder

from loadpath.peers import install, sampling

OWN = """
import torch
from loadpath.peers.loaders import Loader

def right(ready):
    print("a loader may print")
    return torch.load(ready.path, weights_only=True)[ready.key]

def changed(ready):
    tensors = right(ready)
    tensors["linear.bias"].view(torch.int32)[1] ^= 1
    return tensors

LOADERS = [
    Loader("mine, right", "pth", ("torch",), right),
    Loader("mine, a bit changed", "pth", ("torch",), changed),
    Loader("mine, absent", "pth", ("no_such_package", "torch"), right),
]
"""

# Runs a worker's loads one after the other in one process, because importing PyTorch takes seconds.
EVERY = """
import json, sys
from loadpath.peers import formats, loaders, worker

folder, path = sys.argv[1:]
written = []
formats_wanted = {name: f"{folder}/tensors{format.ending}" for name, format in formats.FORMATS.items()}
request = {"path": path, "key": "model_state_dict", "output": folder + "/expected.json", "formats": formats_wanted}
worker.prepare(request, None, written.append)
not_written = {answer["format"]: answer for answer in written[1:] if answer["error"]}
for row in loaders.LOADERS:
    answers = []
    request = {"loader": row.name, "path": formats_wanted[row.format], "key": "", "expected": folder + "/expected.json"}
    if row.format in not_written:
        answers.append(not_written[row.format])
    else:
        try:
            worker.load(request, lambda: None, answers.append)
        except Exception as error:
            answers.append(worker.failure(error))
    print(json.dumps([row.name, answers[-1]]))
"""


class RunTest(Folder):
    def setUp(self):
        super().setUp()
        # A copy: other tests read the reference file, and it must become cold.
        self.file = Path(shutil.copy(REFERENCE / "linear_model.pth", self.folder))

    def test_a_run(self):
        own, results = self.folder / "mine.py", self.folder / "results.json"
        own.write_text(OWN)
        command = [sys.executable, ROOT / "scripts" / "peers", self.file, "--key", "model_state_dict", "--bin", BIN]
        command += [
            "--data",
            REFERENCE,
            "--work",
            self.folder / "work",
            "--json",
            results,
            "--also",
            own,
            "--cache",
            "cold",
        ]
        command += ["--samples", "1", "--seed", "3", "--peers", "mine|direct|mmap, saf|torch::"]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=240)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        table, _, repeat = done.stdout.partition("\nrepeat: ")
        self.assertNotIn(str(self.folder), results.read_text() + table)   # these may be published
        self.assertEqual(shlex.split(repeat)[1:], [str(word) for word in command[command.index("--key") - 1:]])
        whole = json.loads(results.read_text())

        timed = {row["path"]: row for row in whole["benchmarks"]}
        paths = ("direct, pth", "direct, safetensors", "direct, dcp", "mmap, safetensors")
        right = {"mine, right", "torch::pickle_load", "torch::jit::load", *(f"loadpath {path}" for path in paths)}
        self.assertEqual(timed.keys(), right, done.stdout + done.stderr)
        for name, row in timed.items():
            (sample,) = row["samples"]
            self.assertEqual((row["bytes"], sample["checked"], row["cache"]), (88, 2, "cold"))
            self.assertEqual(sample["wall_ns"], sum(sample["phases_ns"].values()))
            self.assertEqual(sample["residency_before"], 0, name)
            self.assertGreater(sample["residency_after"], 0, name)
            self.assertGreater(sample["from_start_ns"], sample["wall_ns"])
            self.assertGreater(sample["touch_bytes_per_second"], 0)
            self.assertEqual(row["maps"], "mmap" in name)
        self.assertGreater(timed["mine, right"]["import_ns"], 0)

        reasons = {row["path"]: (row["status"], row["reason"]) for row in whole["not_timed"]}
        self.assertEqual(
            reasons,
            {
                "mine, a bit changed": ("wrong", "linear.bias has other values than the file"),
                "mine, absent": ("skipped", "not installed: no module named no_such_package (scripts/peers --install)"),
            },
        )
        self.assertNotIn("| mine, a bit changed", done.stdout)
        self.assertIn("- mine, a bit changed: wrong: linear.bias has other values than the file\n", done.stdout)
        self.assertIn("peers: wrong values: mine, a bit changed\n", done.stderr)

    def test_every_loader_that_is_installed_gives_the_right_values(self):
        python = install.interpreter(ROOT, ROOT / "build" / "peers-venv")
        command = [python, "-B", "-c", EVERY, str(self.folder), str(self.file)]
        done = subprocess.run(command, env=sampling.environment(), capture_output=True, text=True, timeout=240)
        self.assertEqual(done.returncode, 0, done.stderr)
        answers = dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith('["'))
        self.assertEqual(len(answers), 13)
        for name, answer in answers.items():
            with self.subTest(name=name):
                if answer.get("missing"):
                    self.assertFalse(name.startswith(("torch", "safetensors")), answer)
                elif name == "InstantTensor":
                    self.assertIn("CUDA", answer["error"])
                else:
                    self.assertEqual((answer.get("error"), answer.get("wrong"), answer.get("checked")), (None, [], 2))
        mapped = {name: answers[name]["bytes_mapped"] for name in ("torch.load", "torch.load(mmap=True)")}
        self.assertEqual(mapped, {"torch.load": 0, "torch.load(mmap=True)": 88})


if __name__ == "__main__":
    unittest.main(verbosity=2)
