"""The reader of checkpoints, without LibTorch, as a Conan 2 package: conan create cmake/packaging/conan -s compiler.cppstd=20"""
import re
from pathlib import Path

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy

required_conan_version = ">=2.0"


class LoadpathConan(ConanFile):
    name = "loadpath"
    description = "Reads PyTorch checkpoints (torch.save, safetensors, TorchScript, .pt2, sharded, distributed) in C++ without LibTorch"
    license = "MIT"
    topics = ("pytorch", "checkpoint", "safetensors")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"

    def set_version(self):
        text = (Path(self.recipe_folder) / "../../../CMakeLists.txt").read_text()
        self.version = re.search(r"project\(loadpath VERSION ([0-9.]+)", text)[1]

    def export_sources(self):
        root = str(Path(self.recipe_folder).parents[2])
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*.cmake", "cmake/*.in", "harness/*"):
            copy(self, pattern, root, self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("zlib/[>=1.2.11 <2]")
        self.requires("libdeflate/[>=1.14 <2]")
        self.requires("openssl/[>=3 <4]")
        self.requires("nlohmann_json/[>=3.9 <4]", visible=False)

    def validate(self):
        check_min_cppstd(self, 20)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["LOADPATH_TORCH"] = "OFF"
        toolchain.cache_variables["BUILD_TESTING"] = "OFF"
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build(target="loadpath_checkpoint")

    def package(self):
        copy(self, "LICENSE", self.source_folder, str(Path(self.package_folder) / "licenses"))
        CMake(self).install()

    def package_info(self):
        # find_package(loadpath COMPONENTS checkpoint) finds the package's own configuration, as without Conan.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = ["lib/cmake/loadpath"]
        self.cpp_info.libs = ["loadpath_checkpoint", "loadpath_base"]
        self.cpp_info.system_libs = ["pthread"]
