# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces, veth pairs and processes of the demonstration, and their end."""

import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable

STATE = pathlib.Path("/run/sallyport-demo")


@dataclasses.dataclass
class Stage:
    """Everything that exists because of one demonstration. It is noted in a file, so that a later one can remove it."""

    name: str = dataclasses.field(default_factory=lambda: f"sp-demo-{os.getpid()}")
    folder: pathlib.Path = dataclasses.field(default_factory=lambda: pathlib.Path(tempfile.mkdtemp(prefix="sallyport-demo-")))
    processes: list[int] = dataclasses.field(default_factory=list)
    children: dict[int, subprocess.Popen] = dataclasses.field(default_factory=dict)

    def namespace(self, side: str) -> str:
        return f"{self.name}-{side[0]}"

    def note(self) -> None:
        STATE.mkdir(mode=0o700, exist_ok=True)
        what = {"folder": str(self.folder), "processes": self.processes, "owner": os.getpid()}
        (STATE / f"{self.name}.json").write_text(json.dumps(what))

    def build_network(self) -> None:
        """access (10.91.1.2) -- access0 (10.91.1.1) sallyport core0 (10.91.2.1) -- core (10.91.2.2)"""
        self.note()
        for side in ("access", "sallyport", "core"):
            ip("netns", "add", self.namespace(side))
            ip("-n", self.namespace(side), "link", "set", "lo", "up")
        for number, side in ((1, "access"), (2, "core")):
            ip("link", "add", f"{side}0", "netns", self.namespace("sallyport"), "type", "veth",
               "peer", "name", "media0", "netns", self.namespace(side))
            for namespace, device, host in (("sallyport", f"{side}0", 1), (side, "media0", 2)):
                ip("-n", self.namespace(namespace), "address", "add", f"10.91.{number}.{host}/24", "dev", device)
                ip("-n", self.namespace(namespace), "link", "set", device, "up")

    def inside(self, side: str, command: list[str]) -> list[str]:
        return ["ip", "netns", "exec", self.namespace(side), *command]

    def start(self, side: str, command: list[str], log: str) -> subprocess.Popen:
        """Starts a process in a namespace; it leads a group of its own."""
        with open(self.folder / log, "wb") as output:
            child = subprocess.Popen(self.inside(side, command), stdin=subprocess.DEVNULL, stdout=output,
                                     stderr=subprocess.STDOUT, start_new_session=True)
        self.processes.append(child.pid)
        self.children[child.pid] = child
        self.note()
        return child

    def run(self, side: str, command: list[str], seconds: float = 10) -> subprocess.CompletedProcess:
        return subprocess.run(self.inside(side, command), capture_output=True, text=True, timeout=seconds)

    def stop(self, child: subprocess.Popen, seconds: float = 5) -> int | None:
        """Asks a process to end; gives its status, or nothing if it had to be killed."""
        _signal_group(child.pid, signal.SIGTERM)
        try:
            return child.wait(seconds)
        except subprocess.TimeoutExpired:
            _signal_group(child.pid, signal.SIGKILL)
            child.wait()
            return None

    def remove(self) -> None:
        """Ends all processes and takes everything away. May be called at any point, also twice."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            alive = [pid for pid in self.processes if self._alive(pid)]
            for pid in alive:
                _signal_group(pid, number)
            wait_for(lambda: not any(self._alive(pid) for pid in alive), 3)
        for side in ("access", "sallyport", "core"):
            subprocess.run(["ip", "netns", "delete", self.namespace(side)], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(pathlib.Path("/run/dpdk") / self.name, ignore_errors=True)
        (STATE / f"{self.name}.json").unlink(missing_ok=True)

    def _alive(self, pid: int) -> bool:
        child = self.children.get(pid)
        if child is not None:
            return child.poll() is None
        # Not our child: one that an earlier demonstration left. A reused number would not be in our namespaces.
        names = [self.namespace(side) for side in ("access", "sallyport", "core")]
        return any(str(pid) in ip("netns", "pids", name, check=False).split() for name in names)


def stages_left() -> list[Stage]:
    """What earlier demonstrations left: kept on purpose, or because they were killed."""
    left = []
    for note in sorted(STATE.glob("sp-demo-*.json")) if STATE.exists() else []:
        what = json.loads(note.read_text())
        if not pathlib.Path(f"/proc/{what['owner']}").exists():
            left.append(Stage(note.stem, pathlib.Path(what["folder"]), what["processes"]))
    return left


def ip(*arguments: str, check: bool = True) -> str:
    """Runs ip(8); raises RuntimeError with its complaint."""
    result = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if check and result.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {result.stderr.strip()}")
    return result.stdout


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass
