# SPDX-License-Identifier: GPL-3.0-or-later
"""`tools/bench --against kamailio`: the same load against Kamailio, Sallyport and a bare OpenSSL responder, one after the other.

What is compared is the CPU time of the server's processes for one transaction, all their threads together but those that poll for
media packets: these use up a core's idle time whether or not calls come. All servers run at the same time, each on a port of its own; in every round each of them gets its load in turn.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

import bench_kamailio_config as config

ROUNDS = 5
START_SECONDS = 20
MEDIA_WORKER = "rte-worker"
STOP_SECONDS = 10
USERS = 100
# A transaction's name, the arguments of its load, and how many transactions that load is.
LOADS = {
    "register": (["register", "--concurrency", "100", "--total", "12000"], 12000),
    "register_new_tls": (["register", "--new-connection", "--concurrency", "8", "--total", "1500"], 1500),
    "call": (["call", "--concurrency", "50", "--total", "2500"], 2500),
}
# A registration is two messages in and two out, a call eight and eight.
FLOOR_REGISTRATIONS_PER_CALL = 4
OURS, DEFAULT, LEAN, FLOOR = "sallyport", "kamailio_default", "kamailio_lean", "floor"


class Missing(Exception):
    """What cannot be measured here, and why."""


@dataclasses.dataclass
class Programs:
    """The builds that are measured and that measure."""

    sallyload: pathlib.Path
    floor: pathlib.Path
    sallyportd: pathlib.Path
    sallyctl: pathlib.Path


class Server:
    """A running server on a port of 127.0.0.1, with all processes of its session."""

    def __init__(self, name: str, command: list[str], port: int, folder: pathlib.Path) -> None:
        self.name, self.port, self.log = name, port, folder / f"{name}.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)

    def wait_until_up(self) -> None:
        end = time.monotonic() + START_SECONDS
        while not answers_tls(self.port):
            if self.process.poll() is not None or time.monotonic() > end:
                what = "runs, but nothing listens for SIP over TLS" if self.process.poll() is None else f"ended with {self.process.returncode}"
                self.stop()
                raise Missing(f"{self.name} {what}\n{tail(self.log)}".strip())
            time.sleep(0.1)

    def pids(self) -> list[int]:
        return [int(entry.name) for entry in pathlib.Path("/proc").iterdir()
                if entry.name.isdigit() and session_of(entry) == self.process.pid]

    def cpu_us(self) -> float:
        """Of all threads of all processes but the media workers, since they began."""
        total = 0
        for pid in self.pids():
            for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(OSError):
                    if not (thread / "comm").read_text().startswith(MEDIA_WORKER):
                        total += int((thread / "schedstat").read_text().split()[0])
        return total / 1000

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def session_of(process: pathlib.Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[3])
    except OSError:
        return 0


def tail(path: pathlib.Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])


def answers_tls(port: int) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_kamailio(name: str, manager: list[str], folder: pathlib.Path) -> Server:
    if shutil.which("kamailio") is None:
        raise Missing(f"{name}: the packages kamailio and kamailio-tls-modules are not installed")
    own = folder / name
    own.mkdir()
    port = free_port()
    (own / "kamailio.cfg").write_text(config.kamailio(port, own), encoding="utf-8")
    (own / "tls.cfg").write_text(config.kamailio_tls(folder), encoding="utf-8")
    command = ["kamailio", "-DD", "-E", "-f", str(own / "kamailio.cfg"), "-Y", str(own), "-m", "1024", "-M", "32", *manager]
    server = Server(name, command, port, folder)
    server.wait_until_up()
    return server


def start_floor(programs: Programs, folder: pathlib.Path) -> Server:
    port = free_port()
    server = Server(FLOOR, [str(programs.floor), str(folder / "server.crt"), str(folder / "server.key"), str(port)], port, folder)
    server.wait_until_up()
    return server


def start_sallyport(programs: Programs, folder: pathlib.Path) -> Server:
    port = free_port()
    own = folder / OURS
    own.mkdir()
    os.chmod(folder, 0o755)
    for path in (own, folder / "server.key"):
        os.chmod(path, 0o777 if path.is_dir() else 0o644)
    (own / "sallyport.toml").write_text(config.sallyport(port, own, folder), encoding="utf-8")
    server = Server(OURS, [str(programs.sallyportd), "--config", str(own / "sallyport.toml")], port, folder)
    server.wait_until_up()
    (own / "password").write_text(config.PASSWORD + "\n", encoding="utf-8")
    for number in range(USERS):
        done = subprocess.run([str(programs.sallyctl), "--socket", str(own / "run" / "admin.sock"), "user", "add", f"user{number}",
                               "--password-file", str(own / "password")], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            server.stop()
            raise Missing(f"{OURS}: a user cannot be added: {done.stderr.strip()}")
    return server


def run_load(programs: Programs, server: Server, arguments: list[str], folder: pathlib.Path) -> str | None:
    """Nothing, or why the load did not come back whole."""
    command = [str(programs.sallyload), *arguments, "--server", f"127.0.0.1:{server.port}", "--ca", str(folder / "ca.crt"),
               "--server-name", config.DOMAIN, "--domain", config.DOMAIN, "--users", f"0..{USERS - 1}", "--user-pattern", "user%d",
               "--password", config.PASSWORD, "--json", "-"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return None
    return (result.stdout + result.stderr).strip()[:400]


class Bench:
    """All servers, and what each round cost them."""

    def __init__(self, programs: Programs, folder: pathlib.Path) -> None:
        self.programs, self.folder = programs, folder
        self.servers: list[Server] = []
        self.samples: dict[tuple[str, str], list[float]] = {}
        self.missing: list[str] = []

    def start(self) -> None:
        for begin in (lambda: start_kamailio(DEFAULT, [], self.folder), lambda: start_kamailio(LEAN, ["-x", "fm", "-X", "fm"], self.folder),
                      lambda: start_floor(self.programs, self.folder), lambda: start_sallyport(self.programs, self.folder)):
            try:
                self.servers.append(begin())
            except Missing as reason:
                self.missing.append(str(reason))

    def stop(self) -> None:
        for server in self.servers:
            server.stop()

    def measure(self, load: str) -> None:
        arguments, count = LOADS[load]
        for turn in range(ROUNDS + 1):
            for server in list(self.servers):
                if load == "call" and server.name == FLOOR:
                    continue
                cost = self.one(server, load, arguments, count)
                if cost is not None and turn > 0:
                    self.samples.setdefault((load, server.name), []).append(cost)

    def one(self, server: Server, load: str, arguments: list[str], count: int) -> float | None:
        """Microseconds of CPU time for one transaction."""
        if (load, server.name) in self.samples and self.samples[load, server.name] == []:
            return None
        before = server.cpu_us()
        trouble = run_load(self.programs, server, arguments, self.folder)
        used = server.cpu_us() - before
        if trouble:
            self.missing.append(f"{server.name}: {load} did not come back whole: {trouble}")
            self.samples[load, server.name] = []  # not tried again
            return None
        print(f"  {load} {server.name}: {used / count:.1f} µs", file=sys.stderr, flush=True)
        return used / count

    def figures(self) -> dict[str, dict]:
        return conclude({key: values for key, values in self.samples.items() if len(values) == ROUNDS})


def conclude(samples: dict[tuple[str, str], list[float]]) -> dict[str, dict]:
    """Figures from what each round cost: absolute ones, and ours over the others' of the same round."""
    samples = dict(samples)
    if ("register", FLOOR) in samples:
        samples["call", FLOOR] = [FLOOR_REGISTRATIONS_PER_CALL * value for value in samples["register", FLOOR]]
    figures = {f"sip/{load}/{name}_us": figure(values, "us") for (load, name), values in samples.items()}
    for (load, name), values in samples.items():
        if name != OURS and (load, OURS) in samples:
            figures[f"sip/{load}/over_{name}"] = figure([ours / other for ours, other in zip(samples[load, OURS], values)], "ratio")
    return figures


def figure(values: list[float], unit: str) -> dict:
    quartiles = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return {"median": statistics.median(values), "spread": quartiles[2] - quartiles[0], "unit": unit}


def measure(programs: Programs, only: str) -> tuple[dict[str, dict], bool]:
    """The figures, and whether all that was asked for could be measured."""
    with tempfile.TemporaryDirectory(prefix="sallyport-bench-") as name:
        folder = pathlib.Path(name)
        config.make_certificates(folder)
        bench = Bench(programs, folder)
        try:
            bench.start()
            for load in LOADS:
                if f"sip/{load}/".startswith(only) or only.startswith(f"sip/{load}/"):
                    bench.measure(load)
        finally:
            bench.stop()
        for reason in bench.missing:
            print(f"bench: NOT MEASURED: {reason}", file=sys.stderr)
        return bench.figures(), not bench.missing
