#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does the whole daemon need for an idle connection, for a call in progress and for a hundred thousand users, and how long does a call's set-up take?

    calls_bench.py SALLYPORTD SALLYCTL SALLYLOAD --figures FILE [--only PREFIX]
"""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "tools")]

import bench_kamailio_config as config  # noqa: E402
from bench_kamailio import Missing, Server, figure, free_port  # noqa: E402
from bench_program import run  # noqa: E402

PROGRAMS = ("sallyportd", "sallyctl", "sallyload")
IDLE, CALLS, USERS = 5000, 20000, 100000
# Once-only memory is paid by these before anything is looked at.
WARM_CALLS, WARM_CONNECTIONS = 500, 300
# After this long a call's set-up has left nothing behind: the last of its transactions (RFC 3261 §17, 64·T1) is gone.
SETTLED_SECONDS = 36
SETUP_ROUNDS, SETUP_CALLS, SETUP_RATE = 7, 75, 25
PATIENCE_SECONDS = 300

# Two relayed ports a leg, both legs on one side: 40 000 pairs.
MORE = """\
[limits]
relays = 50000
admin_pipeline = 4096
[policy.access]
media = "required"
"""
CHANGES = (
    ('addresses = ["192.0.2.1"]\nports = "30000-39999"', 'addresses = ["192.0.2.1", "192.0.2.2"]\nports = "10000-65535"'),
    ("memory_mb = 64\n", "memory_mb = 64\ntimeout_s = 0\n"),
)


class Daemon:
    """sallyportd, and loads for it."""

    def __init__(self, programs: dict[str, str], folder: pathlib.Path) -> None:
        self.programs, self.folder = programs, folder
        config.make_certificates(folder)
        own = folder / "own"
        own.mkdir()
        os.chmod(folder, 0o755)
        for path in (own, folder / "server.key"):
            os.chmod(path, 0o777 if path.is_dir() else 0o644)
        self.socket = own / "run" / "admin.sock"
        port = free_port()
        text = config.sallyport(port, own, folder) + MORE
        for old, new in CHANGES:
            if old not in text:
                raise Missing(f"the configuration has no {old!r}")
            text = text.replace(old, new)
        (own / "sallyport.toml").write_text(text, encoding="utf-8")
        self.server = Server("sallyport", [programs["sallyportd"], "--config", str(own / "sallyport.toml")], port, folder)
        self.server.wait_until_up()
        self.own_descriptors = self.descriptors()  # and perhaps that of the probe that found it up

    def add_users(self, count: int) -> None:
        lines = "".join(json.dumps({"user": f"user{number}", "password": config.PASSWORD}) + "\n" for number in range(count))
        done = subprocess.run(self.control("user", "add", "--from", "-"), input=lines, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Missing(f"users cannot be added: {(done.stderr or done.stdout)[-300:]}")

    def control(self, *words: str) -> list[str]:
        return [self.programs["sallyctl"], "--socket", str(self.socket), *words]

    def ask(self, *words: str) -> dict:
        return json.loads(subprocess.run(self.control(*words, "--json"), capture_output=True, text=True, check=True).stdout)

    def resident(self) -> int:
        fields = pathlib.Path(f"/proc/{self.server.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGESIZE")

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

    def connections(self) -> int:
        return self.descriptors() - self.own_descriptors

    def relay_bytes(self) -> float:
        """Of one relay in the media plane, as it accounts for itself."""
        return statistics.median(relay["memory_bytes"] for relay in self.ask("relay", "list", "--count", "100")["relays"])

    def load_command(self, users: int, *words: str) -> list[str]:
        return [self.programs["sallyload"], *words, "--server", f"127.0.0.1:{self.server.port}", "--ca", str(self.folder / "ca.crt"),
                "--server-name", config.DOMAIN, "--domain", config.DOMAIN, "--users", f"0..{users - 1}", "--user-pattern", "user%d",
                "--password", config.PASSWORD, "--json", "-"]

    def run(self, users: int, *words: str) -> dict:
        done = subprocess.run(self.load_command(users, *words), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Missing(f"sallyload {words[0]} did not come back whole: {(done.stdout + done.stderr)[-400:]}")
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def running(self, users: int, *words: str):
        """A load that goes on; it is ended without a word."""
        with open(self.folder / "load.log", "w", encoding="utf-8") as log:
            child = subprocess.Popen(self.load_command(users, *words), stdout=log, stderr=log)
        try:
            yield child
        finally:
            child.kill()
            child.wait()

    def wait_for(self, what: str, holds, load: subprocess.Popen | None = None) -> None:
        """Until it holds; not when a load that it takes has ended."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            if load and load.poll() is not None:
                raise Missing(f"{what}: the load ended: {(self.folder / 'load.log').read_text(encoding='utf-8')[-400:]}")
            if time.monotonic() > end:
                raise Missing(f"{what}: it takes too long")
            time.sleep(0.2)


