# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint: every C++ source is compiled; a test that nobody builds would pass forever."""

import argparse
import pathlib
import sys

from compile_commands import read
from source_files import source_files


def check(root: pathlib.Path, build: pathlib.Path) -> list[str]:
    """The sources that the build does not compile."""
    compiled = {command.source for command in read(build, root)}
    return [str(source.path) for source in source_files(root) if source.path.suffix == ".cc" and source.path not in compiled]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    arguments = parser.parse_args()
    lost = check(arguments.root, arguments.build)
    print(f"no meson.build names {', '.join(lost)}" if lost else "every source is built")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
