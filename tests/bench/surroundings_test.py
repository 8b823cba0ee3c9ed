"""What bench says of other runs and of a busy machine."""
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import support
from support import BENCH, DATA, Folder

SHORT = ("--quick", "--filter", "^load/linear/zip/nested/direct/")


class OtherRuns(Folder):
    def setUp(self):
        super().setUp()
        # The lock of the machine is out of the way: other tests run too.
        self.environment = {**os.environ, "TMPDIR": str(self.folder)}
        self.data = self.folder / "data"
        self.data.mkdir()
        for name in ("manifest.json", "linear_model.pth", "linear.golden.1.safetensors"):
            shutil.copy(f"{DATA}/{name}", self.data)
            (self.data / name).chmod(0o644)

    def hold(self, folder):
        """Locks the folder as a run does, in this process."""
        fd = os.open(folder, os.O_RDONLY)
        self.addCleanup(os.close, fd)
        fcntl.flock(fd, fcntl.LOCK_SH)

    def run_bench(self, *arguments, before=()):
        file = self.folder / "run.json"
        done = subprocess.run([*before, BENCH, "--data", str(self.data), "--json", str(file), *SHORT, *arguments], env=self.environment,
                              capture_output=True, text=True, timeout=300)
        self.read(file)
        return done

    def told(self, process):
        return f"another run measures at the same time (process {process}): the times of all of them are worth less"

    def test_a_run_alone_says_nothing(self):
        done = self.run_bench()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertNotIn("measures at the same time", done.stdout)
        self.assertEqual(sorted(entry.name for entry in self.data.iterdir()), ["linear.golden.1.safetensors", "linear_model.pth", "manifest.json"])

    def test_another_run_with_these_data_is_named_everywhere(self):
        self.hold(self.data)
        done = self.run_bench()
        self.assertEqual((done.returncode, done.stderr), (0, f"bench: warning: {self.told(os.getpid())}\n"))
        self.assertIn(self.told(os.getpid()), self.whole["context"]["warnings"])
        self.assertIn("warning: " + self.told(os.getpid()), re.sub(r"\n  ", " ", done.stdout))

    def test_another_run_with_other_data_or_without_is_named_too(self):
        self.hold(self.folder)
        self.assertEqual(self.run_bench().stderr, f"bench: warning: {self.told(os.getpid())}\n")
        file = self.linear_file("mine.pth")
        done = subprocess.run([BENCH, "--data", str(self.folder / "nosuch"), "--quick", "--checkpoint", str(file), "--filter", "direct"],
                              env=self.environment, capture_output=True, text=True, timeout=300)
        self.assertEqual((done.returncode, done.stderr), (0, f"bench: warning: {self.told(os.getpid())}\n"))

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "only root can give its rights up")
    def test_data_that_cannot_be_written_are_locked_as_well(self):
        self.folder.chmod(0o777)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        if subprocess.run([*command, BENCH, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("bench lies in a folder that only root can read")
        self.hold(self.data)
        done = self.run_bench(before=command)
        self.assertEqual((done.returncode, done.stderr), (0, f"bench: warning: {self.told(os.getpid())}\n"))

    def test_two_runs_are_told_of_each_other(self):
        file = self.folder / "first.json"
        first = subprocess.Popen([BENCH, "--data", str(self.data), "--json", str(file), *SHORT, "--repetitions", "20000"], env=self.environment,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(first.kill)
        while f" {first.pid} " not in Path("/proc/locks").read_text():
            self.assertIsNone(first.poll())
        self.assertEqual(self.run_bench("--repetitions", "100").stderr, f"bench: warning: {self.told(first.pid)}\n")
        second = subprocess.Popen([BENCH, "--data", str(self.data), *SHORT, "--repetitions", "20000"], env=self.environment,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(second.kill)
        while f" {second.pid} " not in Path("/proc/locks").read_text():
            self.assertIsNone(second.poll())
        first.terminate()
        _, err = first.communicate(timeout=120)
        second.terminate()
        second.communicate(timeout=120)
        self.assertRegex(err, rf"\Abench: warning: (another run|other runs) .*\b{second.pid}\b.*\nbench: interrupted: .*\n\Z")
        self.assertRegex("\n".join(json.loads(file.read_text())["context"]["warnings"]), rf"\b{second.pid}\b")


class BusyMachine(Folder):
    def test_other_processes_are_told(self):
        script = "import os, time\nend = time.time() + 100\nwhile time.time() < end and os.getppid() == %d: pass" % os.getpid()
        for _ in range(len(os.sched_getaffinity(0))):
            process = subprocess.Popen([sys.executable, "-c", script])
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
        self.rows("--filter", "^limit/(memcpy|pread)/", "--repetitions", "50")
        self.assertRegex("\n".join(self.whole["context"]["warnings"]),
                         r"(?m)^the machine was busy: other processes used \d+\.\d of \d+ processors.* \(load average \d+\.\d+\): "
                         "the times are worth less$")
        self.assertRegex(self.out, r"\nwarning: the machine was busy: other processes used ")


if __name__ == "__main__":
    support.main()
