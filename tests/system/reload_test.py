#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration and certificates are reloaded again and again while two thousand calls are up and more come: nothing is dropped."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2] / "tools")]

import daemon_test  # noqa: E402
from calls_test import CONFIGURATION, PASSWORD, free_port, owner, rewrite, until  # noqa: E402
from daemon_test import SKIPPED, Daemon, Failed, check  # noqa: E402
from demo_pki import Authority  # noqa: E402

CALLS_UP = 2000
TOTAL = 4000
RATE = 400
HOLD_S = 8
USERS = 2 * CALLS_UP


def add_users(daemon: Daemon) -> None:
    lines = "".join(json.dumps({"user": f"user{i:06d}", "password": PASSWORD}) + "\n" for i in range(USERS))
    result = daemon.ctl("user", "add", "--from", "-", text=lines)
    check("users are there", result.stdout == f"{USERS} users added, 0 refused\n", result.stdout + result.stderr)


def start_load(program: str, folder: pathlib.Path, port: int) -> subprocess.Popen:
    (folder / "password").write_text(PASSWORD + "\n")
    return subprocess.Popen([program, "call", "--server", f"127.0.0.1:{port}", "--ca", str(folder / "pki" / "ca.pem"), "--domain", "example.com",
                             "--users", f"0..{USERS - 1}", "--password-file", str(folder / "password"), "--connections", "40",
                             "--rate", str(RATE), "--total", str(TOTAL), "--concurrency", str(USERS // 2 + 500), "--hold-s", str(HOLD_S),
                             "--json", str(folder / "load.json")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run(program: str, control: str, loader: str, folder: pathlib.Path) -> None:
    ports = {"access": free_port(), "core": free_port()}
    authority = Authority(folder / "pki")

    def new_certificate() -> None:
        authority.issue("example.com")
        os.chown(folder / "pki" / "example.com.key", owner().pw_uid, owner().pw_gid)

    new_certificate()
    # Ports of calls that have just ended are not free at once, and a busy machine ends and begins many together.
    for old, new in (("timeout_s = 1", "timeout_s = 0"), ('ports = "30000-39999"', 'ports = "20000-59999"'), ("relays = 2100", "relays = 5000"), ('level = "debug"', 'level = "info"')):
        daemon_test.CONFIGURATION = daemon_test.CONFIGURATION.replace(old, new)
    daemon = Daemon(program, control, folder, CONFIGURATION.format(folder=folder, password=PASSWORD, **ports))
    try:
        add_users(daemon)
        load = start_load(loader, folder, ports["access"])
        until(f"{CALLS_UP} calls are up", lambda: load.poll() is not None or daemon.ask("status")["calls"] >= CALLS_UP)
        check("the load goes on", load.poll() is None, load.stdout.read() if load.poll() is not None else "")
        answered = daemon.ask("status")["calls_answered"]
        slowest = 0.0
        for round_number in range(5):
            rewrite(daemon, f"ring_s = {60 + round_number}", f"ring_s = {61 + round_number}")
            new_certificate()
            begin = time.monotonic()
            check("config reload", daemon.ask("config", "reload")["complete"])
            check("cert reload", daemon.ask("cert", "reload")["changed"] == [])  # the other one had it already
            slowest = max(slowest, time.monotonic() - begin)
            daemon.process.send_signal(signal.SIGHUP)
            until("calls come on", lambda seen=answered: load.poll() is not None or daemon.ask("status")["calls_answered"] > seen)
            answered = daemon.ask("status")["calls_answered"]
        print(f"      two reloads took at most {slowest * 1000:.0f} ms")
        output = load.communicate(timeout=120)[0]
        check("every call of the load was good", load.returncode == 0, output)
        status = daemon.ask("status")
        check("and the daemon has none that failed", status["calls_answered"] == TOTAL and status["calls_failed"] == 0, status)
        records = [json.loads(line) for line in (folder / "state" / "calls.jsonl").read_text(encoding="utf-8").splitlines()]
        check("all of them were ended by those who talked", len(records) == TOTAL and {record["ended_by"] for record in records} <= {"caller", "called"},
              {record.get("ended_by") for record in records})
        daemon.process.send_signal(signal.SIGTERM)
        check("SIGTERM ends it with 0", daemon.process.wait(daemon_test.PATIENCE_S) == 0, daemon.log()[-2000:])
    except Failed as failure:
        raise Failed(f"{failure}\n{daemon.log()[-3000:]}") from failure
    finally:
        if daemon.process.poll() is None:
            daemon.process.kill()
            daemon.process.wait()


def main() -> int:
    if os.geteuid() != 0:
        print("skipped: needs root")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="sallyport-reload-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o711)
        try:
            run(*sys.argv[1:4], folder)
        except Failed as failure:
            print(failure, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
