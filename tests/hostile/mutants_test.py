"""2,000 mutated files of every format: each is refused in one line, or read as PyTorch reads it.

Nothing may end by a signal, take 1.5 GB or 20 s. The damage is the same in every run, and so are the files but for the
addresses and identifiers that PyTorch writes into some of them. They stay where they are, to be looked at.
"""
import collections
import os
import random
import shutil
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

import support
from loadpath.loaders import children, formats, loaders

import mutate
import oracle

COUNT, LOADED = 2000, 40
FOLDER = Path(os.environ["LOADPATH_TEST_DATA"]) / "mutants"


@dataclass
class Seed:
    """A right file or folder, and how PyTorch is asked about it."""

    path: Path
    flags: tuple
    ask: object
    content: dict

    @property
    def files(self):
        return sorted(p for p in self.path.iterdir()) if self.path.is_dir() else [self.path]


@dataclass
class Mutant:
    """checked: checksums stand over all bytes of the right file, and were left as they were."""

    seed: Seed
    path: Path
    checked: bool


def seeds(folder):
    """Every file of scripts/loadpath/loaders/formats.py that loadpath reads."""
    asks = {".safetensors": oracle.flat, ".pt": oracle.script, ".pt2": oracle.exported}
    folders = {"shards": oracle.sharded, "bins": oracle.sharded, "rank": oracle.distributed, "ranks": oracle.distributed}
    found = []
    for kind in formats.make(str(folder), support.CKPT.parent / "checkpoint_save_archives"):
        path = Path(kind.path)
        code, out, _ = support.ckpt("inspect", path, "--json", "--digest", *kind.flags)
        if code == 0:
            ask = folders.get(path.name) or asks.get(path.suffix, oracle.pickled)
            found.append(Seed(path, kind.flags, ask, loaders.content(loaders.tensors_of(out))))
    return found


def fresh(name):
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    (FOLDER / name).mkdir(parents=True)
    return FOLDER / name


def mutants(folder, right, count):
    """Writes the mutants, every seed's in turn."""
    dice = random.Random(20150101)
    for number in range(count):
        seed = right[number % len(right)]
        file = dice.choice(seed.files)
        other = dice.choice(dice.choice(right).files).read_bytes()
        data = file.read_bytes()
        inside = mutate.is_zip(data) and file.suffix != ".distcp" and dice.random() < 0.5
        changed = mutate.mutate_record(data, dice, other) if inside else mutate.mutate(data, dice, other)
        path = folder / f"{number}{seed.path.suffix}"
        if seed.path.is_dir():
            shutil.copytree(seed.path, path)
            (path / file.name).write_bytes(changed)
        else:
            path.write_bytes(changed)
        yield Mutant(seed, path, mutate.is_zip(data) and not inside and not seed.path.is_dir())


class Mutants(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(1)
        oracle.allow(formats.Net)
        cls.seeds = seeds(fresh("right"))
        cls.mutants = list(mutants(fresh("of_all"), cls.seeds, COUNT))

    def test_the_oracle_knows_every_right_file(self):
        for seed in self.seeds:
            with self.subTest(seed=seed.path.name):
                self.assertEqual(self.asked(seed, seed.path), seed.content)

    def asked(self, seed, path):
        """The oracle's content of a file, or the Outcome where it gives none."""
        outcome = children.function(lambda: {"tensors": list(loaders.describe(seed.ask(path)))})
        return loaders.content(outcome.tensors) if outcome.kind == "loads" else outcome

    def test_mutants(self):
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda m: support.ckpt("inspect", m.path, "--json", "--digest", *m.seed.flags), self.mutants))
        counts, wrong = collections.Counter(), []
        for mutant, (code, out, err) in zip(self.mutants, results):
            name = f"{mutant.path.name} of {mutant.seed.path.name}"
            if code != 0:
                counts["refused"] += 1
                if not support.is_one_line(code, out, err, mutant.path):
                    wrong.append(f"{name}: exit {code}, {err[:300]!r}")
                continue
            if err:
                wrong.append(f"{name}: read, but says {err[:300]!r}")
            content = loaders.content(loaders.tensors_of(out))
            if content == mutant.seed.content:
                counts["as before"] += 1
                continue
            if mutant.checked:
                wrong.append(f"{name}: read as {content} in spite of its checksums")
                continue
            told = self.asked(mutant.seed, mutant.path)
            counts["otherwise, as PyTorch"] += told == content
            # An object that PyTorch cannot build any more is one with attributes to --opaque: its tensors stand under these.
            inert = mutant.seed.flags and not isinstance(told, dict) and set(content.values()) <= set(mutant.seed.content.values())
            if told != content and not inert:
                wrong.append(f"{name}: read as {content}, PyTorch: {told}")
        print(dict(counts))
        self.assertEqual(wrong, [])
        self.assertEqual(len(results), COUNT)
        # Every part of the test is reached.
        self.assertGreater(min(counts[w] for w in ("refused", "as before", "otherwise, as PyTorch")), 20, counts)

    def test_ckpt_load_of_mutants(self):
        """What inspect refuses, every load path refuses in the same line; but mmap compares no checksums."""
        right = fresh("linear")
        state = {"linear.weight": torch.arange(20.0).reshape(2, 10), "linear.bias": torch.ones(2)}
        torch.save(state, right / "zip.pth")
        torch.save(state, right / "legacy.pth", _use_new_zipfile_serialization=False)
        save_file(state, right / "flat.safetensors")
        seeds = [Seed(path, (), None, {}) for path in sorted(right.iterdir())]
        cases = list(zip(mutants(fresh("of_linear"), seeds, LOADED), ("copy", "direct", "assign", "mmap") * LOADED))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            shown = list(pool.map(lambda c: support.ckpt("inspect", c[0].path, "--json", "--digest"), cases))
            loaded = list(pool.map(lambda c: support.ckpt("load", c[0].path, "--model", "linear", "--via", c[1], memory=None), cases))
        counts = collections.Counter(code for code, _, _ in loaded)
        for (mutant, via), (wanted, _, line), (code, out, err) in zip(cases, shown, loaded):
            with self.subTest(path=mutant.path.name, via=via):
                self.assertIn(code, (0, 1, 2), err)
                if code == 2:
                    self.assertTrue(support.is_one_line(code, out, err, mutant.path), (code, out, err))
                if wanted == 2 and code != 1 and via != "mmap":
                    self.assertEqual((code, err), (2, line))
        self.assertTrue(counts[0] and counts[2], counts)


if __name__ == "__main__":
    unittest.main(verbosity=2)
