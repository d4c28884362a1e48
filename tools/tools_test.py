# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what tools/demo and tools/bench conclude from: recordings, captures, phones' logs, figures."""

import math
import pathlib
import struct
import tempfile
import unittest
import wave

import bench_kamailio
import bench_ng
import bench_relays
import bench_report
import bench_rtpengine
import demo_audio
import demo_wire
import phone_call
from demo_daemon import Failed
from phone import Hearing
from phone_baresip import Baresip
from phone_linphone import Linphone

RATE = 8000


def tone(hertz: float, seconds: float, amplitude: int = 8000) -> list[int]:
    return [int(amplitude * math.sin(2 * math.pi * hertz * i / RATE)) for i in range(int(seconds * RATE))]


def recording(*parts: list[int]) -> demo_audio.Recording:
    return demo_audio.Recording(RATE, tuple(sample for part in parts for sample in part))


class Bencode(unittest.TestCase):
    def test_what_is_encoded_is_decoded(self) -> None:
        question = {"command": "offer", "flags": ["trust-address"], "n": -3, "empty": {}, "text": "ü"}
        self.assertEqual(bench_ng.decode(bench_ng.encode(question)), question)

    def test_the_wire_format(self) -> None:
        self.assertEqual(bench_ng.encode({"b": [1, "xy"], "a": b""}), b"d1:a0:1:bli1e2:xyee")

    def test_what_is_no_bencode_is_refused(self) -> None:
        for octets in (b"", b"i1", b"5:abc", b"i1ei2e", b"l1:a", b"d1:ae", b"x", b"l"):
            with self.assertRaises(ValueError, msg=octets):
                bench_ng.decode(octets)
        with self.assertRaises(TypeError):
            bench_ng.encode(1.5)


class Relays(unittest.TestCase):
    def sample(self, cpu_us: float, p50_us: float, lost: int = 0) -> bench_rtpengine.Sample:
        return bench_rtpengine.Sample(cpu_us, 0.5, p50_us, 2 * p50_us, 100, lost, 0)

    def test_ratios_are_of_the_same_round_and_latency_is_beyond_the_direct_way(self) -> None:
        figures = bench_rtpengine.conclude("e", {"direct": [self.sample(0, 10), self.sample(0, 10)], "ours": [self.sample(2, 20), self.sample(4, 30)],
                                                 "rtpengine": [self.sample(12, 30), self.sample(24, 50, 5)]})
        self.assertEqual(figures["e/rtpengine_over_ours"], {"median": 6, "spread": 0, "unit": "ratio"})
        self.assertEqual(figures["e/latency_p50_over_rtpengine"]["median"], 0.5)
        self.assertEqual(figures["e/ours_added_p50_us"]["median"], 15)
        self.assertEqual((figures["e/ours_loss"]["median"], figures["e/rtpengine_loss"]["median"]), (0, 0.025))

    def test_a_description_tells_address_port_and_the_key_of_a_tag(self) -> None:
        sdp = "c=IN IP4 192.0.2.1\r\nm=audio 5004 RTP/SAVP 0\r\n" + "".join(
            f"a=crypto:{tag} {bench_relays.SUITE} inline:{key}\r\n" for tag, key in ((1, "AA"), (2, "BB|2^31")))
        self.assertEqual(bench_relays.read_description(sdp, 2), ("192.0.2.1:5004", "BB"))
        with self.assertRaises(Failed):
            bench_relays.read_description(sdp, 3)


class Kamailio(unittest.TestCase):
    def test_ratios_are_of_the_same_round(self) -> None:
        figures = bench_kamailio.conclude({("register", "sallyport"): [10, 20, 30], ("register", "kamailio_lean"): [20, 40, 60]})
        self.assertEqual(figures["sip/register/over_kamailio_lean"], {"median": 0.5, "spread": 0.0, "unit": "ratio"})
        self.assertEqual(figures["sip/register/sallyport_us"]["median"], 20)

    def test_the_floor_of_a_call_is_that_of_four_registrations(self) -> None:
        figures = bench_kamailio.conclude({("register", "floor"): [10, 10], ("call", "sallyport"): [80, 80]})
        self.assertEqual(figures["sip/call/over_floor"]["median"], 2)

    def test_without_ours_there_is_nothing_over_anything(self) -> None:
        figures = bench_kamailio.conclude({("register", "kamailio_default"): [1, 2], ("register", "floor"): [1, 1]})
        self.assertFalse([name for name in figures if "/over_" in name])
        self.assertEqual(bench_kamailio.conclude({}), {})


