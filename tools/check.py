# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds Sallyport in every way that matters, runs every test and lint, and ends with the counts."""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import sandbox
import test_results
from test_results import Tally

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILDS = ROOT / "build-check"
# ThreadSanitizer and AddressSanitizer of GCC 12 want less address randomisation than newer kernels use.
PLAIN_ADDRESSES = ["setarch", os.uname().machine, "-R"]
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:suppressions={ROOT}/tests/support/tsan_suppressions.txt",
}
STARTS_THREADS = re.compile(r"std::j?thread\b|rte_eal_remote_launch|start_workers\(|\bHandshakeThread \w+\(")


class StageFailed(Exception):
    """A stage cannot go on; the text says why."""


@dataclasses.dataclass
class Build:
    """One build folder and how it is configured."""

    name: str
    options: list[str]
    compiler: str = "g++"

    @property
    def folder(self) -> pathlib.Path:
        return BUILDS / self.name

    def configure(self) -> None:
        environment = dict(os.environ, CXX=self.compiler, CC=self.compiler.replace("g++", "gcc").replace("++", ""))
        conformance = os.environ.get("SALLYPORT_CONFORMANCE", "")
        again = ["--reconfigure"] if (self.folder / "meson-private" / "coredata.dat").exists() else []
        command = ["meson", "setup", *again, str(self.folder), *self.options, f"-Dconformance={conformance}"]
        run(command, f"configuring {self.name}", cwd=ROOT, env=environment)

    def compile(self, outputs: list[str] | None = None) -> None:
        """Builds everything, or only the files named."""
        if outputs == []:
            raise StageFailed("nothing to build was found")
        run(["ninja", "-C", str(self.folder), *(outputs or [])], f"building {self.name}")

    def introspect(self, what: str) -> list[dict]:
        answer = subprocess.run(["meson", "introspect", f"--{what}", str(self.folder)], check=True, capture_output=True)
        return json.loads(answer.stdout)

    def tests(self, suites: list[str]) -> dict[str, dict]:
        """The tests that belong to one of the suites, by name."""
        wanted = set(suites)
        return {test["name"]: test for test in self.introspect("tests")
                if wanted & {suite.split(":")[-1] for suite in test["suite"]}}

    def outputs_for(self, tests: dict[str, dict]) -> list[str]:
        """The files that must be built before these tests run."""
        files = {target["id"]: target["filename"] for target in self.introspect("targets")}
        needed = {name for test in tests.values() for identity in test["depends"] for name in files.get(identity, [])}
        return sorted(os.path.relpath(name, self.folder) for name in needed)

    def run_tests(self, tests: dict[str, dict]) -> Tally:
        if not tests:
            raise StageFailed("no test was found")
        test_results.forget(self.folder, tests)
        environment = dict(os.environ)
        for name, value in SANITIZER_OPTIONS.items():
            environment.setdefault(name, value)
        prefix = PLAIN_ADDRESSES if "b_sanitize" in " ".join(self.options) else []
        command = [*prefix, "meson", "test", "-C", str(self.folder), "--no-rebuild", "--print-errorlogs", *tests]
        subprocess.run(command, env=environment, stdout=sys.stdout, stderr=sys.stderr)
        return test_results.read_meson(self.folder, tests)


def run(command: list[str], doing: str, **options) -> None:
    """Runs a command quietly and shows its output only if it fails."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    if result.returncode != 0:
        print(result.stdout[-20000:])
        raise StageFailed(f"{doing} failed: {' '.join(command[:4])} … gave {result.returncode}")


# What reads octets of strangers: Clang's sanitizers look at these in every check, and GCC need not run them once more.
EXPOSED = re.compile(r"unit_(base|keying|sip|transport)$|vectors_(keying|sip|sdp)|conformance_sip")


def gcc(quick: bool) -> Tally:
    """GCC, optimised with debug information: all suites but what the next stage runs, lints included."""
    build = Build("gcc", ["-Dbuildtype=debugoptimized", "-Dunity=on", "-Dunity_size=8"])
    build.configure()
    suites = ["unit", "lint"] if quick else ["unit", "vectors", "fuzz", "lint", "system", "interop"]
    tests = {name: test for name, test in build.tests(suites).items() if quick or not EXPOSED.search(name)}
    build.compile(build.outputs_for(tests))
    return build.run_tests(tests)


# Clang's one build: both sanitizers, and what libFuzzer wants to see.
SANITIZED = Build("clang", ["-Db_pch=false", "-Dbuildtype=debug", "-Doptimization=1", "-Dfuzzing=true", "-Db_sanitize=address,undefined", "-Db_lundef=false",
                            "-Dcpp_args=-fsanitize=fuzzer-no-link"], compiler="clang++")


def clang(_quick: bool) -> Tally:
    """Clang with AddressSanitizer and UndefinedBehaviorSanitizer: unit tests and vectors of what reads strangers' octets."""
    SANITIZED.configure()
    tests = {name: test for name, test in SANITIZED.tests(["unit", "vectors"]).items() if EXPOSED.search(name)}
    SANITIZED.compile(SANITIZED.outputs_for(tests))
    return SANITIZED.run_tests(tests)


def deep(_quick: bool) -> Tally:
    """Clang with both sanitizers: compiles everything, runs all unit tests and vectors, and the matrix of ways to keys. Only on demand:
    it takes long."""
    SANITIZED.configure()
    SANITIZED.compile()
    return SANITIZED.run_tests(SANITIZED.tests(["unit", "vectors", "deep"]))


