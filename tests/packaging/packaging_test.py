"""The vcpkg port and the Conan recipe: what they say of the project, and the packages that they make, each built and used."""
import json
import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

ROOT, DATA = Path(os.environ["LOADPATH_ROOT"]), Path(os.environ["LOADPATH_BUILD"]) / "test-data" / "packaging"
CMAKE, CXX = os.environ["LOADPATH_CMAKE"], os.environ["LOADPATH_CXX"]
HERE, PACKAGING = Path(__file__).parent, ROOT / "cmake" / "packaging"
PORT, RECIPE = PACKAGING / "vcpkg" / "ports" / "loadpath", PACKAGING / "conan"
CONAN = Path(sys.executable).with_name("conan")
# What test_package/main.cc prints.
PRINTED = "weight 8 10\n"
# As vcpkg and Conan name what Dependencies.cmake finds for the reader.
LIBRARIES = {"ZLIB": ("zlib", "zlib"), "OpenSSL": ("openssl", "openssl"), "nlohmann_json": ("nlohmann-json", "nlohmann_json"),
             "libdeflate": ("libdeflate", "libdeflate")}


def succeeds(*command, stream="stdout", **environment):
    done = subprocess.run(list(map(str, command)), cwd="/", capture_output=True, text=True, timeout=900, env={**os.environ, **environment})
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}{done.stderr}")
    return getattr(done, stream)


def version():
    return re.search(r"project\(loadpath VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())[1]


class Consistent(unittest.TestCase):
    def test_the_libraries_are_those_that_the_build_finds(self):
        text = (ROOT / "cmake" / "Dependencies.cmake").read_text()
        reader = text[:text.index("if(LOADPATH_TORCH)")] + text[text.index("include(ImportLibdeflate)"):]
        found = set(re.findall(r"find_package\((\w+)|FetchContent_MakeAvailable\((\w+)\)", reader))
        found = {name or other for name, other in found} - {"Threads"}
        self.assertEqual(found, set(LIBRARIES))

    def test_the_port_describes_the_project(self):
        port = json.loads((PORT / "vcpkg.json").read_text())
        self.assertEqual((port["name"], port["version"], port["license"]), ("loadpath", version(), "MIT"))
        names = {entry for entry in port["dependencies"] if isinstance(entry, str)}
        self.assertEqual(names, {vcpkg for vcpkg, _ in LIBRARIES.values()})
        tools = {entry["name"] for entry in port["dependencies"] if isinstance(entry, dict)}
        self.assertEqual(tools, {"vcpkg-cmake", "vcpkg-cmake-config"})
        self.assertEqual(sorted(path.name for path in PORT.iterdir()), ["portfile.cmake", "usage", "vcpkg.json"])

    def test_the_recipe_requires_the_libraries(self):
        required = re.findall(r'self\.requires\("([\w]+)/', (RECIPE / "conanfile.py").read_text())
        self.assertEqual(set(required), {conan for _, conan in LIBRARIES.values()})


class Vcpkg(unittest.TestCase):
    """vcpkg itself is in no registry that set-up uses: its functions are stood in for (vcpkg_functions.cmake)."""

    def test_the_port_installs_a_package_that_can_be_used_as_it_says(self):
        folder, packages = DATA / "vcpkg", DATA / "vcpkg" / "packages"
        shutil.rmtree(folder, ignore_errors=True)
        succeeds(CMAKE, f"-DPORTFILE={PORT / 'portfile.cmake'}", "-DPORT=loadpath", f"-DCXX={CXX}", f"-DCURRENT_PACKAGES_DIR={packages}",
                 f"-DCURRENT_BUILDTREES_DIR={folder / 'build'}", "-P", HERE / "vcpkg_functions.cmake")
        self.assertEqual(sorted(path.name for path in packages.iterdir()), ["include", "lib", "share"])
        self.assertEqual((packages / "share/loadpath/copyright").read_text(), (ROOT / "LICENSE").read_text())
        usage = [line.strip() for line in (packages / "share/loadpath/usage").read_text().splitlines() if line.startswith("    ")]
        project = folder / "project"
        project.mkdir()
        shutil.copy(RECIPE / "test_package" / "main.cc", project)
        (project / "CMakeLists.txt").write_text("\n".join([
            "cmake_minimum_required(VERSION 3.25)", "project(main CXX)", usage[0], "add_executable(main main.cc)", usage[1]]))
        succeeds(CMAKE, "-G", "Ninja", "-S", project, "-B", folder / "out", f"-DCMAKE_PREFIX_PATH={packages}", f"-DCMAKE_CXX_COMPILER={CXX}")
        succeeds(CMAKE, "--build", folder / "out")
        self.assertEqual(succeeds(folder / "out" / "main"), PRINTED)


@unittest.skipUnless(CONAN.exists(), "conan is not installed (tests/requirements.txt)")
class Conan(unittest.TestCase):
    def test_the_recipe_builds_and_its_test_package_runs(self):
        shutil.rmtree(DATA / "conan", ignore_errors=True)
        home = DATA / "conan" / "home"
        # The libraries are the system's, so that nothing is fetched.
        profile = DATA / "conan" / "profile"
        environment = {"CONAN_HOME": str(home), "PATH": f"{Path(CMAKE).parent}:{os.environ['PATH']}", "CXX": CXX}
        succeeds(CONAN, "profile", "detect", **environment)
        profile.write_text("\n".join([
            "include(default)", "[settings]", "build_type=Debug", "compiler.cppstd=20", "[platform_requires]", "zlib/1.3", "libdeflate/1.14",
            "openssl/3.0.0", "nlohmann_json/3.11.2", "[conf]", "tools.cmake.cmaketoolchain:generator=Ninja",
            f"tools.cmake.cmake_layout:test_folder={DATA / 'conan' / 'test'}",
            f'tools.build:compiler_executables={{"cpp": "{CXX}"}}', "tools.build:cxxflags=['-g0']",
            "tools.cmake.cmaketoolchain:extra_variables={'CMAKE_UNITY_BUILD': 'ON'}", ""]))
        # Conan's own words, and those of what it runs, are on standard error.
        printed = succeeds(CONAN, "create", RECIPE, "--profile:all", profile, "--no-remote", "--build=missing", stream="stderr", **environment)
        self.assertIn(PRINTED, printed)
        listed = json.loads(succeeds(CONAN, "list", f"loadpath/{version()}:*", "--format=json", **environment))
        self.assertEqual(list(listed["Local Cache"]), [f"loadpath/{version()}"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
