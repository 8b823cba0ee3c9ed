"""bench as its users call it. usage: bench_program_test.py BENCH REFERENCE_DATA SCHEMA"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import jsonschema
import torch

BENCH, DATA, SCHEMA = (str(Path(a).resolve()) for a in sys.argv[1:4])
OWN_PATHS = ["copy", "direct", "assign", "mmap"]
PATHS = [*OWN_PATHS, "pickle_load", "jit_load"]


FORMATS = {"zip", "legacy", "safetensors", "sharded", "sharded_bin", "torchscript", "cpp", "pt2", "dcp", "opaque"}


def bench(*arguments, data=DATA):
    done = subprocess.run([BENCH, "--data", data, *arguments], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


class Folder(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.folder = Path(self._folder.name)

    def rows(self, *arguments, data=DATA, status=0):
        """The rows of a quick run by name, after the whole JSON was held against the schema."""
        file = self.folder / "run.json"
        code, out, err = bench("--quick", "--json", str(file), *arguments, data=data)
        self.assertEqual(code, status, out + err)
        whole = json.loads(file.read_text())
        jsonschema.validate(whole, json.loads(Path(SCHEMA).read_text()))
        self.out = out
        return {row["name"]: row for row in whole["benchmarks"]}


class BadUse(Folder):
    def refused(self, line, *arguments, data=DATA):
        code, out, err = bench(*arguments, data=data)
        self.assertEqual((code, out), (2, ""))
        self.assertRegex(err, r"\Abench: " + line + r"\n\Z")

    def test_a_filter_that_matches_nothing(self):
        self.refused(r"--filter nosuch: matches none of \d+ cases \(bench --list --filter \. lists them\)", "--filter", "nosuch")

    def test_a_filter_that_nearly_matches(self):
        self.refused(r"--filter lod/linear: matches none of \d+ cases; did you mean load/linear\? .*", "--filter", "lod/linear")

    def test_a_malformed_filter(self):
        self.refused(r"--filter \(: not a regular expression \(.*\)", "--filter", "(")

    def test_an_unknown_flag(self):
        self.refused(r".*--nosuch.*; bench --help lists the flags", "--nosuch")

    def test_an_unknown_benchmark_flag(self):
        self.refused(r"--benchmark_nosuch=1: not a flag of this Google Benchmark, .*", "--benchmark_nosuch=1",
                     "--filter", "^limit/memcpy/threads:1$", "--quick")

    def test_an_unknown_device(self):
        self.refused(r"--device abacus: not known; use cpu, cuda or cuda:N", "--device", "abacus")

    @unittest.skipIf(torch.cuda.is_available(), "this machine has a CUDA GPU")
    def test_a_device_that_is_not_there(self):
        self.refused(r"--device cuda: .*; use --device cpu.*", "--device", "cuda")

    def test_an_unknown_cache(self):
        self.refused(r".*lukewarm.*", "--cache", "lukewarm")

    def test_repetitions_of_zero(self):
        self.refused(r".*repetitions.*", "--repetitions", "0")
        self.refused(r"--benchmark_repetitions=0: not a number of at least 1", "--benchmark_repetitions=0")

    def test_a_checkpoint_that_is_none(self):
        file = self.folder / "notes.txt"
        file.write_text("hello")
        self.refused(re.escape(str(file)) + ": .*", "--checkpoint", str(file))

    def test_a_checkpoint_whose_state_dict_lies_deeper(self):
        file = self.folder / "nested.pth"
        torch.save({"epoch": 3, "weights": {"w": torch.ones(3)}}, file)
        self.refused(re.escape(str(file)) + r": not a state dict: epoch is <class 'int'>; name one with --checkpoint "
                     r"FILE::KEY, here: weights", "--checkpoint", str(file))


class Listing(Folder):
    def test_needs_no_data_and_obeys_the_filter(self):
        code, out, err = bench("--list", "--filter", "^load/linear/zip/nested/", data="/nonexistent")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(out.split(), [f"load/linear/zip/nested/{path}/cpu/hot" for path in PATHS])

    def test_all_kinds_of_cases_exist_once(self):
        names = bench("--list", "--filter", ".", "--cache", "all")[1].split()
        self.assertEqual(len(names), len(set(names)))
        for name in ("load/gpt2/safetensors/bare/mmap/cpu/cold", "load/multi:A+B/legacy/multi:once/copy/cpu/hot",
                     "load/crepe:full/zip/full/direct/cpu/hot", "forward/resnet50/cpu/batch:1/module",
                     "forward/resnet50/cpu/batch:4/torchscript", "forward/resnet50/cpu/batch:4/aoti", "load/gpt2/dcp/bare/mmap/cpu/cold",
                     "limit/pread/threads:1",
                     "startup/gpt2/zip/nested/direct/cpu/cold"):
            self.assertIn(name, names)

    def test_new_processes_are_started_only_where_the_filter_says_so(self):
        kinds = {name.split("/")[0] for name in bench("--list", "--filter", "/linear/")[1].split()}
        self.assertEqual(kinds, {"load", "forward"})
        kinds = {name.split("/")[0] for name in bench("--list", "--filter", "startup/linear/")[1].split()}
        self.assertEqual(kinds, {"startup"})

    def test_google_benchmarks_own_flags_do_the_same(self):
        own = bench("--list", "--filter", "^forward/")
        self.assertEqual(bench("--benchmark_list_tests", "--benchmark_filter=^forward/"), own)
        self.assertEqual(bench("--benchmark_list_tests=true", "--benchmark_filter=-^(load|startup|limit)/"), own)

    def test_help_has_examples(self):
        code, out, _ = bench("--help")
        self.assertEqual(code, 0)
        for text in ("examples:", "--checkpoint", "--quick", "exit status: 0"):
            self.assertIn(text, out)


class Smoke(Folder):
    def test_the_original_cases(self):
        rows = self.rows("--filter", "^load/(linear/zip/nested|custom/zip/bare|multi:A[+]B/zip)/|^forward/(linear|custom|multi)")
        loads = [row for row in rows.values() if row["case"] == "load"]
        self.assertEqual(len(loads), 4 * len(PATHS))
        for row in rows.values():
            with self.subTest(row["name"]):
                if row["path"] == "jit_load":
                    self.assertEqual(row["status"], "skipped")
                    self.assertRegex(row["reason"], "^torch::jit::load (refuses it: PytorchStreamReader failed|returns a module, which has nothing at )")
                    continue
                self.assertEqual(row["status"], "ok")
                self.assertIn(row["name"], self.out)
                self.assertNotIn("tensors_fallen_back", row)
        linear = {path: rows[f"load/linear/zip/nested/{path}/cpu/hot"] for path in PATHS[:-1]}
        for path, row in linear.items():
            self.assertEqual(row["bytes"], 88, path)   # Linear(10, 2): 20 weights and 2 biases of float32
        self.assertEqual(linear["direct"]["bytes_copied"], 88)  # small records are read together
        self.assertEqual(linear["copy"]["bytes_copied"], 176)
        self.assertEqual(linear["mmap"]["bytes_mapped"], 88)
        self.assertEqual(linear["mmap"]["limit"].split("/")[0], "mmap")
        self.assertEqual(linear["direct"]["limit"].split("/")[0], "pread")
        self.assertEqual({"open", "plan", "load", "mapped", "resident"}, set(linear["mmap"]["phases_ns"]))
        self.assertEqual(linear["direct"]["crc"], {"checked": 2})
        once, twice = (rows[f"load/multi:A+B/zip/multi:{times}/direct/cpu/hot"] for times in ("once", "twice"))
        self.assertLess(once["bytes_read"], twice["bytes_read"])
        self.assertEqual(once["bytes"], twice["bytes"])
        self.assertTrue(all(row["items_per_second"] > 0 for row in rows.values() if row["case"] == "forward"))

    def test_every_format_on_every_path(self):
        rows = self.rows("--filter", "^load/custom/[^/]+/bare/(direct|mmap)/")
        self.assertEqual({row["format"] for row in rows.values() if row["case"] == "load"}, FORMATS)
        for row in rows.values():
            if row["case"] == "load":
                self.assertEqual((row["status"], row["checked"], row["bytes"]), ("ok", True, 4 * (64 * 128 + 128 + 128 * 10 + 10)), row["name"])

    def test_torch_jit_load_takes_its_own_formats(self):
        rows = self.rows("--filter", "^load/(custom|facenet:onet)/(torchscript|cpp)/bare/jit_load/")
        self.assertEqual({row["status"] for row in rows.values() if row["case"] == "load"}, {"ok"})
        self.assertEqual(len([row for row in rows.values() if row["case"] == "load"]), 4)

    def test_every_file_of_a_folder_is_made_cold(self):
        rows = self.rows("--filter", "^load/crepe:tiny/(sharded|dcp)/bare/direct/", "--cache", "cold")
        for name in ("sharded", "dcp"):
            row = rows[f"load/crepe:tiny/{name}/bare/direct/cpu/cold"]
            self.assertEqual(row["status"], "ok")
            self.assertIn("greatest_residency", row)

    def test_every_way_to_the_outputs(self):
        rows = self.rows("--filter", "^forward/(custom|facenet:onet|multi:A)/cpu/batch:1/")
        self.assertEqual({name: row["path"] for name, row in rows.items()},
                         {f"forward/{model}/cpu/batch:1/{way}": way for model, way in (
                             ("custom", "module"), ("custom", "torchscript"), ("custom", "aoti"), ("facenet:onet", "module"),
                             ("facenet:onet", "torchscript"), ("multi:A", "module"))})
        for row in rows.values():
            self.assertEqual((row["status"], row["checked"]), ("ok", True), row)

    def test_a_fresh_process_for_every_sample(self):
        row = self.rows("--filter", "^startup/linear/zip/nested/direct/")["startup/linear/zip/nested/direct/cpu/hot"]
        self.assertEqual(row["status"], "ok")
        self.assertEqual(set(row["phases_ns"]), {"process", "construct", "load", "first_forward"})
        self.assertEqual(len(row["samples_ns"]), 3)

    def test_cold_says_what_stayed(self):
        row = self.rows("--filter", "^load/custom/zip/bare/direct/", "--cache", "cold")["load/custom/zip/bare/direct/cpu/cold"]
        if row["greatest_residency"] > 0.01:
            self.assertIn("not cold: up to", self.out)
        self.assertEqual(row["cache"], "cold")

    def test_google_benchmarks_formats(self):
        code, out, err = bench("--filter", "^load/linear/zip/nested/direct/", "--benchmark_format=json", "--benchmark_repetitions=2")
        self.assertEqual(code, 0, err)
        rows = json.loads(out)["benchmarks"]
        self.assertTrue(any(row["name"].startswith("load/linear/zip/nested/direct/cpu/hot") for row in rows))

    def test_a_file_of_the_users_own(self):
        file = self.folder / "mine.pth"
        base = torch.arange(12.0).view(3, 4)
        torch.save({"a.weight": base, "a.t": base.t(), "n": torch.tensor(7), "h": torch.ones(5, dtype=torch.bfloat16)}, file)
        rows = self.rows("--checkpoint", str(file))
        for path in OWN_PATHS:
            row = rows[f"load/mine/file/mine.pth/{path}/cpu/hot"]
            self.assertEqual((row["status"], row["checked"], row["format"]), ("ok", True, "zip"))
        self.assertRegex(rows["load/mine/file/mine.pth/jit_load/cpu/hot"]["reason"], "^may run code that lies in a file: ")
        # The mirror of a.t is contiguous, the file's is a transposed view.
        self.assertEqual(rows["load/mine/file/mine.pth/direct/cpu/hot"]["fallback"], "copy: 1 strided in the file")

    def test_a_named_model_is_recognised(self):
        file = self.folder / "mine.pth"
        torch.save({"deep": torch.nn.ModuleDict({"linear": torch.nn.Linear(10, 2)}).state_dict()}, file)
        rows = self.rows("--checkpoint", f"{file}::deep")
        self.assertEqual(rows["load/mine/file/mine.pth::deep/direct/cpu/hot"]["model"], "linear")


class WrongOrMissing(Folder):
    CASE = "load/linear/zip/nested/direct/cpu/hot"

    def test_missing_reference_data_is_a_skip_that_says_what_to_do(self):
        rows = self.rows("--filter", "^load/linear/zip/nested/direct", data=str(self.folder))
        self.assertEqual(rows[self.CASE]["status"], "skipped")
        self.assertRegex(rows[self.CASE]["reason"], "^no reference data .*; scripts/bench makes it$")
        self.assertIn("skipped: no reference data", self.out)

    def copy_data(self):
        for name in ("manifest.json", "linear_model.pth", "linear.golden.1.safetensors"):
            shutil.copy(Path(DATA) / name, self.folder / name)

    def test_a_wrong_tensor_is_an_error_and_never_a_time(self):
        self.copy_data()
        whole = torch.load(self.folder / "linear_model.pth")
        whole["model_state_dict"]["linear.weight"][0, 0] += 1e-3
        torch.save(whole, self.folder / "linear_model.pth")
        row = self.rows("--filter", "^load/linear/zip/nested/direct", data=str(self.folder), status=1)[self.CASE]
        self.assertEqual((row["status"], row["samples_ns"], row["checked"]), ("error", [], False))
        self.assertIn("linear.weight", row["reason"])
        self.assertIn("error: " + row["reason"], self.out)

    def test_weights_of_another_program_are_an_error(self):
        """The hash that the manifest has of a weight is another: no way may be timed."""
        names = ["custom.aoti.pt2", "custom.torchscript.bare.pt", "custom.zip.bare.pth", "custom.golden.1.safetensors", "custom.golden.32.safetensors"]
        for name in names:
            shutil.copy(Path(DATA) / name, self.folder / name)
        manifest = json.loads((Path(DATA) / "manifest.json").read_text())
        manifest["models"]["custom"]["tensors"]["linear.bias"]["sha256"] = "0" * 64
        (self.folder / "manifest.json").write_text(json.dumps(manifest))
        rows = self.rows("--filter", "^forward/custom/", data=str(self.folder), status=1)
        self.assertEqual(len(rows), 6)
        for row in rows.values():
            self.assertEqual((row["status"], row["samples_ns"]), ("error", []), row["name"])
            self.assertIn('"linear.bias" does not have the reference\'s bits', row["reason"])

    def test_a_flipped_byte_is_an_error_in_the_files_name(self):
        self.copy_data()
        file = self.folder / "linear_model.pth"
        data = bytearray(file.read_bytes())
        weight = torch.load(file)["model_state_dict"]["linear.weight"].numpy().tobytes()
        data[bytes(data).index(weight)] ^= 1
        file.write_bytes(data)
        row = self.rows("--filter", "^load/linear/zip/nested/direct", data=str(self.folder), status=1)[self.CASE]
        self.assertIn("linear_model.pth", row["reason"])


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main(argv=sys.argv[:1])
