#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long after the last datagram of a DTLS handshake does media flow in both directions?

    keys_bench.py SALLYPORTD SALLYCTL --figures FILE [--only PREFIX]

Calls through the whole daemon over AF_XDP on veth, one after the other, from a DTLS-SRTP leg to a leg in clear. Both ends send every 0.3 ms, so
a figure has that much of its own, and what the ends' own ciphers need: it is an upper bound. Needs root.
"""

import argparse
import pathlib
import re
import select
import statistics
import struct
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "interop")]

import border  # noqa: E402
from bench_program import run  # noqa: E402
from border import Border  # noqa: E402
from demo_network import Stage  # noqa: E402
from matrix_ends import ScriptedEnd  # noqa: E402
from matrix_test import PORTS, SIDES, listeners  # noqa: E402
from reference_srtp import Certificate, Handshake  # noqa: E402

NAME, CALLS, WARM = "dtls/keys_ready_added_ms", 60, 5
BETWEEN_SECONDS, PATIENCE_SECONDS = 0.0003, 5


class NoMedia:
    """In the place of the thread that would serve sockets: here they are served by hand."""

    def __init__(self) -> None:
        self.all = []


class TimedEnd(ScriptedEnd):
    """Keeps what the border says, and shakes no hands by itself."""

    def _understand(self, message) -> None:
        if self.way != "dtls":
            super()._understand(message)
            return
        sdp = message.body
        self.media.remote = (re.search(r"^c=IN IP4 (\S+)", sdp, re.MULTILINE).group(1), int(re.search(r"^m=audio (\d+)", sdp, re.MULTILINE).group(1)))
        self.active = "a=setup:active" not in sdp


def rtp(sequence: int, ssrc: int) -> bytes:
    return struct.pack(">BBHII", 0x80, 0, sequence, sequence * 160, ssrc) + b"\x55" * 160


def shake(end: TimedEnd, certificate: Certificate) -> tuple[Handshake, float]:
    """The handshake, and when we sent the last datagram that the border needed."""
    own, sock = Handshake(certificate, end.active), end.media.socket
    last = time.monotonic()
    sock.setblocking(False)
    outgoing, until = own.step(), last + PATIENCE_SECONDS
    while True:
        for record in outgoing:
            sock.sendto(record, end.media.remote)
            last = time.monotonic()
        if own.is_done:
            return own, last
        if not select.select([sock], [], [], 0.5)[0]:
            outgoing = own.step()
        else:
            outgoing = own.step(sock.recv(2048))
        if time.monotonic() > until:
            raise RuntimeError("the handshake does not come to an end")


def ready_ms(caller: TimedEnd, callee: TimedEnd, certificate: Certificate) -> float:
    """From the last datagram of the handshake to the later of the first packets that came through."""
    own, last = shake(caller, certificate)
    seal, opening = own.streams()
    first: dict[str, float] = {}
    sequence, until = 0, last + PATIENCE_SECONDS
    while len(first) < 2:
        sequence += 1
        caller.media.socket.sendto(seal(rtp(sequence, 1)), caller.media.remote)
        callee.media.socket.sendto(rtp(sequence, 2), callee.media.remote)
        readable = select.select([caller.media.socket, callee.media.socket], [], [], BETWEEN_SECONDS)[0]
        now = time.monotonic()
        if callee.media.socket in readable and len(callee.media.socket.recv(2048)) == 172:
            first.setdefault("core", now)
        if caller.media.socket in readable:
            datagram = caller.media.socket.recv(2048)
            if datagram[0] >= 128 and opening(datagram) is not None:
                first.setdefault("access", now)
        if now > until:
            raise RuntimeError(f"no media: {first}")
    return (max(first.values()) - last) * 1000


def measure(program: str, control: str) -> list[float]:
    stage = Stage(sides=SIDES)
    try:
        stand = Border(stage, program, control, more=listeners(["plain", "dtls"]))
        certificate = Certificate(stage.folder, "caller")
        caller, callee = (TimedEnd(stand, NoMedia(), [certificate], user, side, way, 400, PORTS[way])
                          for user, side, way in (("alice", "access", "dtls"), ("carol", "core", "plain")))
        results = []
        for end in (caller, callee):
            end.registered()
        for _ in range(WARM + CALLS):
            caller.dial(callee.uri)
            callee.take()
            caller.established()
            callee.established()
            results.append(ready_ms(caller, callee, certificate))
            caller.hang_up()
            callee.ended()
        return results[WARM:]
    finally:
        stage.remove()


def figures(arguments: argparse.Namespace) -> dict[str, dict]:
    samples = measure(arguments.sallyportd, arguments.sallyctl)
    low, middle, high = statistics.quantiles(samples, n=4)
    print(f"{min(samples):.2f} to {max(samples):.2f} ms")
    return {NAME: {"median": middle, "spread": high - low, "unit": "ms"}}


if __name__ == "__main__":
    sys.exit(run(__doc__, ("sallyportd", "sallyctl"), figures, (border.CaseFailed, RuntimeError, OSError), NAME))
