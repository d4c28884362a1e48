# SPDX-License-Identifier: GPL-3.0-or-later
"""sallyportd in its namespace, and sallyctl to speak with it."""

import json
import os
import pathlib
import subprocess

from demo_endpoints import Endpoint, text
from demo_network import Stage, wait_for

CONFIGURATION = """\
[daemon]
admin_socket = "{socket}"

[media]
workers = [{core}]
poll = "adaptive"
huge_pages = "off"
file_prefix = "{name}"

[media.side.access]
attach = "shared"
device = "access0"
addresses = ["10.91.1.1"]
ports = "30000-30999"

[media.side.core]
attach = "shared"
device = "core0"
addresses = ["10.91.2.1"]
ports = "30000-30999"
"""


class Failed(Exception):
    """Something that the demonstration needs did not happen; the text says what."""


class Daemon:
    """A running sallyportd. Configuration, socket and log are in the stage's folder."""

    def __init__(self, stage: Stage, program: pathlib.Path, control: pathlib.Path) -> None:
        self._stage, self._control = stage, control
        self._socket = stage.folder / "run" / "admin.sock"
        self._socket.parent.mkdir(mode=0o755)
        os.chmod(stage.folder, 0o711)  # the daemon gives its privileges up and must still reach its socket
        config = stage.folder / "sallyport.toml"
        core = max(os.sched_getaffinity(0))
        config.write_text(CONFIGURATION.format(socket=self._socket, core=core, name=stage.name))
        # `ip netns exec` hides /sys/fs/bpf, and AF_XDP wants its maps there.
        mounted = 'mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf; exec "$@"'
        self.process = stage.start("sallyport", ["sh", "-c", mounted, "sh", str(program), "--config", str(config)], "daemon.log")

    def wait_until_ready(self, seconds: float = 20) -> None:
        ready = wait_for(lambda: self.process.poll() is not None or self._answers(), seconds)
        if not ready or self.process.poll() is not None:
            raise Failed("sallyportd did not come up:\n" + self.log())

    def log(self) -> str:
        return (self._stage.folder / "daemon.log").read_text(errors="replace")[-4000:]

    def command_line(self, *words: str) -> list[str]:
        return [str(self._control), "--socket", str(self._socket), *words]

    def control(self, *words: str, given: str | None = None) -> str:
        """What `sallyctl` prints; raises Failed with its complaint."""
        result = subprocess.run(self.command_line(*words), input=given, capture_output=True, text=True, timeout=20)
        if result.returncode != 0:
            raise Failed(f"sallyctl {words[0]} {words[1] if len(words) > 1 else ''}: {result.stderr.strip() or result.stdout.strip()}")
        return result.stdout

    def ask(self, *words: str) -> dict:
        return json.loads(self.control(*words, "--json"))

    def add_relay(self, label: str, access: Endpoint, core: Endpoint, latch_access: bool = False) -> dict:
        """Relays a call between two endpoints, each leg with its own suite and keys."""
        words = ["relay", "add", "--label", label]
        for leg, end, latch in (("a", access, latch_access), ("b", core, False)):
            words += [f"--{leg}-side", end.side, f"--{leg}-suite", end.suite,
                      # What the endpoint sends with is what this leg receives with.
                      f"--{leg}-send-key", text(end.receive_key), f"--{leg}-receive-key", text(end.send_key)]
            words += [f"--{leg}-policy", "latch"] if latch else [f"--{leg}-remote", end.remote]
        return self.ask(*words)

    def _answers(self) -> bool:
        return self._socket.exists() and subprocess.run(
            self.command_line("status"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20).returncode == 0
