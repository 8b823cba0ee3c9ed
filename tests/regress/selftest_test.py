"""bench selftest, short: exact costs and answers are found every time, and what it says of the clock is there. Its judgement
of time is tried on made series, where the truth is known."""
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("LOADPATH_ROOT", Path(__file__).resolve().parents[2]))
BIN = Path(os.environ.get("LOADPATH_BIN", ROOT / "build/bin"))
DATA = os.environ.get("LOADPATH_REFERENCE", str(ROOT / "build/reference"))
sys.path.insert(0, str(ROOT / "scripts"))

from loadpath.regress import selftest  # noqa: E402
from loadpath.verdict import words  # noqa: E402

CASES = "^load/(crepe:tiny/zip/bare/mmap|linear/zip/bare/direct)/cpu/hot$"


class Short(unittest.TestCase):
    def test_costs_and_answers_are_found(self):
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "selftest.json"
            done = subprocess.run(
                [BIN / "bench", "selftest", "--short", "--runs", "1", "--draws", "20", "--seed", "1", "--filter", CASES, "--data", DATA, "--json", report],
                capture_output=True, text=True, timeout=280,
            )  # fmt: skip
            self.assertIn(done.returncode, (0, 1), done.stdout + done.stderr)
            rows = json.loads(report.read_text())["rows"]
        exact = [row for row in rows if row["what"] in selftest.EXACT.values()]
        self.assertEqual(len(exact), 2 * len(selftest.EXACT) - 1)  # `linear` is not mapped
        self.assertEqual([row for row in exact if not row["fine"]], [])
        told = {row["what"] for row in rows}
        for what in ("no effect, resampled", "+10.0 %, resampled", "smallest effect", "slower when second, fixed order", "no effect, live"):
            self.assertIn(what, told)
        self.assertIn(f"selftest of {BIN / 'bench'} (commit ", done.stdout)

    def test_bad_use_is_one_line(self):
        for arguments, text in (
            (["--shrot"], "unknown flag: --shrot; did you mean --short? (bench selftest --help lists the flags)"),
            (["--filter", "^forward/linear"], "--filter: no hot load has a match"),
        ):
            done = subprocess.run([BIN / "bench", "selftest", *arguments], capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (2, "", f"selftest: {text}\n"))


class Resampled(unittest.TestCase):
    """Series with a noise of 2 % and what is promised of them."""

    def trace(self, drift=0.0):
        source = random.Random(9)
        level, pairs = 0.0, []
        for _ in range(60):
            level += source.gauss(0, drift)
            pairs.append(tuple(1e7 * math.exp(level + source.gauss(0, 0.02)) for _ in range(2)))
        return pairs

    def rate(self, effect, looks, trace, draws=60, run=selftest.draw):
        source = random.Random(7)
        return sum(run(trace, effect, looks, source)[0] == words.REGRESSION for _ in range(draws)) / draws

    def test_what_is_promised(self):
        for trace in (self.trace(), self.trace(drift=0.05)):  # a drift is in both sides of a pair
            self.assertLessEqual(self.rate(1.0, (5, 10, 20, 40), trace), selftest.MOST_ALARMS)
            self.assertGreaterEqual(self.rate(1.10, (5, 10), trace), 0.95)
            self.assertGreaterEqual(self.rate(1.05, (5, 10, 20, 40), trace), 0.90)

    def test_a_fixed_order_takes_an_effect_of_the_order_for_one_of_the_program(self):
        source = random.Random(3)
        trace = [(1e7 * math.exp(source.gauss(0, 0.02)), 1.1e7 * math.exp(source.gauss(0, 0.02))) for _ in range(20)]
        base, head = zip(*trace)
        self.assertEqual(selftest.sequential(base, head, (5, 10, 20), 1)[0], words.REGRESSION)
        self.assertLessEqual(self.rate(1.0, (5, 10, 20), trace, run=selftest.confirmed), selftest.MOST_ALARMS)


if __name__ == "__main__":
    unittest.main(verbosity=2)
