# SPDX-License-Identifier: MIT
"""What the public headers declare, by qualified name: see read_headers(). Used by docs_names.py.

It reads declarations as they are written in this tree: no preprocessor, no compiler.
"""

import re

TOKEN = re.compile(r"[A-Za-z_]\w*|::|->|\d[\w.']*|\[\[|\]\]|\S")
CLOSING = {"(": ")", "{": "}", "[": "]", "[[": "]]"}
IDENTIFIER = re.compile(r"[A-Za-z_]\w*$")


def tokens_of(text):
    """Without comments, literals and preprocessor lines."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
    text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", " ", text, flags=re.MULTILINE)
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)\'', " 0 ", text)
    return TOKEN.findall(text)


class Names:
    """All names, and for each type those of its base classes as they are written."""

    def __init__(self):
        self.declared = set()
        self.bases = {}

    def has(self, path):
        """Whether this name is declared, or inherited by the type in front of the last `::`."""
        if path in self.declared:
            return True
        owner, _, member = path.rpartition("::")
        return any(self.has(f"{base}::{member}")
                   for written in self.bases.get(owner, ())
                   for base in self.candidates(owner, written))

    def candidates(self, user, written):
        """What a name that is written in the scope of `user` may mean."""
        parts = user.split("::")
        paths = ["::".join(parts[:i] + [written]) for i in range(len(parts) - 1, -1, -1)]
        return [path for path in paths if path in self.bases]


class Reader:
    """Reads one header."""

    def __init__(self, tokens, names):
        self.tokens = tokens
        self.at = 0
        self.names = names

    def skip_group(self):
        """From an opening token to behind the closing one."""
        opening = self.tokens[self.at]
        closing = CLOSING[opening]
        depth = 0
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            depth += (token == opening) - (token == closing)
            if depth == 0:
                return

    def skip_angles(self):
        """Behind template arguments; stays where a `<` is none."""
        depth, at = 0, self.at
        while at < len(self.tokens) and self.tokens[at] not in (";", "{"):
            if self.tokens[at] == "(":
                inner = Reader(self.tokens, self.names)
                inner.at = at
                inner.skip_group()
                at = inner.at
                continue
            depth += (self.tokens[at] == "<") - (self.tokens[at] == ">")
            at += 1
            if depth == 0:
                self.at = at
                return True
        return False

    def scope(self, path, is_type=False, hidden=False):
        """Declarations up to the closing brace."""
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token == "}":
                self.at += 1
                return
            if is_type and token in ("public", "protected", "private") \
                    and self.tokens[self.at + 1] == ":":
                hidden = token == "private"
                self.at += 2
                continue
            self.statement(path, is_type, hidden)

    def declare(self, path, name, hidden):
        if not hidden and IDENTIFIER.match(name):
            self.names.declared.add(f"{path}::{name}" if path else name)

    def statement(self, path, is_type, hidden):
        """One declaration."""
        head = []  # the tokens so far, groups left out
        function = None
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token == "[[":
                self.skip_group()
            elif token == "<" and head and (IDENTIFIER.match(head[-1])) and self.skip_angles():
                pass
            elif token == "(":
                if head and function is None and head[-1] not in ("decltype", "requires", "alignas"):
                    function = head[-1]
                self.skip_group()
            elif token == "[":
                self.skip_group()
            elif token == ";":
                self.at += 1
                break
            elif token == "}":  # of the scope around
                break
            elif token == "{":
                if function is None and self.braces(head, path, hidden):
                    return
                self.skip_group()
                if self.at < len(self.tokens) and self.tokens[self.at] not in (",", "{", ";"):
                    break
            else:
                head.append(token)
                self.at += 1
        self.finish(head, function, path, hidden)

    def braces(self, head, path, hidden):
        """Opens a namespace or type; false for any other brace."""
        words = [word for word in head if word not in ("inline", "WICK_API", "final", "template")]
        if words[:1] == ["namespace"]:
            self.at += 1
            self.scope("::".join([path] * bool(path) + [w for w in words[1:] if w != "::"]))
            return True
        kind = next((i for i, word in enumerate(words) if word in ("class", "struct", "enum")), None)
        if kind is None or "=" in words:
            return False
        is_enum = words[kind] == "enum"
        rest = [word for word in words[kind + 1:] if word not in ("class", "struct")]
        name = rest[0] if rest and IDENTIFIER.match(rest[0]) else ""
        self.declare(path, name, hidden)
        own = f"{path}::{name}" if path else name
        self.names.bases[own] = ["".join(part) for part in self.split_bases(rest[1:])]
        self.at += 1
        if is_enum:
            self.enumerators(own, hidden)
        else:
            self.scope(own, is_type=True, hidden=hidden or words[kind] == "class")
        return True

    @staticmethod
    def split_bases(words):
        parts = [[]]
        for word in words:
            if word == ",":
                parts.append([])
            elif word not in (":", "public", "protected", "private", "virtual"):
                parts[-1].append(word)
        return parts

    def enumerators(self, path, hidden):
        expected = True
        while self.tokens[self.at] != "}":
            token = self.tokens[self.at]
            if expected and IDENTIFIER.match(token):
                self.declare(path, token, hidden)
            expected = token == ","
            self.at += 1
        self.at += 1

    def finish(self, head, function, path, hidden):
        """The names of a declaration that is no scope."""
        if not head or head[0] in ("friend", "static_assert") or "operator" in head:
            return
        if function is not None:
            self.declare(path, function, hidden)
        elif head[0] in ("class", "struct", "enum"):
            return  # declared elsewhere
        elif head[0] == "using":
            self.declare(path, head[-1] if "=" not in head else head[head.index("=") - 1], hidden)
        elif "=" in head:
            self.declare(path, head[head.index("=") - 1], hidden)
        else:
            self.declare(path, head[-1], hidden)


def read_headers(texts):
    """Names of several headers."""
    names = Names()
    for text in texts:
        reader = Reader(tokens_of(text), names)
        while reader.at < len(reader.tokens):
            reader.scope("")
    return names
