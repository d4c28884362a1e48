#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""sallyportd on veth interfaces by AF_XDP, without root's privileges once it runs: packets relayed, latched, captured, banned;
a neighbour found through the kernel, and an interface that disappears. Prints one line a check."""

import ctypes
import json
import os
import pathlib
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 30
SKIPPED = 77
NET = f"sp{os.getpid()}"

CONFIGURATION = """\
[daemon]
admin_socket = "{folder}/run/admin.sock"
[media]
workers = [{core}]
huge_pages = "off"
memory_mb = 64
file_prefix = "{net}"
[media.side.access]
device = "access0"
addresses = ["10.91.1.1"]
ports = "30000-30999"
[media.side.core]
device = "core0"
addresses = ["10.91.2.1"]
ports = "30000-30999"
[debug]
capture_directory = "{folder}/captures"
"""


class Failed(Exception):
    """A check that did not hold."""


def check(what: str, holds: bool, seen: object = "") -> None:
    print(("ok    " if holds else "FAIL  ") + what, flush=True)
    if not holds:
        raise Failed(f"{what}: {seen}")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=PATIENCE_S)


class Network:
    """An access side, Sallyport and a core side, each in a namespace of its own."""

    def __enter__(self):
        for name in ("a", "s", "c"):
            ip("netns", "add", NET + name)
        for side, far, net in (("access0", "a", "1"), ("core0", "c", "2")):
            ip("link", "add", side, "netns", NET + "s", "type", "veth", "peer", "name", "far0", "netns", NET + far)
            ip("-n", NET + "s", "addr", "add", f"10.91.{net}.1/24", "dev", side)
            ip("-n", NET + far, "addr", "add", f"10.91.{net}.2/24", "dev", "far0")
            ip("-n", NET + "s", "link", "set", side, "up")
            ip("-n", NET + far, "link", "set", "far0", "up")
        return self

    def __exit__(self, *_):
        for name in ("a", "s", "c"):
            subprocess.run(["ip", "netns", "del", NET + name], check=False, timeout=PATIENCE_S)


class Peer:
    """A media endpoint: a UDP socket in a namespace."""

    def __init__(self, namespace: str, address: str, port: int) -> None:
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        libc_setns(there)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        libc_setns(own)
        os.close(own)
        os.close(there)
        self.socket.bind((address, port))
        self.sequence = 0

    def send(self, to: tuple[str, int]) -> bytes:
        self.sequence += 1
        packet = struct.pack("!BBHII", 0x80, 0, self.sequence, self.sequence * 160, 0x53505254) + os.urandom(160)
        self.socket.sendto(packet, to)
        return packet

    def received(self, seconds: float) -> bytes | None:
        return self.socket.recv(2000) if select.select([self.socket], [], [], seconds)[0] else None


def libc_setns(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, 0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Daemon:
    """sallyportd in its namespace."""

    def __init__(self, program: str, control: str, folder: pathlib.Path) -> None:
        self.control, self.folder, self.log_path = control, folder, folder / "log"
        config = folder / "sallyport.toml"
        config.write_text(CONFIGURATION.format(folder=folder, net=NET, core=max(os.sched_getaffinity(0))))
        # A namespace entered this way has no /sys/fs/bpf, where AF_XDP keeps its maps.
        mounted = 'mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf; exec "$@"'
        with open(self.log_path, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(["ip", "netns", "exec", NET + "s", "sh", "-c", mounted, "sh", program, "--config", str(config)],
                                            stderr=log, stdout=log)
        self.wait_for("event=daemon.ready")

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while text not in self.log():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failed(f"'{text}' did not appear:\n{self.log()}")
            select.select([], [], [], 0.05)

    def ask(self, *words: str) -> dict:
        result = subprocess.run([self.control, "--socket", f"{self.folder}/run/admin.sock", "--json", *words], capture_output=True,
                                text=True, timeout=PATIENCE_S, check=False)
        if result.returncode != 0:
            raise Failed(f"sallyctl {' '.join(words)}: {result.stderr}")
        return json.loads(result.stdout)


def address(added: dict, leg: str) -> tuple[str, int]:
    return added[leg]["address"], added[leg]["rtp"]


def arrives(sender: Peer, to: tuple[str, int], receiver: Peer) -> bool:
    """Whether a packet comes through before patience ends: the first may be lost while neighbours are looked for."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        sent = sender.send(to)
        got = receiver.received(0.2)
        if got is not None and got[12:] == sent[12:]:
            return True
    return False


