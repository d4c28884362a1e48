# SPDX-License-Identifier: GPL-3.0-or-later
"""baresip without a sound card: it plays a file, records what it hears, and takes orders over its control socket."""

import json
import pathlib
import re
import select
import socket
import time

from demo_network import wait_for
from phone import Message, Orders, Phone

CONFIGURATION = """\
poll_method epoll
sip_listen {address}:{port}
call_local_timeout 120
call_max_calls 8
audio_source {source}
audio_player {player}
audio_alert aubridge,alert
audio_txmode thread
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
rtp_ports {first}-{last}
jitter_buffer_delay 5-10
ringback_disabled yes
statmode_default off
snd_path {folder}
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
{recorder}module srtp.so
module dtls_srtp.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""
# A message in its trace, up to where it changes the colour back.
MESSAGE = re.compile(r"^(?:TLS|TCP|UDP) \S+ -> ([\d.]+):\d+\n(.*?)\x1b\[;m", re.MULTILINE | re.DOTALL)


class Baresip(Phone):
    """Knows MD5 alone, offers AES_CM_128_HMAC_SHA1_80 alone, and believes any TLS server."""

    make = "baresip"
    orders = Orders(answer="accept")
    digests = ("MD5",)
    records = True  # what it hears

    def start(self) -> None:
        account, control = self.account, self.account.port + 1000
        self._control_port = control
        (self.folder / "config").write_text(CONFIGURATION.format(
            address=self.stage.endpoint(account.side), port=account.port, folder=self.folder, control=control,
            source=self.source(), player=self.player(), recorder="module sndfile.so\n" if self.records else "",
            first=20000 + account.port % 1000 * 10, last=20998 + account.port % 1000 * 10))
        border = self.stage.address(account.side)
        (self.folder / "accounts").write_text(
            f'<{account.uri};transport=tls>;auth_pass={account.password};regint=600;outbound="sip:{border}:{self.border_port};transport=tls"'
            + (f";mediaenc={account.media}" if account.media != "none" else "") + (";answermode=auto" if account.auto_answer else "") + "\n")
        (self.folder / "contacts").write_text("")
        if self.records:
            self._take_names_of_what_it_says()
        self._events: list[dict] = []
        self._socket: socket.socket | None = None
        self._octets = b""
        self.process = self.stage.start(account.side, ["baresip", "-4", "-s", "-f", str(self.folder)], str(self.log.relative_to(self.stage.folder)))

    def source(self) -> str:
        """Module and device whose sound it sends."""
        return f"aufile,{self.tone_file}"

    def player(self) -> str:
        """Module and device that take what it hears."""
        return "aubridge,sink"

    def _take_names_of_what_it_says(self, seconds: int = 900) -> None:
        """baresip 1.0.0 stops to record what it hears when its media changes, unless it does not record what it says. So the
        names of those recordings, which tell the second of their beginning, are taken by folders."""
        now = int(time.time())
        for second in range(now, now + seconds):
            (self.folder / time.strftime("dump-%Y-%m-%d-%H-%M-%S-enc.wav", time.localtime(second))).mkdir()

    def registered(self) -> bool:
        # By the log, since it registers before anybody can listen to its events.
        return re.search(r"\[\d+ bindings?\]", self.told()) is not None

    def wait_registered(self, seconds: float = 10) -> bool:
        # Who listens from now on misses no call.
        return super().wait_registered(seconds) and self._connected()

    def refused(self) -> bool:
        return re.search(r"^reg: .*failed|: 4\d\d [A-Z][a-z ]+ \(", self.told(), re.MULTILINE) is not None

    def ringing(self) -> bool:
        self._read()
        told = [event["type"] for event in self._events if event.get("type") in ("CALL_INCOMING", "CALL_ESTABLISHED", "CALL_CLOSED")]
        return told[-1:] == ["CALL_INCOMING"]

    def hint(self) -> str:
        order = self.folder / "order"
        order.write_bytes(_netstring({"command": "dial", "params": f"sip:bob@{self.account.domain}"}))
        return (f"ip netns exec {self.stage.namespace(self.account.side)} "
                f"bash -c 'cat {order} > /dev/tcp/127.0.0.1/{self.account.port + 1000}'")

    def calls_made(self) -> int:
        return self._seen("CALL_ESTABLISHED")

    def calls_ended(self) -> int:
        return self._seen("CALL_CLOSED")

    def end_reason(self) -> str:
        """What it was told when its last call ended."""
        self._read()
        reasons = [event.get("param", "") for event in self._events if event.get("type") == "CALL_CLOSED"]
        return reasons[-1] if reasons else ""

    def suites(self) -> list[str]:
        """What it says about the security of its media, once for each direction and stream that became secure."""
        self._read()
        return [event.get("param", "") for event in self._events if event.get("type") == "CALL_MENC"]

    def messages(self) -> list[Message]:
        own = self.stage.endpoint(self.account.side)
        return [Message(match.group(1) == own, match.group(2)) for match in MESSAGE.finditer(self.told())]

    def recordings(self) -> list[pathlib.Path]:
        return sorted(self.folder.glob("dump-*-dec.wav"))

    def _seen(self, kind: str) -> int:
        self._read()
        return sum(event.get("type") == kind for event in self._events)

    def _order(self, name: str, uri: str = "") -> None:
        if not self._connected():
            raise RuntimeError(f"{self.trouble()}\ndoes not listen for orders")
        self._socket.sendall(_netstring({"command": name, "params": uri, "token": name}))

    def _connected(self) -> bool:
        return self._socket is not None or wait_for(self._connect, 5)

    def _connect(self) -> bool:
        try:
            self._socket = self.stage.connect(self.account.side, ("127.0.0.1", self._control_port))
        except OSError:
            return False
        return True

    def _read(self) -> None:
        """Takes what has come: netstrings with JSON in them."""
        if self._socket is None and not self._connect():
            return
        while select.select([self._socket], [], [], 0)[0]:
            try:
                octets = self._socket.recv(65536)
            except OSError:
                octets = b""
            if not octets:
                return
            self._octets += octets
        while True:
            length, colon, rest = self._octets.partition(b":")
            if not colon or len(rest) <= int(length):
                return
            self._events.append(json.loads(rest[:int(length)].decode(errors="replace")))
            self._octets = rest[int(length) + 1:]


def _netstring(message: dict) -> bytes:
    text = json.dumps(message).encode()
    return b"%d:%s," % (len(text), text)
