# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces, veth pairs and processes of a demonstration, and their end."""

import contextlib
import ctypes
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator

STATE = pathlib.Path("/run/sallyport-demo")
CLONE_NEWNET = 0x40000000
# What runs on a stage has packets to send and to take in time; compilers and tests beside it have not.
NICENESS = -10
# `ip netns exec` gives each command mounts of its own, where the files named first take the place of the system's.
WITH_NAMES = 'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"'


@dataclasses.dataclass
class Stage:
    """Everything that exists because of one demonstration. It is noted in a file, so that a later one can remove it."""

    name: str = dataclasses.field(default_factory=lambda: f"sp-demo-{os.getpid()}")
    folder: pathlib.Path = dataclasses.field(default_factory=lambda: pathlib.Path(tempfile.mkdtemp(prefix="sallyport-demo-")))
    processes: list[int] = dataclasses.field(default_factory=list)
    children: dict[int, subprocess.Popen] = dataclasses.field(default_factory=dict)
    sides: tuple[str, ...] = ("access", "core")
    outside: str = ""  # the side whose endpoint is this machine itself, as seen from outside of all namespaces

    def namespace(self, side: str) -> str:
        return f"{self.name}-{side}"

    def address(self, side: str) -> str:
        """Where Sallyport is on a side."""
        return f"10.91.{self.sides.index(side) + 1}.1"

    def endpoint(self, side: str) -> str:
        """Where a side's endpoints are."""
        return f"10.91.{self.sides.index(side) + 1}.2"

    def note(self) -> None:
        STATE.mkdir(mode=0o700, exist_ok=True)
        what = {"folder": str(self.folder), "processes": self.processes, "owner": os.getpid(), "sides": self.sides, "outside": self.outside}
        (STATE / f"{self.name}.json").write_text(json.dumps(what))

    def build_network(self) -> None:
        """access (10.91.1.2) -- access0 (10.91.1.1) sallyport core0 (10.91.2.1) -- core (10.91.2.2)"""
        self.note()
        for name in self._namespaces():
            ip("netns", "add", self.namespace(name))
            ip("-n", self.namespace(name), "link", "set", "lo", "up")
        for side in self.sides:
            if side == self.outside:
                self._connect_outside()
                continue
            ip("link", "add", f"{side}0", "netns", self.namespace("sallyport"), "type", "veth",
               "peer", "name", "media0", "netns", self.namespace(side))
            self._set_up(self.namespace("sallyport"), f"{side}0", self.address(side))
            self._set_up(self.namespace(side), "media0", self.endpoint(side))
            # linphone takes a host without a default route for one without a network, and drops its connections.
            ip("-n", self.namespace(side), "route", "add", "default", "via", self.address(side))

    def _connect_outside(self) -> None:
        side, network = self.outside, f"{self.address(self.outside)}/24"
        if ip("-4", "-o", "address", "show", "to", network):
            raise RuntimeError(f"this machine has an address in {network} already: by another demonstration? tools/demo --stop takes away what one left")
        # By our process, since the namespace that we are in need not have a name.
        ip("link", "add", f"{side}0", "netns", self.namespace("sallyport"), "type", "veth", "peer", "name", self.name, "netns", str(os.getpid()))
        self._set_up(self.namespace("sallyport"), f"{side}0", self.address(side))
        self._set_up("", self.name, self.endpoint(side))

    def _set_up(self, namespace: str, device: str, address: str) -> None:
        where = ["-n", namespace] if namespace else []
        ip(*where, "address", "add", f"{address}/24", "dev", device)
        ip(*where, "link", "set", device, "up")

    def _namespaces(self) -> list[str]:
        return ["sallyport", *(side for side in self.sides if side != self.outside)]

    def name_border(self, name: str) -> None:
        """On every side, `name` is Sallyport's address there."""
        # Nobody answers there, and that at once: resolvers that ask beside /etc/hosts do not wait.
        self._names("dns").write_text("nameserver 127.0.0.1\n")
        for side in self.sides:
            self._names(side).write_text(f"127.0.0.1 localhost\n{self.address(side)} {name}\n{self.endpoint(side)} {socket.gethostname()}\n")

    def _names(self, what: str) -> pathlib.Path:
        return self.folder / f"names-{what}"

    def inside(self, side: str, command: list[str]) -> list[str]:
        hosts = self._names(side)
        named = ["sh", "-c", WITH_NAMES, "sh", str(hosts), str(self._names("dns"))] if hosts.exists() else []
        return ["ip", "netns", "exec", self.namespace(side), *named, *command]

    def start(self, side: str, command: list[str], log: str, stdin: pathlib.Path = pathlib.Path(os.devnull)) -> subprocess.Popen:
        """Starts a process in a namespace; it leads a group of its own. A pipe as `stdin` never ends for it: it holds both ends."""
        with open(self.folder / log, "wb") as output, open(stdin, "r+b", buffering=0) as commands:
            child = subprocess.Popen(self.inside(side, command), stdin=commands, stdout=output, stderr=subprocess.STDOUT,
                                     start_new_session=True)
        prefer(child.pid, NICENESS)
        self.processes.append(child.pid)
        self.children[child.pid] = child
        self.note()
        return child

    def run(self, side: str, command: list[str], seconds: float = 10) -> subprocess.CompletedProcess:
        return subprocess.run(self.inside(side, command), capture_output=True, text=True, timeout=seconds)

    @contextlib.contextmanager
    def sockets_of(self, side: str) -> Iterator[None]:
        """Sockets made within belong to the namespace of that side."""
        own, there = (os.open(path, os.O_RDONLY) for path in ("/proc/self/ns/net", f"/run/netns/{self.namespace(side)}"))
        try:
            _enter_network(there)
            try:
                yield
            finally:
                _enter_network(own)
        finally:
            os.close(own)
            os.close(there)

    def connect(self, side: str, address: tuple[str, int], seconds: float = 5) -> socket.socket:
        with self.sockets_of(side):
            return socket.create_connection(address, seconds)

    def stop(self, child: subprocess.Popen, seconds: float = 5) -> int | None:
        """Asks a process to end; gives its status, or nothing if it had to be killed."""
        _signal_group(child.pid, signal.SIGTERM)
        try:
            return child.wait(seconds)
        except subprocess.TimeoutExpired:
            _signal_group(child.pid, signal.SIGKILL)
            child.wait()
            return None

    def kill(self, child: subprocess.Popen) -> None:
        """Ends a process without a word."""
        _signal_group(child.pid, signal.SIGKILL)
        child.wait()

    def remove(self) -> None:
        """Ends all processes and takes everything away. May be called at any point, also twice."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            alive = [pid for pid in self.processes if self._alive(pid)]
            for pid in alive:
                _signal_group(pid, number)
            wait_for(lambda: not any(self._alive(pid) for pid in alive), 3)
        if self.outside:
            subprocess.run(["ip", "link", "delete", self.name], stderr=subprocess.DEVNULL)  # at once; a namespace takes its devices along later
        for name in self._namespaces():
            subprocess.run(["ip", "netns", "delete", self.namespace(name)], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(pathlib.Path("/run/dpdk") / self.name, ignore_errors=True)
        (STATE / f"{self.name}.json").unlink(missing_ok=True)

    def _alive(self, pid: int) -> bool:
        child = self.children.get(pid)
        if child is not None:
            return child.poll() is None
        # Not our child: one that an earlier demonstration left. A reused number would not be in our namespaces.
        return any(str(pid) in ip("netns", "pids", self.namespace(name), check=False).split() for name in self._namespaces())


def stages_left() -> list[Stage]:
    """What earlier demonstrations left: kept on purpose, or because they were killed."""
    left = []
    for note in sorted(STATE.glob("sp-demo-*.json")) if STATE.exists() else []:
        what = json.loads(note.read_text())
        if not pathlib.Path(f"/proc/{what['owner']}").exists():
            left.append(Stage(note.stem, pathlib.Path(what["folder"]), what["processes"], sides=tuple(what["sides"]), outside=what.get("outside", "")))
    return left


def ip(*arguments: str, check: bool = True) -> str:
    """Runs ip(8); raises RuntimeError with its complaint."""
    result = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if check and result.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {result.stderr.strip()}")
    return result.stdout


def prefer(pid: int, niceness: int) -> None:
    """A process, and what it starts from now on, comes before others; by its session too, for the kernel weighs sessions against
    each other (sched(7), autogroup). Where that is not allowed, nothing happens."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
        pathlib.Path(f"/proc/{pid}/autogroup").write_text(str(niceness))


def stolen_ms(core: int | None = None) -> int:
    """How long, since the machine began, its host ran others while a core, or any, had work (proc(5), /proc/stat)."""
    line = "cpu" if core is None else f"cpu{core}"
    counted = next(fields for fields in map(str.split, pathlib.Path("/proc/stat").read_text().splitlines()) if fields[0] == line)
    return int(counted[8]) * 1000 // os.sysconf("SC_CLK_TCK")


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def let_pass(seconds: float) -> None:
    """For claims that something does not happen, which only time can show; what is to happen is waited for."""
    time.sleep(seconds)


def _enter_network(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass
