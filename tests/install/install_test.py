"""Installs the build into a folder of its own, builds two small projects against it with find_package, and compares what
they print with PyTorch."""
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

import torch

ROOT, BUILD = Path(os.environ["LOADPATH_ROOT"]), Path(os.environ["LOADPATH_BUILD"])
CMAKE, CXX = os.environ["LOADPATH_CMAKE"], os.environ["LOADPATH_CXX"]
LIBTORCH, VERSION = os.environ["LOADPATH_LIBTORCH"], os.environ["LOADPATH_LIBTORCH_VERSION"]
HERE = Path(__file__).parent
DATA = BUILD / "test-data" / "install"
PREFIX = DATA / "prefix"
LINEAR = BUILD / "reference" / "linear_model.pth"

HEADERS = ["checkpoint.h", "deferred_init.h", "device.h", "dtype.h", "error.h", "key_rules.h", "load.h", "load_state_dict.h",
           "mapping_guard.h", "model.h", "module_info.h", "progress.h", "python_twins.h", "state_dict.h", "suite.h", "tensor_allocator.h",
           "tensor_at.h", "tree.h"]


def run(*command):
    # In the root folder, so that nothing is found relative to a build.
    return subprocess.run(list(map(str, command)), cwd="/", capture_output=True, text=True, timeout=600)


