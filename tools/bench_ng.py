# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of rtpengine's ng protocol over UDP: a cookie, a space, and a dictionary in bencode."""

import itertools
import socket


class Refused(Exception):
    """What rtpengine answered instead of `ok`, or that it did not answer."""


def encode(value: object) -> bytes:
    """Bencode of a str, bytes, int, list or dict with str keys; TypeError for anything else."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, list):
        return b"l" + b"".join(map(encode, value)) + b"e"
    if isinstance(value, dict):
        return b"d" + b"".join(encode(key) + encode(value[key]) for key in sorted(value)) + b"e"
    raise TypeError(f"bencode knows no {type(value).__name__}")


def decode(octets: bytes) -> object:
    """The one value that `octets` are, strings as str; ValueError if they are not exactly that."""
    value, end = _decode(octets, 0)
    if end != len(octets):
        raise ValueError("octets after the value")
    return value


def _decode(octets: bytes, at: int) -> tuple[object, int]:
    kind = octets[at:at + 1]
    if kind == b"i":
        end = octets.index(b"e", at)
        return int(octets[at + 1:end]), end + 1
    if kind in (b"l", b"d"):
        items, at = [], at + 1
        while octets[at:at + 1] != b"e":
            item, at = _decode(octets, at)
            items.append(item)
        return (items if kind == b"l" else dict(zip(items[::2], items[1::2], strict=True))), at + 1
    colon = octets.index(b":", at)
    end = colon + 1 + int(octets[at:colon])
    if end > len(octets):
        raise ValueError("a string is cut")
    return octets[colon + 1:end].decode(), end


class NgClient:
    """Asks one rtpengine, one question at a time."""

    ATTEMPTS, SECONDS = 5, 1.0

    def __init__(self, server: tuple[str, int]) -> None:
        self.cookies = itertools.count(1)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(self.SECONDS)
        self.socket.connect(server)

    def ask(self, command: str, **more: object) -> dict:
        """The answer to a command; `_` in a name stands for `-`. Raises Refused. A repeated cookie is a repetition, and answered alike."""
        cookie = b"%d" % next(self.cookies)
        question = cookie + b" " + encode({"command": command, **{name.replace("_", "-"): value for name, value in more.items()}})
        for _ in range(self.ATTEMPTS):
            try:
                self.socket.send(question)
                answer = self.socket.recv(65536)
                while not answer.startswith(cookie + b" "):
                    answer = self.socket.recv(65536)
            except (TimeoutError, ConnectionError):
                continue
            told = decode(answer[len(cookie) + 1:])
            if not isinstance(told, dict) or told.get("result") not in ("ok", "pong"):
                raise Refused(f"rtpengine: {command}: {told}")
            return told
        raise Refused(f"rtpengine: no answer to {command}")
