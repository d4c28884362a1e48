#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIP over secure WebSockets: a phone as in a browser registers, calls and is called, and those who may not connect do not.

Debian's own Python runs it, for that is where its package of the WebSocket client is."""

import re
import select
import socket
import sys

import border
import websockets
from border import Border, check
from demo_network import wait_for
from phone_baresip import Baresip
from phone_call import PASSWORD
from raw_sip import RawPeer
from scripted_phone import Dialog, Message, ScriptedPhone, callee_dialog, caller_dialog
from websocket_phone import LOOP, PORT, WebSocketPhone, client_context, open_socket

MORE = """
[sip.listener.web]
side = "access"
transport = "wss"
address = "10.91.1.1:443"
certificates = ["example"]
origins = ["https://phone.example.com"]
path = "/sip"

# A phone of ours, not a browser.
[sip.listener.web.media]
keys = ["sdes"]
ice = "off"
feedback = "pass"
offer_mux = false

[sip.limits]
websocket_message_bytes = 20000

[sip.listener.core.auth]
algorithms = ["MD5"]

[sip.listener.web.auth]
algorithms = ["SHA-256"]
"""
BOB, DAVE = "sip:bob@example.com", "sip:dave@example.com"


def registered(border: Border) -> WebSocketPhone:
    dave = WebSocketPhone(border, "dave")
    check("dave registers", dave.register() == 200)
    return dave


def inside(border: Border, user: str = "bob") -> ScriptedPhone:
    bob = ScriptedPhone(RawPeer(border.stage, "core", 5061, "tls", border.authority.certificate), user, PASSWORD)
    check("bob registers", bob.register() == 200)
    return bob


def hang_up(one: ScriptedPhone, own: Dialog, other: ScriptedPhone) -> None:
    one.within(own, "BYE")
    other.expect_end()
    one.expect_status("BYE", 200)


def has_arrived(one: ScriptedPhone, own: Dialog) -> None:
    """Whatever was sent on this connection is known to the border now."""
    one.within(own, "OPTIONS")
    one.expect_status("OPTIONS", 200)


def outward(border: Border, dave: WebSocketPhone, bob: ScriptedPhone) -> tuple[Dialog, Dialog]:
    """Dave calls Bob."""
    sent = dave.invite(BOB, dave.sdp())
    invite = bob.expect("INVITE")
    bob.respond(invite, 180)
    dave.expect_status("INVITE", 180)
    bob.respond(invite, 200, bob.sdp())
    bob.expect("ACK")
    answered = dave.expect_status("INVITE", 200)
    check("media comes to the border, with keys", border.stage.address("access") in answered.body and "inline:" in answered.body, answered.body)
    own = caller_dialog(sent, answered)
    dave.within(own, "ACK", cseq=own.cseq)
    has_arrived(dave, own)
    return own, callee_dialog(bob, invite)


def invited(border: Border, dave: WebSocketPhone, bob: ScriptedPhone) -> tuple[dict[str, str], Message]:
    """Bob calls Dave, who hears of it."""
    sent = bob.invite(DAVE, bob.sdp())
    return sent, dave.expect("INVITE")


def counted(border: Border, name: str) -> int:
    return border.daemon.ask("stats")["sip"]["transport"][name]


def it_calls(border: Border) -> None:
    dave, bob = registered(border), inside(border)
    own, others = outward(border, dave, bob)
    check("what is within the call comes to us by WebSocket", own.target.endswith(f":{PORT};transport=ws") and own.target.startswith("sip:"),
          own.target)
    hang_up(dave, own, bob)
    own, others = outward(border, dave, bob)
    hang_up(bob, others, dave)


def it_is_called(border: Border) -> None:
    dave, bob = registered(border), inside(border)
    sent, invite = invited(border, dave, bob)
    own = rf"{re.escape(border.stage.address('access'))}:{PORT}"
    check("our Via is that of a WebSocket", re.match(rf"SIP/2\.0/WSS {own};", invite["Via"]), invite["Via"])
    check("our Contact leads back by it", re.search(rf"<sip:[^>]*{own};transport=ws>", invite["Contact"]), invite["Contact"])
    check("it is asked for where it registered", invite.uri == dave.contact.strip("<>"), invite.uri)
    check("keys are offered", "RTP/SAVP" in invite.body and "inline:" in invite.body, invite.body)
    dave.respond(invite, 180)
    bob.expect_status("INVITE", 180)
    dave.respond(invite, 200, dave.sdp())
    dave.expect("ACK")
    answered = bob.expect_status("INVITE", 200)
    theirs = caller_dialog(sent, answered)
    bob.within(theirs, "ACK", cseq=theirs.cseq)
    has_arrived(bob, theirs)
    hang_up(dave, callee_dialog(dave, invite), bob)


