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
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from compare import missing, torch_model

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
        subprocess.run(["g++", "-O2", "-std=c++20", "-c", source, "-o", object_file, *flags],
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
    """Seconds, peak bytes and output of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{command}: status {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss * 1024, output


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
    from torch.utils import cpp_extension

    lib = os.path.join(os.path.dirname(torch.__file__), "lib")
    flags = [f"-I{path}" for path in cpp_extension.include_paths()]
    flags += [f"-D_GLIBCXX_USE_CXX11_ABI={int(torch._C._GLIBCXX_USE_CXX11_ABI)}", f"-L{lib}",
              f"-Wl,-rpath,{lib}", "-Wl,--no-as-needed", "-ltorch", "-ltorch_cpu", "-lc10"]
    program = f"{folder}/libtorch"
    seconds = compile_program(HERE / "libtorch.cpp", program, flags)
    return {"name": "LibTorch", "command": [program], "model": f"{folder}/model.ts",
            "bytes": shipped(program), "compile": seconds}


def onnx_engine(onnxruntime, folder):
    package = pathlib.Path(onnxruntime.__file__).parent
    size = sum(file.stat().st_size for file in package.glob("capi/*.so*"))
    return {"name": "ONNX Runtime, Python",
            "command": [sys.executable, str(HERE / "onnx_runtime.py")],
            "model": f"{folder}/model.onnx", "bytes": size, "compile": None}


def save_onnx(onnx, model, path):
    nodes, constants, name = [], [], "x"
    linear = [layer for layer in model if hasattr(layer, "weight")]
    for i, layer in enumerate(linear):
        constants += [onnx.numpy_helper.from_array(layer.weight.detach().numpy(), f"w{i}"),
                      onnx.numpy_helper.from_array(layer.bias.detach().numpy(), f"b{i}")]
        nodes.append(onnx.helper.make_node("Gemm", [name, f"w{i}", f"b{i}"], [f"y{i}"], transB=1))
        name = f"y{i}"
        if i + 1 < len(linear):
            nodes.append(onnx.helper.make_node("Relu", [name], [f"r{i}"]))
            name = f"r{i}"
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes, "mlp", [value("x", onnx.TensorProto.FLOAT, [1, SIZES[0]])],
        [value(name, onnx.TensorProto.FLOAT, [1, SIZES[-1]])], constants)
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    proto.ir_version = 8
    onnx.save(proto, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prefix", help="where wick is installed")
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    import torch

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
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

            save_onnx(onnx, model, f"{folder}/model.onnx")
            engines.append(onnx_engine(onnxruntime, folder))
        except ImportError as error:
            missing("ONNX Runtime", error)
        for engine in engines:
            engine |= {"start": [], "load": [], "first": [], "memory": []}
        outputs = {}
        for number in range(options.rounds):
            for engine in engines[number % len(engines):] + engines[:number % len(engines)]:
                engine["start"].append(run(engine["command"])[0])
                _, memory, output = run([*engine["command"], engine["model"]])
                load, first, element = map(float, output.split())
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
