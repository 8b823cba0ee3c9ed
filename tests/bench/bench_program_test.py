"""bench as its users call it. usage: bench_program_test.py BENCH REFERENCE_DATA SCHEMA"""
import json
import os
import pty
import re
import shutil
import signal
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

    def test_a_value_that_google_benchmark_does_not_take(self):
        """Google Benchmark itself would print its usage and exit with 0."""
        for flag in ("--benchmark_format=xml", "--benchmark_out_format=xml", "--benchmark_format=", "--benchmark_color="):
            self.refused(re.escape(flag) + ": not a value .*; bench --help lists the flags", flag,
                         "--filter", "^load/linear/zip/nested/direct", "--repetitions", "1000000")  # would take hours

    def test_a_wrong_flag_of_google_benchmark_is_noticed_by_a_list_too(self):
        self.refused("--benchmark_format=xml: not a value .*", "--list", "--benchmark_format=xml")
        self.refused("--benchmark_nosuch=1: not a flag .*", "--list", "--benchmark_nosuch=1")

    def test_an_unknown_device(self):
        self.refused(r"--device: abacus: not known; use cpu, cuda, cuda:N or all; .*", "--device", "abacus")

    @unittest.skipIf(torch.cuda.is_available(), "this machine has a CUDA GPU")
    def test_a_device_that_is_not_there(self):
        self.refused(r"--device cuda: .*; use --device cpu.*", "--device", "cuda")

    def test_an_unknown_cache(self):
        self.refused(r".*lukewarm.*", "--cache", "lukewarm")

    def test_repetitions_of_zero(self):
        self.refused(r".*repetitions: Value 0 not in range .*", "--repetitions", "0")
        self.refused(r".*repetitions: Value 0 not in range .*", "--benchmark_repetitions=0")

    def test_results_that_cannot_be_written_are_noticed_before_measuring(self):
        file = self.folder / "no" / "such" / "run.json"
        usual = ("--filter", "^load/linear/zip/nested/direct", "--repetitions", "1000000")  # would take hours
        self.refused(re.escape(str(file)) + ": cannot be written: No such file or directory", "--json", str(file), *usual)
        self.refused(re.escape(f"--benchmark_out={file}") + ": cannot be written; .*", f"--benchmark_out={file}", *usual)

    def test_a_checkpoint_that_is_none(self):
        file = self.folder / "notes.txt"
        file.write_text("hello")
        self.refused(re.escape(str(file)) + ": .*", "--checkpoint", str(file))

    def test_a_checkpoint_whose_state_dict_lies_deeper(self):
        file = self.folder / "nested.pth"
        torch.save({"epoch": 3, "weights": {"w": torch.ones(3)}}, file)
        self.refused(re.escape(str(file)) + r": not a state dict: epoch is <class 'int'>; name one with --checkpoint "
                     r"FILE::KEY, here: weights", "--checkpoint", str(file))

    def test_a_checkpoint_with_a_key_that_no_parameter_can_have(self):
        file = self.folder / "names.pth"
        for key, shown in ((".weight", ".weight"), ("a..b", "a..b"), ("a.", "a."), ("", ""), ("a\x1b[31m\n..b", "a\\x1b[31m\\n..b")):
            torch.save({key: torch.ones(3)}, file)
            self.refused(re.escape(f'{file}: no module can have a parameter named "{shown}"; ') + ".*", "--checkpoint", str(file))

    def test_keys_are_shown_on_one_line(self):
        file = self.folder / "keys.pth"
        torch.save({"a\x1b\n": 3, "b\n": {"w": torch.ones(3)}}, file)
        self.refused(re.escape(str(file)) + r": not a state dict: a\\x1b\\n is .*, here: b\\n", "--checkpoint", str(file))

    def test_a_tensor_that_is_larger_than_its_storage(self):
        """Its strides repeat elements: memory for all of them is more than the file justifies."""
        file = self.folder / "big.pth"
        torch.save({"big": torch.ones(1).expand(2**40)}, file)
        self.refused(re.escape(f"{file}: big has 1099511627776 elements, more than its storage holds; ") + ".*", "--checkpoint", str(file))


    def test_several_files_that_are_no_checkpoints(self):
        files = [self.folder / name for name in ("a.txt", "b.txt")]
        for file in files:
            file.write_text("hello")
        code, out, err = bench("--quick", *(word for file in files for word in ("--checkpoint", str(file))))
        self.assertEqual((code, out), (2, ""))
        self.assertEqual([line.split(": ")[1] for line in err.splitlines()], [str(file) for file in files])


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

    def test_new_processes_are_started_only_if_the_filter_says_so(self):
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
        for text in ("examples:", "--checkpoint", "--quick", "exit status: 0", "startup/MODEL/FORMAT/LAYOUT/PATH/DEVICE/CACHE"):
            self.assertIn(text, out)

    def test_models_and_load_paths_are_listed(self):
        code, out, _ = bench("--list-models")
        self.assertEqual(code, 0)
        for model in ("linear", "custom", "multi:A", "gpt2"):
            self.assertRegex(out, f"(?m)^{model} +\\S")
        code, out, _ = bench("--list-paths")
        self.assertEqual((code, [line.split()[0] for line in out.splitlines()]), (0, PATHS))

    def test_the_version_says_what_it_was_built_from(self):
        code, out, err = bench("--version")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"\Abench \(loadpath\) \d+\.\d+\.\d+\ncommit ([0-9a-f]{40}(-dirty)?|unknown)\nLibTorch \d\S*\n"
                              r"compiler \w+ \d\S*\nbuild type \w+\n\Z")

    def test_a_device_that_is_not_there_does_not_vanish(self):
        names = bench("--list", "--device", "all", "--filter", "^load/linear/zip/nested/direct/")[1].split()
        self.assertEqual([name.split("/")[-2] for name in names], ["cpu", "cuda"])


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
                *section, path, device, cache = row["name"].split("/")
                if row["case"] == "load":
                    self.assertRegex(self.out, f"(?m)^{re.escape('/'.join(section))}\n(  .*\n)* +{path}/{device}/{cache} ")
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
        for row in self.whole["benchmarks"]:
            with self.subTest(row["name"]):
                self.assertEqual(row["repetitions"], 3)
                if row["case"] in ("load", "forward"):
                    self.assertTrue(row["checked"] and row["outputs_checked"])
        cores = len(os.sched_getaffinity(0))
        self.assertEqual(linear["direct"]["threads"], cores)
        for row in self.whole["benchmarks"]:
            if row["case"] == "load":
                self.assertEqual(row["threads"], 1 if row["path"] == "pickle_load" else cores, row["name"])
            elif row["case"] == "limit":
                self.assertEqual(row["name"], f"limit/{row['path']}/threads:{row['threads']}")
            else:
                self.assertEqual(row["threads"], int(self.whole["context"]["threads"]), row["name"])
        times = [(row["real_time"], row["cpu_time"]) for row in self.whole["benchmarks"]]
        self.assertTrue(any(real != cpu for real, cpu in times), "cpu_time is the wall clock's")

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
        in_memory = self.whole["context"]["filesystem"] in ("tmpfs", "ramfs")
        for name in ("sharded", "dcp"):
            row = rows[f"load/crepe:tiny/{name}/bare/direct/cpu/cold"]
            self.assertEqual(row["status"], "ok")
            self.assertEqual(row["greatest_residency"] > 0.01, in_memory)

    def test_every_way_to_the_outputs(self):
        rows = self.rows("--filter", "^forward/(custom|facenet:onet|multi:A)/cpu/batch:1/")
        self.assertEqual({name: row["path"] for name, row in rows.items()},
                         {f"forward/{model}/cpu/batch:1/{way}": way for model, way in (
                             ("custom", "module"), ("custom", "torchscript"), ("custom", "aoti"), ("facenet:onet", "module"),
                             ("facenet:onet", "torchscript"), ("multi:A", "module"))})
        for row in rows.values():
            self.assertEqual((row["status"], row["checked"]), ("ok", True), row)

    def test_a_fresh_process_for_every_sample(self):
        rows = self.rows("--filter", "^startup/linear/zip/nested/(direct|pickle_load)/", "--cache", "all")
        self.assertEqual(len(rows), 4)
        for row in rows.values():
            with self.subTest(row["name"]):
                self.assertEqual((row["status"], row["checked"], row["outputs_checked"]), ("ok", True, True))
                self.assertEqual(set(row["phases_ns"]), {"process", "construct", "load", "first_forward"})
                self.assertEqual(len(row["samples_ns"]), 3)
                self.assertGreater(row["cpu_time"], 1e6)   # a process that starts LibTorch
                self.assertEqual("greatest_residency" in row, row["cache"] == "cold")

    def test_opening_a_file_once_for_two_models_is_a_phase(self):
        rows = self.rows("--filter", "^startup/multi:A[+]B/zip/multi:(once|twice)/direct/")
        phases = {row["layout"]: set(row["phases_ns"]) for row in rows.values()}
        self.assertEqual(phases["multi:once"] - phases["multi:twice"], {"open"})

    def test_what_was_not_cold_says_so(self):
        """Pages of a filesystem in memory cannot be evicted; nothing can be read from a disk there either."""
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            for name in ("manifest.json", "linear_model.pth", "linear.golden.1.safetensors"):
                shutil.copy(Path(DATA) / name, folder)
            row = self.rows("--filter", "^load/linear/zip/nested/direct/", "--cache", "cold", data=folder)["load/linear/zip/nested/direct/cpu/cold"]
        self.assertEqual(row["greatest_residency"], 1)
        self.assertIn("not cold: up to 100% of the file stayed in the page cache", self.out)
        self.assertNotIn("part_of_limit", row)
        self.assertEqual({other["case"] for other in self.whole["not_timed"]}, {"limit"})

    def test_google_benchmarks_formats_have_every_case(self):
        file = self.folder / "google.json"
        code, out, err = bench("--filter", "^load/linear/zip/nested/(direct|jit_load)/", "--quick", "--benchmark_format=json",
                               "--benchmark_repetitions=2", f"--benchmark_out={file}")
        self.assertEqual(code, 0, err)
        for text in (out, file.read_text()):
            rows = json.loads(text)["benchmarks"]
            direct = [row for row in rows if row["name"].startswith("load/linear/zip/nested/direct/cpu/hot")]
            self.assertEqual(len([row for row in direct if row["run_type"] == "iteration"]), 2)
            refused = [row for row in rows if row["name"] == "load/linear/zip/nested/jit_load/cpu/hot"]
            self.assertEqual([row["error_occurred"] for row in refused], [True])
            self.assertRegex(refused[0]["error_message"], "^skipped: torch::jit::load ")

    def test_google_benchmarks_formats_without_any_time(self):
        file = self.folder / "google.json"
        code, out, err = bench("--filter", "^load/linear/zip/nested/direct/", "--quick", "--benchmark_format=json",
                               f"--benchmark_out={file}", data=str(self.folder))
        self.assertEqual(code, 1, err)
        for text in (out, file.read_text()):
            self.assertIn("load/linear/zip/nested/direct/cpu/hot", [row["name"] for row in json.loads(text)["benchmarks"]])

    def test_only_the_samples_of_its_repetitions_count(self):
        """Google Benchmark calls a case to warm it up and to find how many samples it needs; those are no samples."""
        file = self.folder / "google.json"
        rows = self.rows("--filter", "^load/linear/zip/nested/direct/", "--repetitions", "2", "--benchmark_min_time=0.02",
                         "--benchmark_min_warmup_time=0.1", f"--benchmark_out={file}")
        row = rows["load/linear/zip/nested/direct/cpu/hot"]
        google = [other["iterations"] for other in json.loads(file.read_text())["benchmarks"]
                  if other["run_type"] == "iteration" and other["name"].startswith(row["name"])]
        self.assertEqual((len(google), row["iterations"], row["repetitions"]), (2, sum(google), 2))
        self.assertEqual(len(row["samples_ns"]), sum(google))

    def test_the_environment_of_google_benchmark_chooses_nothing(self):
        file = self.folder / "run.json"
        for name, value in (("FILTER", "nosuch"), ("FORMAT", "xml"), ("OUT_FORMAT", "xml"), ("COLOR", ""), ("LIST_TESTS", "1")):
            with self.subTest(name):
                file.unlink(missing_ok=True)
                done = subprocess.run([BENCH, "--data", DATA, "--quick", "--json", str(file), "--filter", "^load/linear/zip/nested/direct/"],
                                      env={**os.environ, f"BENCHMARK_{name}": value}, capture_output=True, text=True, timeout=300)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(self.read(file)["load/linear/zip/nested/direct/cpu/hot"]["status"], "ok")

    def test_a_limit_is_charged_with_its_timed_part_alone(self):
        rows = self.rows("--filter", "^limit/(memcpy|pread|mmap)/threads:1$", "--repetitions", "5")
        for row in rows.values():
            self.assertLessEqual(row["cpu_time"], row["real_time"] * 1.02, row["name"])

    def test_results_go_to_what_a_link_points_at(self):
        file, link = self.folder / "there.json", self.folder / "link.json"
        link.symlink_to(file.name)
        for before in (None, "old"):
            file.unlink(missing_ok=True)
            if before:
                file.write_text(before)
            code, _, err = bench("--quick", "--filter", "^load/linear/zip/nested/direct/", "--json", str(link))
            self.assertEqual((code, err, link.is_symlink()), (0, "", True))
            self.assertIn("load/linear/zip/nested/direct/cpu/hot", self.read(file))

    def test_results_go_into_what_is_no_file(self):
        link, pipe = self.folder / "stdout", self.folder / "pipe"
        link.symlink_to("/dev/stdout")
        code, out, err = bench("--quick", "--filter", "^load/linear/zip/nested/direct/", "--json", str(link))
        self.assertEqual((code, err, link.is_symlink()), (0, "", True))
        whole, end = json.JSONDecoder().raw_decode(out)
        self.assertEqual(whole["benchmarks"][-1]["name"], "load/linear/zip/nested/direct/cpu/hot")
        self.assertIn("load/linear/zip/nested", out[end:])
        os.mkfifo(pipe)
        reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True)
        self.addCleanup(reader.kill)
        code, _, err = bench("--quick", "--filter", "^load/linear/zip/nested/direct/", "--json", str(pipe))
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(len(json.loads(reader.communicate(timeout=60)[0])["benchmarks"]), len(whole["benchmarks"]))
        self.assertTrue(pipe.is_fifo())

    def test_every_device_has_its_rows(self):
        rows = self.rows("--filter", "^load/linear/zip/nested/direct/", "--device", "all")
        cuda = rows["load/linear/zip/nested/direct/cuda/hot"]
        if torch.cuda.is_available():
            self.assertEqual(cuda["status"], "ok")
        else:
            self.assertRegex(cuda["reason"], "^device cuda: .*use --device cpu")
            self.assertIn("skipped: device cuda: ", self.out)

    def test_a_file_of_the_users_own(self):
        file = self.folder / "mine.pth"
        base = torch.arange(12.0).view(3, 4)
        torch.save({"a.weight": base, "a.t": base.t(), "n": torch.tensor(7), "h": torch.ones(5, dtype=torch.bfloat16)}, file)
        rows = self.rows("--checkpoint", str(file))
        for path in OWN_PATHS:
            row = rows[f"load/mine/file/mine.pth/{path}/cpu/hot"]
            self.assertEqual((row["status"], row["checked"], row["format"]), ("ok", True, "zip"))
        self.assertRegex(rows["load/mine/file/mine.pth/jit_load/cpu/hot"]["reason"], "^may run code that lies in a file: ")
        self.assertNotIn("outputs_checked", rows["load/mine/file/mine.pth/direct/cpu/hot"])
        self.assertRegex(self.out, r"direct/cpu/hot .* tensors\+")
        # The module's a.t is contiguous, the file's is a transposed view.
        self.assertEqual(rows["load/mine/file/mine.pth/direct/cpu/hot"]["fallback"], "copy: 1 strided in the file")

    def test_a_named_model_is_recognised(self):
        file = self.folder / "mine.pth"
        torch.save({"deep": torch.nn.ModuleDict({"linear": torch.nn.Linear(10, 2)}).state_dict()}, file)
        rows = self.rows("--checkpoint", f"{file}::deep")
        self.assertEqual(rows["load/mine/file/mine.pth::deep/direct/cpu/hot"]["model"], "linear")


    def test_another_dtype_is_held_against_a_cast(self):
        rows = self.rows("--checkpoint", str(self.linear_file("half.pth", torch.float16)))
        for path in OWN_PATHS:
            row = rows[f"load/half/file/half.pth/{path}/cpu/hot"]
            self.assertEqual((row["status"], row.get("checked"), row["model"]), ("ok", True, "linear"), row)

    def test_two_files_of_one_name(self):
        good, bad = self.linear_file("a/mine.pth"), self.folder / "b" / "mine.pth"
        bad.parent.mkdir()
        bad.write_text("hello")
        rows = self.rows("--checkpoint", str(good), "--checkpoint", str(bad), status=1)
        self.assertEqual(rows[f"load/mine/file/{good}/direct/cpu/hot"]["status"], "ok")
        self.assertEqual(rows[f"load/mine/file/{bad}/direct/cpu/hot"]["status"], "error")
        self.assertIn(str(bad), rows[f"load/mine/file/{bad}/direct/cpu/hot"]["reason"])
        self.assertRegex(self.err, r"\Abench: " + re.escape(str(bad)) + r": .*\n\Z")

    def test_a_filter_chooses_among_the_users_cases_alone(self):
        rows = self.rows("--checkpoint", str(self.linear_file("mine.pth")), "--filter", "/direct/")
        self.assertEqual([name for name, row in rows.items() if row["case"] != "limit"], ["load/mine/file/mine.pth/direct/cpu/hot"])


