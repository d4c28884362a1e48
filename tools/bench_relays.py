# SPDX-License-Identifier: GPL-3.0-or-later
"""Relays of SRTP calls, each in a stage of its own: Sallyport, rtpengine, and none at all; and the generator that sends through them.

A call has four keys: each party sends under one and receives under another, so that a relay must open and close every packet.
"""

import base64
import json
import os
import pathlib
import subprocess
from collections.abc import Iterable

import bench_ng
import demo_daemon
from demo_network import Stage, ip, wait_for

SUITE = "AES_CM_128_HMAC_SHA1_80"
SIDES = ("access", "core")
# Calls that share a socket of the generator: the relays tell them apart by their own ports.
CALLS_PER_SOCKET = 16
SOCKETS = 8
FIRST_PORT = 40000
NG_PORT = 22222
START_SECONDS = 20
GENERATOR_CORE, RELAY_CORE = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))

SALLYPORT = """\
[daemon]
admin_socket = "{socket}"
[log]
level = "warning"
[media]
workers = [{core}]
poll = "adaptive"
file_prefix = "{name}"
timeout_s = 0
[media.side.access]
attach = "shared"
device = "access0"
addresses = ["10.91.1.1"]
ports = "30000-39999"
[media.side.core]
attach = "shared"
device = "core0"
addresses = ["10.91.2.1"]
ports = "30000-39999"
"""


def draw_key() -> str:
    """Base64 of key and salt."""
    return base64.b64encode(os.urandom(30)).decode()


def port_of(call: int) -> int:
    """Where a call's parties are, each at its own address."""
    return FIRST_PORT + 2 * (call // CALLS_PER_SOCKET % SOCKETS)


class Relay:
    """What packets go through. `calls` are the generator's lines: of each party its port, where it sends, its send and receive key."""

    name = "direct"

    def __init__(self) -> None:
        self.stage = Stage(f"sp-bench-{self.name}-{os.getpid()}")
        self.process: subprocess.Popen | None = None
        self.calls: list[str] = []

    def start(self, calls: int) -> None:
        self.stage.build_network()
        self.stage.run("sallyport", ["sysctl", "-qw", "net.ipv4.ip_forward=1"])
        far = [self.stage.endpoint(side) for side in SIDES]
        for call in range(calls):
            there, back, port = draw_key(), draw_key(), port_of(call)
            self.calls.append(f"{port} {far[1]}:{port} {there} {back} {port} {far[0]}:{port} {back} {there}")

    def cpu_ns(self) -> int:
        """Of all its threads since they began."""
        if self.process is None:
            return 0
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir())

    def stop(self) -> None:
        self.stage.remove()


