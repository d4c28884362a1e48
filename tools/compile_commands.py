# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads compile_commands.json of a build folder."""

import dataclasses
import json
import pathlib
import re
import shlex

PRECOMPILED = "precompiled.h"
JOINED = re.compile(r".*-unity\d+\.(cc|cpp)")


@dataclasses.dataclass(frozen=True)
class Command:
    """How one source is compiled; `source` is relative to the root, `folder` is where the compiler runs."""

    source: pathlib.Path
    object: pathlib.Path
    folder: pathlib.Path
    compiler: str
    flags: tuple[str, ...]
    precompiled: bool = False  # something comes before the source's first line


def _flags(words: list[str]) -> tuple[str, ...]:
    """What matters for the meaning of a source: language, include paths, definitions, warnings."""
    kept, with_value = [], ("-I", "-isystem", "-include", "-D")
    for index, word in enumerate(words):
        if _includes_precompiled(words, index):
            continue
        if word in with_value:
            kept += words[index:index + 2]
        elif word.startswith(("-I", "-isystem", "-D", "-std=", "-W", "-m", "-fsanitize=")):
            kept.append(word)
    return tuple(flag for flag in kept if not flag.startswith("-Wl,"))


def _includes_precompiled(words: list[str], index: int) -> bool:
    """A precompiled header is for its own program's flags, and hides what a source forgets to include."""
    return words[index] == "-include" and pathlib.Path(words[index + 1]).name == PRECOMPILED


def _sources(compiled: pathlib.Path) -> list[pathlib.Path]:
    """What a file that is compiled stands for: itself, or those that Meson has joined in it (-Dunity=on)."""
    if not JOINED.fullmatch(compiled.name):
        return [compiled.resolve()]
    names = re.findall(r'^#include *[<"](.+)[>"]$', compiled.read_text(), re.MULTILINE)
    return [(compiled.parent / name).resolve() for name in names]


def read(build: pathlib.Path, root: pathlib.Path) -> list[Command]:
    """The commands for sources under `root`, in the order of the build."""
    root, commands = root.resolve(), []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        if words and words[0].endswith("ccache"):
            words.pop(0)
        folder = pathlib.Path(entry["directory"])
        for index, source in enumerate(_sources(folder / entry["file"])):
            if source.is_relative_to(root):
                hidden = index > 0 or any(_includes_precompiled(words, at) for at in range(len(words)))
                commands.append(Command(source.relative_to(root), folder / entry["output"], folder, words[0], _flags(words), hidden))
    return commands
