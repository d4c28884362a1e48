#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries frames between two interfaces; on order it loses UDP datagrams and lets others pass them.

    impaired_wire.py ONE OTHER

A line on standard input is a share in percent: of datagrams that are lost, and of those that come too late. Each end of input
or line is answered by a line of counts: carried, lost, late.
"""

import random
import select
import socket
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


class Wire:
    def __init__(self, one: str, other: str) -> None:
        self.ends = (opened(one), opened(other))
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
            drawn = self.chance.random() if self.share and is_datagram(frame) else 1.0
            if drawn < self.share:
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
                self.share = float(line) / 100
                print(self.carried, self.lost, self.delayed, flush=True)


if __name__ == "__main__":
    Wire(sys.argv[1], sys.argv[2]).run()