def tsan(_quick: bool) -> Tally:
    """ThreadSanitizer: test programs of workers and transports one of whose sources starts a thread."""
    build = Build("tsan", ["-Dbuildtype=debug", "-Doptimization=1", "-Db_sanitize=thread"])
    build.configure()
    threaded = {target["id"] for target in build.introspect("targets") if _starts_threads(target)}
    tests = {name: test for name, test in build.tests(["unit"]).items()
             if threaded & set(test["depends"]) and re.search(r"base|crypto|dataplane|keying|transport", name)}
    build.compile(build.outputs_for(tests))
    return build.run_tests(tests)


def _starts_threads(target: dict) -> bool:
    sources = [name for group in target["target_sources"] for name in group.get("sources", [])]
    texts = (pathlib.Path(name).read_text(errors="replace") for name in sources if name.endswith(".cc"))
    return target["type"] == "executable" and any(STARTS_THREADS.search(text) for text in texts)


def fuzz(_quick: bool) -> Tally:
    """libFuzzer for some seconds on every target of the clang stage's layers, from its corpus."""
    SANITIZED.configure()
    programs = {target["name"]: target["filename"][0] for target in SANITIZED.introspect("targets")
                if target["type"] == "executable" and target["name"].endswith("_fuzz") and _is_exposed(target)}
    SANITIZED.compile([os.path.relpath(name, SANITIZED.folder) for name in programs.values()])
    tally = Tally()
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for result in pool.map(_fuzz_one, sorted(programs), (programs[name] for name in sorted(programs))):
            tally.add(result)
    return tally


def _is_exposed(target: dict) -> bool:
    """Whether a fuzz target is of a layer that the clang stage builds anyway."""
    sources = [pathlib.Path(name) for group in target["target_sources"] for name in group.get("sources", [])]
    included = "".join(source.read_text(errors="replace") for source in sources if source.suffix == ".cc")
    return not re.search(r'#include "(control/|tests/unit/dataplane/)', included)


def _fuzz_one(name: str, program: str) -> Tally:
    seconds = int(os.environ.get("SALLYPORT_FUZZ_SECONDS", "5"))
    with tempfile.TemporaryDirectory() as found:
        command = [program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
                   f"-artifact_prefix={found}/", found, str(ROOT / "tests" / "fuzz" / "corpus" / name.removesuffix("_fuzz"))]
        result = subprocess.run([*PLAIN_ADDRESSES, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                errors="replace", timeout=seconds + 120)
        runs = re.search(r"number_of_executed_units:\s*(\d+)", result.stdout)
        if result.returncode == 0 and runs and int(runs.group(1)) > 0:
            print(f"  {name}: {runs.group(1)} inputs")
            return Tally(passed=1)
        print(result.stdout[-8000:])
        for crash in pathlib.Path(found).glob("*-*"):
            shutil.copy(crash, BUILDS / f"{name}-{crash.name}")
            print(f"  the input that did it is kept as {BUILDS / f'{name}-{crash.name}'}")
    return Tally(failed=[f"{name}: libFuzzer gave {result.returncode}"])


def demo(_quick: bool) -> Tally:
    """tools/demo, with the programs that GCC built, with phones and with media alone: every claim is a case."""
    if os.geteuid() != 0:
        return Tally(skipped=["demo: needs root"])
    tally = Tally()
    built = ["--build", str(BUILDS / "gcc")] if (BUILDS / "gcc").exists() else []
    for options in ([], ["--media"]):
        tally.add(_demonstrate([*options, *built]))
    return tally


def _demonstrate(options: list[str]) -> Tally:
    with tempfile.TemporaryDirectory() as folder:
        result = pathlib.Path(folder) / "demo.json"
        subprocess.run([str(ROOT / "tools" / "demo"), "--json", str(result), *options], timeout=900)
        claims = json.loads(result.read_text())["claims"]
    failed = [f"{claim['claim']} ({claim['detail']})" for claim in claims if not claim["ok"]]
    return Tally(passed=len(claims) - len(failed), failed=failed)


STAGES: dict[str, Callable[[bool], Tally]] = {"gcc": gcc, "clang": clang, "fuzz": fuzz, "tsan": tsan, "demo": demo, "deep": deep}
ON_DEMAND = {"deep"}


def run_stage(name: str, quick: bool) -> Tally:
    print(f"=== {name}: {STAGES[name].__doc__}", flush=True)
    started = time.monotonic()
    try:
        tally = STAGES[name](quick)
    except (StageFailed, subprocess.SubprocessError, OSError) as error:
        tally = Tally(failed=[str(error)])
    print(f"--- {name}: {tally} in {time.monotonic() - started:.0f} s", flush=True)
    return tally


def summarise(tallies: dict[str, Tally]) -> int:
    """Prints what failed, what was skipped and why, and the counts; gives the exit status."""
    total = Tally()
    for stage, tally in tallies.items():
        total.add(tally)
        for name in tally.failed:
            print(f"FAILED  {stage}: {name}")
        for name in tally.skipped:
            print(f"skipped {stage}: {name}")
    print(total)
    return 1 if total.failed or not total.passed else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/check", description=__doc__, epilog="Stages: " + "; ".join(
        f"{name}: {stage.__doc__}" for name, stage in STAGES.items()))
    parser.add_argument("--quick", action="store_true", help="one build, its unit tests and the lints")
    parser.add_argument("--stage", action="append", choices=STAGES, help="only this stage; may be repeated")
    arguments = parser.parse_args()
    if not sandbox.inside():
        return sandbox.run([sys.executable, *sys.argv])
    BUILDS.mkdir(exist_ok=True)
    stages = arguments.stage or (["gcc"] if arguments.quick else [name for name in STAGES if name not in ON_DEMAND])
    return summarise({name: run_stage(name, arguments.quick) for name in stages})


if __name__ == "__main__":
    sys.exit(main())
