# SPDX-License-Identifier: GPL-3.0-or-later
"""SIP by hand: any octets over TLS, TCP or UDP, and what comes back."""

import hashlib
import os
import pathlib
import re
import socket
import ssl

from demo_network import Stage

CLOSED, SILENT = "closed", "silent"
ALGORITHMS = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


class RawPeer:
    """One connection, or one UDP socket, of an access or core side's host."""

    def __init__(self, stage: Stage, side: str, port: int, transport: str = "tls", ca: pathlib.Path | None = None) -> None:
        self.transport = transport
        with stage.sockets_of(side):
            if transport == "udp":
                self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                self.socket.connect((stage.address(side), port))
            else:
                self.socket = socket.create_connection((stage.address(side), port), 5)
        if transport == "tls":
            context = ssl.create_default_context(cafile=str(ca))
            context.check_hostname = False
            self.socket = context.wrap_socket(self.socket, server_hostname="example.com")
        self._begin()

    @classmethod
    def over(cls, connected: socket.socket, transport: str) -> "RawPeer":
        """On a socket that is connected already."""
        peer = cls.__new__(cls)
        peer.socket, peer.transport = connected, transport
        peer._begin()
        return peer

    def _begin(self) -> None:
        self.address, self.port = self.socket.getsockname()[:2]
        self._octets = b""
        self._number = 0

    def close(self) -> None:
        self.socket.close()

    def send(self, octets: bytes) -> bool:
        """Whether the other end still took them."""
        try:
            self.socket.settimeout(10)
            self.socket.sendall(octets)
        except OSError:
            return False
        return True

    def message(self, seconds: float = 5) -> str:
        """The next message, or CLOSED, or SILENT."""
        self.socket.settimeout(seconds)
        while True:
            match = re.match(rb"\s*(.*?)\r\n\r\n", self._octets, re.DOTALL)
            if match:
                length = re.search(rb"^(?:Content-Length|l)\s*:\s*(\d+)", match.group(1), re.MULTILINE | re.IGNORECASE)
                end = match.end() + int(length.group(1) if length else 0)
                if len(self._octets) >= end:
                    text, self._octets = self._octets[:end], self._octets[end:]
                    return text.decode(errors="replace").strip()
            try:
                octets = self.socket.recv(65536)
            except (TimeoutError, ssl.SSLWantReadError):
                return SILENT
            except OSError:
                return CLOSED
            if not octets:
                return CLOSED
            self._octets += octets

    def outcome(self, seconds: float = 5) -> int | str:
        """The next final status, or CLOSED, or SILENT."""
        while True:
            message = self.message(seconds)
            match = re.match(r"SIP/2\.0 (\d{3})", message)
            if not match:
                return message if message in (CLOSED, SILENT) else f"unexpected: {message[:60]}"
            if int(match.group(1)) >= 200:
                return int(match.group(1))

    def headers(self, method: str, uri: str, **changes: str | None) -> dict[str, str]:
        """Of a good request from Dave; `changes` replace a header (with _ for -) or, being None, remove it."""
        self._number += 1
        own = f"{self.address}:{self.port}"
        headers = {
            "Via": f"SIP/2.0/{self.transport.upper()} {own};branch=z9hG4bK{os.urandom(8).hex()};rport", "Max-Forwards": "70",
            "From": f"<sip:dave@example.com>;tag={os.urandom(4).hex()}", "To": f"<{uri}>", "Call-ID": os.urandom(8).hex(),
            "CSeq": f"{self._number} {method}", "Contact": f"<sip:dave@{own};transport={self.transport}>"}
        for name, value in changes.items():
            headers.pop(name.replace("_", "-"), None)
            if value is not None:
                headers[name.replace("_", "-")] = value
        return headers

    def request(self, method: str, uri: str, body: bytes = b"", **changes: str | None) -> bytes:
        return compose(method, uri, self.headers(method, uri, **changes), body)

    def authenticated(self, method: str, uri: str, password: str, body: bytes = b"", **changes: str | None) -> int | str:
        """Sends a request, answers the challenge, and gives what came of it."""
        headers = self.headers(method, uri, **changes)
        self.send(compose(method, uri, headers, body))
        message = self.message()
        while message.startswith("SIP/2.0 1"):
            message = self.message()
        challenge = re.search(r"^(WWW|Proxy)-Authenticate:\s*Digest (.*)$", message, re.MULTILINE)
        if challenge is None:
            refused = re.match(r"SIP/2\.0 (\d{3})", message)
            return int(refused.group(1)) if refused else message
        if method == "INVITE":
            self.send(compose("ACK", uri, dict(headers, CSeq=headers["CSeq"].replace("INVITE", "ACK"))))
        name = "Authorization" if challenge.group(1) == "WWW" else "Proxy-Authorization"
        headers[name] = answer(challenge.group(2), "dave", password, method, uri)
        self._number += 1
        headers["CSeq"] = f"{self._number} {method}"
        headers["Via"] = re.sub(r"branch=[^;]+", f"branch=z9hG4bK{os.urandom(8).hex()}", headers["Via"])
        self.send(compose(method, uri, headers, body))
        return self.outcome()


def compose(method: str, uri: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    headers = {**headers, **({} if "Content-Length" in headers or "l" in headers else {"Content-Length": str(len(body))})}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {uri} SIP/2.0\r\n{head}\r\n".encode() + body


def answer(challenge: str, user: str, password: str, method: str, uri: str) -> str:
    """Authorization for a challenge with qop=auth (RFC 7616 §3.4.1)."""
    value = {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', challenge)}
    algorithm = value.get("algorithm", "MD5")

    def digest(text: str) -> str:
        return ALGORITHMS[algorithm](text.encode()).hexdigest()

    cnonce, count = os.urandom(8).hex(), "00000001"
    first, second = digest(f"{user}:{value['realm']}:{password}"), digest(f"{method}:{uri}")
    response = digest(f"{first}:{value['nonce']}:{count}:{cnonce}:auth:{second}")
    return (f'Digest username="{user}", realm="{value["realm"]}", nonce="{value["nonce"]}", uri="{uri}", response="{response}", '
            f'algorithm={algorithm}, cnonce="{cnonce}", qop=auth, nc={count}' + (f', opaque="{value["opaque"]}"' if "opaque" in value else ""))
