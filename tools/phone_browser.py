# SPDX-License-Identifier: GPL-3.0-or-later
"""Browsers without a screen: JsSIP in a page of ours, driven by Node.js over the browser's own protocol for that."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess

from demo_network import wait_for
from phone import Message, Phone

SOURCE = pathlib.Path(__file__).resolve().parent / "browser"
PAGE_PORT = 8443


def prepare(folder: pathlib.Path) -> pathlib.Path:
    """The page with its libraries, made in `folder` unless it is there as the sources have it."""
    files = sorted(path for path in SOURCE.iterdir() if path.is_file())
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    stamp = folder / "stamp"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path in files:
            shutil.copy(path, folder)
        for command in (["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], ["npm", "run", "--silent", "bundle"]):
            result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
            if result.returncode != 0:
                raise RuntimeError(f"{' '.join(command)}: {result.stdout}{result.stderr}")
        stamp.write_text(wanted)
    return folder


def listener(address: str, port: int, *origins: str, name: str = "web") -> str:
    """Sections for the daemon's configuration: where browsers come to, from pages of these origins."""
    return f"""
[sip.listener.{name}]
side = "access"
transport = "wss"
address = "{address}:{port}"
certificates = ["example"]
origins = {json.dumps(origins)}

[sip.listener.{name}.auth]
algorithms = ["MD5"]
"""


class Browser(Phone):
    """Knows MD5 alone. Its media is ICE and DTLS-SRTP, RTP and RTCP on one port, and nothing else. `media` may be `video`."""

    make = "chromium"
    clear_share = 0.8  # its jitter buffer stretches what it plays until it knows the delay, after every pause anew
    digests = ("MD5",)
    kit: pathlib.Path  # where prepare() put the page

    def start(self) -> None:
        account = self.account
        os.mkfifo(self._order_pipe)
        settings = {"browser": self.make, "recording": str(self._recording), **self.settings()}
        command = ["env", f"HOME={self.folder}", "node", str(self.kit / "drive.mjs"), json.dumps(settings)]
        self.process = self.stage.start(account.side, command, f"{account.folder_name}/log", self._order_pipe)

    def settings(self) -> dict:
        """For the driver: a page that it serves itself, and what the page is told."""
        account, certificates = self.account, self.ca.parent
        return {"page": f"https://localhost:{PAGE_PORT + account.port % 1000}/",
                "certificate": str(certificates / f"{account.domain}.pem"), "key": str(certificates / f"{account.domain}.key"),
                "server": f"wss://{account.domain}:{self.border_port}/", "user": account.user, "domain": account.domain,
                "password": account.password, "tone": account.tone, "video": account.media == "video"}

    def registered(self) -> bool:
        return self._seen("registered") > self._seen("unregistered")

    def refused(self) -> bool:
        return self._seen("registrationFailed") > 0

    def wait_registered(self, seconds: float = 30) -> bool:
        return super().wait_registered(seconds)  # browsers take their time to start

    def ringing(self) -> bool:
        return self._seen("ringing") > self.calls_made() + self.calls_ended()

    def restart_ice(self) -> None:
        self._order("restart")

    def hint(self) -> str:
        return f"""echo '{{"order": "dial", "uri": "sip:bob@{self.account.domain}"}}' > {self._order_pipe}"""

    def calls_made(self) -> int:
        return self._seen("confirmed")

    def calls_ended(self) -> int:
        return self._seen("ended") + self._seen("failed")

    def connection(self) -> str:
        """The last state of its peer connection: `connected`, `failed`, …"""
        states = [line["state"] for line in self._lines() if line.get("event") == "connection"]
        return states[-1] if states else ""

    def stats(self) -> dict:
        """What the browser says of its connection now: DTLS state and profile; packets, energy and frames that came, by kind."""
        before = sum("stats" in line for line in self._lines())
        self._order("stats")
        wait_for(lambda: sum("stats" in line for line in self._lines()) > before, 5)
        return [line["stats"] for line in self._lines() if "stats" in line][-1]

    def messages(self) -> list[Message]:
        return [Message(line["received"], line["message"].replace("\r\n", "\n")) for line in self._lines() if "message" in line]

    def recordings(self) -> list[pathlib.Path]:
        return [self._recording] if self._recording.exists() else []

    @property
    def _order_pipe(self) -> pathlib.Path:
        return self.folder / "orders"

    @property
    def _recording(self) -> pathlib.Path:
        return self.folder / "heard.wav"

    def _lines(self) -> list[dict]:
        return [json.loads(line) for line in self.told().splitlines() if line.startswith("{") and line.endswith("}")]

    def _seen(self, event: str) -> int:
        return sum(line.get("event") == event for line in self._lines())

    def _order(self, name: str, uri: str = "") -> None:
        with open(self._order_pipe, "r+b", buffering=0) as pipe:
            pipe.write(json.dumps({"order": name, "uri": uri}).encode() + b"\n")


class Firefox(Browser):
    """Has no sound to record where there is no sound card: what it hears is told by its statistics."""

    make = "firefox"
