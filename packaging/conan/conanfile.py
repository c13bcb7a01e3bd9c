# SPDX-License-Identifier: MIT
"""Conan 2 recipe. From the root of the tree:

    conan create packaging/conan                          # Eigen and libdeflate by Conan
    conan create packaging/conan -o "wick/*:system_deps=True"   # the system's
"""
import os
import re

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")


class WickRecipe(ConanFile):
    name = "wick"
    license = "MIT"
    description = "Tensors, networks and PyTorch checkpoints for C++20 programs"
    topics = ("tensor", "neural-network", "pytorch", "inference", "training")
    package_type = "library"
    settings = "os", "compiler", "build_type", "arch"
    options = {"shared": [True, False], "system_deps": [True, False]}
    default_options = {"shared": False, "system_deps": False}

    def set_version(self):
        header = load(self, os.path.join(self.recipe_folder, ROOT, "core", "version.h"))
        self.version = ".".join(re.findall(r"#define WICK_VERSION_\w+ (\d+)", header))

    def export_sources(self):
        root = os.path.join(self.recipe_folder, ROOT)
        for folder in ("core", "kernels", "nn", "optim", "serialize", "bindings", "cmake", "docs", "examples"):
            copy(self, f"{folder}/*", root, self.export_sources_folder)
        for file in ("CMakeLists.txt", "LICENSE", "README.md", "CHANGELOG.md"):
            copy(self, file, root, self.export_sources_folder)

    def requirements(self):
        if not self.options.system_deps:
            self.requires("eigen/[>=3.4 <4]", visible=False)
            self.requires("libdeflate/[>=1.14 <2]")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["WICK_LIBRARIES"] = "shared" if self.options.shared else "static"
        for part in ("TOOLS", "TESTS", "BENCH"):
            toolchain.cache_variables[f"WICK_BUILD_{part}"] = False
        toolchain.cache_variables["WICK_CUDA"] = "OFF"
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "wick")
        self.cpp_info.set_property("cmake_target_name", "wick::wick")
        self.cpp_info.set_property("pkg_config_name", "wick")
        self.cpp_info.libs = ["wick"]
        self.cpp_info.system_libs = ["pthread"]
        if not self.options.shared:
            self.cpp_info.sharedlinkflags = ["-Wl,--exclude-libs,libwick.a"]
            if self.options.system_deps:
                self.cpp_info.system_libs.append("deflate")