class Audio(unittest.TestCase):
    def test_clean_tone(self) -> None:
        heard = demo_audio.listen(recording(tone(440, 3)), 440, 1000)
        self.assertGreater(heard.seconds, 2.9)
        self.assertEqual(heard.longest_gap_ms, 0)
        self.assertLess(heard.unwanted, 0.02)

    def test_silence_before_the_call_is_no_gap(self) -> None:
        heard = demo_audio.listen(recording([0] * RATE, tone(440, 1)), 440, 1000)
        self.assertEqual(heard.longest_gap_ms, 0)

    def test_silence_and_noise_are_gaps(self) -> None:
        silence = demo_audio.listen(recording(tone(440, 1), [0] * 800, tone(440, 1)), 440, 1000)
        self.assertGreaterEqual(silence.longest_gap_ms, 100)
        other = demo_audio.listen(recording(tone(440, 1), tone(700, 0.2), tone(440, 1)), 440, 1000)
        self.assertGreaterEqual(other.longest_gap_ms, 200)

    def test_wrong_tone_is_not_heard(self) -> None:
        self.assertEqual(demo_audio.listen(recording(tone(1000, 2)), 440, 1000).seconds, 0)

    def test_own_tone_mixed_in_is_noticed(self) -> None:
        mixed = [a + b for a, b in zip(tone(440, 1), tone(1000, 1, 3000))]
        self.assertGreater(demo_audio.listen(recording(mixed), 440, 1000).unwanted, 0.05)

    def test_nothing_at_all(self) -> None:
        for empty in (recording(), recording([0] * RATE), recording([1, 2, 3])):
            self.assertEqual(demo_audio.listen(empty, 440, 1000).seconds, 0)

    def test_files(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a.wav"
            self.assertEqual(demo_audio.read_wav(path).seconds, 0)
            with wave.open(str(path), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                file.writeframes(struct.pack("<4h", 1, -2, 3, -4))
            self.assertEqual(demo_audio.read_wav(path).samples, (1, -2, 3, -4))
            # A recorder that was killed leaves lengths of zero.
            octets = bytearray(path.read_bytes())
            octets[40:44] = bytes(4)
            path.write_bytes(octets)
            self.assertEqual(demo_audio.read_wav(path).samples, (1, -2, 3, -4))
            # One that is still recording may not have written its header.
            path.write_bytes(bytes(44) + bytes(octets[44:]))
            self.assertEqual(demo_audio.read_wav(path).samples, (1, -2, 3, -4))
            path.write_bytes(b"RIFF")
            self.assertEqual(demo_audio.read_wav(path).seconds, 0)

    def test_mulaw(self) -> None:
        self.assertEqual(demo_audio.decode_mulaw(b"\xff\x7f\x80\x00"), (0, 0, 32124, -32124))


def frame(sequence: int, ssrc: int, payload: bytes, first: int = 0x80) -> bytes:
    rtp = struct.pack("!BBHII", first, 0, sequence, sequence * 160, ssrc) + payload
    udp = struct.pack("!HHHH", 40000, 30000, 8 + len(rtp), 0)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(rtp), 0, 0, 64, 17, 0, bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2)))
    return bytes(12) + b"\x08\x00" + ip + udp + rtp


def capture(folder: str, *frames: bytes) -> list[demo_wire.RtpPacket]:
    path = pathlib.Path(folder) / "a.pcap"
    records = b"".join(struct.pack("<IIII", 0, 0, len(octets), len(octets)) + octets for octets in frames)
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + records)
    return demo_wire.read_pcap(path)


