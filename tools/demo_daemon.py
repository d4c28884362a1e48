# SPDX-License-Identifier: GPL-3.0-or-later
"""sallyportd in its namespace, and sallyctl to speak with it."""

import json
import os
import pathlib
import subprocess

from demo_endpoints import Endpoint, text
from demo_network import Stage, wait_for

MEDIA_CONFIGURATION = """\
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

    def __init__(self, stage: Stage, program: pathlib.Path, control: pathlib.Path, configuration: str) -> None:
        """In the configuration {folder}, {socket}, {core} and {name} are filled in."""
        self._stage, self._control = stage, control
        self._socket = stage.folder / "run" / "admin.sock"
        self._socket.parent.mkdir(mode=0o755)
        os.chmod(stage.folder, 0o711)  # the daemon gives its privileges up and must still reach its socket
        config = stage.folder / "sallyport.toml"
        core = max(os.sched_getaffinity(0))
        config.write_text(configuration.format(folder=stage.folder, socket=self._socket, core=core, name=stage.name))
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

    def control(self, *words: str, secrets: dict[str, str] | None = None) -> str:
        """What `sallyctl` prints; raises Failed with its complaint. Keys go by the environment, since arguments are public."""
        result = subprocess.run(self.command_line(*words), env=dict(os.environ, **(secrets or {})), capture_output=True, text=True,
                                timeout=20)
        if result.returncode != 0:
            raise Failed(f"sallyctl {' '.join(words[:2])}: {result.stderr.strip() or result.stdout.strip()}")
        return result.stdout

    def ask(self, *words: str) -> dict:
        return json.loads(self.control(*words, "--json"))

    def add_relay(self, label: str, access: Endpoint, core: Endpoint) -> dict:
        """Relays a call between two endpoints, each leg with its own suite and keys. One that has no port yet is latched."""
        words, secrets = ["relay", "add", "--label", label, "--json"], {}
        for leg, end in (("a", access), ("b", core)):
            # What the endpoint sends with is what this leg receives with.
            secrets[f"SEND_{leg}"], secrets[f"RECEIVE_{leg}"] = text(end.receive_key), text(end.send_key)
            where = f"remote={end.remote}" if end.port else "policy=latch"
            words += [f"--{leg}", f"side={end.side},{where},suite={end.suite},send-key=env:SEND_{leg},receive-key=env:RECEIVE_{leg}"]
        return json.loads(self.control(*words, secrets=secrets))

    def _answers(self) -> bool:
        return self._socket.exists() and subprocess.run(
            self.command_line("status"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20).returncode == 0