def set_up_ms(daemon: Daemon) -> list[float]:
    """Medians of what a caller waits from its first INVITE to the 200, challenge included. The phones' own time is in it."""
    daemon.run(2 * SETUP_CALLS, "call", "--concurrency", "50", "--total", "500")
    return [daemon.run(20, "call", "--concurrency", "5", "--rate", str(SETUP_RATE), "--total", str(SETUP_CALLS))["latency_ms"]["call_setup"]["p50"]
            for _ in range(SETUP_ROUNDS)]


def idle_bytes(daemon: Daemon) -> float:
    """Growth for each connection that has registered a user and is idle. The users are registered before, too."""
    daemon.run(IDLE, "register", "--connections", "20", "--concurrency", "100", "--total", str(IDLE))
    daemon.run(WARM_CONNECTIONS, "register", "--concurrency", "50", "--total", str(WARM_CONNECTIONS))
    daemon.wait_for("the end of connections", lambda: daemon.connections() < IDLE // 100)
    before = daemon.resident()
    with daemon.running(IDLE, "register", "--concurrency", "50", "--rate", "400", "--total", str(100 * IDLE)) as load:
        daemon.wait_for("idle connections", lambda: daemon.connections() >= IDLE - 1, load)
        load.send_signal(signal.SIGSTOP)
        time.sleep(1)
        return (daemon.resident() - before) / IDLE


def calls_bytes(daemon: Daemon) -> dict[str, dict]:
    """Growth for each call in progress, without the media plane's part; and the whole process with all users registered, all calls up."""
    daemon.run(USERS, "register", "--connections", "50", "--concurrency", "200", "--total", str(USERS))
    daemon.run(2 * CALLS, "call", "--connections", "50", "--concurrency", "100", "--total", str(WARM_CALLS))
    before, answered = daemon.resident(), daemon.ask("status")["calls_answered"]
    with daemon.running(2 * CALLS, "call", "--connections", "50", "--concurrency", str(CALLS), "--total", str(CALLS), "--rate", "600",
                        "--hold-s", "3000") as load:
        daemon.wait_for(f"{CALLS} calls", lambda: daemon.ask("status")["calls_answered"] - answered >= CALLS, load)
        peak = daemon.resident()
        time.sleep(SETTLED_SECONDS)
        status = daemon.ask("status")
        if status["calls"] != CALLS or status["registrations"] != USERS or load.poll() is not None:
            raise Missing(f"of {CALLS} calls and {USERS} users, {status['calls']} and {status['registrations']} are there")
        relay = daemon.relay_bytes()
        settled = (daemon.resident() - before) / CALLS
        return {"memory/call_bytes": figure([settled - relay], "bytes"),
                "memory/call_bytes/set_up": figure([(peak - before) / CALLS - relay], "bytes"),
                "memory/call_bytes/media_plane": figure([relay], "bytes"),
                f"memory/users{USERS}_calls{CALLS}_bytes": figure([max(peak, daemon.resident())], "bytes")}


def measure(programs: dict[str, str], only: str) -> dict[str, dict]:
    def wanted(*names: str) -> bool:
        return any(name.startswith(only) for name in names)

    figures = {}
    with tempfile.TemporaryDirectory(prefix="sallyport-bench-") as name:
        daemon = Daemon(programs, pathlib.Path(name))
        try:
            daemon.add_users(USERS if wanted("memory/call_bytes", f"memory/users{USERS}_calls{CALLS}_bytes") else IDLE)
            if wanted("sip/call_setup_added_ms"):
                figures["sip/call_setup_added_ms"] = figure(set_up_ms(daemon), "ms")
            if wanted("memory/idle_tls_bytes"):
                figures["memory/idle_tls_bytes"] = figure([idle_bytes(daemon)], "bytes")
            if wanted("memory/call_bytes", f"memory/users{USERS}_calls{CALLS}_bytes"):
                figures |= calls_bytes(daemon)
        finally:
            daemon.server.stop()
    return figures


def figures(arguments: argparse.Namespace) -> dict[str, dict]:
    return measure({name: getattr(arguments, name) for name in PROGRAMS}, arguments.only)


if __name__ == "__main__":
    sys.exit(run(__doc__, PROGRAMS, figures, (Missing,)))
