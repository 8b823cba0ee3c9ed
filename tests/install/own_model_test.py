"""Copies examples/own_model out of the tree, and builds, tests and measures it against the installed package: with Python,
and from the data that this left, with an unpacked LibTorch and without Python."""
import json
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import torch

ROOT, BUILD = Path(os.environ["LOADPATH_ROOT"]), Path(os.environ["LOADPATH_BUILD"])
CMAKE, CXX, LIBTORCH = os.environ["LOADPATH_CMAKE"], os.environ["LOADPATH_CXX"], Path(os.environ["LOADPATH_LIBTORCH"])
DATA = BUILD / "test-data" / "own_model"
PREFIX, PROJECT = DATA / "prefix", DATA / "project"
TESTS = ["mine.costs", "mine.forward", "mine.load", "mine.reference"]


def run(*command, cwd=PROJECT):
    return subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=600)


def succeeds(*command, cwd=PROJECT):
    done = run(*command, cwd=cwd)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def configure(folder, torch_root, *flags):
    return run(CMAKE, "-G", "Ninja", "-B", "build", f"-DCMAKE_PREFIX_PATH={PREFIX}", f"-DCMAKE_CXX_COMPILER={CXX}",
               f"-DLOADPATH_TORCH_ROOT={torch_root}", "-DCMAKE_CXX_FLAGS=-O1", *flags, cwd=folder)


def ctest(folder):
    """Returns the names of the tests that passed and of those that failed, and the output."""
    done = run("ctest", "--test-dir", "build", "--output-on-failure", "--output-junit", "junit.xml", cwd=folder)
    cases = ElementTree.parse(folder / "build" / "junit.xml").findall("testcase")
    passed = sorted(case.get("name") for case in cases if case.get("status") == "run")
    return passed, sorted(case.get("name") for case in cases if case.get("status") != "run"), done.stdout


