#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries frames between two interfaces; on order it loses UDP datagrams, lets others pass them, and is a NAT that forgets.

    impaired_wire.py BORDER PHONES

Orders are lines on standard input; each is answered by a line of counts: carried, lost, late.

    lose PERCENT             that share of datagrams is lost, and another comes too late
    rebind HOST PORT OTHER   what phones send from the host's port, or the one above (RTCP), comes from now on from new ports of
                             the other host, which alone lead back to it
    restore HOST PORT        no longer
"""

import itertools
import random
import select
import socket
import struct
import sys
import time

ETH_P_ALL, OUTGOING = 3, 4
LATE_SECONDS = 0.03  # a frame of voice later at least


def opened(device: str) -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    made.bind((device, ETH_P_ALL))
    return made


def is_datagram(frame: bytes) -> bool:
    """UDP in IPv4."""
    return frame[12:14] == b"\x08\x00" and frame[23] == 17


def amended(checksum: int, old: bytes, new: bytes) -> int:
    """That of a text in which words have changed (RFC 1624 §3)."""
    total = ~checksum & 0xffff
    for before, after in zip(struct.iter_unpack("!H", old), struct.iter_unpack("!H", new)):
        total += (~before[0] & 0xffff) + after[0]
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Nat:
    """Places, of four octets of host and two of port, that look like others to the border."""

    FIRST_PORT = 61000  # above those that the kernel hands out

    def __init__(self) -> None:
        self.outer: dict[bytes, bytes] = {}
        self.inner: dict[bytes, bytes] = {}
        self._ports = itertools.count(self.FIRST_PORT)

    @staticmethod
    def _place(host: str, port: int) -> bytes:
        return socket.inet_aton(host) + struct.pack("!H", port)

    def rebind(self, host: str, port: str, other: str) -> None:
        for component in (0, 1):
            inner, outer = self._place(host, int(port) + component), self._place(other, next(self._ports))
            self.outer[inner], self.inner[outer] = outer, inner

    def restore(self, host: str, port: str) -> None:
        for component in (0, 1):
            del self.inner[self.outer.pop(self._place(host, int(port) + component))]

    def translate(self, frame: bytes, to_phones: bool) -> bytes | None:
        """The datagram as it goes on; nothing where it leads to a place that the NAT has forgotten."""
        udp = 14 + 4 * (frame[14] & 15)
        host, port = (30, udp + 2) if to_phones else (26, udp)
        place = frame[host:host + 4] + frame[port:port + 2]
        if to_phones and place in self.outer:
            return None
        new = (self.inner if to_phones else self.outer).get(place)
        return frame if new is None else self._readdressed(bytearray(frame), place, new, host, port, udp)

    @staticmethod
    def _readdressed(frame: bytearray, old: bytes, new: bytes, host: int, port: int, udp: int) -> bytes:
        frame[host:host + 4], frame[port:port + 2] = new[:4], new[4:]
        for at, changed in ((24, 4), (udp + 6, 6)):  # IPv4's checksum is not about ports
            checksum = struct.unpack_from("!H", frame, at)[0]
            if checksum or at == 24:  # UDP's zero: there is none
                struct.pack_into("!H", frame, at, amended(checksum, old[:changed], new[:changed]) or 0xffff)
        return bytes(frame)


class Wire:
    def __init__(self, border: str, phones: str) -> None:
        self.ends = (opened(border), opened(phones))
        self.nat = Nat()
        self.to = {self.ends[0]: self.ends[1], self.ends[1]: self.ends[0]}
        self.share, self.carried, self.lost = 0.0, 0, 0
        self.delayed = 0
        self.late: list[tuple[float, socket.socket, bytes]] = []
        self.chance = random.Random(1)

    def carry(self, end: socket.socket) -> None:
        for _ in range(64):
            try:
                frame, address = end.recvfrom(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            if address[2] == OUTGOING:
                continue
            drawn = 1.0
            if is_datagram(frame):
                drawn = self.chance.random() if self.share else 1.0
                frame = self.nat.translate(frame, end is self.ends[0])
            if frame is None or drawn < self.share:
                self.lost += 1
            elif drawn < 2 * self.share:
                self.delayed += 1
                self.late.append((time.monotonic() + LATE_SECONDS, self.to[end], frame))
            else:
                self.put(self.to[end], frame)

    def put(self, end: socket.socket, frame: bytes) -> None:
        try:
            end.send(frame)
            self.carried += 1
        except OSError:
            self.lost += 1

    def obey(self, order: str, *words: str) -> None:
        if order == "lose":
            self.share = float(words[0]) / 100
        else:
            {"rebind": self.nat.rebind, "restore": self.nat.restore}[order](*words)

    def run(self) -> None:
        while True:
            readable, _, _ = select.select([*self.ends, sys.stdin], [], [], 0.01 if self.late else None)
            for end in self.ends:
                if end in readable:
                    self.carry(end)
            while self.late and self.late[0][0] <= time.monotonic():
                _, end, frame = self.late.pop(0)
                self.put(end, frame)
            if sys.stdin in readable:
                line = sys.stdin.readline()
                if not line:
                    return
                self.obey(*line.split())
                print(self.carried, self.lost, self.delayed, flush=True)


if __name__ == "__main__":
    Wire(sys.argv[1], sys.argv[2]).run()
