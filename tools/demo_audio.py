# SPDX-License-Identifier: GPL-3.0-or-later
"""Listens to recordings: which tone dominates each block, and where there is none."""

import dataclasses
import math
import pathlib
import struct

HEADER = 44  # octets, of a plain WAV file
BLOCK_MS = 20
AUDIBLE = 300  # root mean square of 16-bit samples, about -40 dBFS
PURE = 0.8     # share of a block's energy at one frequency


@dataclasses.dataclass(frozen=True)
class Recording:
    rate: int
    samples: tuple[int, ...]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def blocks(self) -> list[tuple[int, ...]]:
        size = self.rate * BLOCK_MS // 1000
        return [self.samples[start:start + size] for start in range(0, len(self.samples) - size + 1, size)]


def read_wav(path: pathlib.Path) -> Recording:
    """Reads 16-bit mono, also from a recorder that was killed and left the lengths in its header at zero, or that has yet to fill in
    its header and leaves room for it."""
    octets = path.read_bytes() if path.exists() else b""
    if octets.startswith(bytes(HEADER)):
        return Recording(8000, _samples(octets, HEADER))
    layout, data = octets.find(b"fmt "), octets.find(b"data")
    if octets[:4] != b"RIFF" or layout < 0 or data < 0:
        return Recording(8000, ())
    _, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", octets, layout + 8)
    if (channels, bits) != (1, 16):
        raise ValueError(f"{path}: {channels} channels of {bits} bits; expected one of 16")
    return Recording(rate, _samples(octets, data + 8))


def _samples(octets: bytes, start: int) -> tuple[int, ...]:
    return struct.unpack_from(f"<{(len(octets) - start) // 2}h", octets, start)


def tone_share(block: tuple[int, ...], rate: int, hertz: float) -> float:
    """The share of the block's energy at one frequency (Goertzel's algorithm), 0 to 1; silence has none."""
    energy = sum(sample * sample for sample in block)
    if energy == 0:
        return 0.0
    turn = 2 * math.pi * hertz / rate
    factor, last, before = 2 * math.cos(turn), 0.0, 0.0
    for sample in block:
        last, before = sample + factor * last - before, last
    return 2 * (last * last + before * before - factor * last * before) / (len(block) * energy)


def levels(recording: Recording) -> list[float]:
    """The root mean square of each block."""
    return [math.sqrt(sum(sample * sample for sample in block) / len(block)) for block in recording.blocks()]


@dataclasses.dataclass(frozen=True)
class Heard:
    """What was heard of one tone, from the first audible block to the end."""

    seconds: float       # of the tone
    share: float         # of the blocks that hold it
    longest_gap_ms: int  # without it
    unwanted: float      # the largest share of energy that the other tone had in a block


def listen(recording: Recording, wanted: float, unwanted: float) -> Heard:
    """Looks for `wanted` and for `unwanted`, the tone that the listener sends itself and must not hear."""
    blocks = recording.blocks()
    loud = [level >= AUDIBLE for level in levels(recording)]
    start = loud.index(True) if True in loud else len(blocks)
    # A tone need not fill the block that it begins in.
    blocks, loud = blocks[start + 1:], loud[start + 1:]
    good = [is_loud and tone_share(block, recording.rate, wanted) >= PURE for block, is_loud in zip(blocks, loud)]
    leaked = [tone_share(block, recording.rate, unwanted) for block, is_loud in zip(blocks, loud) if is_loud]
    gap = longest = 0
    for is_good in good:
        gap = 0 if is_good else gap + 1
        longest = max(longest, gap)
    return Heard(sum(good) * BLOCK_MS / 1000, sum(good) / max(len(good), 1), longest * BLOCK_MS, max(leaked, default=0.0))


def decode_mulaw(octets: bytes) -> tuple[int, ...]:
    """G.711 µ-law to 16-bit samples."""
    samples = []
    for octet in octets:
        code = ~octet & 0xFF
        magnitude = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
        samples.append(-magnitude if code & 0x80 else magnitude)
    return tuple(samples)
