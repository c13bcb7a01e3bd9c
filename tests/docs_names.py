#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails where the documentation names what is not there.

    tests/docs_names.py [--root DIR]
    tests/docs_names.py --self-test

Of the pages (*.md at the top, in docs/ and in each folder, and serialize/FORMAT.md) it checks that

- links lead to files of the tree, and to headings that are there;
- paths of the tree, in code spans (`nn/layers/norm.h`), exist; so do files that a folder's page names
  without their folder;
- names with `::` in code, and those in tables' columns called "wick", "here" or "functions", are declared by the
  public headers (public_names.py); not in CHANGELOG.md, which also tells of what is gone;
- a block below `<!-- file: PATH -->` is that file;

and that every public header is included by <wick/wick.h> or named in a page.
"""

import argparse
import pathlib
import re
import sys
import tempfile

from include_direction import included_name, path_of, public_headers
from public_names import read_headers

FOLDERS = ("bench", "bindings", "cmake", "core", "docs", "examples", "kernels", "nn", "optim",
           "packaging", "serialize", "tests", "tools")
ALIASES = {"nn": "wick::nn", "ops": "wick::ops", "optim": "wick::optim", "init": "wick::nn::init"}
NAMESPACES = ("", "wick::", "wick::nn::", "wick::optim::", "wick::ops::")
FOREIGN = ("std", "torch", "Eigen", "ATen", "c10")
# Of the standard library, in the tables.
STANDARD = {"string", "vector", "size", "begin", "end"}


CMAKE_TARGETS = ("wick::wick", "wick::static", "wick::shared")


def pages_of(root):
    found = list(root.glob("*.md")) + list(root.glob("docs/*.md")) + list(root.glob("*/README.md"))
    found += list(root.glob("serialize/FORMAT.md"))
    return sorted(page for page in found if page.relative_to(root).parts[0] != "build")


def blocks_and_text(text):
    """The fenced blocks, as (line, language, content), and the lines of all else."""
    blocks, prose, block = [], [], None
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.match(r"^\s*```(\S*)", line)
        if fence and block is None:
            block = (number, fence[1], [])
        elif fence:
            blocks.append((block[0], block[1], "\n".join(block[2])))
            block = None
        elif block is not None:
            block[2].append(line)
        else:
            prose.append((number, line))
    return blocks, prose


def anchor_of(heading):
    """As GitHub makes it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors_of(page):
    _, prose = blocks_and_text(page.read_text(encoding="utf-8"))
    return {anchor_of(line.lstrip("#")) for _, line in prose if re.match(r"#+ ", line)}


def link_problem(root, page, target):
    if re.match(r"[a-z]+:", target):
        return None
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists() or root not in (file, *file.parents):
        return f"link to {target}: there is no such file"
    if anchor and file.suffix == ".md" and anchor not in anchors_of(file):
        return f"link to {target}: there is no such heading"
    return None


def path_problem(root, page, span):
    word = span.split()[0] if span.split() else ""
    if page.name == "README.md" and page.parent != root and re.fullmatch(r"\w+\.(h|cpp|cu|cuh|py)", word):
        return None if any(page.parent.rglob(word)) else f"there is no {word} in {page.parent.name}/"
    if not re.fullmatch(r"[\w./-]+", word) or word.split("/")[0] not in FOLDERS or "/" not in word:
        return None
    is_example = "..." in word or any(part.isupper() for part in word.split("/"))
    if is_example or (root / word).exists():
        return None
    return f"there is no {word}"


