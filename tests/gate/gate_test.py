"""scripts/costs: a load that is made worse fails by name, a cheaper one too, and --update shows what it writes."""
import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(os.environ.get("LOADPATH_ROOT", Path(__file__).resolve().parents[2]))
BIN = Path(os.environ.get("LOADPATH_BIN", ROOT / "build/bin"))
DATA = os.environ.get("LOADPATH_REFERENCE", str(ROOT / "build/reference"))
sys.path.insert(0, str(ROOT / "scripts"))

from loadpath.gate import command  # noqa: E402

FILTER = "^load/crepe:tiny/zip/bare/(direct|mmap)/"
DIRECT, MMAP = (f"load/crepe:tiny/zip/bare/{path}/cpu/hot" for path in ("direct", "mmap"))


class Gate(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.file = Path(holder.name) / "costs.json"

    def call(self, *arguments, worse="", bench="bench-worse"):
        out, err = io.StringIO(), io.StringIO()
        words = ["--bench", str(BIN / bench), "--data", DATA, "--file", str(self.file), "--filter", FILTER, *arguments]
        with mock.patch.dict(os.environ, LOADPATH_WORSE=worse), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = command.main(words, ROOT)
        return status, out.getvalue().splitlines(), err.getvalue()

    def write(self):
        status, out, err = self.call("--update", "--reason", "first")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out, [f"* {DIRECT}: is new", f"* {MMAP}: is new", f"costs.json: 2 loads, 2 changes written: first"])

    def test_what_costs_the_same_passes(self):
        self.write()
        self.assertEqual(self.call(bench="bench"), (0, ["2 loads cost exactly what costs.json says"], ""))

    def test_a_file_that_is_read_twice_fails_by_name(self):
        self.write()
        now = json.loads(self.file.read_text())["loads"][DIRECT]["costs"]
        size = Path(DATA, "crepe-tiny.zip.bare.pth").stat().st_size
        status, out, err = self.call(worse="read")
        self.assertEqual(status, 1)
        self.assertIn(f"+ {DIRECT}: bytes_read {now['bytes_read']:,} → {now['bytes_read'] + size:,}: the file is read twice", out)
        self.assertEqual(err, "costs: 4 differences from costs.json (+ worse, - less, * new); if they are meant: scripts/costs --update --reason TEXT\n")

    def test_each_worse_path_fails(self):
        self.write()
        for worse, name in (("clone", "allocations"), ("unmap", "bytes_mapped")):
            status, out, _ = self.call(worse=worse)
            self.assertEqual(status, 1)
            self.assertTrue(any(line.startswith(f"+ {MMAP}: {name} ") for line in out), out)

    def test_a_wrong_answer_is_no_cost(self):
        self.write()
        status, _, err = self.call(worse="flip")
        self.assertEqual(status, 3)
        self.assertIn('"conv1.weight" does not have the reference\'s bits', err)

    def test_what_costs_less_fails_until_it_is_written(self):
        self.call("--update", "--reason", "first", worse="clone")
        status, out, _ = self.call()
        self.assertEqual(status, 1)
        self.assertTrue(out and all(line.startswith("- ") for line in out), out)
        status, out, _ = self.call("--update", "--reason", "no more copies")
        self.assertEqual((status, out[-1]), (0, f"costs.json: 2 loads, {len(out) - 1} changes written: no more copies"))
        whole = json.loads(self.file.read_text())
        self.assertEqual([(one["reason"], one["changes"]) for one in whole["updates"]], [("first", 2), ("no more copies", len(out) - 1)])
        self.assertEqual(self.call()[0], 0)

    def test_a_case_that_is_gone_fails(self):
        self.write()
        whole = json.loads(self.file.read_text())
        whole["loads"]["load/crepe:tiny/zip/bare/direct/cpu/tepid"] = whole["loads"][DIRECT]
        self.file.write_text(json.dumps(whole))
        status, out, _ = self.call()
        self.assertEqual((status, out), (1, ["+ load/crepe:tiny/zip/bare/direct/cpu/tepid: has no costs now: it is gone, was skipped or is wrong"]))

    def test_of_another_file_only_what_does_not_depend_on_it_is_compared(self):
        self.write()
        whole = json.loads(self.file.read_text())
        for case, name in ((DIRECT, "bytes_read"), (MMAP, "bytes_mapped")):
            whole["loads"][case]["file"] = "00"
            whole["loads"][case]["costs"][name] += 1
        self.file.write_text(json.dumps(whole))
        self.assertEqual(self.call()[0], 0)
        whole["loads"][DIRECT]["costs"]["bytes_copied"] += 1
        self.file.write_text(json.dumps(whole))
        self.assertEqual(self.call()[0], 1)

    def test_bad_use_is_one_line(self):
        self.assertEqual(self.call(), (2, [], f"costs: {self.file}: No such file or directory; scripts/costs --update --reason TEXT writes it\n"))
        self.assertEqual(self.call("--update"), (2, [], "costs: --update needs --reason TEXT\n"))
        self.file.write_text("{}")
        self.assertEqual(self.call(), (2, [], f"costs: {self.file}: is not a costs file of schema 1\n"))
        self.assertEqual(self.call("--updat")[2], "costs: unknown flag: --updat; did you mean --update? (scripts/costs --help lists the flags)\n")

    def test_the_file_of_the_project_can_be_read_by_bench(self):
        shutil.copy(ROOT / "results" / "costs.json", self.file)
        self.assertGreater(len(command.read(self.file)["loads"]), 150)


if __name__ == "__main__":
    unittest.main(verbosity=2)
