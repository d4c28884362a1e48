#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIPp and sipsak as plain trunks over UDP and TCP, Kamailio as a registrar behind us, phones with SRTP on the other side."""

import math
import pathlib
import socket
import subprocess
import sys

import border
import phone_call
from border import Border, check
from demo_network import wait_for
from kamailio import Kamailio
from phone_baresip import Baresip
from phone_linphone import Linphone
from raw_sip import RawPeer
from scripted_phone import PLAIN, ScriptedPhone, caller_dialog

SCENARIOS = pathlib.Path(__file__).resolve().parent / "sipp"
OURS, THEIRS = border.TRUNK_ADDRESS, "10.91.3.2"
ANSWERS, OVERLOADED, BUSY, CHALLENGES, NOBODY = 5071, 5072, 5073, 5074, 5079
MORE = border.trunk_side("udp", "tcp") + "".join(f"""
[trunk.{name}]
group = "{group}"
priority = {priority}
host = "{THEIRS}"
port = {port}
listener = "{listener}"
options_interval_s = 0
{more}
""" for name, group, priority, port, listener, more in (
    ("udp", "udp", 10, ANSWERS, "udp", f'addresses = ["{THEIRS}"]'), ("tcp", "tcp", 10, ANSWERS, "tcp", f'addresses = ["{THEIRS}"]'),
    ("overloaded", "several", 10, OVERLOADED, "udp", ""), ("second", "several", 20, ANSWERS, "udp", ""),
    ("silent", "silent", 10, NOBODY, "udp", ""), ("third", "silent", 20, ANSWERS, "udp", ""),
    ("busy", "busy", 10, BUSY, "udp", ""), ("not-busy", "busy", 20, ANSWERS, "udp", ""),
    ("challenges", "challenges", 10, CHALLENGES, "udp", 'realm = "carrier.example"\nuser = "us"\npassword = "trunk-password"'),
    ("registrar", "registrar", 10, 5060, "udp", ""),
    ("forks", "forks", 10, 5060, "udp", f'realm = "{phone_call.DOMAIN}"\nuser = "us"\npassword = "{phone_call.PASSWORD}"'))) + "".join(f"""
[[route]]
match = "{match}"
group = "{group}"
strip = {strip}
""" for match, group, strip in (("+1", "udp", 0), ("+2", "tcp", 0), ("+3", "several", 0), ("+4", "busy", 0), ("+5", "challenges", 0),
                                ("+6", "silent", 0), ("9", "registrar", 1), ("8", "forks", 1)))


class Sipp:
    """A SIPp that waits for calls on a port, or makes one."""

    def __init__(self, border: Border, scenario: str, port: int, transport: str = "u1", *more: str) -> None:
        self.border, self.name = border, f"sipp-{scenario}-{port}-{transport}"
        (border.stage.folder / "tone.ul").write_bytes(mulaw_tone(1000))
        command = ["env", "-C", str(border.stage.folder), "sipp", "-sf", str(SCENARIOS / f"{scenario}.xml"), "-t", transport, "-i", THEIRS, "-mi", THEIRS,
                   "-p", str(port), "-mp", str(port + 2000), "-m", "1", "-nostdin", "-trace_err", "-trace_msg", "-error_file", f"{self.name}.errors",
                   "-message_file", f"{self.name}.messages", "-message_overwrite", "true", "-timeout", "15", *more]
        self.process: subprocess.Popen = border.stage.start("trunk", command, f"{self.name}.log")
        if "-inf" not in more:
            proto = "-lun" if transport == "u1" else "-ltn"
            wait_for(lambda: f":{port} " in border.stage.run("trunk", ["ss", proto]).stdout, 3)

    def done(self, seconds: float = 6) -> bool:
        """Whether the scenario came to its end as it wanted."""
        return wait_for(lambda: self.process.poll() is not None, seconds) and self.process.returncode == 0

    def trouble(self) -> str:
        return "\n".join(f"{path.name}:\n{path.read_text(errors='replace')[-3000:]}"
                         for path in sorted(self.border.stage.folder.glob(f"{self.name}.*")))

    def stop(self) -> None:
        self.border.stage.kill(self.process)


