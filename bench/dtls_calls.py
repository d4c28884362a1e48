# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls by DTLS-SRTP that sallyload makes through the whole daemon over AF_XDP on veth: what benches of handshakes stand on."""

import json
import os
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "interop")]

import phone_call  # noqa: E402
from border import Border, CaseFailed, check  # noqa: E402
from demo_daemon import Failed  # noqa: E402
from demo_network import Stage, ip, stolen_ms, wait_for  # noqa: E402
from matrix_test import PORTS, SIDES, listeners  # noqa: E402

TROUBLES = (CaseFailed, Failed, RuntimeError, OSError, subprocess.SubprocessError)
PATIENCE_SECONDS = 60
FIRST, SECOND = -20, -15  # nicenesses: of the daemon, and of those that load it
ICE_PORT = 5111
# One host is all phones here: what is allowed to one source is what is allowed to all.
MORE = f"""
[sip.listener.access-ice]
side = "access"
transport = "tls"
address = "10.91.1.1:{ICE_PORT}"
certificates = ["example"]
[sip.listener.access-ice.media]
keys = ["dtls"]
offer_mux = true
ice = "offer"
[calls]
calls_per_second = 0
[keying]
dtls_handshakes_per_source = 4096
[sip.limits]
handshakes_per_source = 8192
connections_per_source = 100000
messages_per_second = 1000000
"""


def put_session_first(pid: int, niceness: int) -> None:
    """Where the kernel shares cores among sessions first, a process's own niceness says nothing to others'."""
    group = pathlib.Path(f"/proc/{pid}/autogroup")
    if group.exists():
        group.write_text(str(niceness))


class Load:
    """One sallyload on the access side: `calls` calls that begin at `rate` and last until it is told to end."""

    def __init__(self, stand: "Stand", name: str, calls: int, rate: int, first_user: int, first_port: int, *words: str) -> None:
        self._stage, self._log, self._results = stand.stage, f"{name}.log", stand.stage.folder / f"{name}.json"
        address = stand.stage.address("access")
        port = ICE_PORT if "--ice" in words else PORTS["dtls"]
        command = [stand.sallyload, "call", "--server", f"{address}:{port}", "--ca", str(stand.border.authority.certificate),
                   "--domain", phone_call.DOMAIN, "--local", stand.stage.endpoint("access"), "--password", phone_call.PASSWORD,
                   "--users", f"{first_user}..{first_user + 2 * calls - 1}", "--user-pattern", "user%d", "--connections", "20",
                   "--media", "dtls", "--media-ports", f"{first_port}-{first_port + 4 * calls + 99}", "--hold-s", "3600",
                   "--total", str(calls), "--concurrency", str(calls), "--rate", str(rate), "--json", str(self._results), *words]
        self.process = stand.start_beside_worker(command, self._log)

    def ended(self) -> bool:
        return self.process.poll() is not None

    def text(self) -> str:
        return (self._stage.folder / self._log).read_text(errors="replace")[-800:]

    def end(self) -> dict:
        """Lets its calls end, and gives what it found."""
        if not self.ended():
            os.kill(self.process.pid, signal.SIGINT)
        self.process.wait(PATIENCE_SECONDS)
        return json.loads(self._results.read_text())


