"""What bench reports if it is interrupted, or if answers are wrong or missing."""
import json
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import torch

import jsonschema

import support
from support import BENCH, DATA, Folder, bench, without_warnings


class StartupProcess(Folder):
    """A startup sample is a process of its own: whatever becomes of it, there is one row that says so."""
    NAME = "startup/linear/zip/nested/direct/cpu/hot"

    def test_that_is_killed_is_one_row_with_the_reason(self):
        file = self.folder / "run.json"
        process = subprocess.Popen([BENCH, "--data", DATA, "--samples", "1000", "--json", str(file), "--filter", f"^{self.NAME}$"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.addCleanup(process.kill)
        sample = None
        while not sample:
            self.assertIsNone(process.poll())
            sample = Interrupted.takes_a_startup_sample(process.pid)
        os.kill(sample, signal.SIGKILL)
        _, err = process.communicate(timeout=120)
        row = self.read(file)[self.NAME]
        self.assertEqual((process.returncode, row["status"]), (1, "error"))
        self.assertRegex(row["reason"], r"/bench: was ended by signal 9 \(Killed\) and without an answer$")
        self.assertEqual(without_warnings(err), f"bench: 1 case failed: {self.NAME}: {row['reason']}\n")


class Worker(Folder):
    """The language of docs/worker.md."""

    def talk(self, *requests, flags=()):
        text = "".join((json.dumps(request) if isinstance(request, dict) else request) + "\n" for request in requests)
        done = subprocess.run([BENCH, "--data", DATA, "--worker", *flags], input=text, capture_output=True, text=True, timeout=300)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_answers_a_line_for_a_line(self):
        name = "load/linear/zip/nested/direct/cpu/hot"
        hello, listed, first, each, short, costs, startup = self.talk(
            {"v": 1, "do": "hello"}, {"do": "list", "filter": "^load/linear/zip/nested/"},
            {"do": "sample", "case": name, "samples": 3, "check": "first"}, {"do": "sample", "case": name, "samples": 2, "check": "each"},
            {"do": "sample", "case": "load/linear/zip/nested/direct", "device": "cpu", "cache": "cold", "samples": 1},
            {"do": "costs", "case": name}, {"do": "sample", "case": "startup/linear/zip/nested/direct/cpu/hot"}, {"do": "quit"}, {"do": "hello"})
        self.assertEqual(set(hello), {"v", "program", "version", "commit", "libtorch", "build_type"})
        self.assertEqual((hello["v"], hello["program"]), (1, "bench"))
        paths = {case["path"] for case in listed["cases"]}
        self.assertEqual(paths, set(support.PATHS))
        self.assertTrue(all(case["name"].startswith("load/linear/zip/nested/") and case["model"] == "linear" for case in listed["cases"]))
        schema = json.loads(Path(support.SCHEMA).read_text())["$defs"]["row"]["properties"]["samples"]
        for answer, count in ((first, 3), (each, 2), (short, 1), (startup, 1)):
            self.assertEqual((answer["status"], len(answer["samples"])), ("ok", count), answer)
            jsonschema.validate(answer["samples"], schema)
        self.assertEqual([sample.get("checked", False) for sample in first["samples"]], [True, False, False])
        self.assertEqual([sample.get("checked", False) for sample in each["samples"]], [True, True])
        self.assertEqual(short["case"], "load/linear/zip/nested/direct/cpu/cold")
        self.assertEqual(costs["costs"]["bytes"], 88)

    def test_what_cannot_be_answered_is_one_line(self):
        answers = self.talk("{", "[]", {"do": "dance"}, {"v": 2, "do": "hello"}, {"do": "sample", "case": "load/linear/zip/nested/dircet/cpu/hot"},
                            {"do": "sample", "case": "limit/memcpy/threads:1", "samples": 0},
                            {"do": "sample", "case": "limit/memcpy/threads:1", "check": "never"}, {"do": "sample"}, {"do": "list", "filter": "("})
        self.assertEqual([set(answer) for answer in answers], [{"error"}] * 9)
        (listed,) = self.talk({"do": "list", "filter": "^startup/linear/zip/nested/direct/cpu/hot"})
        case = listed["cases"][0]
        changes = ({"path": "nosuch"}, {"case": "forward", "path": "module"}, {"device": None}, {"models": []}, {"case": "load", "cache": "cold"})
        broken = [{key: value for key, value in {**case, **change}.items() if value is not None} for change in changes]
        for answer in self.talk(*({"do": "start", "case": one, "started_at": 1} for one in broken), ""):
            self.assertEqual(set(answer), {"error"})
        errors = [answer["error"] for answer in answers]
        self.assertIn("did you mean load/linear/zip/nested/direct/cpu/hot?", errors[4])
        self.assertEqual(errors[2], "do dance: not known; hello, list, sample, costs, start and quit are")
        self.assertEqual(errors[3], "only version 1 of the language is spoken here")

    def test_a_case_that_is_skipped_says_why(self):
        (answer,) = self.talk({"do": "sample", "case": "load/linear/zip/nested/jit_load/cpu/hot"})
        self.assertEqual((answer["status"], answer["samples"]), ("skipped", []))
        self.assertIn("torch::jit::load", answer["reason"])


class Interrupted(Folder):
    def test_what_was_measured_is_reported(self):
        file = self.folder / "run.json"
        terminal, far_end = pty.openpty()
        process = subprocess.Popen([BENCH, "--data", DATA, "--quick", "--json", str(file), "--repetitions", "2000", "--filter",
                                    "^load/custom/zip/bare/(direct|copy)/"], stdout=subprocess.PIPE, stderr=far_end, text=True)
        self.addCleanup(process.kill)
        os.close(far_end)
        seen = b""
        while b"[round 20," not in seen:   # the twentieth round begins
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
        self.assertEqual({row["reason"] for row in rows.values() if row["status"] != "ok"} - {"interrupted before it was measured"}, set())
        self.assertTrue(self.whole["context"]["interrupted"])
        self.assertIn("load/custom/zip/bare\n", out)
        self.assertIn("\ninterrupted: what was measured until then is shown\n", out)

    @staticmethod
    def takes_a_startup_sample(parent):
        """Returns the process of a startup sample in the session that `parent` leads, or None."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if os.getsid(int(folder.name)) == parent and b"--worker" in (folder / "cmdline").read_bytes():
                    return int(folder.name)
            except OSError:
                continue   # it has ended
        return None

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
        self.assertEqual((process.returncode, without_warnings(err)), (130, "bench: interrupted: what was measured until then is reported\n"))
        row = self.read(file)["startup/linear/zip/nested/direct/cpu/hot"]
        self.assertEqual((row["status"], row["reason"]), ("skipped", "interrupted before it was measured"))

    def started(self, *arguments):
        """Starts bench in a session of its own, and returns its process once it takes note of signals."""
        process = subprocess.Popen([BENCH, "--data", DATA, "--quick", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   start_new_session=True)
        self.addCleanup(process.kill)
        caught = 0
        while not (caught >> signal.SIGINT - 1 & 1 and caught >> signal.SIGTERM - 1 & 1):
            self.assertIsNone(process.poll(), "it ended before it could be interrupted")
            caught = int(re.search(r"(?m)^SigCgt:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text())[1], 16)
        return process

    def test_cases_that_were_not_reached_do_not_vanish(self):
        """Interrupted while the first cases are checked, before any sample."""
        file = self.folder / "run.json"
        names = bench("--list", "--filter", "^(load|forward)/")[1].split()
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.started("--json", str(file), "--filter", "^(load|forward)/")
            process.send_signal(number)
            out, err = process.communicate(timeout=120)
            self.assertEqual((process.returncode, without_warnings(err)), (130, "bench: interrupted: what was measured until then is reported\n"))
            rows = self.read(file)
            self.assertTrue(self.whole["context"]["interrupted"])
            self.assertEqual([name for name in names if name not in rows], [])
            self.assertEqual({(row["status"], row["reason"]) for row in rows.values() if row["status"] == "skipped"
                              and not row["reason"].startswith(("no ", "torch::"))}, {("skipped", "interrupted before it was measured")})
            self.assertRegex(" ".join(out.split()), r"skipped \d+ \([\w, -]*\): interrupted before it was measured ")

    def test_a_second_signal_ends_it_at_once(self):
        file = self.folder / "run.json"
        for first, second in ((signal.SIGINT, signal.SIGINT), (signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT)):
            process = self.started("--json", str(file), "--filter", "^startup/linear/zip/nested/direct/")
            sample = None
            while not sample:
                self.assertIsNone(process.poll())
                sample = self.takes_a_startup_sample(process.pid)
            os.kill(sample, signal.SIGSTOP)   # the run waits for it
            process.send_signal(first)
            time.sleep(0.2)
            self.assertIsNone(process.poll())
            process.send_signal(second)
            ended = process.wait(timeout=60)
            os.kill(sample, signal.SIGKILL)
            process.communicate(timeout=60)
            self.assertEqual(ended, -second)
            self.assertEqual(list(self.folder.iterdir()), [])

    def test_results_that_an_earlier_run_left_stay_until_the_new_ones_are_whole(self):
        file = self.folder / "run.json"
        file.write_text("old")
        process = self.started("--json", str(file), "--repetitions", "1000000", "--filter", "^load/custom/zip/bare/direct/")
        process.kill()
        process.communicate(timeout=60)
        self.assertEqual((file.read_text(), [entry.name for entry in self.folder.iterdir()]), ("old", ["run.json"]))


class WrongOrMissing(Folder):
    CASE = "load/linear/zip/nested/direct/cpu/hot"

    def test_missing_reference_data_is_a_skip_that_says_what_to_do_and_no_success(self):
        rows = self.rows("--filter", "^load/linear/zip/nested/direct", data=str(self.folder), status=1)
        self.assertEqual(rows[self.CASE]["status"], "skipped")
        self.assertRegex(rows[self.CASE]["reason"], "^no reference data: .*manifest.json: cannot be opened; scripts/bench makes it$")
        self.assertRegex(self.out, r"\nskipped 1 \(direct\): no reference data")
        self.assertEqual(self.err, f"bench: 1 case was skipped: {self.CASE}: {rows[self.CASE]['reason']}\n")

    def test_a_run_in_which_everything_is_refused_is_no_success(self):
        rows = self.rows("--filter", "^load/linear/zip/nested/jit_load", status=1)
        self.assertEqual(rows["load/linear/zip/nested/jit_load/cpu/hot"]["status"], "skipped")
        self.assertEqual(self.err, "bench: nothing was timed: 1 case was skipped: load/linear/zip/nested/jit_load/cpu/hot: "
                         'torch::jit::load returns a module, which has nothing at "model_state_dict"\n')

    def test_a_refused_case_is_no_success_if_the_filter_names_it(self):
        name = "load/linear/zip/nested/jit_load/cpu/hot"
        rows = self.rows("--filter", f"^{name}$|linear/zip/nested/direct/", status=1)
        self.assertEqual((rows[name]["status"], rows[self.CASE]["status"]), ("skipped", "ok"))
        self.assertEqual(self.err, f"bench: 1 case was skipped: {name}: {rows[name]['reason']}\n")
        self.rows("--filter", "^load/linear/zip/nested/(jit_load|direct)/", status=0)
        self.assertEqual(self.err, "")

    def test_a_disk_that_fills_up_does_not_lose_the_table(self):
        file = self.folder / "run.json"

        def no_large_files():   # each of more than 100 bytes; SIGXFSZ, which Python ignores, stays ignored
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        done = subprocess.run([BENCH, "--data", DATA, "--quick", "--json", str(file), "--filter", "^forward/linear/cpu/batch:1/module$"],
                              capture_output=True, text=True, timeout=120, preexec_fn=no_large_files, restore_signals=False)
        self.assertEqual((done.returncode, without_warnings(done.stderr)), (1, f"bench: {file}: cannot be written: File too large\n"))
        self.assertIn("\nforward/linear\n", done.stdout)
        self.assertEqual(list(self.folder.iterdir()), [])

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
        self.assertIn("error: " + row["reason"], " ".join(self.out.split()))  # the table wraps it

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
        self.assertEqual({row["path"] for row in rows.values()}, {"module", "inference_mode", "torchscript", "aoti", "python"})
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
        self.assertEqual((row["status"], "samples_ns" in row), ("error", False))
        self.assertIn("linear_model.pth", row["reason"])


if __name__ == "__main__":
    support.main()
