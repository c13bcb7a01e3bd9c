# SPDX-License-Identifier: MIT
"""The tests that PyTorch, safetensors and NumPy have of their formats, with all files through wick.

Usage: foreign_suites.py CKPT [--pytorch-source DIR] [--safetensors-source DIR] [--only SUITE]...

CKPT is the program wick_ckpt. Each suite runs twice, as it is and with each file that it saves (of
safetensors and NumPy: or loads) passed through `ckpt convert`; a file that wick refuses is used as it
is. Shown are the tests that pass only without wick, and the files that PyTorch reads with
weights_only=True and wick refuses. Both versions are printed: a suite belongs to its package's.

  pytorch      test/test_serialization.py of a copy of PyTorch's repository, or of Debian's source
               package pytorch (apt-get source pytorch)
  safetensors  bindings/python/tests of its source distribution on PyPI
  numpy        numpy.lib.tests.test_format and test_io, which the package brings along

They need pytest, hypothesis and expecttest (pip install pytest hypothesis expecttest). Exits with 77
where no suite can be run, with 1 where a difference is not among those that KNOWN explains.
"""

import argparse
import collections
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
# Tests that pass only without wick, and why that is right: (suite, part of the test's name).
CONCATENATED = ("torch.save of the older format, several in one stream: wick writes ZIP archives, which are "
                "read from their end")
C_ORDER = "wick writes the elements of an array in C order; the test asks for Fortran's"
VERSION = "wick writes version 1.0 of .npy where it suffices; the test wants the version it gave"
CHECKSUMS = "the test wants a file without CRC-32; wick works out those of all that it writes"
KNOWN = {
    ("pytorch", "TestOldSerialization::test_serialization_offset"): CONCATENATED,
    ("pytorch", "TestSerialization::test_crc32_options_compute_crc32_False"): CHECKSUMS,
    ("numpy", "::test_memmap_roundtrip"): C_ORDER,
    ("numpy", "TestSaveLoad::test_array"): C_ORDER,
    ("numpy", "TestSaveLoad::test_mmap"): C_ORDER,
    ("numpy", "TestSavezLoad::test_array"): C_ORDER,
    ("numpy", "TestSavezLoad::test_mmap"): C_ORDER,
    ("numpy", "::test_read_magic"): VERSION,
    ("numpy", "::test_read_array_header_2_0"): VERSION,
}
# What wick does not hold, although torch.load(weights_only=True) reads it: parts of its messages.
NOT_HELD = ("_rebuild_sparse_tensor", "_rebuild_sparse_csr_tensor", "_rebuild_qtensor", "_rebuild_nested_tensor",
            "_rebuild_wrapper_subclass", "_rebuild_device_tensor_from")


class Missing(Exception):
    pass


