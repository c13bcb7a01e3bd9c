#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints a file as Doxygen reads it best: docs/doxygen_filter.py FILE. Lines keep their numbers.

Headers: what stands under the SPDX line describes the file; a comment behind a member belongs to the
member; an indented example is code. Pages: a link to a heading, or to a file of the tree that is no page, is its text.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def header(lines):
    in_preamble = in_example = False
    empty_before = False
    for line in lines:
        if line.startswith("// SPDX-License-Identifier"):
            in_preamble = True
            yield "/// \\file"
            continue
        if in_preamble and line.startswith("//"):
            yield "/" + line
            continue
        in_preamble = False
        comment = re.match(r"^(\s*)///( *)(.*)$", line)
        if comment:
            indent, spaces, text = comment.groups()
            in_example = bool(text) and len(spaces) >= 3 and (in_example or empty_before)
            empty_before = not text
            yield f"{indent}///{'    ' if in_example else ''}{spaces}{text}"
            continue
        in_example = empty_before = False
        yield re.sub(r"^(.*\S.*[;,{}])(\s+)// ", r"\1\2///< ", line)


def page(lines, path):
    """Doxygen knows pages and anchors in them; anything else would be a broken link."""
    folder = path.parent

    def link(match):
        text, target = match.group(1), match.group(2)
        if re.match(r"[a-z]+:", target):
            return match.group(0)
        name = target.partition("#")[0]  # Doxygen does not know the headings of this page
        if name.endswith((".md", ".svg", ".png")) and (folder / name).is_file():
            return match.group(0)
        return text
    # Links may go on in the next line; code stays as it is.
    for i, part in enumerate(re.split(r"^(```.*?^```)$", "\n".join(lines), flags=re.MULTILINE | re.DOTALL)):
        if i % 2 == 1:
            part = re.sub(r"\A```(cpp|c\+\+)$", "```{.cpp}", part, flags=re.MULTILINE)
        else:
            part = re.sub(r"(!\[[^\]]*\])\((?:[^)\s]*/)?([^)/\s]+)\)", r"\1(\2)", part)  # see IMAGE_PATH
            part = re.sub(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", link, part)
        yield part


def main():
    path = pathlib.Path(sys.argv[1])
    lines = path.read_text(encoding="utf-8").splitlines()
    if path.suffix == ".h":
        print("\n".join(header(lines)))
    else:
        print("".join(page(lines, path)))


if __name__ == "__main__":
    main()