class Checker:
    """What the public headers declare, and what a page may say of it."""

    def __init__(self, root, headers):
        self.root = root
        self.names = read_headers((root / path).read_text(encoding="utf-8") for path in headers)
        self.last = {name.rpartition("::")[2] for name in self.names.declared}

    def is_known(self, name):
        root, _, rest = name.partition("::")
        if root in FOREIGN or name in CMAKE_TARGETS:
            return True
        if root in ALIASES:
            return self.names.has(f"{ALIASES[root]}::{rest}") or f"{ALIASES[root]}::{rest}" in ALIASES.values()
        return any(self.names.has(space + name) for space in NAMESPACES) or name in ALIASES.values()

    def qualified(self, code):
        """Names with `::` that are not declared. Without literals and comments."""
        code = re.sub(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|^\s*#[^\n]*', " ", code, flags=re.MULTILINE)
        names = re.findall(r"(?<![\w:])[A-Za-z_]\w*(?:::[A-Za-z_]\w*)+", code)
        return [f"no public header declares {name}" for name in names if not self.is_known(name)]

    def in_table(self, span, column):
        """Calls and class names in the column that says what wick has; any name under "functions"."""
        span = re.sub(r'"[^"]*"', " ", span)
        words = re.findall(r"(?:\.|->)([a-z_]\w*)", span) + re.findall(r"(?<![\w:.>])(?<!\w )([a-z_]\w*)\(", span)
        if re.fullmatch(r"[a-zA-Z]\w*" if column == "functions" else r"[A-Z]\w+", span):
            words.append(span)
        return [f"no public header declares {word}" for word in words
                if word not in self.last and word not in STANDARD]

    def check(self, page):
        text = page.read_text(encoding="utf-8")
        blocks, prose = blocks_and_text(text)
        history = page.name == "CHANGELOG.md"
        for line, language, content in blocks:
            if language in ("cpp", "c++") and not history:
                for problem in self.qualified(content):
                    yield line, problem
            yield from self.check_copy(text, line, content)
        columns = []
        for number, line in prose:
            for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
                problem = link_problem(self.root, page, target)
                if problem:
                    yield number, problem
            for span in [] if history else re.findall(r"`([^`]+)`", line):
                for problem in [path_problem(self.root, page, span), *self.qualified(span)]:
                    if problem:
                        yield number, problem
            cells = re.split(r"(?<!\\)\|", line.strip()[1:-1]) if line.startswith("|") else []
            if cells and not columns:
                columns = [cell.strip() for cell in cells]
            elif not cells:
                columns = []
            for column, cell in zip(columns, cells):
                if column not in ("wick", "here", "functions"):
                    continue
                for span in re.findall(r"`([^`]+)`", cell):
                    for problem in self.in_table(span, column):
                        yield number, problem

    def check_copy(self, text, line, content):
        above = text.splitlines()[line - 2] if line > 1 else ""
        marker = re.fullmatch(r"<!-- file: (\S+) -->", above)
        if marker is None:
            return
        file = self.root / marker[1]
        if not file.is_file() or file.read_text(encoding="utf-8").rstrip("\n") != content:
            yield line, f"the block is not what {marker[1]} holds"


def header_problems(root, pages):
    """Headers that a reader of the documentation never comes to."""
    text = (root / "cmake/public_headers.cmake").read_text(encoding="utf-8")
    public = sorted(public_headers(root))
    reached = set(re.findall(r"^  (\S+\.h)$", text.partition("WICK_DETAIL_HEADERS")[0], re.MULTILINE))
    reached |= {path for path in public
                if any(included_name(path) in page.read_text(encoding="utf-8") for page in pages)}
    todo = list(reached)
    while todo:
        source = (root / todo.pop()).read_text(encoding="utf-8")
        for path in re.findall(r'#include "wick/([^"]+)"', source):
            path = path_of(path)
            if path in public and path not in reached:
                reached.add(path)
                todo.append(path)
    return public, [f"cmake/public_headers.cmake: neither <wick/wick.h> nor a page leads to {path}"
                    for path in public if path not in reached]


def check(root):
    pages = pages_of(root)
    public, problems = header_problems(root, pages)
    checker = Checker(root, public)
    for page in pages:
        problems += [f"{page.relative_to(root)}:{line}: {problem}"
                     for line, problem in checker.check(page)]
    return problems, len(pages), len(checker.names.declared)


SELF_TEST_FILES = {
    "cmake/public_headers.cmake": "set(WICK_HEADERS\n  core/a.h\n)\nset(WICK_DETAIL_HEADERS\n  core/b.h\n)\n",
    "core/a.h": '#include "wick/core/b.h"\nnamespace wick {\nclass Base { public: int base(); };\n'
                "class A : public Base { public: void f(); private: int g_; void hidden(); };\n"
                "enum class E { one };\n}\nnamespace wick::nn { struct B { int x; }; }\n",
    "core/b.h": "namespace wick {}\n",
    "docs/x.md": "# Heading `one`\n",
}
# A page, and whether it is wrong.
SELF_TEST = [
    ("`wick::A::f`, `A::base`, `nn::B::x`, `E::one`, `std::nothing`", False),
    ("`wick::C`", True),
    ("`A::hidden`", True),
    ("`nn::A`", True),
    ("```cpp\nwick::A a; nn::C c;\n```", True),
    ("```cpp\nwick::A a; // nn::C\n```", False),
    ("```python\ntorch.a::b\n```", False),
    ("| PyTorch | wick |\n|---|---|\n| `f` | `x.f()`, `A` |", False),
    ("| PyTorch | wick |\n|---|---|\n| `f` | `x.g()` |", True),
    ("| PyTorch | wick |\n|---|---|\n| `f` | `Missing` |", True),
    ("| header | functions |\n|---|---|\n| `core/a.h` | `f`, `base` |", False),
    ("| header | functions |\n|---|---|\n| `core/a.h` | `g` |", True),
    ("| PyTorch | else |\n|---|---|\n| `f` | `Missing` |", False),
    ("[a](docs/x.md#heading-one) [b](#top)\n# Top", False),
    ("[a](docs/y.md)", True),
    ("[a](docs/x.md#heading-two)", True),
    ("`core/a.h`, `core/`, `tests/... anything`", False),
    ("`core/c.h`", True),
    ("<!-- file: docs/x.md -->\n```\n# Heading `one`\n```", False),
    ("<!-- file: docs/x.md -->\n```\n# Heading `two`\n```", True),
    ("`a.h`", False, "core/README.md"),
    ("`c.h`", True, "core/README.md"),
]


def self_test():
    for content, is_wrong, *place in SELF_TEST:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder).resolve()
            for path, text in {**SELF_TEST_FILES, (place or ["README.md"])[0]: content}.items():
                (root / path).parent.mkdir(exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            (root / "tests").mkdir()
            problems, _, _ = check(root)
            if bool(problems) != is_wrong:
                print(f"self-test: {content!r} gave {problems}")
                return 1
            # A header that nothing leads to.
            (root / "core/a.h").write_text("namespace wick {}\n", encoding="utf-8")
            if not any("core/b.h" in problem for problem in check(root)[0]):
                print("self-test: a header without a way to it was not found")
                return 1
    print(f"self-test: {len(SELF_TEST)} pages were judged rightly")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    problems, pages, names = check(options.root.resolve())
    print("\n".join(problems) if problems else f"{pages} pages, {names} names of public headers")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