class OwnModel(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        shutil.rmtree(DATA, ignore_errors=True)
        shutil.copytree(ROOT / "examples" / "own_model", PROJECT, ignore=shutil.ignore_patterns("build", "data", "__pycache__"))
        succeeds(CMAKE, "--install", BUILD, "--prefix", PREFIX, cwd="/")
        configured = configure(PROJECT, LIBTORCH)
        assert configured.returncode == 0 and not configured.stderr, configured.stdout + configured.stderr
        succeeds(CMAKE, "--build", "build")
        cls.tested = ctest(PROJECT)

    def test_every_test_of_the_project_passes(self):
        passed, failed, output = self.tested
        self.assertEqual((passed, failed), (TESTS, []), output)

    def test_the_program_that_is_shipped_gives_pythons_outputs(self):
        sys.path.insert(0, str(PROJECT))
        from event_net import EventNet

        net = EventNet()
        weights = torch.load(PROJECT / "train.pth", weights_only=True)["model"]
        net.load_state_dict({key.removeprefix("module._orig_mod.").replace("layers.", "blocks."): value for key, value in weights.items()})
        with torch.no_grad():
            wanted = net.eval()(torch.ones(1, 12, 40), torch.zeros(1, dtype=torch.long))["logits"][0]
        got = torch.tensor(list(map(float, succeeds("build/serve", "train.pth").split())))
        torch.testing.assert_close(got, wanted, rtol=0, atol=2e-6)
        cut = DATA / "cut.pth"
        cut.write_bytes((PROJECT / "train.pth").read_bytes()[:-100])
        done = run("build/serve", cut)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertRegex(done.stderr, rf"\Aserve: {cut}: [^\n]+\n\Z")

    def test_everything_is_measured(self):
        out = DATA / "run.json"
        succeeds("build/mine", "--filter", "^(load|forward)/|^startup/eventnet/zip/own/direct", "--quick", "--repetitions", "1", "--json", out)
        results = json.loads(out.read_text())
        jsonschema.validate(results, json.loads((ROOT / "results" / "schema.json").read_text()))
        timed = {row["name"] for row in results["benchmarks"]}
        for path in ("auto", "copy", "direct", "assign", "mmap"):
            for where in ("zip/own", "zip/bare", "zip/full", "torchscript/bare", "cpp/bare", "sharded/bare", "dcp/bare", "pt2/bare", "opaque/bare"):
                self.assertIn(f"load/eventnet/{where}/{path}/cpu/hot", timed)
        self.assertLessEqual({f"forward/eventnet/cpu/batch:{batch}/{way}" for batch in (1, 8) for way in ("module", "inference_mode", "torchscript", "python")}, timed)
        self.assertIn("startup/eventnet/zip/own/direct/cpu/hot", timed)
        for row in results["benchmarks"]:
            self.assertTrue(row["case"] == "limit" or row["checked"], row["name"])
        # Only LibTorch's own readers refuse a file.
        self.assertEqual({row["path"] for row in results["not_timed"]} - {"pickle_load", "jit_load"}, set())

    def test_ckpt_knows_the_model_and_proposes_the_rules(self):
        done = run("build/mine", "ckpt", "diff", "train.pth::model", "--model", "eventnet")
        self.assertEqual(done.returncode, 1, done.stderr)
        rules = ["--prefix", "module.", "--prefix", "_orig_mod.", "--rename", r"^layers\.=blocks."]
        self.assertIn("--prefix module. --prefix _orig_mod. --rename '^layers\\.=blocks.'", done.stdout)
        loaded = succeeds("build/mine", "ckpt", "load", "train.pth::model", "--model", "eventnet", *rules)
        self.assertIn("31 tensors equal bit by bit", loaded)

    def test_from_the_committed_data_without_python(self):
        elsewhere, unpacked = DATA / "elsewhere", DATA / "libtorch"
        shutil.rmtree(elsewhere, ignore_errors=True)
        shutil.copytree(PROJECT, elsewhere, ignore=shutil.ignore_patterns("build", "__pycache__", "my_reference.py", "*.py"))
        (elsewhere / "my_reference.py").write_text("raise SystemExit('this is not run')\n")
        unpacked.mkdir(exist_ok=True)
        for name in ("include", "lib"):
            (unpacked / name).unlink(missing_ok=True)
            (unpacked / name).symlink_to(LIBTORCH / name)
        path = os.environ.pop("PATH")
        environment = os.environ.pop("VIRTUAL_ENV", None)
        os.environ["PATH"] = "/usr/bin:/bin"
        try:
            configured = configure(elsewhere, unpacked)
            self.assertEqual(configured.returncode, 0, configured.stderr)
            self.assertIn("no Python with PyTorch was found", configured.stdout)
            self.assertIn(f"The tests use {elsewhere}/data as it is.", configured.stdout)
            succeeds(CMAKE, "--build", "build", "--target", "mine", cwd=elsewhere)
            passed, failed, output = ctest(elsewhere)
            self.assertEqual((passed, failed), (TESTS, []), output)

            # A C++ filter that leaves out what Python loads would leave a file of wrong weights unseen.
            manifest = elsewhere / "data" / "manifest.json"
            text = manifest.read_text()
            manifest.write_text(text.replace('"only": ""', '"only": "^head"'))
            done = run("build/mine", "--filter", "^load/.*/own/direct", "--quick", cwd=elsewhere)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertRegex(done.stderr, r'"[a-z_.0-9]+" was not loaded, and Python loads it by these rules')
            manifest.write_text(text)

            own = elsewhere / "data" / "eventnet.own.pth"
            own.write_bytes(own.read_bytes()[:-1])
            passed, failed, output = ctest(elsewhere)
            self.assertEqual((passed, failed), ([], TESTS), output)
            self.assertIn(f"mine: {own}: is not the file that the manifest describes", output)
            own.unlink()
            done = run("build/mine", "--filter", "^load/.*/own/", "--quick", cwd=elsewhere)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"no zip/own of eventnet in {elsewhere}/data; the folder {elsewhere}/data is to hold it", " ".join(done.stderr.split()))
            target = run(CMAKE, "--build", "build", "--target", "mine-reference", cwd=elsewhere)
            self.assertNotEqual(target.returncode, 0)
            self.assertIn("no Python with PyTorch was found", target.stdout)
        finally:
            os.environ["PATH"] = path
            if environment is not None:
                os.environ["VIRTUAL_ENV"] = environment

    def test_costs_that_differ_fail(self):
        costs = json.loads((PROJECT / "costs.json").read_text())
        name = "load/eventnet/zip/own/direct/cpu/hot"
        costs["loads"][name]["costs"]["allocations"] -= 1
        costs["loads"][name]["costs"]["read_calls"] -= 1
        (DATA / "costs.json").write_text(json.dumps(costs))
        done = run("build/mine", "--filter", f"^{name}$", "--quick", "--costs", DATA / "costs.json")
        self.assertEqual(done.returncode, 1)
        allocations, read_calls = (costs["loads"][name]["costs"][field] for field in ("allocations", "read_calls"))
        told = [line for line in done.stderr.splitlines() if "warning" not in line]
        self.assertEqual(told, [
            f"mine: {name}: allocations {allocations} -> {allocations + 1}",
            f"mine: {name}: read_calls {read_calls} -> {read_calls + 1}",
            f"mine: 2 costs not as in {DATA}/costs.json; --write-costs {DATA}/costs.json writes those of this run"])

    def test_what_loadpath_add_suite_does_not_take(self):
        project = DATA / "wrong"
        project.mkdir(exist_ok=True)
        for call, sentence in {
            "SOURCES a.cc": "loadpath_add_suite(mine): name REFERENCES, the Python file that makes the reference data, or DATA, a folder that holds them",
            "REFERENCES a.py": "loadpath_add_suite(mine): SOURCES is missing",
            "SOURCES a.cc REFERENCES none.py": f"loadpath_add_suite(mine): REFERENCES {project}/none.py: there is no such file",
            "SOURCES a.cc DATA": "loadpath_add_suite(mine): not understood: DATA (it takes SOURCES, REFERENCES, DATA, LINK, PYTHON, FILTER and COSTS, each with a value)",
            "SOURCES a.cc REFERENCES a.py PYTHON nosuch": "loadpath_add_suite(mine): no Python with PyTorch was found (nosuch: cannot be run)",
        }.items():
            with self.subTest(call):
                for name in ("a.cc", "a.py"):
                    (project / name).touch()
                (project / "CMakeLists.txt").write_text(
                    "cmake_minimum_required(VERSION 3.25)\nproject(p CXX)\nfind_package(loadpath REQUIRED COMPONENTS suite)\n"
                    f"loadpath_add_suite(mine {call})\n")
                done = configure(project, LIBTORCH)
                self.assertIn(sentence, " ".join(done.stderr.split()))
                self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
