#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What tests/gpu promises of failures, limits and results, tried with programs that fail on purpose."""
import concurrent.futures
import io
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

GPU_D = pathlib.Path(__file__).resolve().parent
NAMES = ["gpu_probe", "gpu_test", "cuda_kernels_bench", "train_step_bench", "train", "predict",
         "wick_training", "wick_random"]
PROBE = "echo 'device: A device'; echo 'the device works'"
# A test program in shell: each suite is a function, and has one test of its own name.
TEST = """
if [ "$1" = --gtest_list_tests ]; then
  for suite in {suites}; do echo "$suite."; echo "  Test"; done
  exit
fi
suite=${{1#--gtest_filter=}}
suite=${{suite%.*}}
echo "[ RUN      ] $suite.Test"
fails() {{
  echo "a_test.cpp:12: Failure"
  echo 'expected 3 "apples" \\ pears, found 4 \u00e4pfel'; printf '\\001\\t|\\n'
  echo "[  FAILED  ] $suite.Test (3 ms)"
  echo "[  FAILED  ] 1 test, listed below:"
  exit 1
}}
case $suite in
  Fails) fails ;;
  Crashes) kill -SEGV $$ ;;
  Hangs) sleep 100 ;;
  HangsOn) trap '' TERM; while :; do sleep 1; done ;;
  PrintsOnAndOn) yes "0123456789012345678901234567890123456789" ;;
  Brief*) sleep 0.1 ;;
esac
echo "[       OK ] $suite.Test (0 ms)"
echo "[  PASSED  ] 1 test."
"""


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.programs = pathlib.Path(folder.name, "programs")
        self.results = pathlib.Path(folder.name, "results")
        (self.programs / "bin").mkdir(parents=True)
        self.about(os.uname().machine)
        for name in NAMES:
            self.program(name, "exit 0")
        self.program("gpu_probe", PROBE)

    def about(self, machine):
        (self.programs / "about").write_text(f"commit: 12\nmachine: {machine}\ndevice: simulated\n")

    def program(self, name, text):
        path = self.programs / "bin" / name
        path.write_text("#!/bin/bash\n" + text)
        path.chmod(0o755)

    def suites(self, *names):
        self.program("gpu_test", TEST.format(suites=" ".join(names)))

    def command(self, *options):
        return [str(GPU_D.parent / "gpu"), "--simulated", "--torch", "none", "--prebuilt", self.programs,
                "--results", self.results, *options]

    def run_gpu(self, *options):
        """Its status and output, and the summary that it leaves."""
        done = subprocess.run(self.command(*options), capture_output=True, text=True, check=False,
                              timeout=300)
        summary = self.results / "summary.json"
        return done.returncode, done.stdout + done.stderr, (
            json.loads(summary.read_text("ascii")) if summary.exists() else None)

    def broken_promises(self, *options):
        """Of the folder of results: empty where all is there."""
        done = subprocess.run([sys.executable, GPU_D / "check_results.py", self.results, *options],
                              capture_output=True, text=True, check=False)
        return done.stdout + done.stderr if done.returncode != 0 else ""

    def check_results(self, *options):
        self.assertEqual(self.broken_promises(*options), "")

    def states(self, summary):
        return {step["name"].removeprefix("tests: "): step["state"] for step in summary["steps"]}


