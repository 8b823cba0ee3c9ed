"""Runs ckpt for the tests of this folder. ctest gives the paths in environment variables."""
import ctypes
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import torch

ROOT = Path(os.environ["LOADPATH_ROOT"])
CKPT = os.environ["LOADPATH_CKPT"]
REFERENCE = Path(os.environ["LOADPATH_REFERENCE"])

sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]
sys.dont_write_bytecode = True

from models.linear import LinearModel  # noqa: E402, F401: for the tests of this folder


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    maxDiff = None

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="ckpt-test-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def ckpt(self, *arguments, cwd=None):
        """Runs ckpt; returns its exit code, standard output and standard error."""
        done = subprocess.run([CKPT, *map(str, arguments)], capture_output=True, cwd=cwd or self.folder, timeout=300)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def succeeds(self, *arguments, code=0):
        got, out, err = self.ckpt(*arguments)
        self.assertEqual((got, err), (code, ""), (arguments, out))
        return out

    def json(self, *arguments, code=0):
        return json.loads(self.succeeds(*arguments, "--json", code=code))

    def refuses(self, line, *arguments):
        """Checks exit code 2, no standard output, and exactly this line on standard error."""
        self.assertEqual(self.ckpt(*arguments), (2, "", line + "\n"), arguments)

    def save(self, value, name="file.pth", **how):
        path = self.folder / name
        torch.save(value, path, **how)
        return path


def tensor_bytes(tensor):
    """The elements in row-major order, conjugation and negation resolved."""
    plain = tensor.detach().resolve_conj().resolve_neg().clone(memory_format=torch.contiguous_format)
    return ctypes.string_at(plain.data_ptr(), plain.numel() * plain.element_size()) if plain.numel() else b""


def digest(tensor):
    return hashlib.sha256(tensor_bytes(tensor)).hexdigest()


def main():
    unittest.main(verbosity=2)
