# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends of calls over UDP that repeat themselves as RFC 3261 §17 wants it, and a wire between that loses one message."""

import dataclasses
import re
import select
import socket
import time

from raw_sip import RawPeer, SILENT

T1, T2 = 0.5, 4.0


@dataclasses.dataclass(frozen=True)
class Loss:
    """The first message like `what` ("INVITE", "200 BYE") that `end` sends, or should get."""

    end: str
    sent: bool
    what: str


def label(text: str) -> str:
    status = re.match(r"SIP/2\.0 (\d{3})", text)
    return f"{status.group(1)} {_method(text)}" if status else text.split(" ", 1)[0]


def _method(text: str) -> str:
    return re.search(r"^CSeq:\s*\d+\s+(\w+)", text, re.MULTILINE | re.IGNORECASE).group(1)


def _transaction(text: str) -> tuple[str, str]:
    """What a request and its responses share, but an ACK of a failure is its INVITE's."""
    branch = re.search(r"^Via:.*?branch=([^;,\s]+)", text, re.MULTILINE | re.IGNORECASE).group(1)
    return branch, _method(text)


@dataclasses.dataclass
class Repeated:
    octets: bytes
    due: float
    interval: float


class Wire:
    """Serves all its ends whenever one of them waits."""

    def __init__(self, loss: Loss | None = None) -> None:
        self.loss, self.lost = loss, False
        self.ends: list[LossyPeer] = []

    def loses(self, end: str, sent: bool, text: str) -> bool:
        if self.lost or self.loss != Loss(end, sent, label(text)):
            return False
        self.lost = True
        return True

    def serve(self, until: float) -> None:
        """Until one more message has come for whomever, or until then."""
        due = min([until, *(one.due for end in self.ends for one in end.repeated.values())])
        readable, _, _ = select.select([end.socket for end in self.ends], [], [], max(0.0, due - time.monotonic()))
        for end in self.ends:
            if end.socket in readable:
                end.receive()
            end.repeat()


class LossyPeer(RawPeer):
    """One UDP socket whose transactions repeat themselves."""

    def __init__(self, wire: Wire, name: str, connected: socket.socket) -> None:
        self.socket, self.transport, self.wire, self.name = connected, "udp", wire, name
        self._begin()
        self.repeated: dict[tuple[str, str], Repeated] = {}
        self._answers: dict[tuple[str, str], bytes] = {}
        self._acks: dict[str, bytes] = {}
        self._seen: set[tuple[str, ...]] = set()
        self._queue: list[str] = []
        wire.ends.append(self)

    def send(self, octets: bytes) -> bool:
        text, what = octets.decode(), _transaction(octets.decode())
        is_response = text.startswith("SIP/2.0")
        if is_response:
            self._answers[what] = octets
        if what[1] == "ACK":
            self._acks[self._number_of(text)] = octets
        elif not is_response or re.match(r"SIP/2\.0 [2-6]\d\d", text) and what[1] == "INVITE":
            self.repeated[what] = Repeated(octets, time.monotonic() + T1, T1)
        self._put(octets)
        return True

    def _put(self, octets: bytes) -> None:
        if not self.wire.loses(self.name, True, octets.decode()):
            self.socket.send(octets)

    @staticmethod
    def _number_of(text: str) -> str:
        return re.search(r"^CSeq:\s*(\d+)", text, re.MULTILINE | re.IGNORECASE).group(1)

    def repeat(self) -> None:
        now = time.monotonic()
        for one in self.repeated.values():
            if one.due <= now:
                one.interval = min(2 * one.interval, T2)
                one.due = now + one.interval
                self._put(one.octets)

    def receive(self) -> None:
        text = self.socket.recv(65536).decode()
        if self.wire.loses(self.name, False, text):
            return
        what, is_response = _transaction(text), text.startswith("SIP/2.0")
        if is_response:
            self.repeated.pop(what, None)
        elif what[1] == "ACK":
            self._stop_success(self._number_of(text))
        mark = (*what, label(text), re.search(r"^To:.*$", text, re.MULTILINE | re.IGNORECASE).group(0))
        if mark not in self._seen:
            self._seen.add(mark)
            self._queue.append(text.strip())
        elif not is_response and what in self._answers:
            self._put(self._answers[what])
        elif re.match(r"SIP/2\.0 [2-6]\d\d", text) and self._number_of(text) in self._acks and what[1] == "INVITE":
            self._put(self._acks[self._number_of(text)])

    def _stop_success(self, number: str) -> None:
        """RFC 3261 §13.3.1.4: the final response to an INVITE is repeated until its ACK has come."""
        for what, one in list(self.repeated.items()):
            if one.octets.startswith(b"SIP/2.0") and self._number_of(one.octets.decode()) == number:
                del self.repeated[what]

    def message(self, seconds: float = 5) -> str:
        until = time.monotonic() + seconds
        while not self._queue and time.monotonic() < until:
            self.wire.serve(until)
        return self._queue.pop(0) if self._queue else SILENT