class Failures(Folder):
    def test_they_are_shown_and_the_rest_goes_on(self):
        self.suites("Good", "Fails", "Crashes", "After")
        status, output, summary = self.run_gpu("--steps", "suites")
        self.assertEqual(status, 1)
        self.assertEqual(self.states(summary), {"the device": "ok", "Good": "ok", "Fails": "FAILED",
                                                "Crashes": "FAILED", "After": "ok"})
        failure, crash = (entry["text"] for entry in summary["failures"])
        self.assertIn('expected 3 "apples" \\ pears, found 4 ??pfel', failure)
        self.assertIn("a_test.cpp:12: Failure", output)
        self.assertIn("[ RUN      ] Crashes.Test", crash)
        self.assertIn("signal 11", summary["steps"][3]["says"])
        self.assertIn("a_test.cpp:12: Failure", (self.results / "summary.md").read_text())
        self.check_results()

    def test_what_prints_without_end_is_ended(self):
        self.suites("PrintsOnAndOn", "After")
        status, _, summary = self.run_gpu("--steps", "suites")
        self.assertEqual(status, 1)
        self.assertEqual(self.states(summary),
                         {"the device": "ok", "PrintsOnAndOn": "FAILED", "After": "ok"})
        self.assertIn("it printed more than", summary["steps"][1]["says"])
        self.assertLess((self.results / "log.txt").stat().st_size, 2_000_000)
        self.check_results()

    def test_skipped_tests_beside_a_gpu_are_failures(self):
        self.program("gpu_test", "[ $1 = --gtest_list_tests ] && echo A. && exit\n"
                                 "echo 'there is no CUDA device'; echo '[  PASSED  ] 0 tests.'")
        status, _, summary = self.run_gpu("--steps", "suites")
        self.assertEqual((status, self.states(summary)["A"]), (1, "FAILED"))

    def test_a_probe_that_fails_is_not_the_end(self):
        self.suites("Good")
        self.program("gpu_probe", "echo 'device: A device'; echo 'FAILED: a product is wrong'; exit 1")
        status, _, summary = self.run_gpu("--steps", "suites")
        self.assertEqual(status, 1)
        self.assertEqual(self.states(summary), {"the device": "FAILED", "Good": "ok"})
        self.assertIn("a product is wrong", summary["steps"][0]["says"])


class Hangs(Folder):
    def test_what_hangs_is_ended(self):
        for suite in ("Hangs", "HangsOn"):
            with self.subTest(suite=suite):
                self.suites("Good", suite, "After")
                start = time.monotonic()
                status, _, summary = self.run_gpu("--steps", "suites", "--seconds", "10")
                self.assertLess(time.monotonic() - start, 10 + 5 + 10)
                self.assertEqual(status, 1)
                states = self.states(summary)
                self.assertEqual((states["Good"], states[suite]), ("ok", "TIME OUT"))
                self.assertEqual(states["After"], "not run")
                self.check_results()

    def test_what_was_not_reached_is_named(self):
        self.suites("Hangs")
        status, output, summary = self.run_gpu("--steps", "suites,kernels,train", "--seconds", "10")
        self.assertEqual(status, 1)
        self.assertEqual(summary["left"], ["kernels", "train"])
        self.assertIn("--steps kernels,train", output)


class Refusals(Folder):
    def test_no_gpu_is_status_77(self):
        self.program("gpu_probe", "echo 'no device: none'; exit 77")
        status, output, summary = self.run_gpu()
        self.assertEqual(status, 77)
        self.assertIn("there is no GPU", output)
        self.assertEqual(self.states(summary), {"the device": "skipped"})

    def test_programs_of_another_machine(self):
        self.about("vax")
        status, output, summary = self.run_gpu()
        self.assertEqual((status, summary), (2, None))
        self.assertIn("these programs are for vax", output)

    def test_options(self):
        for options, word in ((["--part", "4/3"], "4/3"), (["--steps", "suites,nothing"], "nothing"),
                              (["--seconds", "long"], "long"), (["--part", "1/3", "--steps", "probe"], "both"),
                              (["--torch", "no-python"], "no-python"), (["--what"], "--what")):
            with self.subTest(options=options):
                status, output, summary = self.run_gpu(*options)
                self.assertEqual((status, summary), (2, None))
                self.assertIn(word, output)