class Wire(unittest.TestCase):
    def test_reads_rtp_and_nothing_else(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            packets = capture(folder, frame(7, 9, b"abc"), b"short", frame(8, 9, b"", first=0x40), frame(9, 9, b"d" * 20))
            self.assertEqual([(packet.sequence, packet.ssrc, packet.payload[:1]) for packet in packets], [(7, 9, b"a"), (9, 9, b"d")])
            self.assertEqual(packets[0].source, ("10.0.0.1", 40000))

    def test_pairs_by_sequence_and_stream(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            here = capture(folder, frame(1, 9, b"x"), frame(2, 9, b"x"), frame(3, 8, b"x"))
            there = capture(folder, frame(2, 9, b"y"), frame(3, 9, b"y"))
            self.assertEqual([(a.sequence, b.payload) for a, b in demo_wire.pairs(here, there, 9)], [(2, b"y")])

    def test_longest_loss(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for numbers, loss in (((1, 2, 3), 0), ((1, 4, 5, 7), 2), ((65534, 65535, 0, 1), 0), ((), 0)):
                self.assertEqual(demo_wire.longest_loss(capture(folder, *(frame(number, 9, b"") for number in numbers))), loss)

    def test_clear_speech_is_audible_and_nothing_counts_as_audible(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            clear = capture(folder, frame(1, 9, bytes((0x80, 0x80, 0x80, 0x80, 0, 0, 0, 0)) * 20))
            self.assertGreater(demo_wire.audible_share(clear, 1000), 0.8)
        self.assertEqual(demo_wire.audible_share([], 1000), 1.0)


OFFER = "v=0\nm=audio 4000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUJD\na=sendonly\n"
BARESIP_LOG = f"""ua: using best effort
\x1b[36;1m#
TLS 10.91.1.2:4 -> 10.91.1.1:5061
INVITE sip:bob@example.com SIP/2.0
CSeq: 1 INVITE
Authorization: Digest username="alice", response="x"

{OFFER}\x1b[;m
\x1b[36;1m#
TLS 10.91.1.1:5061 -> 10.91.1.2:4
SIP/2.0 486 Busy Here
CSeq: 1 INVITE

\x1b[;m
alice@example.com: {{0/TLS/v4}} 200 OK (x) [1 binding]
"""
LINPHONE_LOG = f"""2026-01-01 10:00:00:000 belle-sip-message-channel [0x1]: message sent to [TLS://example.com:5061], size: [1] bytes
REGISTER sip:example.com SIP/2.0
CSeq: 20 REGISTER
Authorization:  Digest algorithm=SHA-256, username="bob"

2026-01-01 10:00:00:001 belle-sip-message-channel [0x1]: received [2] new bytes from [TLS://example.com:5061]:
SIP/2.0 200 OK
CSeq: 20 REGISTER

2026-01-01 10:00:00:002 liblinphone-message-Account moving from state [LinphoneRegistrationProgress] to [LinphoneRegistrationOk] on core
2026-01-01 10:00:00:003 belle-sip-message-channel [0x1]: received [2] new bytes from [TLS://example.com:5061]:
INVITE sip:bob@example.com SIP/2.0
CSeq: 1 INVITE

{OFFER}
2026-01-01 10:00:00:004 liblinphone-message-CallSession moving from state LinphoneCallIdle to LinphoneCallIncomingReceived
"""


class FakeStage:
    def endpoint(self, _side: str) -> str:
        return "10.91.1.2"


def phone_with(make: type, folder: str, log: str):
    """A phone that never ran but left a log."""
    phone = make.__new__(make)
    phone.stage, phone.folder, phone.process = FakeStage(), pathlib.Path(folder), None
    phone.account = phone_call.account("alice", "access")
    phone.log.write_text(log)
    return phone


class Phones(unittest.TestCase):
    def test_baresip(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            phone = phone_with(Baresip, folder, BARESIP_LOG)
            self.assertEqual([message.received for message in phone.messages()], [False, True])
            self.assertEqual(phone.statuses("INVITE"), [486])
            self.assertEqual(phone.statuses("BYE"), [])
            self.assertEqual(phone.keys(), {"QUJD": "AES_CM_128_HMAC_SHA1_80"})
            self.assertEqual(phone_call.digest_algorithms(phone), {"MD5"})
            self.assertTrue(phone.registered() and not phone.refused())
            self.assertFalse(phone.is_held())

    def test_linphone(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            phone = phone_with(Linphone, folder, LINPHONE_LOG)
            self.assertEqual([message.received for message in phone.messages()], [False, True, True])
            self.assertEqual(phone.statuses("REGISTER"), [200])
            self.assertEqual(phone_call.digest_algorithms(phone), {"SHA-256"})
            self.assertTrue(phone.registered() and phone.ringing() and not phone.refused())
            self.assertEqual((phone.calls_made(), phone.calls_ended()), (0, 0))

    def test_nothing_yet(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for make in (Baresip, Linphone):
                phone = phone_with(make, folder, "")
                self.assertEqual((phone.messages(), phone.keys(), phone.registered(), phone.is_held()), ([], {}, False, False))

    def test_hearing_goes_on_over_recordings(self) -> None:
        hearing = Hearing([recording(tone(440, 2)), recording([0] * 800, tone(440, 2))])
        self.assertAlmostEqual(hearing.since(3).seconds, 1.1)
        self.assertTrue(phone_call.is_clear(hearing.listen(440, 1000), 4))
        self.assertFalse(phone_call.is_clear(hearing.listen(1000, 440), 4))
        self.assertFalse(phone_call.is_silent(hearing))
        self.assertTrue(phone_call.is_silent(Hearing([recording([0] * RATE)])) and phone_call.is_silent(Hearing([])))


class Figures(unittest.TestCase):
    NAME = "relay/srtp_srtp/AES_CM_128_HMAC_SHA1_80/160/burst32/flows1000/over_bare_passes"

    def report(self, median: float) -> dict:
        figures = {self.NAME: {"median": median, "spread": 0.1, "unit": "ratio"}, "a<b": {"median": 12345.6, "spread": 0, "unit": "ns"}}
        return {"machine": "m", "compiler": "c", "revision": "r", "figures": figures}

    def test_targets(self) -> None:
        self.assertIn("≤ 1.5: reached", bench_report.markdown(self.report(1.5)))
        self.assertIn("≤ 1.5: missed", bench_report.markdown(self.report(1.51)))
        self.assertIn("| `a<b` | 12 346 | 0 | ns |  |", bench_report.markdown(self.report(1)))

    def test_plot_is_well_formed(self) -> None:
        import xml.etree.ElementTree as xml
        plot = xml.fromstring(bench_report.svg(self.report(1.5)))
        self.assertTrue(any("a<b" in (node.text or "") for node in plot.iter()))
        xml.fromstring(bench_report.svg({"machine": "m", "compiler": "c", "revision": "r", "figures": {}}))


if __name__ == "__main__":
    unittest.main()
