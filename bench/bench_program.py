# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line that benches in Python have in common."""

import argparse
import json
import pathlib
import sys
from collections.abc import Callable


def run(description: str, programs: tuple[str, ...], measure: Callable[[argparse.Namespace], dict[str, dict]],
        troubles: tuple[type[Exception], ...], prefix: str = "") -> int:
    """Gives the exit status. `measure` is given the paths of the programs by their names, and `only`; it gives {NAME: {"median", "spread",
    "unit"}}. `prefix`: of all its figures, which are of one run, so that whoever wants one of them has them all."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for program in programs:
        parser.add_argument(program)
    parser.add_argument("--figures", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    for program in programs:
        setattr(arguments, program, str(pathlib.Path(getattr(arguments, program)).resolve()))
    figures = {}
    if prefix.startswith(arguments.only) or arguments.only.startswith(prefix):
        try:
            figures = measure(arguments)
        except troubles as reason:
            print(f"NOT MEASURED: {reason}", file=sys.stderr)
            return 1
    arguments.figures.write_text(json.dumps(figures, indent=2))
    return 0
