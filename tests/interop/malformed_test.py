#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input from all sides while two phones talk: each gets its status or a closed connection, and the call is unharmed."""

import os
import pathlib
import re
import sys

import border
import phone_call
from border import Border, check
from demo_network import let_pass, wait_for
from raw_sip import CLOSED, SILENT, RawPeer, compose

INCOMPLETE_S = 2
MORE = """
[sip.limits]
incomplete_s = %d
first_message_s = 3
handshake_ms = 3000

[sip.listener.plain]
side = "core"
transport = "tcp"
address = "{core}:5060"
allow_plain = true

[sip.listener.datagrams]
side = "core"
transport = "udp"
address = "{core}:5060"
allow_plain = true

[sip.listener.datagrams.auth]
algorithms = ["MD5"]
""" % INCOMPLETE_S

OURS = "sip:example.com"
BOB = "sip:bob@example.com"
STREAMS = (("access", 5061, "tls"), ("core", 5060, "tcp"))
LIVE_SECONDS = 5


def peer(border: Border, side: str = "access", port: int = 5061, transport: str = "tls") -> RawPeer:
    return RawPeer(border.stage, side, port, transport, border.authority.certificate)


def bad_requests(peer: RawPeer) -> dict[str, tuple[bytes, set]]:
    """What is sent, and what may come of it."""
    def options(**changes: str | None) -> bytes:
        return peer.request("OPTIONS", OURS, **changes)

    def register(**changes: str | None) -> bytes:
        return peer.request("REGISTER", OURS, **changes)
    refused = {400, CLOSED}
    return {
        # Without Via there is no way for an answer.
        "no Via": (options(Via=None), refused | {SILENT}),
        "no From": (options(From=None), refused),
        "no To": (options(To=None), refused),
        "no Call-ID": (options(Call_ID=None), refused),
        "no CSeq": (options(CSeq=None), refused),
        "a CSeq of another method": (options(CSeq="1 INVITE"), refused),
        "a CSeq of 2^32": (options(CSeq="4294967296 OPTIONS"), refused),
        "a CSeq of letters": (options(CSeq="x OPTIONS"), refused),
        "From without its bracket": (options(From="<sip:dave@example.com;tag=1"), refused),
        "To that is no address": (options(To='"unclosed <sip:x>'), refused),
        "a Contact that is no address": (register(Contact="<<>>"), {400, 401, CLOSED}),
        "no Max-Forwards left": (options(Max_Forwards="0"), {483, 200}),
        "Max-Forwards of letters": (options(Max_Forwards="many"), refused),
        "an unknown extension required": (options(Require="teleportation"), {420}),
        "an unknown method": (peer.request("EXPLODE", OURS), {405, 501}),
        "an unknown scheme": (peer.request("OPTIONS", "gopher:example.com"), {404, 416}),
        "SIP/3.0": (options().replace(b"SIP/2.0\r\n", b"SIP/3.0\r\n", 1), {505, CLOSED}),
        "HTTP": (b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", refused | {505}),
        "NUL in a header": (options(Subject="a\0b"), refused | {200}),
        "NUL octets alone": (bytes(5000), {CLOSED, SILENT}),
        "noise": (os.urandom(3000), {CLOSED, SILENT, 400}),
        "a header of a megabyte": (options(Subject="x" * (1 << 20)), {513, 413, 400, CLOSED}),
        "a thousand headers": (compose("OPTIONS", OURS, peer.headers("OPTIONS", OURS) | {f"X-{i}": "y" for i in range(1000)}), {400, 413, 513, CLOSED}),
        "a Request-URI of 60 000 octets": (peer.request("OPTIONS", "sip:" + "u" * 60000 + "@example.com", To="<sip:x@example.com>"),
                                            {400, 413, 414, 513, CLOSED}),
        "a line without end": (b"OPTIONS " + b"x" * 200000, {CLOSED, 400, 413, 414, 513}),
        "a negative Content-Length": (options(Content_Length="-1"), refused),
        "a Content-Length of 2^64": (options(Content_Length="18446744073709551616"), refused | {413}),
        "a Content-Length of letters": (options(Content_Length="ten"), refused),
        "a Content-Length of a gigabyte": (options(Content_Length=str(1 << 30)), refused | {413}),
        "two Content-Lengths": (options().replace(b"Content-Length: 0", b"Content-Length: 0\r\nContent-Length: 4"), refused),
        "a body without its Content-Length": (options(Content_Length=None).replace(b"Content-Length: 0\r\n", b"") + b"rest", {200, 400, CLOSED, SILENT}),
        "a Content-Length that is too long": (options(Content_Length="500"), {CLOSED, 400}),
        "a response that nobody waits for": (options().replace(b"OPTIONS sip:example.com SIP/2.0", b"SIP/2.0 200 OK", 1), {SILENT, CLOSED}),
        "an ACK that nobody waits for": (peer.request("ACK", BOB), {SILENT}),
        "a BYE of no call": (peer.request("BYE", BOB, To=f"<{BOB}>;tag=none"), {481, 401}),
        "a CANCEL of nothing": (peer.request("CANCEL", BOB), {481}),
        "a REGISTER for somebody else's domain": (peer.request("REGISTER", "sip:elsewhere.invalid"), {401, 403, 404}),
    }


def streams(border: Border) -> None:
    """All at once, each on a connection of its own."""
    for side, port, transport in STREAMS:
        asked = []
        for name, (octets, wanted) in bad_requests(peer(border, side, port, transport)).items():
            one = peer(border, side, port, transport)
            one.send(octets)
            asked.append((name, wanted, one))
        # A Content-Length that lies is only noticed when nothing more comes.
        let_pass(INCOMPLETE_S + 1)
        problems = []
        for name, wanted, one in asked:
            outcome = one.outcome(0.2 if SILENT in wanted else 3)
            one.close()
            if outcome not in wanted:
                problems.append(f"{transport}, {name}: {outcome}, not one of {sorted(map(str, wanted))}")
        check(f"bad requests over {transport}", not problems, *problems)


def datagrams(border: Border) -> None:
    problems = []
    for name, (octets, wanted) in bad_requests(peer(border, "core", 5060, "udp")).items():
        if len(octets) > 60000:
            continue
        one = peer(border, "core", 5060, "udp")
        one.send(octets)
        outcome = one.outcome(0.2)
        one.close()
        # What is not understood is dropped; what has no Via cannot be answered.
        if outcome not in wanted | {SILENT}:
            problems.append(f"udp, {name}: {outcome}, not one of {sorted(map(str, wanted))}")
    check("bad requests over udp", not problems, *problems)


def slow(border: Border) -> None:
    """An octet at a time, and nothing at all: the connection is closed, soon."""
    for side, port, transport in STREAMS:
        one = peer(border, side, port, transport)
        request = iter(one.request("OPTIONS", OURS))
        check(f"{transport}: an octet every 0.2 s", wait_for(lambda: not one.send(bytes([next(request)])) or one.outcome(0.2) == CLOSED,
                                                             INCOMPLETE_S + 4))
    # Connections that say nothing.
    silent = border.stage.connect("access", (border.stage.address("access"), 5061))
    silent.settimeout(8)
    check("a TLS handshake that does not begin", silent.recv(1) == b"")
    for side, port, transport in STREAMS:
        check(f"{transport}: a connection that says nothing", peer(border, side, port, transport).outcome(8) == CLOSED)


def no_tls(border: Border) -> None:
    """Plain SIP, and noise, where TLS is spoken."""
    for octets in (b"OPTIONS sip:example.com SIP/2.0\r\n\r\n", os.urandom(2000), b"\x16\x03\x01\xff\xff" + bytes(3000)):
        one = peer(border, "access", 5061, "tcp")
        one.send(octets)
        one.socket.settimeout(6)
        try:
            while one.socket.recv(65536):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            check("noise instead of TLS closes the connection", False, octets[:40])


def descriptions(border: Border) -> None:
    """Calls of a proven user whose description of the session is bad."""
    good = "v=0\r\no=- 1 1 IN IP4 10.91.1.2\r\ns=-\r\nc=IN IP4 10.91.1.2\r\nt=0 0\r\n"
    audio = "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + "\r\n"
    bodies = {
        "10 000 lines": (good + "a=x\r\n" * 10000 + audio, {400, 413, 488}),
        "1000 media": (good + audio * 200, {400, 413, 488}),
        "no media": (good, {488}),
        "noise": ("\0\1\2" * 100, {400, 488}),
        "an address of letters": (good.replace("10.91.1.2", "a.b.c.d") + audio, {400, 488}),
        "a port of 70000": (good + audio.replace("4000", "70000"), {400, 488}),
        "a short key": (good + audio.replace("A" * 40, "A" * 8), {400, 488}),
        "an unknown suite": (good + audio.replace("AES_CM_128_HMAC_SHA1_80", "ROT13"), {488}),
        "no key": (good + audio.split("a=")[0], {488}),
        "more than fits": (good + "a=" + "x" * 70000 + "\r\n", {413, CLOSED}),
    }
    problems = []
    for name, (body, wanted) in bodies.items():
        one = peer(border)
        outcome = one.authenticated("INVITE", BOB, phone_call.PASSWORD, body.encode(), Content_Type="application/sdp")
        if outcome not in wanted:
            problems.append(f"{name}: {outcome}, not one of {sorted(map(str, wanted))}")
        one.close()
    one = peer(border)
    outcome = one.authenticated("INVITE", BOB, phone_call.PASSWORD, b"hello", Content_Type="text/plain")
    if outcome != 415:
        problems.append(f"text instead of SDP: {outcome}, not 415")
    check("bad descriptions of sessions", not problems, *problems)


def many_strangers(border: Border, count: int = 5000) -> None:
    """Distinct Call-IDs of nobody we know cost no memory."""
    def resident() -> int:
        # ip(8) and the shell that started the daemon became it: the process is the same.
        status = pathlib.Path(f"/proc/{border.daemon.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
    one = peer(border)
    before, seen = resident(), 0
    for _ in range(count // 100):
        one.send(b"".join(one.request("INVITE", BOB) for _ in range(100)))
        seen += sum(one.outcome(5) in (401, 407) for _ in range(100))
    check("every one is challenged", seen == count, seen)
    check("and forgotten", resident() - before < 16 * 1024, before, resident())


def sipvicious(border: Border) -> None:
    """What everybody's listeners on the Internet meet every day: who is there, what are their passwords?"""
    address, folder = border.stage.address("core"), border.stage.folder
    names, words = folder / "names", folder / "words"
    names.write_text("\n".join((*border_module.USERS, *(f"nobody{i}" for i in range(20)))) + "\n")
    words.write_text("\n".join(f"guess{i}" for i in range(300)) + "\n")
    found = border.stage.run("core", ["svmap", address], 30)
    check("svmap sees that somebody is there", address in found.stdout, found.stdout, found.stderr)
    for method in ("REGISTER", "INVITE", "OPTIONS"):
        asked = border.stage.run("core", ["svwar", "-m", method, "-d", str(names), "--force", address], 60)
        listed = {user for user in border_module.USERS if re.search(rf"\b{user}\b", asked.stdout)}
        unknown = len(re.findall(r"\bnobody\d+\b", asked.stdout))
        check(f"svwar tells no user by {method}", not listed or unknown == 20, asked.stdout[-2000:], asked.stderr[-2000:])
    # It knows MD5 alone, and so does the listener.
    before = border.daemon.ask("stats")["sip"]["authentication"]
    cracked = border.stage.run("core", ["svcrack", "-u", "bob", "-d", str(words), address], 60)
    after = border.daemon.ask("stats")["sip"]["authentication"]
    guesses = sum(after[name] - before[name] for name in after if name != "no_credentials")
    check("svcrack guesses", guesses > 0, cracked.stdout, cracked.stderr)
    check("and finds nothing", after["authenticated"] == before["authenticated"] and "guess" not in cracked.stdout, cracked.stdout, cracked.stderr)


def during_a_call(border: Border) -> None:
    """All of the above, with two phones talking all the while."""
    alice, bob = border.pair()
    check("the call comes about", phone_call.establish(alice, bob), alice.trouble(), bob.trouble())
    problems = []
    for part in (streams, datagrams, slow, no_tls, descriptions, many_strangers, sipvicious):
        try:
            part(border)
        except (border_module.CaseFailed, OSError) as problem:
            problems.append(str(problem))
    for phone, other in ((alice, bob), (bob, alice)):
        heard = phone_call.hear(phone, other, LIVE_SECONDS)
        if heard.share < 0.97 or heard.longest_gap_ms > 200:
            problems.append(f"{phone.account.user} heard {phone_call.describe(heard)}")
    for leg in ("a", "b"):
        received = border.daemon.ask("relay", "list")["relays"][0][leg]["received"]
        if received["lost"] or received["rtp_packets"] < 50 * LIVE_SECONDS or received["rtp_forwarded"] < received["rtp_packets"]:
            problems.append(f"leg {leg}: {received}")
    if not phone_call.finish(alice, bob):
        problems.append("the call did not end when the caller hung up")
    check("nothing went wrong", not problems, *problems)


border_module = border

if __name__ == "__main__":
    stage_core = "10.91.2.1"
    sys.exit(border.run({"during_a_call": during_a_call}, more=MORE.replace("{core}", stage_core)))
