"""Runs of bench: every format and path, and what the results hold."""
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from unittest import mock

import torch

import support
from support import BENCH, DATA, FORMATS, Folder, PATHS, bench


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
        linear = {path: rows[f"load/linear/zip/nested/{path}/cpu/hot"] for path in PATHS if path != "jit_load"}
        for path, row in linear.items():
            self.assertEqual(row["bytes"], 88, path)   # Linear(10, 2): 20 weights and 2 biases of float32
        self.assertEqual(linear["direct"]["bytes_copied"], 88)  # small records are read together
        self.assertEqual(linear["copy"]["bytes_copied"], 176)
        self.assertEqual(linear["mmap"]["bytes_mapped"], 88)
        self.assertNotIn("limit", linear["direct"])   # too small for one
        self.assertRegex(self.out, r"\n  direct/cpu/hot .* us/tensor ")
        self.assertEqual({"open", "plan", "load", "resident", "rest"}, set(linear["mmap"]["phases_ns"]))
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
                    self.assertEqual(len(row["difference"].split("; ")), 2 if row["model"] == "multi:A+B" else 1)
        cores = len(os.sched_getaffinity(0))
        self.assertEqual(linear["direct"]["threads"], cores)
        for row in self.whole["benchmarks"]:
            if row["case"] == "load":
                self.assertEqual(row["threads"], 1 if row["path"] == "pickle_load" else cores, row["name"])
            else:
                alone = row["name"].endswith("/threads:1")
                self.assertEqual(row["threads"], 1 if alone else int(self.whole["context"]["threads"]), row["name"])
        times = [(row["real_time"], row["cpu_time"]) for row in self.whole["benchmarks"]]
        self.assertTrue(any(real != cpu for real, cpu in times), "cpu_time is the wall clock's")

    def test_every_field_of_the_results_is_filled_in_by_some_case(self):
        """A line of fields.def whose member nothing assigns is left out of every row, and the schema allows that."""
        rows = self.rows("--filter", "^(load/linear/zip/nested/|load/crepe:tiny/(zip|legacy)/bare/mmap/|startup/linear/zip/nested/direct/|"
                         "forward/linear/cpu/batch:1/module)", "--cache", "all", "--samples", "5")
        fields = json.loads(Path(support.SCHEMA).read_text())["$defs"]["row"]["properties"]
        filled = set().union(*rows.values())
        self.assertEqual([field for field in fields if field not in filled | {"p90_ns", "p99_ns", "oracle",   # which need more samples
                                                                                      "dropped", "varying"}], [],  # of samples that went wrong
                         "harness/results/fields.def lists these, and no case assigns them: see harness/suite/cases/")

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

    def test_the_key_of_a_series_is_its_own(self):
        rows = self.rows("--filter", "^load/crepe:tiny/(zip|torchscript)/bare/", "--cache", "all")
        key = ("case", "model", "format", "layout", "path", "device", "cache", "memory", "batch", "threads")
        keys = [tuple(row.get(field) for field in key) for row in self.whole["benchmarks"]]
        self.assertEqual(len(set(keys)), len(keys))
        self.assertEqual(len([row for row in rows.values() if row["path"] == "disk"]), 2)   # one a file

    def test_a_copy_that_was_never_read_is_cold_and_goes_away(self):
        before = set(Path(DATA).parent.iterdir())
        rows = self.rows("--filter", "^(load|startup)/crepe:tiny/(zip|sharded|dcp)/bare/(direct|mmap)/", "--cache", "copy")
        loads = [row for row in rows.values() if row["case"] == "load"]
        self.assertEqual(len(loads), 6)   # and no startup case
        in_memory = self.whole["context"]["filesystem"] in ("tmpfs", "ramfs")
        for row in [] if in_memory else loads:
            self.assertEqual((row["status"], row["cache"], row["limit"].split("/")[0]), ("ok", "copy", "disk"), row["name"])
            self.assertLessEqual(row["greatest_residency"], 0.01)
        self.assertEqual([entry.name for entry in Path(DATA).parent.glob(".loadpath-copy-*")], [])
        self.assertEqual(set(Path(DATA).parent.iterdir()), before)

    def test_every_way_to_the_outputs(self):
        rows = self.rows("--filter", "^forward/(custom|facenet:onet|multi:A)/cpu/batch:1/")
        threads = len(os.sched_getaffinity(0))
        wanted = {"custom": {"module", "inference_mode", "torchscript", "aoti", "python"},
                  "facenet:onet": {"module", "inference_mode", "torchscript", "python"}, "multi:A": {"module", "inference_mode", "python"}}
        names = {f"forward/{model}/cpu/batch:1/{way}" for model, ways in wanted.items() for way in ways}
        alone = {f"forward/{model}/cpu/batch:1/{way}/threads:1" for model in wanted for way in ("module", "python")}
        self.assertEqual(set(rows), names | (alone if threads > 1 else set()))
        for name, row in rows.items():
            self.assertEqual((row["status"], row["checked"], row["outputs_checked"]), ("ok", True, True), row)
            self.assertEqual(row["threads"], 1 if name.endswith("threads:1") else threads)
            self.assertTrue(all(sample["cpu_ns"] >= 0 and sample["wall_ns"] > 0 for sample in row["samples"]))
            self.assertTrue(any(sample.get("checked") for sample in row["samples"]))

    def test_python_that_cannot_run_the_twins(self):
        python = self.folder / "python"
        python.write_text("#!/bin/sh\nread line\necho \"$ANSWER\"\n")
        python.chmod(0o755)
        for program, answer, status, reason in (
                ("/nowhere/python", "", "skipped", "there is no Python with PyTorch at /nowhere/python: --python names one"),
                (python, '{"error": "ModuleNotFoundError: No module named torch", "missing": true}', "skipped",
                 "Python: ModuleNotFoundError: No module named torch"),
                (python, '{"error": "ValueError: no"}', "error", "Python: ValueError: no"),
                (python, "hello", "error", "Python did not answer in JSON as it should")):
            with self.subTest(reason), mock.patch.dict(os.environ, ANSWER=answer):
                rows = self.rows("--filter", "^forward/linear/cpu/batch:1/(module|python)$", "--python", str(program), status=1 if status == "error" else 0)
                self.assertEqual(rows["forward/linear/cpu/batch:1/module"]["status"], "ok")
                row = rows["forward/linear/cpu/batch:1/python"]
                self.assertEqual((row["status"], row["reason"]), (status, reason))

    def test_a_fresh_process_for_every_sample(self):
        rows = self.rows("--filter", "^startup/linear/zip/nested/(direct|pickle_load)/", "--cache", "all")
        empty = rows.pop("limit/linear/zip/nested/process")
        self.assertEqual(len(rows), 4)
        self.assertFalse({"bytes", "bytes_per_second"} & set(empty))
        for row in rows.values():
            with self.subTest(row["name"]):
                self.assertEqual((row["status"], row["checked"], row["outputs_checked"]), ("ok", True, True))
                self.assertEqual(row["limit"], "process")   # LibTorch alone, in the same rounds
                parts = sorted(other["wall_ns"] / mine["wall_ns"] for mine, other in zip(row["samples"], empty["samples"]))
                self.assertAlmostEqual(row["part_of_limit"], parts[1], places=6)
                self.assertEqual(set(row["phases_ns"]), {"process", "construct", "load", "first_forward"})
                self.assertEqual(len(row["samples_ns"]), 3)
                self.assertGreater(row["cpu_time"], 1e6)   # a process that starts LibTorch
                self.assertEqual("greatest_residency" in row, row["cache"] == "cold")

    def test_opening_a_file_once_for_two_models_is_a_phase(self):
        rows = self.rows("--filter", "^startup/multi:A[+]B/zip/multi:(once|twice)/direct/")
        rows = {name: row for name, row in rows.items() if row["case"] == "startup"}
        phases = {row["layout"]: set(row["phases_ns"]) for row in rows.values()}
        self.assertEqual(phases["multi:once"] - phases["multi:twice"], {"open"})
        self.assertEqual({len(row["difference"].split("; ")) for row in rows.values()}, {2})

    def test_what_cannot_be_made_cold_is_no_time(self):
        """Pages of a filesystem in memory cannot be evicted."""
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            for name in ("manifest.json", "linear_model.pth", "linear.golden.1.safetensors"):
                shutil.copy(Path(DATA) / name, folder)
            rows = self.rows("--filter", "^(load|startup)/linear/zip/nested/direct/", "--cache", "cold", data=folder, status=1)
        self.assertEqual(len(rows), 2)
        for row in rows.values():
            self.assertEqual(row["status"], "skipped")
            self.assertRegex(row["reason"], r"^cannot be made cold: (\d+) of \1 pages stay in the page cache, as they do on tmpfs, or while a process maps them$")

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

    def test_google_benchmark_reports_our_samples(self):
        file = self.folder / "google.json"
        for flags in ((), ("--benchmark_min_time=0.01",), ("--benchmark_min_warmup_time=0.1",)):
            with self.subTest(flags):
                rows = self.rows("--filter", "^load/linear/zip/nested/direct/|^forward/linear/cpu/batch:1/module$", "--samples", "5", f"--benchmark_out={file}", *flags)
                google = json.loads(file.read_text())["benchmarks"]
                for name, row in rows.items():
                    series = [other for other in google if other["name"].startswith(name)]
                    times = [(round(other["real_time"]), round(other["cpu_time"])) for other in series if other["run_type"] == "iteration"]
                    self.assertEqual(times, [(sample["wall_ns"], sample["cpu_ns"]) for sample in row["samples"]])
                    median = next(other for other in series if other.get("aggregate_name") == "median")
                    for field in ("real_time", "cpu_time"):
                        self.assertAlmostEqual(median[field], row[field], delta=1)

    def test_min_time_is_time_of_every_case(self):
        rows = self.rows("--filter", "^load/linear/zip/nested/direct/|^forward/linear/cpu/batch:1/module$", "--samples", "100000", "--benchmark_min_time=0.05")
        for row in rows.values():
            self.assertGreaterEqual(sum(row["samples_ns"]), 0.05e9)
        self.assertLess(sum(rows["load/linear/zip/nested/direct/cpu/hot"]["samples_ns"]), 1e9)

    def test_the_order_follows_from_the_seed(self):
        def order(*flags):
            rows = self.rows("--filter", "^load/(linear|custom)/(zip|safetensors)/bare/(direct|mmap|copy)/", "--samples", "6", *flags)
            samples = [(sample["position"], sample["round"], name) for name, row in rows.items() for sample in row["samples"]]
            return self.whole["context"]["seed"], [entry[1:] for entry in sorted(samples)]
        seed, first = order("--seed", "7")
        self.assertEqual(seed, "7")
        self.assertEqual(order("--seed", "7")[1], first)
        self.assertNotEqual(order("--seed", "8")[1], first)
        drawn, other = order()
        self.assertEqual(order("--seed", drawn)[1], other)
        rounds = [[name for number, name in first if number == round] for round in range(6)]
        self.assertEqual([sorted(names) for names in rounds], [sorted(set(rounds[0]))] * 6)   # each once
        self.assertGreater(len({tuple(names) for names in rounds}), 3)                        # in another order

    def test_every_sample_says_what_it_cost_and_that_it_was_valid(self):
        rows = self.rows("--filter", "^(load|startup)/crepe:tiny/(zip|sharded)/bare/(direct|mmap)/", "--cache", "all", "--samples", "4")
        cold_here = self.whole["context"]["filesystem"] not in ("tmpfs", "ramfs")
        for name, row in rows.items():
            if row["case"] == "limit" or (row["cache"] == "cold" and not cold_here):
                continue
            for sample in row["samples"]:
                with self.subTest(name, position=sample["position"]):
                    phases = sum(sample["phases_ns"].values())
                    self.assertLessEqual(abs(phases - sample["wall_ns"]), 0.001 * sample["wall_ns"] + 10)
                    self.assertTrue(sample["residency_before"] <= 0.01 if row["cache"] == "cold" else sample["residency_before"] >= 0.99)
                    if row["case"] == "load":
                        self.assertEqual(sample["costs"], {cost: row[cost] for cost in sample["costs"]})
                        self.assertIn("peak_extra_bytes", sample)
                        self.assertGreater(sample["minor_faults"], 0)
                    else:
                        self.assertTrue(sample["checked"])
                        self.assertGreater(sample["peak_bytes"], row["bytes"])
            self.assertTrue(any(sample.get("checked") for sample in row["samples"]), name)

    def test_a_load_has_its_limit_beside_it_in_every_round(self):
        rows = self.rows("--filter", "^load/crepe:tiny/(zip|safetensors)/bare/(direct|mmap)/", "--samples", "4")
        for kind, path, limit in (("zip", "direct", "pread-fresh-crc"), ("zip", "mmap", "mmap"), ("safetensors", "direct", "pread-fresh")):
            row = rows[f"load/crepe:tiny/{kind}/bare/{path}/cpu/hot"]
            loop = rows[f"limit/crepe:tiny/{kind}/bare/{limit}/threads:{row['threads']}"]
            self.assertEqual(row["limit"], f"{limit}/threads:{row['threads']}")
            self.assertGreaterEqual(loop["bytes"], row["bytes"])   # the whole file
            self.assertLess(loop["bytes"], row["bytes"] * 1.01 + 100_000)
            self.assertEqual([sample["round"] for sample in loop["samples"]], [sample["round"] for sample in row["samples"]])
            parts = sorted((row["bytes"] / mine["wall_ns"]) / (loop["bytes"] / other["wall_ns"]) for mine, other in zip(row["samples"], loop["samples"]))
            self.assertAlmostEqual(row["part_of_limit"], (parts[1] + parts[2]) / 2, places=6)

    def test_the_environment_of_google_benchmark_chooses_nothing(self):
        file = self.folder / "run.json"
        for name, value in (("FILTER", "nosuch"), ("FORMAT", "xml"), ("OUT_FORMAT", "xml"), ("COLOR", ""), ("LIST_TESTS", "1")):
            with self.subTest(name):
                file.unlink(missing_ok=True)
                done = subprocess.run([BENCH, "--data", DATA, "--quick", "--json", str(file), "--filter", "^load/linear/zip/nested/direct/"],
                                      env={**os.environ, f"BENCHMARK_{name}": value}, capture_output=True, text=True, timeout=300)
                self.assertEqual((done.returncode, support.without_warnings(done.stderr)), (0, ""))
                self.assertEqual(self.read(file)["load/linear/zip/nested/direct/cpu/hot"]["status"], "ok")

    def test_a_limit_is_charged_with_its_timed_part_alone(self):
        rows = self.rows("--filter", "^limit/(memcpy|pread|pread-fresh|mmap)/threads:1$", "--repetitions", "5")
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
            self.assertRegex(cuda["reason"], "^device cuda: ")
            self.assertRegex(self.out, r"\nskipped 1 \(direct\): device cuda: ")


if __name__ == "__main__":
    support.main()