class Stand:
    """The daemon, its users, and the network around it."""

    def __init__(self, sallyportd: str, sallyctl: str, sallyload: str, users: int) -> None:
        self.sallyload = str(pathlib.Path(sallyload).resolve())
        self.stage = Stage(sides=SIDES)
        try:
            self.border = Border(self.stage, sallyportd, sallyctl, more=listeners(["dtls"]) + MORE)
            lines = "".join(json.dumps({"user": f"user{number}", "password": phone_call.PASSWORD}) + "\n" for number in range(users))
            subprocess.run(self.border.daemon.command_line("user", "add", "--from", "-"), input=lines, text=True, check=True,
                           capture_output=True, timeout=PATIENCE_SECONDS)
            self._lengthen_wire()
            self._give_core_to_worker()
        except BaseException:
            self.stage.remove()
            raise

    def _lengthen_wire(self) -> None:
        """A veth holds 256 packets, and loses what comes while the kernel is late unless there is a queue before it."""
        subprocess.run(["tc", "-n", self.stage.namespace("access"), "qdisc", "replace", "dev", "media0", "root", "pfifo", "limit", "20000"],
                       check=True, capture_output=True)

    def _give_core_to_worker(self) -> None:
        """As it would have one on a machine that relays: whoever loads the daemon is elsewhere, and all others come after it."""
        cores, self._worker = os.sched_getaffinity(0), self.border.daemon.process.pid
        self._others = ",".join(map(str, sorted(cores - {max(cores)}))) or "0"
        for thread in map(int, os.listdir(f"/proc/{self.border.daemon.process.pid}/task")):
            if len(cores) > 1 and os.sched_getaffinity(thread) == {max(cores)}:
                os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(1))
                self._worker = thread
        put_session_first(self.border.daemon.process.pid, FIRST)

    def start_beside_worker(self, command: list[str], log: str) -> subprocess.Popen:
        """On the access side, on the other cores."""
        child = self.stage.start("access", ["taskset", "-c", self._others, *command], log)
        put_session_first(child.pid, SECOND)
        return child

    def __enter__(self) -> "Stand":
        return self

    def __exit__(self, *_: object) -> None:
        self.stage.remove()

    def ask(self, *words: str) -> dict:
        return self.border.daemon.ask(*words)

    def relays(self) -> list[dict]:
        return self.ask("relay", "list", "--count", "10000")["relays"]

    def resident(self) -> int:
        """Octets of memory that the daemon holds."""
        return int(pathlib.Path(f"/proc/{self.border.daemon.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    def losses(self) -> dict[str, int]:
        """Where packets were lost so far, and how long the worker wanted its core while a program here or, as far as this machine
        knows, another machine on its host had it."""
        return {"relays": sum(relay[leg]["received"]["lost"] for relay in self.relays() for leg in "ab"), "rings": self.missed(),
                "wire": self._dropped(), "waited_ms": self._waited_ms(), "stolen_ms": stolen_ms(max(os.sched_getaffinity(0)))}

    def processor_ms(self) -> dict[str, int]:
        """Of the daemon's threads."""
        threads = pathlib.Path(f"/proc/{self.border.daemon.process.pid}/task").iterdir()
        return {f"{(thread / 'comm').read_text().strip()}-{thread.name}": int((thread / "schedstat").read_text().split()[0]) // 1_000_000
                for thread in threads}

    def _waited_ms(self) -> int:
        thread = pathlib.Path(f"/proc/{self.border.daemon.process.pid}/task/{self._worker}")
        return int((thread / "schedstat").read_text().split()[1]) // 1_000_000

    def _dropped(self) -> int:
        """Packets that the veth pair lost on the way to the daemon: they never were its own."""
        shown = json.loads(ip("-j", "-s", "-n", self.stage.namespace("access"), "link", "show", "dev", "media0"))
        return shown[0]["stats64"]["tx"]["dropped"]

    def missed(self) -> int:
        """Packets for which the rings between the kernel and a worker had no room."""
        return sum(port["missed"] + port["no_buffer"] for port in self.ask("port", "list")["ports"])

    def wait_until_flowing(self, calls: int, *loads: Load) -> None:
        """Until media of so many calls passes in both directions."""
        def flowing() -> bool:
            return sum(all(relay[leg]["received"]["rtp_forwarded"] > 0 for leg in "ab") for relay in self.relays()) >= calls
        wait_for(lambda: any(load.ended() for load in loads) or flowing(), PATIENCE_SECONDS)
        check(f"media of {calls} calls flows", flowing(), *(load.text() for load in loads), self.border.daemon.log())


def lost(results: dict) -> int:
    """Packets that an end sent and the other did not get, without those before a relay had keys."""
    media = results["media"]
    return sum(media[name] for name in ("lost", "wrong", "unopened", "not_sent"))
