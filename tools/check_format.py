# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint: C++ sources look as clang-format 14 writes them."""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys

from source_files import source_files


def check(root: pathlib.Path) -> tuple[int, str]:
    """Exit status and output of clang-format over every C++ source."""
    names = [str(source.path) for source in source_files(root) if source.kind == "cpp"]
    command = ["clang-format-14", "--style=file", "--dry-run", "--Werror", *names]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True)
    return result.returncode, result.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=pathlib.Path)
    root = parser.parse_args().root
    if not shutil.which("clang-format-14"):
        print("clang-format-14 is not installed")
        return 77
    status, output = check(root)
    names = sorted(set(re.findall(r"^(\S+):\d+:\d+: error", output, re.MULTILINE)))
    print(f"not as clang-format writes them; `ninja -C BUILD clang-format` does it: {', '.join(names)}" if status else "formatted")
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
