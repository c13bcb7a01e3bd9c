# SPDX-License-Identifier: MIT
"""A plugin of pytest for foreign_suites.py: what a test of another package saves passes through wick.

WICK_FOREIGN names a JSON file: "suite" says whose functions are replaced, "ckpt" is the program
wick_ckpt (absent for the run without wick), "folder" takes what was found: results.jsonl, one line for
each test and each file, and the files that were refused or rewritten.
"""

import functools
import io
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

LARGE = 32 << 20  # larger files are not kept


class Log:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.test = ""
        self.files = 0

    def add(self, **entry):
        with open(self.folder / "results.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps({"test": self.test, **entry}) + "\n")

    def keep(self, *paths):
        """The names of copies."""
        kept = []
        for path in paths:
            if path.stat().st_size <= LARGE:
                self.files += 1
                kept.append(f"{self.files}{path.suffix}")
                shutil.copyfile(path, self.folder / kept[-1])
        return kept if len(kept) == len(paths) else []


class Wick:
    """Passes files through ckpt convert."""

    def __init__(self, ckpt, log):
        self.ckpt, self.log = ckpt, log
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=log.folder))
        self.count = 0
        self.busy = False  # inside another passage

    def new_path(self, ending):
        self.count += 1
        return self.folder / f"{self.count}.{ending}"

    def pass_file(self, path, ending, what):
        """The path of what wick made of the file; None where it refuses it."""
        made = self.new_path(ending)
        done = subprocess.run([self.ckpt, "convert", path, made], capture_output=True, text=True,
                              errors="replace", check=False)
        # With a note, what no tensor can hold is left out: the test would miss it.
        if done.returncode != 0 or " left out" in done.stderr:
            message = done.stderr.strip().replace(str(self.folder), "")
            self.log.add(event="refused", what=what, message=message, files=self.log.keep(path))
            return None
        identical = path.stat().st_size == made.stat().st_size and path.read_bytes() == made.read_bytes()
        files = [] if identical else self.log.keep(path, made)
        self.log.add(event="identical" if identical else "rewritten", what=what, files=files)
        return made

    def pass_bytes(self, data, ending, what):
        """What wick made of the bytes; the bytes themselves where it refuses them."""
        path = self.new_path(ending)
        path.write_bytes(data)
        made = self.pass_file(path, ending, what)
        result = data if made is None else made.read_bytes()
        for used in (path, made):
            if used is not None:
                used.unlink()
        return result


# -- PyTorch --------------------------------------------------------------------------------------


def patch_torch(wick):
    import torch

    original = torch.save

    @functools.wraps(original)
    def save(obj, f, *args, **kwargs):
        is_path = isinstance(f, (str, os.PathLike))
        writable = pathlib.Path(f).absolute().parent.is_dir() if is_path else hasattr(f, "write")
        if not writable:
            return original(obj, f, *args, **kwargs)
        path = wick.new_path("pt")
        original(obj, path, *args, **kwargs)
        made = wick.pass_file(path, "pt", "torch.save") or path
        if is_path:
            shutil.copyfile(made, f)
        else:
            with open(made, "rb") as file:
                shutil.copyfileobj(file, f, 1 << 24)
            if hasattr(f, "flush"):  # torch.save leaves nothing in the buffer
                f.flush()
        for used in {path, made}:
            used.unlink()
        return None

    torch.save = save


# -- safetensors ----------------------------------------------------------------------------------


def patch_safetensors(wick):
    import safetensors

    serialize, serialize_file = safetensors.serialize, safetensors.serialize_file
    deserialize, safe_open = safetensors.deserialize, safetensors.safe_open

    def new_serialize(*args, **kwargs):
        return wick.pass_bytes(bytes(serialize(*args, **kwargs)), "safetensors", "serialize")

    def new_serialize_file(tensors, filename, *args, **kwargs):
        serialize_file(tensors, filename, *args, **kwargs)
        made = wick.pass_file(pathlib.Path(filename), "safetensors", "serialize_file")
        if made is not None:
            shutil.move(made, filename)

    def new_deserialize(data):
        return deserialize(wick.pass_bytes(bytes(data), "safetensors", "deserialize"))

    def new_safe_open(filename, *args, **kwargs):
        made = None
        if pathlib.Path(filename).is_file():
            made = wick.pass_file(pathlib.Path(filename), "safetensors", "safe_open")
        return safe_open(made or filename, *args, **kwargs)

    # Before safetensors.torch and safetensors.numpy take them.
    safetensors.serialize, safetensors.serialize_file = new_serialize, new_serialize_file
    safetensors.deserialize, safetensors.safe_open = new_deserialize, new_safe_open


