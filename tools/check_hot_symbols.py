# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint: objects of files that call themselves hot refer to nothing that allocates, locks, logs, throws or asks the system."""

import argparse
import pathlib
import re
import subprocess
import sys

from compile_commands import read
from source_files import SourceFile

# Reason and the demangled names it forbids; what cannot be avoided is named in ALLOWED with its argument.
FORBIDDEN = (
    ("allocates", r"operator (new|delete)|(malloc|calloc|realloc|free|aligned_alloc|posix_memalign|strdup)$"
                  r"|rte_(malloc|zmalloc|calloc|realloc|free)|std::__cxx11::basic_string|std::filesystem"),
    ("locks", r"pthread_(mutex|rwlock|cond|spin|once)|std::(mutex|condition_variable|call_once)|__cxa_guard|sem_(wait|post)"),
    ("calls the system", r"(read|write|send|recv|sendto|recvfrom|sendmsg|recvmsg|open|close|ioctl|poll|ppoll|select|syscall)(64)?$"
                         r"|epoll_|(mmap|munmap|futex|usleep|nanosleep|sched_yield)$|rte_(epoll_wait|delay)"),
    ("logs", r"sallyport::log::|spdlog::|fmt::|rte_(vlog|log)$|.*printf(_chk)?$|puts$|std::(ostream|cout|cerr|basic_ostream)|syslog"),
    ("reads a clock", r"(clock_gettime|gettimeofday|time|ftime)$|std::chrono::_V2::"),
    ("throws", r"__cxa_(throw|rethrow|allocate_exception)|std::__throw_"),
)
ALLOWED = (
    (r"operator delete\(", "emitted with every virtual destructor; never called on the packet path"),
)


def complaints(symbols: list[str]) -> list[str]:
    """What is wrong with these undefined symbols of a hot object."""
    found = []
    for symbol in symbols:
        if any(re.match(allowed, symbol) for allowed, _argument in ALLOWED):
            continue
        name = symbol.split("@")[0]
        found += [f"{reason}: {symbol}" for reason, pattern in FORBIDDEN if re.match(pattern, name)]
    return found


def undefined_symbols(path: pathlib.Path) -> list[str]:
    output = subprocess.run(["nm", "-u", "-C", str(path)], check=True, capture_output=True, text=True).stdout
    return [re.sub(r"^\s*[Uwv]\s+", "", line) for line in output.splitlines() if line.strip()]


def check(root: pathlib.Path, build: pathlib.Path) -> tuple[int, list[str]]:
    """The number of hot objects, and what they refer to that they must not."""
    problems, objects = [], 0
    for command in read(build, root):
        folder = command.source.parts[0]
        source = SourceFile(command.source, "cpp", (root / command.source).read_text())
        if folder in ("tests", "bench") or not source.is_hot:
            continue
        objects += 1
        if not command.object.exists():
            problems.append(f"{command.source}: not compiled yet; build first")
            continue
        problems += [f"{command.source} {text}" for text in complaints(undefined_symbols(command.object))]
    return objects, sorted(set(problems))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    arguments = parser.parse_args()
    objects, problems = check(arguments.root, arguments.build)
    if not objects:
        print("no source says that it is hot")
        return 77
    print("\n".join(problems) if problems else f"{objects} hot objects are clean")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
