# SPDX-License-Identifier: MIT
"""Builds the wheel: `pip install bindings/python`. It needs nothing from the network.

The wheel carries libwick.so. That is built here by CMake, from the tree in which this folder lies; where
WICK_LIBRARY names one, it is taken instead. WICK_LIBRARY=system makes a wheel without one, for a libwick.so that
is installed where the system looks.
"""

import base64
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sysconfig
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parents[1]


def _version():
    text = (TREE / "core/version.h").read_text(encoding="utf-8")
    return ".".join(re.search(rf"WICK_VERSION_{part} (\d+)", text)[1] for part in ("MAJOR", "MINOR", "PATCH"))


def _build_library(folder):
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=ON", "-DWICK_BUILD_TESTS=OFF",
               "-DWICK_BUILD_TOOLS=OFF", "-DWICK_BUILD_BENCH=OFF"]
    ninja = ["-G", "Ninja"] if shutil.which("ninja") else []
    subprocess.run(["cmake", *ninja, "-S", str(TREE), "-B", str(folder), *options], check=True)
    subprocess.run(["cmake", "--build", str(folder), "--target", "wick_shared", "-j", str(os.cpu_count())],
                   check=True)
    return folder / "libwick.so"


def _metadata(version):
    return (f"Metadata-Version: 2.1\nName: wick\nVersion: {version}\n"
            "Summary: Tensors, networks and PyTorch checkpoints, without PyTorch\nLicense: MIT\n"
            "Requires-Python: >=3.9\n")


def _write(folder, files, tag):
    """A wheel of these files, by their names in it. Returns its own name."""
    version = _version()
    info = f"wick-{version}.dist-info"
    files = dict(files)
    files[f"{info}/METADATA"] = _metadata(version).encode()
    files[f"{info}/WHEEL"] = (f"Wheel-Version: 1.0\nGenerator: wick\nRoot-Is-Purelib: {'any' in tag}\n"
                              f"Tag: {tag}\n").encode()
    record = ""
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(data)}\n"
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    wheel = f"wick-{version}-{tag}.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return wheel


def _modules():
    return {f"wick/{path.name}": path.read_bytes() for path in sorted((HERE / "wick").iterdir())
            if path.suffix in (".py", ".typed")}


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    files = _modules()
    named = os.environ.get("WICK_LIBRARY")
    if named == "system":
        return _write(wheel_directory, files, "py3-none-any")
    with tempfile.TemporaryDirectory() as folder:
        library = pathlib.Path(named) if named else _build_library(pathlib.Path(folder))
        files["wick/libwick.so"] = library.read_bytes()
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return _write(wheel_directory, files, f"py3-none-{platform}")


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """For `pip install -e`: the modules stay here; the library is found by WICK_LIBRARY or the system."""
    return _write(wheel_directory, {"wick.pth": f"{HERE}\n".encode()}, "py3-none-any")


def get_requires_for_build_wheel(config_settings=None):
    return []


get_requires_for_build_editable = get_requires_for_build_wheel


def build_sdist(sdist_directory, config_settings=None):
    raise RuntimeError("wick's Python package is built in the tree of wick: pip install bindings/python")
