#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What it costs to have an engine in a program: wick beside LibTorch and ONNX Runtime.

    bench/compare_embedding.py PREFIX [--rounds 21]

PREFIX is where wick is installed. Needs a Python with torch, onnx and onnxruntime; what is missing is
left out. A program that loads 784-512-512-10 and predicts once is compiled for each engine
(bench/embedding/). Printed are, as medians of alternating rounds: megabytes that are shipped (the
program, stripped, and the shared libraries that it needs beyond the system's), seconds to compile the
program's one source, milliseconds of an empty start, of loading and of the first inference (inside of
the process, in microseconds), and the megabytes that the process had at most.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from compare import libtorch_flags, missing, onnx_mlp, torch_model

HERE = pathlib.Path(__file__).resolve().parent / "embedding"
SIZES = [784, 512, 512, 10]
# What a system has anyway.
SYSTEM = ("linux-vdso", "ld-linux", "libc.so", "libm.so", "libstdc++", "libgcc_s", "libpthread",
          "libdl.so", "librt.so")


def compile_program(source, output, flags):
    """Seconds of the compiler alone, and then the program."""
    object_file = f"{output}.o"
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run(["g++", "-O2", "-std=c++20", f"-I{HERE.parents[1]}", "-c", source, "-o", object_file,
                        *flags],
                       check=True, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    subprocess.run(["g++", object_file, "-o", output, *flags], check=True)
    return statistics.median(times)


def shipped(program):
    """Bytes of the program, stripped, and of the libraries that it needs."""
    stripped = f"{program}.stripped"
    subprocess.run(["strip", "-o", stripped, program], check=True)
    total = os.path.getsize(stripped)
    listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        path = line.split("=>")[-1].split("(")[0].strip()
        if not any(name in line for name in SYSTEM) and os.path.isfile(path):
            total += os.path.getsize(path)
    return total


def run(command):
    """Seconds and output of a process."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - start, done.stdout


def wick_engine(prefix, folder, kind):
    libraries = next(pathlib.Path(prefix).glob("lib*/**/pkgconfig")).parent
    environment = os.environ | {"PKG_CONFIG_PATH": str(libraries / "pkgconfig")}
    static = ["--static"] if kind == "static" else []
    out = subprocess.run(["pkg-config", "--cflags", "--libs", *static, "wick"], env=environment,
                         capture_output=True, text=True, check=True).stdout.split()
    if kind == "static":
        out = [str(libraries / "libwick.a") if flag == "-lwick" else flag for flag in out]
    program = f"{folder}/wick_{kind}"
    seconds = compile_program(HERE / "wick.cpp", program, [*out, f"-Wl,-rpath,{libraries}"])
    return {"name": f"wick, {kind}", "command": [program], "model": f"{folder}/model.pt",
            "bytes": shipped(program), "compile": seconds}


def libtorch_engine(torch, folder):
    program = f"{folder}/libtorch"
    seconds = compile_program(HERE / "libtorch.cpp", program, libtorch_flags(torch))
    return {"name": "LibTorch", "command": [program], "model": f"{folder}/model.ts",
            "bytes": shipped(program), "compile": seconds}


def onnx_engine(onnxruntime, folder):
    package = pathlib.Path(onnxruntime.__file__).parent
    size = sum(file.stat().st_size for file in package.glob("capi/*.so*"))
    return {"name": "ONNX Runtime, Python",
            "command": [sys.executable, str(HERE / "onnx_runtime.py")],
            "model": f"{folder}/model.onnx", "bytes": size, "compile": None}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prefix", help="where wick is installed")
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    import torch

    with tempfile.TemporaryDirectory() as folder:
        model = torch_model(torch, SIZES).eval()
        torch.save({"model": model.state_dict()}, f"{folder}/model.pt")
        torch.jit.trace(model, torch.zeros(1, SIZES[0])).save(f"{folder}/model.ts")
        engines = [wick_engine(options.prefix, folder, "static"),
                   wick_engine(options.prefix, folder, "shared")]
        try:
            engines.append(libtorch_engine(torch, folder))
        except (OSError, subprocess.CalledProcessError) as error:
            missing("LibTorch", error)
        try:
            import onnx
            import onnxruntime

            layers = [(layer.weight.detach().numpy(), layer.bias.detach().numpy())
                      for layer in model if hasattr(layer, "weight")]
            onnx.save(onnx_mlp(onnx, layers, batch=1), f"{folder}/model.onnx")
            engines.append(onnx_engine(onnxruntime, folder))
        except ImportError as error:
            missing("ONNX Runtime", error)
        for engine in engines:
            engine |= {"start": [], "load": [], "first": [], "memory": []}
        outputs = {}
        for number in range(options.rounds):
            for engine in engines[number % len(engines):] + engines[:number % len(engines)]:
                engine["start"].append(run(engine["command"])[0])
                _, output = run([*engine["command"], engine["model"]])
                load, first, element, memory = map(float, output.split())
                engine["load"].append(load)
                engine["first"].append(first)
                engine["memory"].append(memory)
                outputs[engine["name"]] = element
    reference = outputs[engines[0]["name"]]
    if any(abs(value - reference) > 1e-5 for value in outputs.values()):
        sys.exit(f"the engines disagree: {outputs}")
    print("| | shipped, MB | compile, s | start, ms | load, ms | first inference, µs | memory, MB |")
    print("|---|---|---|---|---|---|---|")
    for engine in engines:
        compiled = "-" if engine["compile"] is None else f"{engine['compile']:.1f}"
        median = {key: statistics.median(engine[key]) for key in ("start", "load", "first", "memory")}
        print(f"| {engine['name']} | {engine['bytes'] / 1e6:.1f} | {compiled} | "
              f"{median['start'] * 1e3:.1f} | {median['load'] / 1e3:.2f} | {median['first']:.0f} | "
              f"{median['memory'] / 1e6:.0f} |")


if __name__ == "__main__":
    main()
