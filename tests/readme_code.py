#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles the C++ of README.md and docs/*.md as users would, without a warning, and runs the programs among it.

    tests/readme_code.py --compiler CXX --include DIR [--define NAME]... [--library FILE]...
    tests/readme_code.py --self-test

DIR is where wick/ is. A block with a main() is a program; with --library, which names what to link, it is run,
too, unless it wants arguments. What any other block takes for granted is in CONTEXTS, by its first line; a block
that is not there compiles by itself.
"""

import argparse
import dataclasses
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Werror"]


@dataclasses.dataclass
class Context:
    before: str = ""  # statements in front of the block
    after: str = ""  # and behind it
    file: str = ""  # declarations before the function
    is_declaration: bool = False  # the block stands outside of functions
    runs: bool = False  # a program of its own, of the headers that it includes


NETWORK = """wick::nn::Sequential model{wick::nn::Linear(784, 32), wick::nn::ReLU(), wick::nn::Linear(32, 10)};
wick::nn::CrossEntropyLoss criterion;
const wick::Tensor x = wick::Tensor::rand({4, 784}), y = wick::Tensor::zeros({4}, wick::DType::int64);
"""
OF_64 = """wick::Generator generator(0);
"""

CONTEXTS = {
    "#include <wick/nn/losses/cross_entropy_loss.h>": Context(
        file="#include <utility>\n#include <vector>\n",
        before="""std::vector<std::pair<wick::Tensor, wick::Tensor>> batches;
for (int i = 0; i < 3; ++i) {
  batches.emplace_back(wick::Tensor::ones({4, 784}), wick::Tensor::zeros({4}, wick::DType::int64));
}
""",
        after='const wick::Value back = wick::load("model.tar");\n'
              'return back.at("model").as_dict().size() == 4 ? 0 : 1;\n',
        runs=True),
    'model.to(wick::Device::parse("cuda"));          // "cuda:1", ...; tensors: x.to(device)': Context(NETWORK),
    "nn::Graph model;                                        // an actor-critic with a shared body": Context(
        OF_64 + """const wick::Tensor observations = wick::Tensor::rand({3, 8});
const wick::Tensor grad_actor = wick::Tensor::ones({3, 4}), grad_critic = wick::Tensor::ones({3, 1});
""", "static_cast<void>(y);\n"),
    "class Gate final : public nn::Composite {               // relu(gate(x)) * x": Context(
        file="using wick::Generator;\n", is_declaration=True),
    "nn::RecurrentStream stream(lstm);            // copies the weights in the order in which they are read": Context(
        "const wick::nn::LSTM lstm(8, 16);\nconst std::vector<float> sample(8);\nstd::vector<float> output(16);\n"),
    'auto layer = nn::make_module("Linear", {{"in_features", 64}, {"out_features", 10}}, generator);': Context(
        OF_64 + "wick::StateDict state;\n"),
    'optim::LBFGS optimizer(model.parameters(), {.line_search_fn = "strong_wolfe"});': Context(NETWORK),
    "for (const auto& [name, parameter] : model.named_parameters()) {": Context(
        NETWORK, file="inline void send(const wick::Tensor& /*gradient*/) {}\n"),
    "#include <iostream>": Context(after="static_cast<void>(first);\n"),
    "#include <wick/core/ops_arithmetic.h>": Context(
        """wick::nn::Linear target_net(8, 4);
