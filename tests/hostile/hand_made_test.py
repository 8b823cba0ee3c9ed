"""Every hand-made hostile file through ckpt: the line that stands beside it, or read as PyTorch reads it; and some to ckpt load."""
import os
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

import support
from loadpath.loaders import children, hostile, loaders

DATA = Path(os.environ["LOADPATH_TEST_DATA"])


class HandMade(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cases = hostile.cases(DATA)

    def test_every_file(self):
        self.assertGreater(len(self.cases), 400)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            flags = lambda case: ["--opaque"] if case.opaque else []
            results = list(pool.map(lambda case: support.ckpt("inspect", case.path, "--json", "--digest", *flags(case)), self.cases))
        for case, (code, out, err) in zip(self.cases, results):
            with self.subTest(case=case.name):
                if case.wanted is None:
                    self.assertEqual((code, err), (0, ""))
                    told = children.function(lambda case=case: {"tensors": list(loaders.describe(torch.load(case.foreign(), weights_only=True)))})
                    self.assertEqual(told.kind, "loads", told.words)
                    self.assertEqual(loaders.content(loaders.tensors_of(out)), loaders.content(told.tensors))
                else:
                    self.assertTrue(support.is_one_line(code, out, err, case.path), (code, out, err))
                    self.assertIn(case.wanted, err)

    def test_ckpt_load_refuses_as_inspect_does(self):
        # Some: each starts LibTorch.
        for case in [c for c in self.cases if c.wanted is not None][::20]:
            with self.subTest(case=case.name):
                flags = ["--opaque"] if case.opaque else []
                code, out, err = support.ckpt("load", case.path, "--model", "linear", *flags, memory=None)
                # A file whose names are read and fit no model is not read to its end.
                if code != 1:
                    self.assertTrue(support.is_one_line(code, out, err, case.path), (code, out, err))
                    self.assertIn(case.wanted, err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
