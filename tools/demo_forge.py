# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends forged SRTP: the right addresses, ports and SSRC, but a tag that no key made. Runs inside a namespace, as root."""

import argparse
import os
import socket
import struct


def datagram(source: tuple[str, int], target: tuple[str, int], payload: bytes) -> bytes:
    """A UDP datagram without checksum, which IPv4 allows."""
    return struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0) + payload


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="ADDRESS:PORT to pretend")
    parser.add_argument("target", help="ADDRESS:PORT")
    parser.add_argument("ssrc", type=int)
    parser.add_argument("count", type=int)
    arguments = parser.parse_args()
    ends = [(host, int(port)) for host, port in (text.split(":") for text in (arguments.source, arguments.target))]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
        raw.bind((ends[0][0], 0))
        for index in range(arguments.count):
            header = struct.pack("!BBHII", 0x80, 0, (index * 1009) & 0xFFFF, index * 160, arguments.ssrc)
            raw.sendto(datagram(*ends, header + os.urandom(170)), (ends[1][0], 0))


if __name__ == "__main__":
    main()