def its_connection_decides_whatever_its_contact_says(border: Border) -> None:
    # An address where somebody else is, who must not hear of it.
    with border.stage.sockets_of("access"):
        other = socket.create_server((border.stage.endpoint("access"), 0))
    place = f"{border.stage.endpoint('access')}:{other.getsockname()[1]};transport=tls"
    bob, dave = inside(border), WebSocketPhone(border, "dave")
    dave.contact = f"<sip:dave@{place}>"
    check("dave registers", dave.register(Path=f"<sip:{place};lr>", Supported="path") == 200)
    sent, invite = invited(border, dave, bob)
    dave.respond(invite, 486)
    dave.expect("ACK")
    bob.acknowledge_failure(sent, DAVE, bob.expect_status("INVITE", 486))
    # With the connection goes the way to it.
    dave.peer.close()
    sent = bob.invite(DAVE, bob.sdp())
    bob.acknowledge_failure(sent, DAVE, bob.expect_status("INVITE", 480))
    check("nobody was called up", not select.select([other], [], [], 0)[0])
    other.close()


def a_call_goes_on_over_another_connection(border: Border) -> None:
    dave, bob = registered(border), inside(border)
    own, others = outward(border, dave, bob)
    dave.peer.connect_again()
    check("dave registers anew", dave.register() == 200)
    hang_up(bob, others, dave)


def it_talks_to_baresip(border: Border) -> None:
    dave, carol = registered(border), border.registered(Baresip, "carol", "core", auto_answer=True)
    # It tells of its calls from now on.
    check("baresip has no call", carol.calls_made() == 0)
    sent = dave.invite("sip:carol@example.com", dave.sdp())
    own = caller_dialog(sent, dave.expect_status("INVITE", 200))
    dave.within(own, "ACK", cseq=own.cseq)
    check("baresip has a call", wait_for(lambda: carol.calls_made() == 1, 5), carol.trouble())
    dave.within(own, "BYE")
    dave.expect_status("BYE", 200)
    carol.dial(DAVE)
    invite = dave.expect("INVITE")
    dave.respond(invite, 200, dave.sdp())
    dave.expect("ACK")
    check("baresip has another", wait_for(lambda: carol.calls_made() == 2, 5), carol.trouble())
    carol.hang_up()
    dave.expect_end()


def refusal(border: Border, **changes) -> int:
    """The status with which a WebSocket is refused."""
    try:
        open_socket(border, **changes)
    except websockets.InvalidStatusCode as refused:
        return refused.status_code
    return 101


def by_hand(border: Border, request: bytes) -> bytes:
    """What is answered to this, until the border ends it."""
    with client_context(border).wrap_socket(border.stage.connect("access", (border.stage.address("access"), PORT)),
                                            server_hostname="example.com") as stream:
        stream.sendall(request)
        answer = b""
        while octets := stream.recv(65536):
            answer += octets
        return answer


def closed_with(border: Border, message: str | bytes | list) -> int:
    """The code with which a WebSocket is closed that sent this."""
    peer = open_socket(border)

    async def exchange() -> int:
        try:
            await peer.send(message)
            await peer.recv()
        except websockets.ConnectionClosed:
            pass
        return peer.close_code
    return LOOP.run(exchange())


def others_are_refused_while_one_talks(border: Border) -> None:
    dave, bob = registered(border), inside(border)
    own, others = outward(border, dave, bob)
    before = {name: counted(border, name) for name in ("upgrades_origin", "upgrades_protocol", "upgrades_malformed")}
    check("another page's origin", refusal(border, origin="https://evil.example.com") == 403)
    check("no origin", refusal(border, origin=None) == 403)
    check("another protocol", refusal(border, subprotocols=["xmpp"]) == 400)
    check("no protocol", refusal(border, subprotocols=None) == 400)
    check("no HTTP", by_hand(border, b"OPTIONS sip:example.com SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n").startswith(b"HTTP/1.1 400 "))
    check("a page is asked for", by_hand(border, b"GET /sip HTTP/1.1\r\nHost: example.com\r\n\r\n").startswith(b"HTTP/1.1 426 "))
    check("another path", by_hand(border, b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n").startswith(b"HTTP/1.1 404 "))
    check("an endless request", by_hand(border, b"GET /sip HTTP/1.1\r\nX: " + b"x" * 8200).startswith(b"HTTP/1.1 431 "))
    check("a huge message", closed_with(border, "x" * 20001) == 1009)
    check("a huge message in pieces", closed_with(border, ["x" * 7000] * 3) == 1009)
    after = {name: counted(border, name) - count for name, count in before.items()}
    check("each is counted", after == {"upgrades_origin": 2, "upgrades_protocol": 2, "upgrades_malformed": 1}, after)
    refused = border.daemon.ask("stats")["sip"]["limits"]["websocket_message_bytes"]["refused"]
    check("as are the huge ones", refused == 2, refused)
    hang_up(dave, own, bob)


def keep_alives_are_answered(border: Border) -> None:
    dave = registered(border)

    async def ping() -> None:
        await (await dave.peer.socket.ping(b"still there"))
    LOOP.run(ping())
    dave.peer.send(b"\r\n\r\n")
    check("CRLF is answered by CRLF", dave.peer.message() == "\r\n")
    # What needs no answer is no message.
    dave.peer.send(b"\r\n")
    check("and the connection serves on", dave.register() == 200)


CASES = {case.__name__: case for case in (
    it_calls, it_is_called, its_connection_decides_whatever_its_contact_says, a_call_goes_on_over_another_connection,
    it_talks_to_baresip, others_are_refused_while_one_talks, keep_alives_are_answered)}

if __name__ == "__main__":
    socket.setdefaulttimeout(20)
    sys.exit(border.run(CASES, more=MORE))