class Interrupted(Folder):
    def test_what_was_measured_is_reported(self):
        file = self.folder / "run.json"
        terminal, far_end = pty.openpty()
        process = subprocess.Popen([BENCH, "--data", DATA, "--quick", "--json", str(file), "--repetitions", "2000", "--filter",
                                    "^load/custom/zip/bare/(direct|copy)/"], stdout=subprocess.PIPE, stderr=far_end, text=True)
        self.addCleanup(process.kill)
        os.close(far_end)
        seen = b""
        while b"[20/" not in seen:   # the twentieth repetition begins
            seen += os.read(terminal, 4096)
        process.send_signal(signal.SIGINT)
        out = process.communicate(timeout=120)[0]
        os.close(terminal)
        self.assertEqual(process.returncode, 130)
        rows = self.read(file)
        samples = [len(row["samples_ns"]) for row in rows.values() if row["status"] == "ok"]
        self.assertGreater(sum(samples), 0)
        self.assertLess(sum(samples), 2000)
        for row in rows.values():
            taken = row["repetitions"]
            self.assertTrue(0 < taken <= 20 if row["status"] == "ok" else taken == 0, (row["name"], taken))
        self.assertEqual({row["reason"] for row in rows.values() if row["status"] != "ok"} - {"interrupted before its first sample"}, set())
        self.assertIn("load/custom/zip/bare\n", out)

    @staticmethod
    def takes_a_startup_sample(parent):
        """Returns whether a startup sample runs in the session that `parent` leads."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if os.getsid(int(folder.name)) == parent and b"--startup-sample" in (folder / "cmdline").read_bytes():
                    return True
            except OSError:
                continue   # it has ended
        return False

    def test_a_case_that_is_being_checked_is_not_wrong(self):
        """A terminal's SIGINT ends the process of a startup sample too."""
        file = self.folder / "run.json"
        process = subprocess.Popen([BENCH, "--data", DATA, "--quick", "--json", str(file), "--filter", "^startup/linear/zip/nested/direct/"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.addCleanup(process.kill)
        while not self.takes_a_startup_sample(process.pid):
            self.assertIsNone(process.poll())
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=120)
        self.assertEqual((process.returncode, err), (130, "bench: interrupted: what was measured until then is reported\n"))
        row = self.read(file)["startup/linear/zip/nested/direct/cpu/hot"]
        self.assertEqual((row["status"], row["reason"]), ("skipped", "interrupted before its first sample"))


class WrongOrMissing(Folder):
    CASE = "load/linear/zip/nested/direct/cpu/hot"

    def test_missing_reference_data_is_a_skip_that_says_what_to_do_and_no_success(self):
        rows = self.rows("--filter", "^load/linear/zip/nested/direct", data=str(self.folder), status=1)
        self.assertEqual(rows[self.CASE]["status"], "skipped")
        self.assertRegex(rows[self.CASE]["reason"], "^no reference data .*; scripts/bench makes it$")
        self.assertIn("skipped: no reference data", self.out)
        self.assertEqual(self.err, "bench: 1 case was skipped because reference data are missing; scripts/bench makes them\n")

    def test_a_run_in_which_everything_is_refused_is_no_success(self):
        rows = self.rows("--filter", "^load/linear/zip/nested/jit_load", status=1)
        self.assertEqual(rows["load/linear/zip/nested/jit_load/cpu/hot"]["status"], "skipped")
        self.assertIn("nothing was timed", self.err)

    def test_a_refusal_of_what_must_load_is_an_error(self):
        """torch::pickle_load reads no OrderedDict: the reference data hold another form of the file for it."""
        self.copy_data()
        shutil.copy(self.folder / "linear_model.pth", self.folder / "linear_model.dict.pth")
        for kind in ("load", "startup"):
            row = self.rows("--filter", f"^{kind}/linear/zip/nested/pickle_load", data=str(self.folder), status=1)[f"{kind}/linear/zip/nested/pickle_load/cpu/hot"]
            self.assertEqual(row["status"], "error")
            self.assertRegex(row["reason"], "^torch::pickle_load refuses it: .*expected to load this format")

    def copy_data(self):
        for name in ("manifest.json", "linear_model.pth", "linear.golden.1.safetensors"):
            shutil.copy(Path(DATA) / name, self.folder / name)

    def test_a_wrong_tensor_is_an_error_and_never_a_time(self):
        self.copy_data()
        whole = torch.load(self.folder / "linear_model.pth")
        whole["model_state_dict"]["linear.weight"][0, 0] += 1e-3
        torch.save(whole, self.folder / "linear_model.pth")
        row = self.rows("--filter", "^load/linear/zip/nested/direct", data=str(self.folder), status=1)[self.CASE]
        self.assertEqual((row["status"], "samples_ns" in row, "checked" in row), ("error", False, False))
        self.assertIn("linear.weight", row["reason"])
        self.assertIn("error: " + row["reason"], self.out)

    def test_weights_of_another_program_are_an_error(self):
        """The hash that the manifest has of a weight is another: no way may be timed."""
        names = ["custom.aoti.pt2", "custom.torchscript.bare.pt", "custom.zip.bare.pth", "custom.golden.1.safetensors", "custom.golden.32.safetensors"]
        for name in names:
            shutil.copy(Path(DATA) / name, self.folder / name)
        manifest = json.loads((Path(DATA) / "manifest.json").read_text())
        tensors = manifest["models"]["custom"]["tensors"]
        bias = next(name for name, tensor in tensors.items() if tensor["shape"] == [10])
        tensors[bias]["sha256"] = "0" * 64
        (self.folder / "manifest.json").write_text(json.dumps(manifest))
        rows = self.rows("--filter", "^forward/custom/", data=str(self.folder), status=1)
        self.assertEqual(len(rows), 6)
        for row in rows.values():
            self.assertEqual((row["status"], "samples_ns" in row), ("error", False), row["name"])
            self.assertIn(f'"{bias}" does not have the reference\'s bits', row["reason"])

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
