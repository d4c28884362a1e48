# SPDX-License-Identifier: GPL-3.0-or-later
"""Media of scripted phones: a thread that sends a tone for each and keeps what it opened of what came."""

import audioop
import math
import os
import select
import socket
import struct
import threading
import time

import demo_audio
from phone import Hearing
from reference_srtp import Certificate, Handshake, Stream

FRAME, FRAME_SECONDS, RATE = 160, 0.02, 8000


def tone_frames(hertz: int) -> list[bytes]:
    """Of 20 ms each; multiples of 50 Hz fit."""
    second = struct.pack(f"<{RATE}h", *(int(16384 * math.sin(2 * math.pi * hertz * i / RATE)) for i in range(RATE)))
    octets = audioop.lin2ulaw(second, 2)
    return [octets[start:start + FRAME] for start in range(0, RATE, FRAME)]


class Media:
    """Of one phone. `seal` and `open`: None in the clear; nothing is sent or believed before `flows`."""

    def __init__(self, bound: socket.socket, tone: int) -> None:
        self.lock = threading.Lock()
        self.socket, self._frames = bound, tone_frames(tone)
        self.remote: tuple[str, int] | None = None
        self.seal: Stream | None = None
        self.open: Stream | None = None
        self.flows, self.mute = False, False
        self.handshake: Handshake | None = None
        self._sequence, self._ssrc = int.from_bytes(os.urandom(2), "big"), int.from_bytes(os.urandom(4), "big")
        self.heard = bytearray()
        self.refused, self.handshakes = 0, 0

    def send(self) -> None:
        with self.lock:
            if self.handshake:
                self._shake(b"")
            if not self.flows or self.mute:
                return
            self._sequence = self._sequence + 1 & 0xFFFF
            packet = struct.pack(">BBHII", 0x80, 0, self._sequence, self._sequence * FRAME, self._ssrc) + self._frames[self._sequence % 50]
            self._put(self.seal(packet) if self.seal else packet)

    def _put(self, datagram: bytes | None) -> None:
        try:
            if datagram is not None:
                self.socket.sendto(datagram, self.remote)
        except OSError:
            pass  # lost, as datagrams may be

    def take(self, datagram: bytes) -> None:
        with self.lock:
            if self.handshake and 20 <= datagram[0] < 64:
                self._shake(datagram)
            if not self.flows or not 128 <= datagram[0] < 192 or 64 <= datagram[1] & 0x7F < 96:
                return
            packet = self.open(datagram) if self.open else datagram
            if packet is None or len(packet) != 12 + FRAME:
                self.refused += 1
            else:
                self.heard += packet[12:]

    def _shake(self, datagram: bytes) -> None:
        for record in self.handshake.step(datagram):
            self._put(record)
        if self.handshake.is_done and not self._is_keyed:
            if self.handshake.peer_fingerprint() != self._expected:
                raise RuntimeError("the certificate is not the announced one")
            self.seal, self.open = self.handshake.streams()
            self._is_keyed = self.flows = True
            self.handshakes += 1

    def begin_handshake(self, certificate: Certificate, active: bool, expected: str) -> None:
        with self.lock:
            self.handshake, self._expected, self._is_keyed = Handshake(certificate, active), expected, False
            self._shake(b"")

    def move(self, bound: socket.socket) -> None:
        with self.lock:
            self.socket.close()
            self.socket = bound

    def hearing(self) -> Hearing:
        with self.lock:
            return Hearing([demo_audio.Recording(RATE, demo_audio.decode_mulaw(bytes(self.heard)))])

    def seconds(self) -> float:
        return len(self.heard) / RATE


class MediaThread:
    """Serves all, every 20 ms and when something comes."""

    def __init__(self) -> None:
        self.all: list[Media] = []
        self.trouble = ""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping:
            now = time.monotonic()
            if now >= due:
                due = max(due + FRAME_SECONDS, now - 5 * FRAME_SECONDS)
                self._each(Media.send)
            try:
                readable = set(select.select([media.socket for media in self.all], [], [], max(0.0, due - time.monotonic()))[0])
            except (OSError, ValueError):  # one moved just now
                continue
            self._each(lambda media: self._receive(media) if media.socket in readable else None)

    def _each(self, work) -> None:
        for media in list(self.all):
            try:
                work(media)
            except (RuntimeError, OSError, ValueError) as problem:
                self.trouble = f"{type(problem).__name__}: {problem}"

    @staticmethod
    def _receive(media: Media) -> None:
        for _ in range(50):
            try:
                datagram = media.socket.recv(2048, socket.MSG_DONTWAIT)
            except OSError:
                return
            if len(datagram) > 12:
                media.take(datagram)
