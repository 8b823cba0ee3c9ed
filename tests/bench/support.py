"""Runs bench for the tests of this folder. ctest gives the paths in environment variables."""
import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import jsonschema
import torch

BENCH, DATA, SCHEMA = (os.environ[f"LOADPATH_{name}"] for name in ("BENCH", "REFERENCE", "SCHEMA"))
FORMATS = {"zip", "legacy", "safetensors", "sharded", "sharded_bin", "torchscript", "cpp", "pt2", "dcp", "opaque"}


def bench(*arguments, data=DATA):
    done = subprocess.run([BENCH, "--data", data, *arguments], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout, without_warnings(done.stderr)


def without_warnings(err):
    """Returns what bench wrote to standard error, but for other tests that measure at the same time."""
    return re.sub(r"(?m)^bench: warning: (another run measures|other runs measure) at the same time .*\n", "", err)


PATHS = [line.split()[0] for line in bench("--list-paths")[1].splitlines()]
OWN_PATHS = [path for path in PATHS if path not in ("pickle_load", "jit_load")]  # the others are LibTorch's readers


class Folder(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.folder = Path(self._folder.name)

    def rows(self, *arguments, data=DATA, status=0):
        """Returns the rows of a quick run by name, after checking the whole JSON against the schema."""
        file = self.folder / "run.json"
        code, self.out, self.err = bench("--quick", "--json", str(file), *arguments, data=data)
        self.assertEqual(code, status, self.out + self.err)
        return self.read(file)

    def read(self, file):
        self.whole = json.loads(file.read_text())
        jsonschema.validate(self.whole, json.loads(Path(SCHEMA).read_text()))
        rows = self.whole["benchmarks"] + self.whole["not_timed"]
        by_name = {row["name"]: row for row in rows}
        self.assertEqual(len(by_name), len(rows), "two rows have one name")
        return by_name

    def linear_file(self, name, dtype=torch.float32):
        """Writes the state dict of a torch.nn.Linear(10, 2) named `linear`; returns the file."""
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        torch.save({"linear.weight": (torch.arange(20.0).view(2, 10) / 7).to(dtype), "linear.bias": torch.ones(2, dtype=dtype)}, file)
        return file


def main():
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main(verbosity=2)
