# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint: file heads, who may include whom, banned names with their replacements, sizes."""

import argparse
import pathlib
import re
import sys

import source_rules as rules
from source_files import SourceFile, source_files


def check_head(source: SourceFile) -> list[str]:
    """SPDX line first (after a #! line), then a sentence on what the file is."""
    lines = [line.strip() for line in source.text.splitlines()[:4] if line.strip() not in ("/*", "*/")]
    if lines and lines[0].startswith("#!"):
        lines.pop(0)
    if not lines or not re.match(rf"(//|#|;|/\*) {rules.SPDX}", lines[0]):
        return [f"{source.path}:1: the first line is not '{rules.SPDX}'"]
    if source.kind in ("cpp", "python", "shell"):
        sentence = re.sub(r'^(//|#|/?\*|"""|;)\s*', "", lines[1] if len(lines) > 1 else "")
        if len(sentence.split()) < 3:
            return [f"{source.path}:2: a sentence that says what the file is belongs here"]
    return []


def check_layers(source: SourceFile) -> list[str]:
    """Repository includes follow the layering; foreign libraries come in by their door."""
    problems = []
    folder = source.path.parts[0]
    for number, quoted, name in source.includes():
        where = f"{source.path}:{number}: "
        if quoted:
            # The BPF compiler sees no folder but its own.
            if not source.path.name.endswith(".bpf.c"):
                problems += [where + text for text in _check_own_include(folder, name)]
            continue
        for pattern, door, reason in rules.DOORS:
            if re.match(pattern, name) and folder in rules.LAYERS and not re.match(door, str(source.path)):
                problems.append(f"{where}<{name}> is only for {reason}")
    return problems


def _check_own_include(folder: str, name: str) -> list[str]:
    target = name.split("/")[0]
    if "/" not in name or name.startswith("."):
        return [f'"{name}": write the path from the root of the repository']
    shared = folder == "bench" and name.startswith("tests/support/")
    tested = folder == "tests" and target in rules.LAYERS
    if target in rules.LEAVES and target != folder and not shared and not tested:
        return [f'"{name}": nothing includes {target}/']
    if folder not in rules.LAYERS:
        return []
    if target not in rules.LAYERS[folder]:
        return [f'"{name}": {folder}/ may include only {", ".join(sorted(rules.LAYERS[folder]))}']
    part = rules.PARTS.get((folder, target))
    if part is not None and name.split("/")[1] not in part:
        return [f'"{name}": of {target}/ {folder} sees only {", ".join(sorted(part))}']
    return []


def check_bans(source: SourceFile) -> list[str]:
    """Banned names in code; comments and strings do not count, except for notes without a number and machine paths."""
    problems = []
    path = str(source.path)
    for ban in rules.BANS:
        if not re.match(ban.where, path) or (ban.unless and re.match(ban.unless, path)) or (ban.only_hot and not source.is_hot):
            continue
        text = source.text if ban.in_comments else source.code
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(ban.pattern, line):
                problems.append(f"{path}:{number}: {ban.what}: {ban.instead}")
    return problems


def check_sizes(source: SourceFile) -> list[str]:
    """Files and functions beyond the limits; RFC vectors are data and may be long."""
    if source.kind != "cpp" or source.path.parts[:2] == ("tests", "vectors"):
        return []
    problems = []
    length = source.text.count("\n")
    if length > rules.MAX_FILE_LINES:
        problems.append(f"{source.path}: {length} lines; past {rules.MAX_FILE_LINES} an idea should leave")
    for number, lines, head in source.functions():
        if lines > rules.MAX_FUNCTION_LINES:
            problems.append(f"{source.path}:{number}: {lines} lines in '{head}'; at most {rules.MAX_FUNCTION_LINES}")
    return problems


CHECKS = (check_head, check_layers, check_bans, check_sizes)


def check(root: pathlib.Path) -> list[str]:
    """Every problem of every source under `root`."""
    return [problem for source in source_files(root) for check_one in CHECKS for problem in check_one(source)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=pathlib.Path, nargs="?", default=pathlib.Path(__file__).resolve().parent.parent)
    problems = check(parser.parse_args().root)
    print("\n".join(problems) if problems else "sources are in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
