# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the sources of the repository and takes C++ apart as far as the lints need it."""

import dataclasses
import functools
import pathlib
import re
import subprocess
from collections.abc import Iterator

SUFFIXES = {".h": "cpp", ".cc": "cpp", ".c": "cpp", ".py": "python", ".sh": "shell", ".build": "meson", ".toml": "data"}
NAMES = {"meson_options.txt": "meson", "packages.txt": "data"}
# Comments, then string and character literals, raw strings first.
COMMENT_OR_LITERAL = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'""", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class SourceFile:
    """One tracked file; `path` is relative to the root."""

    path: pathlib.Path
    kind: str
    text: str

    @functools.cached_property
    def code(self) -> str:
        """The text with comments and literals blanked out, line for line."""
        if self.kind != "cpp":
            return self.text
        return COMMENT_OR_LITERAL.sub(_blank, self.text)

    @functools.cached_property
    def is_hot(self) -> bool:
        """Whether the comment at the head of the file says `Hot.`: it serves packets."""
        head = re.match(r"(//[^\n]*\n)*", self.text)
        return head is not None and re.search(r"\bHot\.", head.group(0)) is not None

    def includes(self) -> Iterator[tuple[int, bool, str]]:
        """Line number, whether it is in quotes, and name of each include."""
        if self.kind != "cpp":
            return
        for number, line in enumerate(self.text.splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if match:
                yield number, match.group(1) == '"', match.group(2)

    def functions(self) -> Iterator[tuple[int, int, str]]:
        """First line, number of lines and head of each function, as clang-format lays them out."""
        opened, indent, head = 0, "", ""
        for number, line in enumerate(self.code.splitlines(), 1):
            if opened and line.startswith(indent + "}"):
                yield opened, number - opened + 1, head
                opened = 0
            match = re.match(r"( {0,2})(?!namespace|class|struct|enum|union|extern|inline namespace)(\S.*)\{\s*$", line)
            if not opened and match and ("(" in line or line.startswith("    ")):
                opened, indent, head = number, match.group(1), match.group(2).strip()


def _blank(match: re.Match) -> str:
    text = match.group(0)
    if text.startswith(("//", "/*")):
        return re.sub(r"[^\n]", " ", text)
    return '"' + re.sub(r"[^\n]", " ", text[1:-1]) + '"'


def _kind(path: pathlib.Path, text: str) -> str | None:
    if path.name in NAMES:
        return NAMES[path.name]
    if path.suffix in SUFFIXES:
        return SUFFIXES[path.suffix]
    if text.startswith("#!"):
        return "python" if "python" in text.split("\n", 1)[0] else "shell"
    return None


def _listed(root: pathlib.Path) -> list[pathlib.Path]:
    """What git knows or would add; in a folder without git, everything but builds and hidden files."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    result = subprocess.run(command, capture_output=True)
    if result.returncode == 0:
        return [pathlib.Path(name) for name in result.stdout.decode().split("\0") if name]
    found = (path.relative_to(root) for path in root.rglob("*"))
    return [path for path in found if not any(part.startswith((".", "build")) for part in path.parts)]


def source_files(root: pathlib.Path) -> Iterator[SourceFile]:
    """The sources under `root`, in order; fuzz corpora and other data are left out."""
    for path in sorted(set(_listed(root))):
        if "corpus" in path.parts or not (root / path).is_file():
            continue
        text = (root / path).read_bytes().decode("utf-8", "replace")
        kind = _kind(path, text)
        if kind:
            yield SourceFile(path, kind, text)