class Sallyport(Relay):
    """One worker on the relay's core, by AF_XDP on both veth pairs; relays are added by sallyctl."""

    name = "ours"

    def __init__(self, program: pathlib.Path, control: pathlib.Path) -> None:
        super().__init__()
        self.program, self.control = program, control

    def start(self, calls: int) -> None:
        self.stage.build_network()
        daemon = demo_daemon.Daemon(self.stage, self.program, self.control, SALLYPORT)
        daemon.wait_until_ready(START_SECONDS)
        self.process = daemon.process
        keys = [[draw_key() for _ in range(4)] for _ in range(calls)]
        legs = [{leg: {"side": side, "remote": f"{self.stage.endpoint(side)}:{port_of(call)}", "suite": SUITE, "receive_key": sent, "send_key": received}
                 for leg, side, sent, received in (("a", "access", *of[:2]), ("b", "core", *of[2:]))} for call, of in enumerate(keys)]
        done = subprocess.run(daemon.command_line("relay", "add", "--from", "-", "--json"), input="".join(json.dumps(relay) + "\n" for relay in legs),
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise demo_daemon.Failed(f"sallyctl relay add: {(done.stderr or done.stdout)[-400:]}")
        answers = sorted((json.loads(line) for line in done.stdout.splitlines()), key=lambda answer: answer["id"])
        for call, (answer, of) in enumerate(zip(answers, keys, strict=True)):
            ours = [f"{answer['result'][leg]['address']}:{answer['result'][leg]['rtp']}" for leg in ("a", "b")]
            self.calls.append(f"{port_of(call)} {ours[0]} {of[0]} {of[1]} {port_of(call)} {ours[1]} {of[2]} {of[3]}")


class Rtpengine(Relay):
    """One thread on the relay's core, in user space: no kernel table."""

    name = "rtpengine"

    def start(self, calls: int) -> None:
        self.stage.build_network()
        command = ["rtpengine", "--foreground", "--log-stderr", "--log-level=3", "--table=-1", "--num-threads=1", f"--listen-ng=127.0.0.1:{NG_PORT}",
                   *(f"--interface={side}/{self.stage.address(side)}" for side in SIDES), "--port-min=30000", "--port-max=39999",
                   "--timeout=36000", "--silent-timeout=36000"]  # or calls end that wait for their turn
        pinned = ["taskset", "-c", str(RELAY_CORE), "sh", "-c", 'ulimit -n 20000; exec "$@"', "sh", *command]
        self.process = self.stage.start("sallyport", pinned, "rtpengine.log")
        with self.stage.sockets_of("sallyport"):
            client = bench_ng.NgClient(("127.0.0.1", NG_PORT))
        if not wait_for(lambda: self._answers(client), START_SECONDS):
            raise demo_daemon.Failed("rtpengine did not come up:\n" + (self.stage.folder / "rtpengine.log").read_text(errors="replace")[-2000:])
        self.calls = [self._set_up(client, call) for call in range(calls)]

    def _answers(self, client: bench_ng.NgClient) -> bool:
        try:
            return client.ask("ping")["result"] == "pong"
        except bench_ng.Refused:
            return False

    def _set_up(self, client: bench_ng.NgClient, call: int) -> str:
        """This version hands a party's key on to the other party when both have the same suite, and then opens nothing. Here it cannot: of two keys of
        the suite that are offered it takes the first and hands on the second, and in a re-offer what it has told the offerer stays, whatever
        the new answer's key."""
        port, offered, answered = port_of(call), [draw_key(), draw_key()], [draw_key(), draw_key()]
        names = {"call_id": f"bench{call}", "from_tag": "access", "flags": ["trust-address"]}
        for again, key in zip(({}, {"to_tag": "core"}), answered, strict=True):
            offer = client.ask("offer", sdp=self._describe("access", port, enumerate(offered, 1)), direction=list(SIDES), **names, **again)
            told_core = read_description(offer["sdp"], 2)
            answer = client.ask("answer", sdp=self._describe("core", port, [(2, key)]), to_tag="core", **names)
            told_access = read_description(answer["sdp"], 1)
        if len({offered[0], told_core[1], answered[1], told_access[1]}) != 4:
            raise demo_daemon.Failed("rtpengine hands keys on instead of having its own on each leg")
        return f"{port} {told_access[0]} {offered[0]} {told_access[1]} {port} {told_core[0]} {answered[1]} {told_core[1]}"

    def _describe(self, side: str, port: int, keys: Iterable[tuple[int, str]]) -> str:
        address = self.stage.endpoint(side)
        return "\r\n".join(("v=0", f"o=- 1 1 IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0", f"m=audio {port} RTP/SAVP 0",
                            *(f"a=crypto:{tag} {SUITE} inline:{key}" for tag, key in keys), ""))


def read_description(sdp: str, tag: int) -> tuple[str, str]:
    """Where media goes, and the key of this tag. Raises demo_daemon.Failed where there is none."""
    lines = sdp.split("\r\n")
    address = next(line.split()[-1] for line in lines if line.startswith("c="))
    port = next(line.split()[1] for line in lines if line.startswith("m="))
    for line in lines:
        if line.startswith(f"a=crypto:{tag} {SUITE} inline:"):
            return f"{address}:{port}", line.partition("inline:")[2].partition("|")[0]
    raise demo_daemon.Failed(f"a description without {SUITE} under tag {tag}:\n{sdp}")


class Generator:
    """The program that sends and receives, on a core of its own."""

    def __init__(self, program: pathlib.Path, relay: Relay) -> None:
        calls = relay.stage.folder / "calls"
        calls.write_text("\n".join(relay.calls) + "\n")
        os.chmod(calls, 0o600)
        ends = [word for side in SIDES for word in (relay.stage.namespace(side), relay.stage.endpoint(side))]
        self.process = subprocess.Popen([str(program), str(GENERATOR_CORE), str(calls), *ends], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._read()

    def ask(self, command: str) -> dict:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self) -> dict:
        line = self.process.stdout.readline()
        told = json.loads(line) if line else {"error": f"it ended with {self.process.wait()}"}
        if "error" in told:
            raise demo_daemon.Failed(f"srtp_generator: {told['error']}")
        return told

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait()