def relaying(daemon: Daemon, access: Peer, core: Peer) -> None:
    added = daemon.ask("relay", "add", "--a", "side=access,remote=10.91.1.2:40000", "--b", "side=core,policy=latch,signalling-peer=10.91.2.2")
    relay = str(added["relay"])
    check("an address that is not known yet gets nothing", daemon.ask("relay", "show", relay)["b"]["remote"] is None)
    capture = daemon.ask("capture", "start", relay, "b")
    check("a packet from the core reaches the access side", arrives(core, address(added, "b"), access))
    daemon.wait_for("event=relay.latched relay=1 leg=b component=rtp remote=10.91.2.2:50000")
    check("and after latching one goes back", arrives(access, address(added, "a"), core))
    shown = daemon.ask("relay", "show", relay)
    check("the leg latched and is reachable", shown["b"]["latched"] and shown["b"]["reachable"], shown["b"])
    stopped = daemon.ask("capture", "stop", str(capture["capture"]))
    octets = pathlib.Path(stopped["file"]).read_bytes()
    check("the capture holds what the core sent", stopped["packets"] >= 1 and len(octets) == stopped["bytes"] == 24 + stopped["packets"] * (16 + 28 + 172))
    daemon.ask("ban", "10.91.1.2")
    while core.received(0.2) is not None:
        pass
    before = daemon.ask("worker", "list")["workers"][0]["received"]
    for _ in range(20):
        access.send(address(added, "a"))
    check("a banned source gets nothing through", core.received(1) is None)
    check("and costs the worker nothing", daemon.ask("worker", "list")["workers"][0]["received"] == before)
    daemon.ask("unban", "10.91.1.2")
    check("until it is let in again", arrives(access, address(added, "a"), core))


def disappearing(daemon: Daemon, access: Peer) -> None:
    ip("-n", NET + "s", "link", "del", "core0")
    daemon.wait_for("event=port.down port=core")
    added = daemon.ask("relay", "add", "--a", "side=access,remote=10.91.1.2:40000", "--b", "side=access,remote=10.91.1.2:40002")
    second = Peer(NET + "a", "10.91.1.2", 40002)
    check("without its core interface the access side goes on", arrives(access, address(added, "a"), second))
    check("the port is shown as down", [port["link"] for port in daemon.ask("port", "list")["ports"]] == ["up", "down"])


def main() -> int:
    program, control = (os.path.abspath(path) for path in sys.argv[1:3])
    if os.geteuid() != 0:
        print("skipped: needs root")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="sallyport-network-") as name, Network():
        folder = pathlib.Path(name)
        folder.chmod(0o711)
        daemon = None
        try:
            daemon = Daemon(program, control, folder)
            access, core = Peer(NET + "a", "10.91.1.2", 40000), Peer(NET + "c", "10.91.2.2", 50000)
            relaying(daemon, access, core)
            disappearing(daemon, access)
            daemon.process.send_signal(signal.SIGTERM)
            check("SIGTERM ends it with 0", daemon.process.wait(PATIENCE_S) == 0, daemon.log()[-2000:])
        except Failed as failure:
            print(failure, file=sys.stderr)
            if daemon is not None:
                print(daemon.log()[-3000:], file=sys.stderr)
            return 1
        finally:
            if daemon is not None and daemon.process.poll() is None:
                daemon.process.kill()
                daemon.process.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