class Checks(Folder):
    def damaged(self, name, change):
        """What the check says of results whose file is changed."""
        path = self.results / name
        text = path.read_text() if path.exists() else ""
        path.write_text(change(text))
        said = self.broken_promises("--finished")
        path.write_text(text)
        return said

    def test_damage_is_found(self):
        self.suites("First", "Second")
        self.run_gpu("--steps", "suites")
        self.check_results("--finished")
        self.assertNotEqual(self.damaged("summary.json", lambda text: text[:200]), "")
        heading = "==== tests: First"
        self.assertIn("log.txt has no", self.damaged("log.txt", lambda text: text.replace(heading, "")))
        self.assertIn("ends early", self.damaged("log.txt", lambda text: text.replace("PASSED", "")))
        self.assertIn("rows", self.damaged("summary.md", lambda text: text.replace("| ok |", "")))
        self.assertIn("bytes", self.damaged("more.txt", lambda _: "x" * 17_000_000))
        self.assertIn("not finished", self.damaged(
            "summary.json", lambda text: text.replace('"finished": true', '"finished": false')))


class Parts(Folder):
    def test_together_they_are_all_the_steps(self):
        self.suites("Good")
        _, _, whole = self.run_gpu()
        names, files = [], []
        for part in "123":
            _, _, summary = self.run_gpu("--part", f"{part}/3")
            names += [s["name"] for s in summary["steps"] if part == "1" or s["name"] != "the device"]
            files.append(self.results.parent / f"part{part}.json")
            files[-1].write_text(json.dumps(summary))
        self.assertEqual(names, [step["name"] for step in whole["steps"]])
        self.assertGreaterEqual(len(names), 14)
        merged = subprocess.run([sys.executable, GPU_D / "merge_results.py", *files],
                                capture_output=True, text=True, check=True).stdout
        for name in names:
            self.assertEqual(merged.count(f"| {name} |"), 1, name)


class Kills(Folder):
    def setUp(self):
        super().setUp()
        self.suites(*(f"Brief{i}" for i in range(25)))

    def start(self):
        return subprocess.Popen(self.command("--steps", "suites"), stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, start_new_session=True)

    def wait_for_summary(self, wanted):
        """Until the summary, which is whole whenever it is there, is one that is wanted."""
        path = self.results / "summary.json"
        for _ in range(600):
            if path.exists() and wanted(json.loads(path.read_text())):
                return
            time.sleep(0.05)
        self.fail("no such summary came")

    def test_at_random_moments(self):
        seed = random.randrange(2**32)
        print(f"seed {seed}", file=sys.stderr)
        rng = random.Random(seed)
        for _ in range(5):
            shutil.rmtree(self.results, ignore_errors=True)
            process = self.start()
            self.wait_for_summary(lambda _: True)
            time.sleep(rng.uniform(0.0, 4.0))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            with self.subTest(seed=seed):
                self.check_results()

    def test_a_signal_is_answered_by_a_last_summary(self):
        self.suites("Brief", "Hangs", "After")
        process = self.start()
        self.wait_for_summary(lambda summary: summary["running"] == "tests: Hangs")
        time.sleep(0.5)
        process.terminate()
        self.assertEqual(process.wait(20), 143)
        summary = json.loads((self.results / "summary.json").read_text())
        self.assertEqual(self.states(summary), {"the device": "ok", "Brief": "ok", "Hangs": "interrupted"})
        self.assertEqual((summary["running"], summary["finished"]), ("", False))
        self.assertFalse((self.results / "running.log").exists())
        self.check_results()


def run_class(case):
    """Its result and what it prints."""
    text = io.StringIO()
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(case)
    return unittest.TextTestRunner(text, verbosity=2).run(suite), text.getvalue()


def main():
    """Beside each other, since they wait most of the time."""
    cases = [Failures, Hangs, Refusals, Checks, Parts, Kills]
    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        results = list(pool.map(run_class, cases))
    for _, text in results:
        print(text)
    return 0 if all(result.wasSuccessful() for result, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
