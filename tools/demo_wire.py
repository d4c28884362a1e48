# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at what was on the wire: reads pcap files of RTP, and compares the two sides of a relay."""

import dataclasses
import pathlib
import struct

import demo_audio

ETHERNET, IPV4, UDP, RTP = 14, 20, 8, 12


@dataclasses.dataclass(frozen=True)
class RtpPacket:
    source: tuple[str, int]
    target: tuple[str, int]
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes  # everything after the fixed header


def _parse(frame: bytes) -> RtpPacket | None:
    if len(frame) < ETHERNET + IPV4 + UDP + RTP or frame[12:14] != b"\x08\x00" or frame[23] != 17 or frame[14] != 0x45:
        return None
    rtp = frame[ETHERNET + IPV4 + UDP:]
    if rtp[0] >> 6 != 2 or 64 <= rtp[1] & 0x7F < 96:
        return None
    source_port, target_port = struct.unpack_from("!HH", frame, ETHERNET + IPV4)
    sequence, timestamp, ssrc = struct.unpack_from("!HII", rtp, 2)
    source, target = (".".join(map(str, frame[at:at + 4])) for at in (26, 30))
    return RtpPacket((source, source_port), (target, target_port), sequence, timestamp, ssrc, rtp[RTP:])


def read_pcap(path: pathlib.Path) -> list[RtpPacket]:
    """The RTP packets of a little-endian Ethernet capture; a record that was cut short ends it."""
    octets = path.read_bytes() if path.exists() else b""
    packets, at = [], 24
    while at + 16 <= len(octets):
        length, = struct.unpack_from("<I", octets, at + 8)
        packet = _parse(octets[at + 16:at + 16 + length])
        if packet and at + 16 + length <= len(octets):
            packets.append(packet)
        at += 16 + length
    return packets


def pairs(one_side: list[RtpPacket], other_side: list[RtpPacket], ssrc: int) -> list[tuple[RtpPacket, RtpPacket]]:
    """The same packets of one stream as they passed on both sides, matched by sequence number."""
    there = {packet.sequence: packet for packet in other_side if packet.ssrc == ssrc}
    return [(packet, there[packet.sequence]) for packet in one_side if packet.ssrc == ssrc and packet.sequence in there]


def audible_share(packets: list[RtpPacket], hertz: float) -> float:
    """The largest share of energy that a tone has in any payload read as µ-law: near 1 in clear, near 0 encrypted."""
    return max((demo_audio.tone_share(demo_audio.decode_mulaw(packet.payload[:160]), 8000, hertz) for packet in packets),
               default=1.0)


def longest_loss(packets: list[RtpPacket]) -> int:
    """The longest run of sequence numbers that is missing from a stream, in packets."""
    numbers = sorted({packet.sequence for packet in packets})
    # A stream that wraps shows one step of nearly 2^16; it is no loss.
    steps = [after - before - 1 for before, after in zip(numbers, numbers[1:])]
    return max((step for step in steps if step < 0x8000), default=0)