def mulaw_tone(hertz: int) -> bytes:
    """A second of a tone whose frequency divides 8000 into whole samples."""
    period = [int(12000 * math.sin(2 * math.pi * hertz * i / 8000)) for i in range(8000 // hertz)]
    return bytes(_mulaw(sample) for sample in period) * hertz


def _mulaw(sample: int) -> int:
    magnitude = min(abs(sample), 32635) + 132
    exponent = magnitude.bit_length() - 8
    return ~((0x80 if sample < 0 else 0) | exponent << 4 | (magnitude >> exponent + 3 & 0x0F)) & 0xFF


def _call_out(border: Border, number: str, *peers: Sipp, last: int = 0) -> None:
    """Alice's baresip, with SRTP, calls a number behind a trunk without; the trunk gives back what it hears."""
    alice = border.registered(Baresip, "alice", "access")
    try:
        alice.dial(f"sip:{number}@{phone_call.DOMAIN}")
        check("the call is answered", wait_for(lambda: alice.calls_made() == 1, 8), alice.trouble(), *(peer.trouble() for peer in peers))
        wait_for(lambda: alice.heard().seconds >= 2, 5)
        heard = alice.heard().listen(alice.account.tone, 1000)
        check("alice hears herself come back", heard.seconds >= 1.5, phone_call.describe(heard))
        alice.hang_up()
        check("the trunk is told the end", peers[last].done(), peers[last].trouble(), alice.trouble())
    finally:
        for peer in peers:
            peer.stop()


def call_out_by_udp(border: Border) -> None:
    _call_out(border, "+1301234", Sipp(border, "answers", ANSWERS, "u1", "-rtp_echo"))


def call_out_by_tcp(border: Border) -> None:
    _call_out(border, "+2301234", Sipp(border, "answers", ANSWERS, "t1", "-rtp_echo"))


def the_next_trunk_when_one_is_overloaded(border: Border) -> None:
    _call_out(border, "+3301234", Sipp(border, "answers", ANSWERS, "u1", "-rtp_echo"), Sipp(border, "overloaded", OVERLOADED))


def the_next_trunk_when_one_is_silent(border: Border) -> None:
    _call_out(border, "+6301234", Sipp(border, "answers", ANSWERS, "u1", "-rtp_echo"))


def a_trunk_that_wants_a_digest(border: Border) -> None:
    _call_out(border, "+5301234", Sipp(border, "challenges", CHALLENGES, "u1", "-rtp_echo"))


def busy_is_busy(border: Border) -> None:
    """No other trunk is asked, and the caller is told."""
    busy = Sipp(border, "busy", BUSY)
    alice = border.registered(Baresip, "alice", "access")
    alice.dial(f"sip:+4301234@{phone_call.DOMAIN}")
    check("the caller gets 486", wait_for(lambda: 486 in alice.statuses("INVITE"), 6), alice.trouble(), busy.trouble())
    busy.stop()


def _call_in(border: Border, transport: str) -> None:
    bob = border.registered(Linphone, "bob", "core", auto_answer=True)
    names = border.stage.folder / "callees.csv"
    names.write_text(f"SEQUENTIAL\n{phone_call.DOMAIN}\n")
    caller = Sipp(border, "calls", 5075, transport, "-s", "bob", "-inf", str(names), f"{OURS}:5060")
    check("bob's phone answers", wait_for(lambda: bob.calls_made() == 1, 6), caller.trouble(), bob.trouble())
    check("the trunk's call goes as it should", caller.done(8), caller.trouble(), bob.trouble())
    heard = bob.heard().listen(1000, 300)
    check("bob heard the trunk's tone", heard.seconds >= 1.5, phone_call.describe(heard))
    check("bob's leg was encrypted", bob.keys(), bob.trouble())


def call_in_by_udp(border: Border) -> None:
    _call_in(border, "u1")


def call_in_by_tcp(border: Border) -> None:
    _call_in(border, "t1")


def strangers(border: Border) -> None:
    """Who calls from an address that is no trunk's is not let in."""
    border.stage.run("trunk", ["ip", "address", "add", "10.91.3.3/24", "dev", "media0"])
    for transport in ("udp", "tcp"):
        with border.stage.sockets_of("trunk"):
            kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
            one = socket.socket(socket.AF_INET, kind)
        one.bind(("10.91.3.3", 0))
        one.connect((OURS, 5060))
        stranger = RawPeer.over(one, transport)
        stranger.send(stranger.request("INVITE", f"sip:bob@{phone_call.DOMAIN}"))
        outcome = stranger.outcome()
        check(f"a stranger's call over {transport} is refused", outcome in (401, 403, 407), outcome)
        stranger.close()


def options_by_sipsak(border: Border) -> None:
    for transport in ("udp", "tcp"):
        said = border.stage.run("trunk", ["sipsak", "-vv", "-E", transport, "-s", f"sip:ping@{OURS}:5060"], 12)
        check(f"sipsak gets 200 over {transport}", said.returncode == 0 and "200 OK" in said.stdout, said.stdout, said.stderr)


def kamailio_behind_us(border: Border) -> None:
    """Numbers that begin with 9 are users of a Kamailio behind a trunk: it answers for them, here that it knows none."""
    kamailio = Kamailio(border.stage, phone_call.DOMAIN, phone_call.PASSWORD, "trunk")
    try:
        alice = border.registered(Baresip, "alice", "access")
        alice.dial(f"sip:9nobody@{phone_call.DOMAIN}")
        # It challenges calls; its realm is not configured for this trunk, so nothing may answer it.
        check("alice is refused", wait_for(lambda: alice.calls_ended() == 1, 6), alice.trouble())
        check("and never asked for a password of somebody else's", not {401, 407} & set(alice.statuses("INVITE")[1:]), alice.trouble())
    finally:
        kamailio.stop()


def kamailio_forks(border: Border) -> None:
    """Two phones of one user ring behind a proxy, one answers: two dialogs from one INVITE of ours."""
    kamailio = Kamailio(border.stage, phone_call.DOMAIN, phone_call.PASSWORD, "trunk")
    phones = []
    try:
        for _ in range(2):
            with border.stage.sockets_of("trunk"):
                own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            own.connect((THEIRS, 5060))
            phones.append(ScriptedPhone(RawPeer.over(own, "udp"), "team", phone_call.PASSWORD))
        check("both register there", all(one.register() == 200 for one in phones))
        alice = ScriptedPhone(RawPeer(border.stage, "access", 5061, "tls", border.authority.certificate), "dave", phone_call.PASSWORD)
        check("alice registers", alice.register() == 200)
        sent = alice.invite(f"sip:8team@{phone_call.DOMAIN}", alice.sdp())
        invites = [one.expect("INVITE") for one in phones]
        for one, invite in zip(phones, invites, strict=True):
            one.respond(invite, 180, tag=f"t{one.peer.port}")
        alice.expect_status("INVITE", 180)
        phones[1].respond(invites[1], 200, phones[1].sdp(crypto=None, media=PLAIN), tag=f"t{phones[1].peer.port}")
        own = caller_dialog(sent, alice.expect_status("INVITE", 200))
        alice.within(own, "ACK", cseq=own.cseq)
        phones[1].expect("ACK")
        phones[0].respond(phones[0].expect("CANCEL"), 200)
        phones[0].respond(invites[0], 487, tag=f"t{phones[0].peer.port}")
        phones[0].expect("ACK")
        alice.within(own, "BYE")
        phones[1].expect_end()
        alice.expect_status("BYE", 200)
    finally:
        for one in phones:
            one.peer.close()
        kamailio.stop()


CASES = {case.__name__: case for case in (
    call_out_by_udp, call_out_by_tcp, the_next_trunk_when_one_is_overloaded, the_next_trunk_when_one_is_silent,
    a_trunk_that_wants_a_digest, busy_is_busy, call_in_by_udp, call_in_by_tcp, strangers, options_by_sipsak, kamailio_behind_us,
    kamailio_forks)}

if __name__ == "__main__":
    sys.exit(border.run(CASES, more=MORE, sides=border.TRUNK_SIDES))