def version_of(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise Missing(f"this Python has no {package}") from None


def source_file(arguments, suite, *parts):
    folder = getattr(arguments, suite + "_source")
    if not folder:
        raise Missing(f"no source: give --{suite}-source DIR")
    path = pathlib.Path(folder, *parts)
    if not path.exists():
        raise Missing(f"{path} does not exist")
    return path


def first_line(path, pattern):
    """What the pattern finds in a file; where there is none, a word that says so."""
    found = re.search(pattern, path.read_text(encoding="utf-8"), re.M) if path.exists() else None
    return found.group(1) if found else "unknown"


# -- The suites -----------------------------------------------------------------------------------


def pytorch_suite(arguments, folder):
    installed = version_of("torch")
    source = source_file(arguments, "pytorch", "test", "test_serialization.py")
    # Alone, since PyTorch's tests have a conftest.py of their own.
    shutil.copyfile(source, folder / source.name)
    version = first_line(pathlib.Path(arguments.pytorch_source, "version.txt"), r"^(\S+)")
    return [folder / source.name], f"torch {installed}, test_serialization.py of {version}"


def safetensors_suite(arguments, folder):
    installed = version_of("safetensors")
    tests = source_file(arguments, "safetensors", "bindings", "python", "tests")
    cargo = pathlib.Path(arguments.safetensors_source, "bindings", "python", "Cargo.toml")
    version = first_line(cargo, r'^version = "([^"]+)"')
    shutil.copytree(tests, folder / "tests")
    names = [folder / "tests" / path.name for path in sorted(tests.glob("test_*.py"))
             if not re.search(r"test_(tf|flax|mlx|paddle)_", path.name)]  # of other frameworks
    return names, f"safetensors {installed}, tests of {version}"


def numpy_suite(_, __):
    installed = version_of("numpy")
    tests = pathlib.Path(importlib.util.find_spec("numpy").origin).parent / "lib" / "tests"
    names = [tests / name for name in ("test_format.py", "test_io.py")]
    if not all(path.exists() for path in names):
        raise Missing(f"this NumPy came without its tests ({tests})")
    # Not those that need many gigabytes.
    large = "test_large_file_support or test_large_archive or test_large_zip or test_big_arrays"
    return [*names, "-k", f"not ({large})"], f"numpy {installed} and its tests"


SUITES = {"pytorch": pytorch_suite, "safetensors": safetensors_suite, "numpy": numpy_suite}


def run(suite, command, folder, ckpt=None):
    """The entries of results.jsonl (see foreign_plugin.py)."""
    folder.mkdir()
    setting = {"suite": suite, "folder": str(folder), **({"ckpt": ckpt} if ckpt else {})}
    (folder / "setting.json").write_text(json.dumps(setting), encoding="utf-8")
    work = folder / "work"
    work.mkdir()
    if (folder.parent / "tests" / "data").exists():  # safetensors' tests write there
        shutil.copytree(folder.parent / "tests" / "data", work / "tests" / "data")
    environment = {**os.environ, "WICK_FOREIGN": str(folder / "setting.json"),
                   "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
                   "CUDA_VISIBLE_DEVICES": "", "TMPDIR": str(work)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "foreign_plugin", "-p", "no:cacheprovider", "-q", "--tb=no",
         "--rootdir", work, "-c", os.devnull, *command],
        cwd=work, env=environment, capture_output=True, text=True, errors="replace", check=False)
    results = folder / "results.jsonl"
    if not results.exists():
        sys.exit(f"pytest ran no test of {suite}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    shutil.rmtree(work)
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]


# -- The report -----------------------------------------------------------------------------------


def outcomes(entries):
    """Of each test; the worst, where its end went wrong too."""
    found = {}
    for entry in entries:
        if entry["event"] == "test":
            if found.get(entry["test"], ("passed",))[0] != "failed":
                found[entry["test"]] = entry["outcome"], entry["message"]
    return found


def short(test):
    return test.rsplit("/", 1)[-1]


def examine(entries, folder):
    """Compares what PyTorch reads of each file before and after; (entry, finding) where it differs."""
    import warnings

    warnings.simplefilter("ignore")  # of dtypes that are new, of sparse tensors
    import torch

    from live_compare import difference

    def load(name):
        try:
            return torch.load(folder / name, map_location="cpu", weights_only=True), None
        except Exception as error:  # of many kinds
            return None, error

    for entry in entries:
        if entry["event"] not in ("refused", "rewritten") or not entry["files"]:
            continue
        before, error = load(entry["files"][0])
        if error is not None:
            continue  # torch.load(weights_only=True) does not read it either
        if entry["event"] == "refused":
            if any(part in entry["message"] for part in NOT_HELD):
                continue
            yield entry, "PyTorch reads it, wick refuses it: " + entry["message"]
            continue
        after, error = load(entry["files"][1])
        found = repr(error) if error is not None else difference(before, after)
        if found:
            yield entry, "what PyTorch reads is another value: " + found


def message_of(entry):
    return re.sub(r"[0-9]+|\"[^\"]*\"", "N", entry["message"].splitlines()[-1] if entry["message"] else "")


