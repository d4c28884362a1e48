# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the benches for release, runs them, and writes their figures as JSON, as a Markdown table and as a plot.

Every bench program of the build takes `--figures FILE [--only PREFIX]` and writes {NAME: {"median", "spread", "unit"}}.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

import bench_kamailio
import bench_report
import bench_rtpengine
import sandbox

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build-bench"
PROGRAM_SECONDS = 1800
HUGE_PAGES = 160


def output_of(command: list[str]) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def set_up() -> None:
    again = ["--reconfigure"] if (BUILD / "meson-private" / "coredata.dat").exists() else []
    quietly(["meson", "setup", *again, str(BUILD), "-Dbuildtype=release"])


def build() -> list[dict]:
    """Builds the benches: what meson calls a benchmark, and every program named *_bench. Gives name, command and environment."""
    set_up()
    targets = json.loads(output_of(["meson", "introspect", "--targets", str(BUILD)]))
    benches = json.loads(output_of(["meson", "introspect", "--benchmarks", str(BUILD)]))
    programs = {target["filename"][0]: target for target in targets
                if target["type"] == "executable" and target["name"].endswith("_bench")}
    declared = {bench["cmd"][0] for bench in benches}
    benches += [{"name": target["name"], "cmd": [path], "env": {}, "depends": [target["id"]]}
                for path, target in programs.items() if path not in declared]
    # A bench may need programs beside its own, such as the daemon.
    needed = {identity for bench in benches for identity in bench["depends"]}
    files = sorted(os.path.relpath(name, BUILD) for target in targets if target["id"] in needed for name in target["filename"])
    if files:
        quietly(["ninja", "-C", str(BUILD), *files])
    return benches


def quietly(command: list[str]) -> None:
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if result.returncode != 0:
        sys.exit(f"{' '.join(command[:3])} failed:\n{result.stdout[-8000:]}")


def run_bench(bench: dict, only: str) -> dict[str, dict] | None:
    """The figures of one bench program, or nothing if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        figures = pathlib.Path(folder) / "figures.json"
        command = [*bench["cmd"], "--figures", str(figures), *(["--only", only] if only else [])]
        environment = dict(os.environ, **(bench["env"] if isinstance(bench["env"], dict) else {}))
        print(f"{bench['name']} …", file=sys.stderr, flush=True)
        try:
            result = subprocess.run(command, cwd=BUILD, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                    errors="replace", timeout=PROGRAM_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"{bench['name']} did not end within {PROGRAM_SECONDS} s", file=sys.stderr)
            return None
        if result.returncode != 0 or not figures.exists():
            print(f"{bench['name']} gave {result.returncode}:\n{result.stdout[-4000:]}", file=sys.stderr)
            return None
        return json.loads(figures.read_text())


def against_kamailio(only: str) -> list[dict[str, dict] | None]:
    """Figures of Sallyport beside Kamailio; a last nothing if some of them could not be measured."""
    set_up()
    names = {"sallyload": "sallyload/sallyload", "floor": "bench/sip_floor", "sallyportd": "control/sallyportd", "sallyctl": "sallyctl/sallyctl"}
    quietly(["ninja", "-C", str(BUILD), *names.values()])
    figures, complete = bench_kamailio.measure(bench_kamailio.Programs(**{key: BUILD / name for key, name in names.items()}), only)
    return [figures] if complete else [figures, None]


def against_rtpengine(only: str) -> list[dict[str, dict] | None]:
    """Figures of Sallyport's media plane beside rtpengine's; a last nothing if they could not be measured."""
    set_up()
    names = {"generator": "bench/srtp_generator", "sallyportd": "control/sallyportd", "sallyctl": "sallyctl/sallyctl"}
    quietly(["ninja", "-C", str(BUILD), *names.values()])
    with huge_pages(HUGE_PAGES):
        figures, complete = bench_rtpengine.measure(bench_rtpengine.Programs(**{key: BUILD / name for key, name in names.items()}), only)
    return [figures] if complete else [figures, None]


@contextlib.contextmanager
def huge_pages(wanted: int):
    """Sets huge pages of 2 MiB aside for packet buffers, as a machine that relays would; gives how many there are."""
    setting = pathlib.Path("/proc/sys/vm/nr_hugepages")
    before = int(setting.read_text())
    try:
        if before < wanted and os.access(setting, os.W_OK):
            setting.write_text(str(wanted))
        yield int(setting.read_text())
    finally:
        if os.access(setting, os.W_OK):
            setting.write_text(str(before))


def machine() -> str:
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    return f"{model.group(1) if model else platform.processor()}, {os.cpu_count()} cores, Linux {platform.release()}"


def compiler() -> str:
    buildoptions = json.loads(output_of(["meson", "introspect", "--buildoptions", str(BUILD)]))
    flags = {option["name"]: option["value"] for option in buildoptions}
    line = next(iter(json.loads((BUILD / "compile_commands.json").read_text())))["command"].split()
    program = line[1] if line[0].endswith("ccache") else line[0]
    return f"{output_of([program, '--version']).splitlines()[0]}, {flags['buildtype']}"


def revision() -> str:
    try:
        return output_of(["git", "describe", "--always", "--dirty", "--abbrev=12"])
    except (subprocess.CalledProcessError, FileNotFoundError):
        return "unknown"


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all figures; the plot goes beside it as .svg")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="write a table")
    parser.add_argument("--plot", type=pathlib.Path, metavar="FILE", help="write an SVG plot")
    parser.add_argument("--against", choices=["kamailio", "rtpengine"], help="instead of the benches: our signalling, or our media plane, "
                        "against this server's, which needs the packages of the group `peers`")
    parser.add_argument("--only", default="", metavar="PREFIX", help="only figures whose names begin so")
    arguments = parser.parse_args()
    if not sandbox.inside():
        return sandbox.run([sys.executable, *sys.argv])
    if arguments.against:
        answers = {"kamailio": against_kamailio, "rtpengine": against_rtpengine}[arguments.against](arguments.only)
    else:
        benches = build()
        with huge_pages(HUGE_PAGES) as pages:
            print(f"{pages} huge pages", file=sys.stderr)
            answers = [run_bench(bench, arguments.only) for bench in benches]
    figures = {name: figure for answer in answers if answer for name, figure in answer.items() if name.startswith(arguments.only)}
    report = {"machine": machine(), "compiler": compiler(), "revision": revision(), "figures": dict(sorted(figures.items()))}
    table = bench_report.markdown(report)
    print(table)
    plot = arguments.plot or (arguments.json.with_suffix(".svg") if arguments.json else None)
    for path, text in ((arguments.json, json.dumps(report, indent=2) + "\n"), (arguments.markdown, table), (plot, bench_report.svg(report))):
        if path:
            path.write_text(text)
    if not figures:
        print("bench: no figure was measured", file=sys.stderr)
    return 0 if figures and None not in answers else 1


if __name__ == "__main__":
    sys.exit(main())