# -- NumPy ----------------------------------------------------------------------------------------


def patch_numpy(wick):
    import numpy as np

    write_array, load = np.lib.format.write_array, np.load

    def kind(start):
        return "npy" if start.startswith(b"\x93NUMPY") else "npz" if start.startswith(b"PK") else ""

    def write(target, data):
        if not hasattr(target, "write"):
            path = os.fspath(target)
            pathlib.Path(path if path.endswith(".npz") else path + ".npz").write_bytes(data)
        else:
            target.write(data)

    @functools.wraps(write_array)
    def new_write_array(fp, array, *args, **kwargs):
        if wick.busy:
            return write_array(fp, array, *args, **kwargs)
        made = io.BytesIO()
        write_array(made, array, *args, **kwargs)
        fp.write(wick.pass_bytes(made.getvalue(), "npy", "write_array"))
        return None

    def wrapped(savez):
        @functools.wraps(savez)
        def new_savez(file, *args, **kwargs):
            made, wick.busy = io.BytesIO(), True
            try:
                savez(made, *args, **kwargs)
            finally:
                wick.busy = False
            write(file, wick.pass_bytes(made.getvalue(), "npz", savez.__name__))

        return new_savez

    def passed(file):
        """What np.load takes instead: the same file, of a stream a copy."""
        if isinstance(file, (str, os.PathLike)):
            path = pathlib.Path(file)
            ending = kind(path.read_bytes()[:6]) if path.is_file() else ""
            # Only the tests' own files are replaced, not those of the package.
            if ending and path.resolve().is_relative_to(tempfile.gettempdir()):
                original = wick.new_path(ending)
                shutil.copyfile(path, original)
                made = wick.pass_file(original, ending, "load")
                if made is not None:
                    path.write_bytes(made.read_bytes())
            return file
        if not all(hasattr(file, name) for name in ("read", "seek", "tell")):
            return file
        start = file.tell()
        data = file.read()
        file.seek(start)
        ending = kind(data[:6])
        made = wick.pass_bytes(data, ending, "load") if ending else data
        if made == data:
            return file
        if ending == "npz":  # an archive is read to its end
            file.seek(0, os.SEEK_END)
        else:  # an array is followed by what follows it
            np.lib.format.read_array(file, allow_pickle=True, max_header_size=1 << 20)
        return io.BytesIO(made)

    @functools.wraps(load)
    def new_load(file, *args, **kwargs):
        return load(passed(file), *args, **kwargs)

    np.lib.format.write_array, np.load = new_write_array, new_load
    np.savez, np.savez_compressed = wrapped(np.savez), wrapped(np.savez_compressed)


# -- pytest ---------------------------------------------------------------------------------------

with open(os.environ["WICK_FOREIGN"], encoding="utf-8") as setting:
    SETTING = json.load(setting)
LOG = Log(SETTING["folder"])
if "ckpt" in SETTING:
    PATCHES = {"pytorch": patch_torch, "safetensors": patch_safetensors, "numpy": patch_numpy}
    PATCHES[SETTING["suite"]](Wick(SETTING["ckpt"], LOG))


def pytest_runtest_logstart(nodeid):
    LOG.test = nodeid


def pytest_runtest_logreport(report):
    if report.when != "call" and report.outcome == "passed":
        return
    outcome = "expected failure" if hasattr(report, "wasxfail") else report.outcome
    message = ""
    if report.outcome != "passed":
        crash = getattr(report.longrepr, "reprcrash", None)
        message = crash.message if crash else str(report.longrepr)
    LOG.add(event="test", outcome=outcome, message=message[:2000])


def pytest_collectreport(report):
    if report.outcome == "failed":
        LOG.add(event="uncollected", message=f"{report.nodeid}: {str(report.longrepr)[-300:]}")