const wick::Tensor next_states = wick::Tensor::rand({5, 8}), rewards = wick::Tensor::rand({5});
const wick::Tensor done = wick::Tensor::zeros({5});
const double gamma = 0.9, decay = 0.99;
std::vector<std::pair<wick::Tensor, wick::Tensor>> pairs;
"""),
}


# A block that is a program by itself; and one that does nothing without arguments.
PROGRAM = re.compile(r"^int main\(", re.M)
NEEDS_ARGUMENTS = re.compile(r"^int main\([^)]", re.M)


def blocks(path, text):
    """(name of the file, line, text) of each block of C++."""
    for found in re.finditer(r"^```cpp\n(.*?)^```$", text, re.M | re.S):
        yield path, text.count("\n", 0, found.start(1)) + 1, found.group(1)


ALL_OF_WICK = """#include <iostream>
#include <wick/wick.h>
namespace nn = wick::nn;
namespace optim = wick::optim;
"""


def translation_units(found, wick):
    """Sources by name: one for each program that runs, and one for all else."""
    units, rest_files, rest = {}, "", ""
    for number, (path, line, text) in enumerate(found):
        if PROGRAM.search(text):
            units[f"{path}:{line}"] = f'#line {line} "{path}"\n{text}'
            continue
        context = CONTEXTS.get(text.split("\n", 1)[0], Context())
        includes = "".join(re.findall(r"^#include .*\n", text, re.M))
        body = re.sub(r"^(#include .*)$", "", text, flags=re.M)
        body = f'#line {line} "{path}"\n{body}'
        if not context.is_declaration:
            name = "int main()" if context.runs else f"void block_{number}()"
            body = f"{name} {{\n{context.before}{body}{context.after}}}\n"
        if context.runs:
            units[f"{path}:{line}"] = f"{includes}{context.file}{body}"
        else:
            rest_files += includes
            rest += f"namespace block_{number}_names {{\n{context.file}{body}}}\n"
    if rest:
        units["the rest"] = f"{rest_files}{wick}{rest}"
    return units


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{' '.join(map(str, command))}: status {done.returncode}\n" \
                                           f"{done.stdout}{done.stderr}"


def check(found, arguments, wick=ALL_OF_WICK):
    """A list of what is wrong."""
    faults = []
    libraries = [each if each.startswith("-") else pathlib.Path(each).resolve() for each in arguments.library]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for unit, source in translation_units(found, wick).items():
            path = folder / "block.cpp"
            path.write_text(source)
            compile_it = [arguments.compiler, *FLAGS, f"-I{pathlib.Path(arguments.include).resolve()}",
                          *(f"-D{each}" for each in arguments.define)]
            runs = arguments.library and unit != "the rest" and not NEEDS_ARGUMENTS.search(source)
            if runs:
                fault = run([*compile_it, path, "-o", folder / "block", *libraries, "-pthread"], folder)
                fault = fault or run([folder / "block"], folder)
            else:
                fault = run([*compile_it, "-fsyntax-only", path], folder)
            if fault:
                faults.append(f"{unit}: {fault}")
    return faults


def self_test():
    text = "a\n```cpp\nint a;\n```\nb\n```sh\nls\n```\n```cpp\n#include <vector>\nint b;\n```\n"
    found = list(blocks("x.md", text))
    assert [(line, body) for _, line, body in found] == [(3, "int a;\n"), (10, "#include <vector>\nint b;\n")], found
    source = translation_units(found, "")["the rest"]
    assert source.index("#include <vector>") < source.index("int a;"), source
    assert '#line 3 "x.md"' in source, source
    arguments = argparse.Namespace(compiler="c++", include=".", define=[], library=[])
    wrong = {"a discarded [[nodiscard]]": "struct S { [[nodiscard]] int f() { return 1; } };\nS().f();\n",
             "a name that is not there": "undeclared();\n"}
    for what, block in {"right": "(void)0;\n", **wrong}.items():
        faults = check(list(blocks("x.md", f"```cpp\n{block}```\n")), arguments, "")
        assert bool(faults) == (what in wrong), (what, faults)
    print("self-test passed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--compiler")
    parser.add_argument("--include", type=pathlib.Path)
    parser.add_argument("--define", action="append", default=[])
    parser.add_argument("--library", action="append", default=[], help="a file, or -lNAME")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        self_test()
        return 0
    if not arguments.compiler or not arguments.include:
        parser.error("--compiler and --include, or --self-test")
    found = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        found += blocks(path.relative_to(ROOT), path.read_text())
    unused = CONTEXTS.keys() - {text.split("\n", 1)[0] for _, _, text in found}
    faults = [f"no block begins with: {line}" for line in unused] + check(found, arguments)
    for fault in faults:
        print(fault)
    print(f"{len(found)} blocks of C++, {len(faults)} faults")
    return 1 if faults or not found else 0


if __name__ == "__main__":
    sys.exit(main())
