"""scripts/compare on made results whose differences are known, on bench's own, and on Google Benchmark's."""
import contextlib
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from scipy import stats

ROOT = Path(os.environ.get("LOADPATH_ROOT", Path(__file__).resolve().parents[2]))
BIN = Path(os.environ.get("LOADPATH_BIN", ROOT / "build/bin"))
DATA = os.environ.get("LOADPATH_REFERENCE", str(ROOT / "build/reference"))
sys.path.insert(0, str(ROOT / "scripts"))

from loadpath.compare import command  # noqa: E402

CASE = {"case": "load", "model": "m", "format": "zip", "layout": "bare", "device": "cpu", "cache": "hot"}
COSTS = {"bytes": 1000, "bytes_read": 1100, "bytes_copied": 0, "allocations": 3}


def ours(path, us=1000, status="ok", seed=1, noise=0.02, count=20, **more):
    source = random.Random(f"{path}/{seed}")
    row = {"name": f"load/m/zip/bare/{path}", **CASE, "path": path, "status": status, **(COSTS if status == "ok" else {"reason": "why"}), **more}
    if status == "ok":
        row |= {"samples_ns": [round(1000 * us * (1 + source.gauss(0, noise))) for _ in range(count)], "checked": True}
    return row


class Compare(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def write(self, name, rows, schema="3", **context):
        file = self.folder / name
        whole = {"context": {"date": "2026-11-29T05:00:00+00:00", "cpu": "a", **({"schema_version": schema} if schema else {}), **context}}
        whole["benchmarks"] = [row for row in rows if row.get("status", "ok") == "ok"]
        whole["not_timed"] = [row for row in rows if row.get("status", "ok") != "ok"]
        file.write_text(json.dumps(whole))
        return str(file)

    def call(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = command.main(list(arguments), self.folder)
        return status, out.getvalue(), err.getvalue()

    def compare(self, a, b, *more, **context):
        report = self.folder / "report.json"
        status, out, err = self.call(self.write("a.json", a), self.write("b.json", b, **context), "--json", str(report), *more)
        self.assertEqual(err, "")
        whole = json.loads(report.read_text())
        return status, {verdict["case"].rsplit("/")[-1]: verdict for verdict in whole["verdicts"]}, out

    def test_two_runs_of_the_same(self):
        status, verdicts, out = self.compare([ours("direct")], [ours("direct", seed=2)])
        self.assertEqual((status, verdicts["direct"]["word"]), (0, "OK"))
        a, b = (json.loads((self.folder / name).read_text())["benchmarks"][0]["samples_ns"] for name in ("a.json", "b.json"))
        p = stats.mannwhitneyu(a, b).pvalue
        self.assertIn(f"    p {p:.3g} (Mann-Whitney U, 20 and 20 samples)\n", out)

    def test_costs_answers_and_cases(self):
        status, verdicts, _ = self.compare(
            [ours("read"), ours("copied"), ours("cheaper"), ours("gone"), ours("wrong"), ours("skipped"), ours("unchecked")],
            [ours("read", bytes_read=2200), ours("copied", bytes_copied=1000), ours("cheaper", allocations=2), ours("new"), ours("wrong", status="error"), ours("skipped", status="skipped"), ours("unchecked") | {"checked": False}],
        )
        self.assertEqual(status, 3)
        self.assertEqual(
            {name: verdict["word"] for name, verdict in verdicts.items()},
            {"read": "REGRESSION", "copied": "REGRESSION", "cheaper": "IMPROVED", "gone": "MISSING", "new": "NEW", "wrong": "WRONG", "skipped": "SKIPPED", "unchecked": "WRONG"},
        )
        self.assertEqual(verdicts["read"]["sentences"][0], "bytes_read 1,100 → 2,200: the file is read twice")
        self.assertEqual(verdicts["copied"]["sentences"][0], "bytes_copied 0 → 1,000: every tensor is copied once more")
        self.assertEqual((verdicts["skipped"]["reason"], verdicts["skipped"]["fails"]), ("newly skipped: why", True))

    def test_times_have_a_wide_margin(self):
        for us, word, status in ((1500, "REGRESSION", 1), (1200, "INCONCLUSIVE", 4), (1050, "OK", 0), (600, "IMPROVED", 0)):
            found = self.compare([ours("direct")], [ours("direct", us=us)])
            self.assertEqual((found[0], found[1]["direct"]["word"]), (status, word))

    def test_an_improvement_fails_if_strict(self):
        self.assertEqual(self.compare([ours("direct")], [ours("direct", allocations=2)], "--strict")[0], 1)

    def test_times_of_two_machines_are_not_judged(self):
        status, verdicts, out = self.compare([ours("direct")], [ours("direct", us=9000)], cpu="b")
        self.assertEqual((status, verdicts["direct"]["word"]), (0, "OK"))  # its costs are the same
        self.assertIn("9.0", out)
        self.assertIn("times are shown and not judged: other machines: cpu a → b\n", out)
        self.assertEqual(self.compare([ours("direct")], [ours("direct", bytes_read=2200)], cpu="b")[0], 1)

    def google(self, name, seed, us=100, **context):
        source = random.Random(seed)
        rows = [
            {"name": f"BM_{which}/repeats:9", "run_name": f"BM_{which}", "run_type": "iteration", "repetition_index": at, "iterations": 10, "real_time": us * (1 + source.gauss(0, 0.01)), "cpu_time": 1.0, "time_unit": "us"}
            for which in ("a", "b")
            for at in range(9)
        ]
        rows.append({"name": "BM_a_median", "run_name": "BM_a", "run_type": "aggregate", "aggregate_name": "median", "real_time": us, "time_unit": "us"})
        rows.append({"name": "BM_a_BigO", "run_name": "BM_a", "run_type": "aggregate", "aggregate_name": "BigO", "cpu_coefficient": 1})
        return self.write(name, rows, schema=None, host_name="h", num_cpus=2, mhz_per_cpu=2596, **context)

    def test_google_benchmarks_own_files(self):
        a, b = self.google("a.json", 1), self.google("b.json", 2)
        status, out, _ = self.call(a, b)
        self.assertEqual(status, 0, out)
        self.assertIn("BM_a\n  OK       100 us  ", out)
        self.assertEqual(self.call(a, self.google("b.json", 2, us=200))[0], 1)

    def test_google_benchmarks_files_of_two_machines_cannot_be_compared(self):
        b = json.loads(Path(self.google("b.json", 2)).read_text())
        b["context"]["host_name"] = "other"
        (self.folder / "b.json").write_text(json.dumps(b))
        status, out, _ = self.call(self.google("a.json", 1), str(self.folder / "b.json"))
        self.assertEqual(status, 5)
        self.assertIn("times are shown and not judged: other machines: host_name h → other\n", out)

    def test_aggregates_alone_have_no_interval(self):
        row = {"name": "BM_a_median", "run_name": "BM_a", "run_type": "aggregate", "aggregate_name": "median", "real_time": 5.0, "time_unit": "ms"}
        a, b = (self.write(name, [row], schema=None, host_name="h") for name in ("a.json", "b.json"))
        status, out, _ = self.call(a, b)
        self.assertEqual(status, 4)
        self.assertIn("fewer than 5 samples", out)

    def test_several_files_are_held_against_the_first(self):
        files = [self.write("a.json", [ours("direct")]), self.write("b.json", [ours("direct")]), self.write("c.json", [ours("direct", bytes_read=2200)])]
        status, out, _ = self.call(*files)
        self.assertEqual((status, out.count("base: ")), (1, 2))

    def test_benchs_own(self):
        files = [str(self.folder / name) for name in ("a.json", "b.json")]
        for file in files:
            subprocess.run([BIN / "bench", "--data", DATA, "--filter", "^load/linear/zip/bare/", "--samples", "5", "--json", file], capture_output=True, check=True, timeout=120)
        status, out, err = self.call(*files)
        self.assertEqual(err, "")
        self.assertIn(status, (0, 1, 4), out)
        self.assertNotIn("bytes", out)  # every cost is the same
        for word in ("WRONG", "MISSING", "NEW"):
            self.assertNotIn(word, out)
        self.assertIn("load/linear/zip/bare/direct/cpu/hot\n", out)

    def test_bad_use_is_one_line(self):
        good, bad = self.write("a.json", []), self.folder / "bad"
        for content, text in (
            ("{", "is not JSON; write it with bench --json FILE"),
            ("[" * 100000, "is not JSON; write it with bench --json FILE"),
            ("{}", 'has no list "benchmarks"; bench --json and Google Benchmark\'s --benchmark_out write one'),
            ('{"benchmarks": []}', 'has no "context"; bench --json and Google Benchmark\'s --benchmark_out write one'),
            ('{"benchmarks": [], "context": {"schema_version": "77"}}', "schema_version 77: not known here"),
            ('{"benchmarks": [{}], "context": {"schema_version": "3"}}', "is not as bench writes it: KeyError('name')"),
        ):
            bad.write_text(content)
            self.assertEqual(self.call(good, str(bad)), (2, "", f"compare: {bad}: {text}\n"))
        self.assertEqual(self.call(good), (2, "", "compare: two files or more are needed: scripts/compare A.json B.json (scripts/compare --help)\n"))
        self.assertEqual(self.call(good, "none"), (2, "", "compare: none: cannot be read: No such file or directory\n"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
