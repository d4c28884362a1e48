#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a file's octets as a C++ array: embed.py INPUT OUTPUT."""
import pathlib
import sys

octets = pathlib.Path(sys.argv[1]).read_bytes()
lines = [", ".join(f"0x{octet:02x}" for octet in octets[at:at + 16]) for at in range(0, len(octets), 16)]
pathlib.Path(sys.argv[2]).write_text(
    "// Made by embed.py from the compiled XDP program.\n"
    '#include "dataplane/xdp/steering_object.h"\n\n'
    "namespace sallyport::dataplane {\n\n"
    "namespace {\n"
    f"alignas(8) constexpr std::uint8_t kOctets[{len(octets)}] = {{\n" + ",\n".join(lines) + "};\n"
    "}  // namespace\n\n"
    "std::span<const std::uint8_t> steering_object() { return kOctets; }\n\n"
    "}  // namespace sallyport::dataplane\n")
