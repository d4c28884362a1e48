# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints that calls are relayed between: GStreamer and ffmpeg, which bring their own SRTP."""

import base64
import dataclasses
import os
import pathlib

# Registered name: GStreamer's cipher and authentication, octets of key and salt.
SUITES = {
    "AES_CM_128_HMAC_SHA1_80": ("aes-128-icm", "hmac-sha1-80", 30),
    "AES_CM_128_HMAC_SHA1_32": ("aes-128-icm", "hmac-sha1-32", 30),
    "AES_256_CM_HMAC_SHA1_80": ("aes-256-icm", "hmac-sha1-80", 46),
    "AEAD_AES_128_GCM": ("aes-128-gcm", "null", 28),
    "AEAD_AES_256_GCM": ("aes-256-gcm", "null", 44),
}


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One end of a call. `send_key` is what the endpoint sends with."""

    side: str
    address: str
    port: int
    suite: str
    tone: int
    ssrc: int
    send_key: bytes
    receive_key: bytes

    @property
    def remote(self) -> str:
        return f"{self.address}:{self.port}"

    @staticmethod
    def make(side: str, address: str, port: int, suite: str, tone: int, ssrc: int) -> "Endpoint":
        octets = SUITES[suite][2]
        return Endpoint(side, address, port, suite, tone, ssrc, os.urandom(octets), os.urandom(octets))


def text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def gstreamer(end: Endpoint, peer_ssrc: int, sbc: str, recording: pathlib.Path) -> list[str]:
    """Sends a tone and records what comes back, from and to the same port."""
    cipher, authentication, _ = SUITES[end.suite]
    host, port = sbc.split(":")
    caps = ("application/x-srtp,media=audio,clock-rate=8000,payload=0,encoding-name=PCMU,"
            f"ssrc=(uint){peer_ssrc},srtp-key=(buffer){end.receive_key.hex()},"
            f"srtp-cipher=(string){cipher},srtp-auth=(string){authentication},"
            f"srtcp-cipher=(string){cipher},srtcp-auth=(string){authentication}")
    send = (f"audiotestsrc is-live=true wave=sine freq={end.tone} ! audio/x-raw,rate=8000,channels=1 ! mulawenc "
            f"! rtppcmupay pt=0 ssrc={end.ssrc} min-ptime=20000000 max-ptime=20000000 "
            f"! srtpenc key={end.send_key.hex()} rtp-cipher={cipher} rtcp-cipher={cipher} "
            f"rtp-auth={authentication} rtcp-auth={authentication} "
            # Two sockets share the port: the one bound to the address receives, the other only sends.
            f"! udpsink host={host} port={port} bind-address=0.0.0.0 bind-port={end.port} async=false")
    receive = (f"udpsrc address={end.address} port={end.port} caps={caps} ! srtpdec ! rtppcmudepay ! mulawdec ! wavenc "
               f"! filesink buffer-mode=unbuffered async=false sync=false location={recording}")
    return ["timeout", "3600", "gst-launch-1.0", "-q", *send.split(), *receive.split()]


# ffmpeg gives SRTCP a tag of 32 bits under the SDES name of this suite, where RFC 4568 §6.2 wants 80; under this name it is right.
FFMPEG_NAMES = {"AES_CM_128_HMAC_SHA1_32": "SRTP_AES128_CM_HMAC_SHA1_32"}


def ffmpeg_sender(end: Endpoint, sbc: str, seconds: int) -> list[str]:
    """Sends a tone for some seconds from a port of its own choice: a peer that must be latched."""
    return ["ffmpeg", "-hide_banner", "-loglevel", "warning", "-re", "-f", "lavfi", "-i",
            f"sine=frequency={end.tone}:sample_rate=8000:duration={seconds}", "-c:a", "pcm_mulaw", "-f", "rtp",
            "-payload_type", "0", "-ssrc", str(end.ssrc),
            "-srtp_out_suite", FFMPEG_NAMES.get(end.suite, end.suite), "-srtp_out_params", text(end.send_key), f"srtp://{sbc}?pkt_size=182"]


def ffmpeg_receiver(end: Endpoint, folder: pathlib.Path, recording: pathlib.Path) -> list[str]:
    """Records what comes to its port."""
    description = folder / f"{end.side}-{end.port}.sdp"
    description.write_text(f"v=0\no=- 0 0 IN IP4 {end.address}\ns=-\nc=IN IP4 {end.address}\nt=0 0\n"
                           f"m=audio {end.port} RTP/SAVP 0\na=rtpmap:0 PCMU/8000\n"
                           f"a=crypto:1 {end.suite} inline:{text(end.receive_key)}\n")
    return ["timeout", "3600", "ffmpeg", "-hide_banner", "-loglevel", "warning", "-protocol_whitelist",
            "file,rtp,srtp,udp,crypto", "-i", str(description), "-c:a", "pcm_s16le", "-flush_packets", "1", "-y", str(recording)]