def succeeds(*command):
    done = run(*command)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def configure(project, name, *flags, prefix=PREFIX):
    folder = DATA / name
    shutil.rmtree(folder, ignore_errors=True)
    return folder, run(CMAKE, "-G", "Ninja", "-S", project, "-B", folder, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={CXX}", *flags)


def build(project, *flags, prefix=PREFIX, name=None):
    folder, done = configure(project, name or project.name, *flags, prefix=prefix)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    succeeds(CMAKE, "--build", folder)
    return folder / "consumer"


def tensors_of(path):
    state_dict = torch.load(path, weights_only=True)["model_state_dict"]
    return "".join(f"{name} {t.nbytes} {t.flatten()[0].item():.9g}\n" for name, t in state_dict.items())


class InstallTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        shutil.rmtree(DATA, ignore_errors=True)
        succeeds(CMAKE, "--install", BUILD, "--prefix", PREFIX)

    def test_public_headers_and_what_they_include(self):
        include = PREFIX / "include" / "loadpath"
        self.assertEqual(sorted(str(p.relative_to(include)) for p in include.rglob("*")), HEADERS)
        for header in HEADERS:
            for included in re.findall(r'#include "(.*)"', (include / header).read_text()):
                self.assertIn(included.removeprefix("loadpath/"), HEADERS, header)

    def test_load_into_a_module_of_ones_own(self):
        for component in ("state", "load"):
            with self.subTest(component):
                self.outputs_are_pythons(build(HERE / component, f"-DLOADPATH_TORCH_ROOT={LIBTORCH}"))

    def outputs_are_pythons(self, consumer):
        state_dict = torch.load(LINEAR, weights_only=True)["model_state_dict"]
        wanted = torch.nn.functional.linear(torch.arange(10.0), state_dict["linear.weight"], state_dict["linear.bias"])
        got = list(map(float, succeeds(consumer, LINEAR).split()))
        torch.testing.assert_close(torch.tensor(got), wanted)

    def test_reader_without_libtorch(self):
        consumer = build(HERE / "checkpoint")
        self.assertEqual(succeeds(consumer, LINEAR), tensors_of(LINEAR))
        self.assertNotIn("torch", succeeds("ldd", consumer))
        missing = DATA / "nothing.pth"
        done = run(consumer, missing)
        self.assertEqual((done.returncode, done.stderr), (2, f"{missing}: cannot be opened: No such file or directory\n"))

    def test_built_without_libtorch_as_a_part_of_another_project(self):
        prefix, project = DATA / "reader", DATA / "fetches"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(f"""cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES CXX)
include(FetchContent)
FetchContent_Declare(loadpath SOURCE_DIR {ROOT})
set(LOADPATH_TORCH OFF)
set(LOADPATH_INSTALL ON)
FetchContent_MakeAvailable(loadpath)
add_executable(consumer {HERE}/checkpoint/main.cc)
target_link_libraries(consumer PRIVATE loadpath::checkpoint)
""")
        consumer = build(project, "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O0", "-DCMAKE_UNITY_BUILD=ON", name="without-libtorch")
        self.assertEqual(succeeds(consumer, LINEAR), tensors_of(LINEAR))
        succeeds(CMAKE, "--install", consumer.parent, "--prefix", prefix)
        self.assertEqual(succeeds(build(HERE / "checkpoint", prefix=prefix, name="reader-alone"), LINEAR), tensors_of(LINEAR))
        self.refuses("this loadpath was built without LibTorch (LOADPATH_TORCH=OFF) and has no component state", HERE / "state", prefix=prefix)

    def test_programs(self):
        ckpt = PREFIX / "bin" / "ckpt"
        self.assertIn("tensors   2, 22 elements, 88 bytes", succeeds(ckpt, "inspect", LINEAR))
        loaded = succeeds(ckpt, "load", LINEAR, "--model", "linear", "--key", "model_state_dict", "--data", LINEAR.parent)
        self.assertIn("2 tensors equal bit by bit", loaded)
        self.assertIn("load/linear/zip/nested/direct/cpu/hot", succeeds(PREFIX / "bin" / "bench", "--list", "--data", LINEAR.parent))

    def test_a_folder_of_another_project(self):
        project = DATA / "contains"
        project.mkdir()
        for name in ("a.cc", "a.py"):
            (project / name).write_text("")
        (project / "CMakeLists.txt").write_text(f"""cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES CXX)
enable_testing()
add_subdirectory({ROOT} loadpath)
add_executable(consumer a.cc)
target_link_libraries(consumer PRIVATE loadpath::checkpoint loadpath::state loadpath::load)
loadpath_add_suite(mine SOURCES a.cc REFERENCES a.py)
""")
        folder, done = configure(project, "contained", f"-DLOADPATH_TORCH_ROOT={LIBTORCH}")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        tests = run("ctest", "--test-dir", folder, "-N").stdout
        self.assertEqual(sorted(re.findall(r"#\d+: (\S+)", tests)), ["mine.costs", "mine.forward", "mine.load", "mine.reference"])

    def refuses(self, sentence, project, *flags, prefix=PREFIX):
        _, done = configure(project, "refused", *flags, prefix=prefix)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(sentence, " ".join(done.stderr.split()))

    def test_what_is_not_found_is_named(self):
        nowhere = DATA / "nowhere"
        self.refuses(f"{nowhere} is not a LibTorch: it has no include/ATen/ATen.h", HERE / "state", f"-DLOADPATH_TORCH_ROOT={nowhere}")

        other = DATA / "other-libtorch"
        for name in ("include/ATen/ATen.h", "lib/libtorch_cpu.so", "lib/libc10.so", "include/torch/headeronly/version.h"):
            (other / name).parent.mkdir(parents=True, exist_ok=True)
            (other / name).write_text("#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 1\n#define TORCH_VERSION_PATCH 0\n")
        self.refuses(f"this loadpath was built with LibTorch {VERSION} and does not link with 2.1.0 in {other}: build it with that one",
                     HERE / "state", f"-DLOADPATH_TORCH_ROOT={other}")

        # As on another machine: LibTorch is not in the folder that the package was built with.
        moved = DATA / "moved"
        shutil.copytree(PREFIX / "lib", moved / "lib")
        shutil.copytree(PREFIX / "include", moved / "include")
        config = moved / "lib" / "cmake" / "loadpath" / "loadpathConfig.cmake"
        config.write_text(config.read_text().replace(LIBTORCH, str(nowhere)))
        self.refuses("LibTorch was not found: pass -DLOADPATH_TORCH_ROOT=DIR, a wheel's torch folder or an unpacked LibTorch "
                     f"{VERSION} (the component checkpoint alone needs none)", HERE / "state", prefix=moved)
        _, done = configure(HERE / "state", "through-torch-dir", f"-DTorch_DIR={LIBTORCH}/share/cmake/Torch", prefix=moved)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

        project = DATA / "project"
        project.mkdir()
        (project / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(p CXX)\nfind_package(loadpath REQUIRED COMPONENTS models)\n")
        self.refuses("loadpath has no component models: there are checkpoint, state, load, suite", project)


if __name__ == "__main__":
    unittest.main(verbosity=2)
