# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint: every header compiles alone, with the flags of the sources beside it. One that a source of the build includes before all
else has been compiled alone already."""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys

from compile_commands import Command, read
from source_files import source_files


def flags_for(header: pathlib.Path, commands: list[Command]) -> Command | None:
    """The command of a source in the header's folder, or of any."""
    beside = [command for command in commands if command.source.parent == header.parent]
    return (beside or commands or [None])[0]


def first_includes(root: pathlib.Path, commands: list[Command]) -> set[pathlib.Path]:
    """What the build's sources include first, with nothing before it that could help."""
    found = set()
    for command in commands:
        if command.precompiled:
            continue
        match = re.search(r"^\s*#.*$", (root / command.source).read_text(errors="replace"), re.MULTILINE)
        name = re.match(r'\s*#\s*include\s*"([^"]+)"', match.group(0)) if match else None
        if name:
            found.add((root / name.group(1)).resolve())
    return found


def compile_alone(root: pathlib.Path, header: pathlib.Path, command: Command) -> str:
    """The compiler's complaint about a file that includes nothing but the header; empty if it has none."""
    line = [command.compiler, *command.flags, "-I", str(root), "-fsyntax-only", "-x", "c++", "-"]
    result = subprocess.run(line, input=f'#include "{header}"\n', cwd=command.folder, text=True, capture_output=True)
    return "" if result.returncode == 0 else f"{header} does not compile alone ({shlex.join(line[:1])}):\n{result.stderr[:1500]}"


def check(root: pathlib.Path, build: pathlib.Path) -> list[str]:
    """The complaint about each header that does not compile."""
    commands = read(build, root)
    headers = [source.path for source in source_files(root) if source.path.suffix == ".h"]
    if not commands or not headers:
        return ["no compile commands or no headers were found"]
    proven = first_includes(root, commands)
    headers = [header for header in headers if (root / header).resolve() not in proven]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = pool.map(lambda header: compile_alone(root, header, flags_for(header, commands)), headers)
    return [answer for answer in answers if answer]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    arguments = parser.parse_args()
    problems = check(arguments.root, arguments.build)
    print("\n".join(problems) if problems else "every header compiles alone")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
