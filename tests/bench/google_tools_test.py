"""Google Benchmark's own tools take what bench writes: its compare.py itself, and, by the rules of their sources,
github-action-benchmark's `googlecpp` (src/extract.ts) and Bencher's `cpp_google` (adapters/cpp/google.rs)."""
import json
import math
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import support
from support import BENCH, DATA

COMPARE = Path("/usr/share/benchmark/compare.py")  # libbenchmark-tools
CASES = ["--filter", "^load/linear/zip/nested/(direct|mmap|jit_load)|^forward/linear/cpu/batch:1/module", "--repetitions", "3"]


def without_repeats(pairs):
    """JSON that names a field of an object twice is read differently by different readers."""
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    return dict(pairs)


def no_number(text):
    raise AssertionError(f"{text} is no JSON")


def read(text):
    return json.loads(text, object_pairs_hook=without_repeats, parse_constant=no_number)


class GoogleTools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.ours = [cls.folder / "before.json", cls.folder / "after.json"]
        for file in cls.ours:
            subprocess.run([BENCH, "--data", DATA, *CASES, "--json", file], check=True, capture_output=True)
        # Google Benchmark's own reporters: another number of samples each time, and the names stay.
        cls.google = [cls.folder / "google-before.json", cls.folder / "google-after.json"]
        for file, time in zip(cls.google, ("0.001s", "0.01s")):
            done = subprocess.run([BENCH, "--data", DATA, *CASES, f"--benchmark_out={file}", "--benchmark_format=json",
                                   f"--benchmark_min_time={time.removesuffix('s')}"], check=True, capture_output=True, text=True)
            read(done.stdout)

    def names(self, file):
        return [row["name"] for row in read(file.read_text())["benchmarks"]]

    def test_a_series_is_one_row_under_a_name_that_stays(self):
        for before, after in (self.ours, self.google):
            self.assertEqual(sorted(set(self.names(before))), sorted(set(self.names(after))))
        self.assertEqual(len(set(self.names(self.ours[0]))), len(self.names(self.ours[0])))
        self.assertIn("load/linear/zip/nested/direct/cpu/hot", self.names(self.ours[0]))
        plain = {name for name in self.names(self.google[0]) if re.search(r"_(mean|median|stddev|cv)$", name) is None}
        self.assertEqual(plain - set(self.names(self.ours[0])), {"load/linear/zip/nested/jit_load/cpu/hot"})

    def test_compare_py(self):
        done = subprocess.run([sys.executable, "-B", COMPARE, "--no-color", "benchmarks", *self.ours], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        rows = [read(file.read_text())["benchmarks"] for file in self.ours]
        lines = done.stdout.splitlines()
        for old in rows[0]:
            new = next(row for row in rows[1] if row["name"] == old["name"])
            (line,) = [line for line in lines if line.split()[:1] == [old["name"]]]
            shown = list(map(float, line.split()[3:]))
            for got, wanted in zip(shown, (old["real_time"], new["real_time"], old["cpu_time"], new["cpu_time"]), strict=True):
                self.assertLessEqual(abs(got - wanted), 0.5001, line)
        filters = subprocess.run([sys.executable, "-B", COMPARE, "--no-color", "filters", self.ours[0], "/direct/", "/mmap/"], capture_output=True, text=True)
        self.assertEqual((filters.returncode, filters.stderr), (0, ""))
        self.assertIn("[/direct/ vs. /mmap/]", filters.stdout)

    def test_github_action_benchmark(self):
        for file in self.ours:
            for row in read(file.read_text())["benchmarks"]:
                self.assertIsInstance(row["name"], str)
                self.assertTrue(math.isfinite(row["real_time"]) and row["real_time"] > 0, row["name"])
                self.assertEqual(row["time_unit"], "ns")
                # Its `extra` has "undefined" for what is absent.
                for field in ("iterations", "cpu_time", "threads"):
                    self.assertIsInstance(row[field], (int, float), row["name"])
                self.assertEqual(row["iterations"], len(row["samples_ns"]))

    def test_bencher(self):
        for file in self.ours:
            whole = read(file.read_text())
            self.assertIsInstance(whole["context"]["caches"], list)
            self.assertTrue(all(isinstance(cache, dict) for cache in whole["context"]["caches"]))
            self.assertTrue(whole["benchmarks"])
            for row in whole["benchmarks"]:
                self.assertTrue(0 < len(row["name"]) <= 1024)
                self.assertIsInstance(row["real_time"], (int, float))
                self.assertIn(row["time_unit"], ("ns", "us", "ms", "s"))

    def test_what_was_not_timed_stands_apart(self):
        (skipped,) = read(self.ours[0].read_text())["not_timed"]
        self.assertEqual((skipped["name"], skipped["status"]), ("load/linear/zip/nested/jit_load/cpu/hot", "skipped"))
        self.assertNotIn("real_time", skipped)


if __name__ == "__main__":
    support.main()