def show_files(entries, folder, suite):
    counts = collections.Counter((entry["what"], entry["event"]) for entry in entries
                                 if entry["event"] in ("identical", "rewritten", "refused"))
    for (what, event), count in sorted(counts.items()):
        words = {"identical": "come back byte for byte", "rewritten": "come back rewritten",
                 "refused": "are refused by wick, and used as they are"}
        print(f"  files of {what}: {count} {words[event]}")
    reasons = collections.defaultdict(list)
    for entry in entries:
        if entry["event"] == "refused":
            reasons[message_of(entry)].append(entry)
    for reason, found in sorted(reasons.items(), key=lambda item: -len(item[1])):
        tests = {short(entry["test"]) for entry in found}
        print(f"    refused {len(found)} times in {len(tests)} tests, as in {sorted(tests)[0]}:\n"
              f"      {found[0]['message'][:400]}")
    if suite != "pytorch":
        return 0
    different = collections.defaultdict(list)
    for entry, finding in examine(entries, folder):
        different[re.sub(r"[0-9]+|\"[^\"]*\"", "N", finding)].append((short(entry["test"]), finding))
    for found in different.values():
        tests = {test for test, _ in found}
        print(f"  DIFFERS {len(found)} times in {len(tests)} tests, as in {min(tests)}: {found[0][1][:600]}")
    return len(different)


def compare(suite, command, folder, ckpt):
    """Prints what differs; how much of it KNOWN does not explain."""
    without = run(suite, command, folder / f"{suite}.without")
    with_wick = run(suite, command, folder / f"{suite}.with", ckpt)
    before, after = outcomes(without), outcomes(with_wick)
    passed = [test for test, (outcome, _) in before.items() if outcome == "passed"]
    same = [test for test in passed if after.get(test, ("missing", ""))[0] == "passed"]
    others = collections.Counter(outcome for outcome, _ in before.values() if outcome != "passed")
    print(f"  {len(same)} of {len(passed)} tests that pass without wick pass with it"
          + "".join(f"; {count} {outcome} without it" for outcome, count in sorted(others.items())))
    for entry in without:
        if entry["event"] == "uncollected":
            print(f"  not collected: {entry['message']}")
    for test, (outcome, message) in before.items():
        if outcome == "failed":
            print(f"  fails without wick, too: {short(test)}: {message.splitlines()[0][:200]}")
    unknown = 0
    for test in passed:
        outcome, message = after.get(test, ("missing", ""))
        if outcome == "passed":
            continue
        reason = next((why for (where, part), why in KNOWN.items() if where == suite and part in test), "")
        unknown += not reason
        print(f"  {outcome.upper()} WITH WICK {short(test)}: {reason or message.splitlines()[0][:400]}")
        for entry in with_wick:
            if entry["event"] == "refused" and entry["test"] == test and not reason:
                print(f"    wick: {entry['message'][:300]}")
    return unknown + show_files(with_wick, folder / f"{suite}.with", suite)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("ckpt", help="the program wick_ckpt")
    parser.add_argument("--pytorch-source", metavar="DIR")
    parser.add_argument("--safetensors-source", metavar="DIR")
    parser.add_argument("--only", action="append", choices=SUITES, metavar="SUITE")
    arguments = parser.parse_args()
    needed = [name for name in ("pytest", "hypothesis", "expecttest") if not importlib.util.find_spec(name)]
    if needed:
        print(f"skipped: this Python has no {', '.join(needed)}; pip install {' '.join(needed)}")
        sys.exit(77)
    print(f"Python {platform.python_version()}, {platform.machine()}")
    ran = unknown = 0
    for suite in arguments.only or SUITES:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            try:
                command, versions = SUITES[suite](arguments, folder)
            except Missing as missing:
                print(f"{suite}: not run: {missing}")
                continue
            print(f"{suite}: {versions}", flush=True)
            unknown += compare(suite, command, folder, os.path.abspath(arguments.ckpt))
            ran += 1
    print(f"{ran} suites ran, {unknown} differences are unknown")
    sys.exit(77 if not ran else 1 if unknown else 0)


if __name__ == "__main__":
    main()
