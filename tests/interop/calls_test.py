#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way in which a call comes about, goes on, fails and ends, with phones that do what they are told, right or wrong."""

import json
import re
import sys
import time

import border
from border import Border, check
from demo_network import wait_for
from phone_call import PASSWORD
from raw_sip import RawPeer, answer
from scripted_phone import AUDIO, Dialog, Message, ScriptedPhone, callee_dialog, caller_dialog

MORE = """
[calls]
first_response_s = 2
ring_s = 6

[sip.listener.core.auth]
algorithms = ["MD5"]

[policy.access]
suites = ["AES_256_CM_HMAC_SHA1_80"]
"""
MEDIA = "timeout_s = 3\n"
BOB = "sip:bob@example.com"


def phone(border: Border, user: str, side: str) -> ScriptedPhone:
    suite = "AES_256_CM_HMAC_SHA1_80" if side == "access" else "AES_CM_128_HMAC_SHA1_80"
    return ScriptedPhone(RawPeer(border.stage, side, 5061, "tls", border.authority.certificate), user, PASSWORD, suite)


def pair(border: Border) -> tuple[ScriptedPhone, ScriptedPhone]:
    alice, bob = phone(border, "dave", "access"), phone(border, "bob", "core")
    for one in (alice, bob):
        check(f"{one.user} registers", one.register() == 200)
    return alice, bob


def ring(border: Border, body: bool = True, **headers: str) -> tuple[ScriptedPhone, ScriptedPhone, dict[str, str], Message]:
    alice, bob = pair(border)
    sent = alice.invite(BOB, alice.sdp() if body else "", **headers)
    invite = bob.expect("INVITE")
    return alice, bob, sent, invite


def call(border: Border) -> tuple[ScriptedPhone, ScriptedPhone, Dialog, Dialog]:
    """One that is answered and acknowledged at both ends."""
    alice, bob, sent, invite = ring(border)
    bob.respond(invite, 180)
    alice.expect_status("INVITE", 180)
    bob.respond(invite, 200, bob.sdp())
    bob.expect("ACK")
    own = caller_dialog(sent, alice.expect_status("INVITE", 200))
    alice.within(own, "ACK", cseq=own.cseq)
    has_arrived(alice, own)
    return alice, bob, own, callee_dialog(bob, invite)


def has_arrived(one: ScriptedPhone, own: Dialog) -> None:
    """Whatever was sent on this connection is known to the border now: another connection's messages find it so."""
    one.within(own, "OPTIONS")
    one.expect_status("OPTIONS", 200)


def hang_up(one: ScriptedPhone, own: Dialog, other: ScriptedPhone) -> Message:
    one.within(own, "BYE")
    bye = other.expect_end()
    one.expect_status("BYE", 200)
    return bye


# Ways to answer.

def is_answered_and_hung_up_by_the_caller(border: Border) -> None:
    alice, bob, own, _ = call(border)
    hang_up(alice, own, bob)


def is_hung_up_by_the_callee(border: Border) -> None:
    alice, bob, _, own = call(border)
    hang_up(bob, own, alice)


def both_hang_up_at_once(border: Border) -> None:
    alice, bob, own, others = call(border)
    alice.within(own, "BYE")
    bob.within(others, "BYE")
    # Whoever was the second finds the call at its end already, and is answered all the same.
    for one in (alice, bob):
        check("an answer to the BYE", one.next_final("BYE").status == 200)


def nothing_of_one_side_shows_on_the_other(border: Border) -> None:
    alice, bob = pair(border)
    sent = alice.invite(BOB, alice.sdp(), User_Agent="Phone/1.0", Subject="hello", P_Asserted_Identity="<sip:mallory@example.com>",
                        Via=f"SIP/2.0/TLS {alice.peer.address}:{alice.peer.port};branch=z9hG4bKsecret;rport")
    invite = bob.expect("INVITE")
    leaks = [word for word in (alice.peer.address, sent["Call-ID"], "Phone/1.0", "z9hG4bKsecret", alice.key, "mallory", "Proxy-Authorization",
                               re.search(r"tag=(\w+)", sent["From"]).group(1)) if word in invite.text]
    check("nothing of the caller's side in the INVITE", not leaks, leaks, invite.text)
    check("the identity that the digest proved", "sip:dave@example.com" in invite["From"], invite["From"])
    check("what may cross does", invite["Subject"] == "hello")
    bob.respond(invite, 200, bob.sdp(), Server="Callee/2.0")
    bob.expect("ACK")
    answered = alice.expect_status("INVITE", 200)
    leaks = [word for word in (bob.peer.address, invite["Call-ID"], "Callee/2.0", bob.key) if word in answered.text]
    check("nothing of the callee's side in the answer", not leaks, leaks, answered.text)
    check("media is anchored", border.stage.address("access") in answered.body, answered.body)
    own = caller_dialog(sent, answered)
    alice.within(own, "ACK", cseq=own.cseq)
    hang_up(alice, own, bob)


def a_false_from_is_set_right(border: Border) -> None:
    alice, bob = pair(border)
    sent = alice.invite(BOB, alice.sdp(), From='"Carol" <sip:carol@example.com>;tag=1')
    invite = bob.expect("INVITE")
    check("who it is, not who it says", "dave@example.com" in invite["From"] and "carol@" not in invite["From"], invite["From"])
    bob.respond(invite, 486)
    bob.expect("ACK")
    alice.acknowledge_failure(sent, BOB, alice.expect_status("INVITE", 486))


def the_callee_refuses(border: Border) -> None:
    for status, heard in ((486, 486), (603, 603), (480, 480), (488, 488), (404, 404), (503, 500), (401, 502), (302, 480)):
        alice, bob, sent, invite = ring(border)
        bob.respond(invite, status, **({"Contact2": "x"} if status != 302 else {}))
        bob.expect("ACK")
        alice.acknowledge_failure(sent, BOB, alice.expect_status("INVITE", heard))
        alice.peer.close()
        bob.peer.close()


def a_redirection_is_followed(border: Border) -> None:
    alice, bob, sent, invite = ring(border)
    carol = phone(border, "carol", "core")
    check("carol registers", carol.register() == 200)
    bob.respond(invite, 302, Contact="<sip:elsewhere@other.example>, <sip:carol@example.com>")
    bob.expect("ACK")
    forwarded = carol.expect("INVITE")
    check("from who called, not from who forwards", "sip:dave@example.com" in forwarded["From"], forwarded.text)
    carol.respond(forwarded, 200, carol.sdp())
    carol.expect("ACK")
    own = caller_dialog(sent, alice.expect_status("INVITE", 200))
    alice.within(own, "ACK", cseq=own.cseq)
    hang_up(alice, own, carol)


def redirections_do_not_go_on_for_ever(border: Border) -> None:
    alice, bob, sent, invite = ring(border)
    for _ in range(3):
        bob.respond(invite, 302, Contact=f"<{BOB}>")
        bob.expect("ACK")
        invite = bob.expect("INVITE")
    bob.respond(invite, 302, Contact=f"<{BOB}>")
    bob.expect("ACK")
    alice.acknowledge_failure(sent, BOB, alice.expect_status("INVITE", 480))


def nobody_is_registered(border: Border) -> None:
    alice = phone(border, "dave", "access")
    for uri, status in ((BOB, 480), ("sip:nobody@example.com", 404), ("sip:x@elsewhere.example", 403)):
        sent = alice.invite(uri, alice.sdp())
        response = alice.next_final("INVITE")
        check(f"{uri} is refused with {status}", response.status in (status, 404), response.first)
        alice.acknowledge_failure(sent, uri, response)


# Early.

def early_media_is_passed(border: Border) -> None:
    alice, bob, sent, invite = ring(border)
    bob.respond(invite, 183, bob.sdp())
    early = alice.expect_status("INVITE", 183)
    check("early media is described", "a=crypto" in early.body, early.text)
    bob.version -= 1
    bob.respond(invite, 200, bob.sdp())
    bob.expect("ACK")
    answered = alice.expect_status("INVITE", 200)
    check("the answer is the same", re.search(r"inline:\S+", answered.body).group(0) == re.search(r"inline:\S+", early.body).group(0))
    own = caller_dialog(sent, answered)
    alice.within(own, "ACK", cseq=own.cseq)
    hang_up(alice, own, bob)


def a_reliable_response_is_acknowledged(border: Border) -> None:
    alice, bob, sent, invite = ring(border, Require="100rel")
    check("we can 100rel", "100rel" in invite.get("Supported"))
    bob.respond(invite, 183, bob.sdp(), Require="100rel", RSeq="17")
    prack = bob.expect("PRACK")
    check("RAck names the response", prack["RAck"].split()[0] == "17", prack.text)
    bob.respond(prack, 200)
    early = alice.expect_status("INVITE", 183)
    check("reliable for the caller", "100rel" in early.get("Require"), early.text)
    own = caller_dialog(sent, early)
    alice.within(own, "PRACK", RAck=f"{early['RSeq']} {sent['CSeq']}")
    alice.expect_status("PRACK", 200)
    alice.within(own, "PRACK", RAck=f"{int(early['RSeq']) + 1} {sent['CSeq']}")
    alice.expect_status("PRACK", 481)
    bob.respond(invite, 200)
    bob.expect("ACK")
    answered = alice.expect_status("INVITE", 200)
    alice.within(own, "ACK", cseq=int(sent["CSeq"].split()[0]))
    check("no second answer", "m=audio" not in answered.body, answered.body)
    hang_up(alice, own, bob)


def the_offer_comes_late(border: Border) -> None:
    alice, bob, sent, invite = ring(border, body=False)
    check("no offer", not invite.body)
    bob.respond(invite, 200, bob.sdp())
    offered = alice.expect_status("INVITE", 200)
    check("the callee's offer", "a=crypto" in offered.body, offered.text)
    own = caller_dialog(sent, offered)
    alice.within(own, "ACK", alice.sdp(), cseq=own.cseq)
    ack = bob.expect("ACK")
    check("the caller's answer", "m=audio" in ack.body, ack.text)
    hang_up(alice, own, bob)


# Nobody waits forever.

def the_caller_cancels(border: Border) -> None:
    alice, bob, sent, invite = ring(border)
    bob.respond(invite, 180)
    alice.expect_status("INVITE", 180)
    alice.cancel(sent, Reason='SIP;cause=200;text="elsewhere"')
    alice.expect_status("CANCEL", 200)
    alice.acknowledge_failure(sent, BOB, alice.expect_status("INVITE", 487))
    cancel = bob.expect("CANCEL")
    check("the reason is passed", "elsewhere" in cancel.get("Reason"), cancel.text)
    bob.respond(cancel, 200)
    bob.respond(invite, 487)
    bob.expect("ACK")


def the_answer_crosses_the_cancel(border: Border) -> None:
    alice, bob, sent, invite = ring(border)
    bob.respond(invite, 180)
    alice.expect_status("INVITE", 180)
    alice.cancel(sent)
    bob.expect("CANCEL")
    bob.respond(invite, 200, bob.sdp())
    bob.expect("ACK")
    bob.expect_end()
    alice.expect_status("CANCEL", 200)
    alice.acknowledge_failure(sent, BOB, alice.expect_status("INVITE", 487))


def nothing_comes_from_the_callee(border: Border) -> None:
    alice, bob, sent, invite = ring(border)
    alice.acknowledge_failure(sent, BOB, alice.expect_status("INVITE", 408, 6))


def nobody_picks_up(border: Border) -> None:
    alice, bob, sent, invite = ring(border)
    bob.respond(invite, 180)
    alice.expect_status("INVITE", 180)
    alice.acknowledge_failure(sent, BOB, alice.expect_status("INVITE", 408, 10))
    cancel = bob.expect("CANCEL")
    bob.respond(cancel, 200)
    bob.respond(invite, 487)
    bob.expect("ACK")


def the_callees_connection_drops(border: Border) -> None:
    alice, bob, sent, invite = ring(border)
    bob.respond(invite, 180)
    alice.expect_status("INVITE", 180)
    bob.peer.close()
    response = alice.next_final("INVITE")
    check("the caller hears of it", response.status in (480, 500, 503), response.first)
    alice.acknowledge_failure(sent, BOB, response)


def the_callers_connection_drops(border: Border) -> None:
    alice, bob, sent, invite = ring(border)
    bob.respond(invite, 180)
    alice.expect_status("INVITE", 180)
    alice.peer.close()
    cancel = bob.expect("CANCEL")
    bob.respond(cancel, 200)
    bob.respond(invite, 487)
    bob.expect("ACK")


def media_that_stops_ends_the_call(border: Border) -> None:
    alice, bob, own, _ = call(border)
    for one in (alice, bob):
        bye = one.expect_end(seconds=12)
        check("a BYE that says why", "Media timeout" in bye.get("Reason"), bye.text)


# Descriptions that will not do.

def the_answer_is_no_good(border: Border) -> None:
    for described in ("", "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\nc=IN IP4 1.2.3.4\r\nm=audio 5000 RTP/AVP 0\r\n", "garbage"):
        alice, bob, sent, invite = ring(border)
        bob.respond(invite, 200, described)
        bob.expect("ACK")
        bob.expect_end()
        response = alice.next_final("INVITE")
        check("the caller is told", response.status in (400, 488), response.first)
        alice.acknowledge_failure(sent, BOB, response)
        alice.peer.close()
        bob.peer.close()


def the_offer_is_no_good(border: Border) -> None:
    alice, bob = pair(border)
    plain = "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n"
    secret = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{alice.key}\r\n"
    offers = {"no SRTP": (plain, 488), "garbage": ("hello", 400), "an unknown suite": (alice.sdp(crypto="a=crypto:1 ROT13 inline:AAAA\r\n"), 488),
              "too many lines": (alice.sdp() + "a=x\r\n" * 10000, 488), "no media that we know": (alice.sdp(media="m=audio {port} UDP/FOO 0\r\n"), 488),
              "a host name": (alice.sdp().replace(f"IP4 {alice.peer.address}\r\nt", "IP4 host.example\r\nt"), 488),
              "a key that is too short": (alice.sdp(crypto=secret.replace(alice.key, "AAAA")), 488)}
    for what, (offer, status) in offers.items():
        sent = alice.invite(BOB, offer)
        response = alice.next_final("INVITE")
        check(f"{what} is refused with {status}", response.status == status, response.text)
        alice.acknowledge_failure(sent, BOB, response)
    bob.expect_silence(0.2)


def a_body_of_another_kind_is_refused(border: Border) -> None:
    alice, _ = pair(border)
    headers = {"From": "<sip:dave@example.com>;tag=9", "Contact": alice.contact}
    sent = alice.peer.headers("INVITE", BOB, **headers)
    alice.send("INVITE", BOB, sent, "<x/>", "application/xml")
    challenge = alice.expect_status("INVITE", 407)
    alice.acknowledge_failure(sent, BOB, challenge)
    sent["Content-Type"] = "application/xml"
    alice._prove("INVITE", BOB, sent, "", challenge)


# Within the call.

def hold_and_resume(border: Border) -> None:
    alice, bob, own, others = call(border)
    for one, dialog, other in ((alice, own, bob), (bob, others, alice)):
        for direction, seen in (("sendonly", "recvonly"), ("sendrecv", "sendrecv")):
            one.within(dialog, "INVITE", one.sdp(direction))
            offer = other.expect("INVITE")
            check(f"{direction} crosses", f"a={direction}" in offer.body, offer.body)
            other.respond(offer, 200, other.sdp(seen))
            other.expect("ACK")
            answered = one.expect_status("INVITE", 200)
            check(f"answered with {seen}", f"a={seen}" in answered.body, answered.body)
            one.within(dialog, "ACK", cseq=dialog.cseq)
            has_arrived(one, dialog)
    hang_up(alice, own, bob)


def offers_cross(border: Border) -> None:
    alice, bob, own, others = call(border)
    alice.within(own, "INVITE", alice.sdp())
    first = bob.expect("INVITE")
    headers = bob.within(others, "INVITE", bob.sdp())
    bob.acknowledge_failure(headers, others.target, bob.expect_status("INVITE", 491))
    bob.respond(first, 491)
    bob.expect("ACK")
    headers = {"From": own.own, "Call-ID": own.call_id}
    response = alice.next_final("INVITE")
    check("the first is refused too, and may try again", response.status == 491, response.first)
    alice.within(own, "ACK", cseq=own.cseq)
    hang_up(alice, own, bob)


def a_refused_offer_leaves_the_call_as_it_was(border: Border) -> None:
    alice, bob, own, _ = call(border)
    alice.within(own, "INVITE", alice.sdp("inactive"))
    offer = bob.expect("INVITE")
    bob.respond(offer, 488)
    bob.expect("ACK")
    check("passed on", alice.next_final("INVITE").status == 488)
    alice.within(own, "ACK", cseq=own.cseq)
    hang_up(alice, own, bob)


def a_bad_offer_within_the_call_is_refused(border: Border) -> None:
    alice, bob, own, _ = call(border)
    alice.within(own, "INVITE", "garbage")
    check("400", alice.next_final("INVITE").status == 400)
    alice.within(own, "ACK", cseq=own.cseq)
    bob.expect_silence(0.2)
    hang_up(alice, own, bob)


def a_peer_that_forgot_the_call_ends_it(border: Border) -> None:
    alice, bob, own, _ = call(border)
    alice.within(own, "INVITE", alice.sdp())
    offer = bob.expect("INVITE")
    bob.respond(offer, 481)
    bob.expect("ACK")
    check("481 is passed", alice.next_final("INVITE").status == 481)
    alice.within(own, "ACK", cseq=own.cseq)
    alice.expect_end()


def updates(border: Border) -> None:
    alice, bob, own, _ = call(border)
    alice.within(own, "UPDATE")
    check("a refresh is answered here", alice.next_final("UPDATE").status == 200)
    alice.within(own, "UPDATE", alice.sdp("sendonly"))
    offer = bob.next()
    check("the offer is passed on", offer.method in ("UPDATE", "INVITE") and "a=sendonly" in offer.body, offer.text)
    bob.respond(offer, 200, bob.sdp("recvonly"))
    if offer.method == "INVITE":
        bob.expect("ACK")
    check("answered", "a=recvonly" in alice.expect_status("UPDATE", 200).body)
    hang_up(alice, own, bob)


def other_requests_are_passed(border: Border) -> None:
    alice, bob, own, others = call(border)
    for one, dialog, other in ((alice, own, bob), (bob, others, alice)):
        for method in ("INFO", "MESSAGE", "NOTIFY", "REFER"):
            more = {"REFER": {"Refer_To": "<sip:carol@example.com>"}, "NOTIFY": {"Event": "refer", "Subscription_State": "active"}}.get(method, {})
            one.within(dialog, method, "Signal=5", "application/dtmf-relay", **more)
            passed = other.expect(method)
            check("with its body", passed.body == "Signal=5", passed.text)
            check("and its type", passed["Content-Type"] == "application/dtmf-relay")
            for name, value in more.items():
                check(f"with {name}", passed.get(name.replace("_", "-")) == value, passed.text)
            other.respond(passed, 202 if method == "REFER" else 200)
            check("its answer comes back", one.next_final(method).status // 100 == 2)
    alice.within(own, "INFO", "x", "text/plain")
    bob.respond(bob.expect("INFO"), 415)
    check("a refusal, too", alice.next_final("INFO").status == 415)
    hang_up(alice, own, bob)


def a_request_out_of_order_is_refused(border: Border) -> None:
    alice, bob, own, _ = call(border)
    alice.within(own, "INFO", "x", "text/plain", cseq=1)
    check("500", alice.next_final("INFO").status == 500)
    hang_up(alice, own, bob)


def strangers_stay_out(border: Border) -> None:
    alice, bob, own, _ = call(border)
    mallory = phone(border, "carol", "access")
    mallory.within(Dialog(own.own, own.peer, own.call_id, own.target, own.cseq), "BYE")
    check("who comes by another way must prove it", mallory.next_final("BYE").status == 407)
    mallory.within(Dialog(own.own, own.peer.replace("tag=", "tag=x"), own.call_id, own.target, own.cseq), "BYE")
    check("no such call", mallory.next_final("BYE").status == 481)
    bob.expect_silence(0.2)
    hang_up(alice, own, bob)


# Several phones.

def all_phones_ring_and_one_answers(border: Border) -> None:
    alice, bob = pair(border)
    desk = phone(border, "bob", "access")
    check("a second phone", desk.register() == 200)
    sent = alice.invite(BOB, alice.sdp())
    invites = bob.expect("INVITE"), desk.expect("INVITE")
    check("keys of their own", re.search(r"inline:\S+", invites[0].body).group(0) != re.search(r"inline:\S+", invites[1].body).group(0))
    bob.respond(invites[0], 180)
    desk.respond(invites[1], 180)
    desk.respond(invites[1], 200, desk.sdp())
    desk.expect("ACK")
    cancel = bob.expect("CANCEL")
    check("answered elsewhere", "cause=200" in cancel.get("Reason"), cancel.text)
    bob.respond(invites[0], 200, bob.sdp())
    bob.expect("ACK")
    bob.expect_end()
    own = caller_dialog(sent, alice.expect_status("INVITE", 200))
    alice.within(own, "ACK", cseq=own.cseq)
    hang_up(alice, own, desk)


def the_best_failure_is_heard(border: Border) -> None:
    alice, bob = pair(border)
    desk = phone(border, "bob", "access")
    check("a second phone", desk.register() == 200)
    sent = alice.invite(BOB, alice.sdp())
    invites = bob.expect("INVITE"), desk.expect("INVITE")
    bob.respond(invites[0], 503)
    bob.expect("ACK")
    desk.respond(invites[1], 486)
    desk.expect("ACK")
    alice.acknowledge_failure(sent, BOB, alice.expect_status("INVITE", 486))


def a_call_is_replaced(border: Border) -> None:
    """The INVITE of an attended transfer names our dialog with one end; the other end hears its own name for it."""
    alice, bob, own, others = call(border)
    desk = phone(border, "carol", "access")
    tag = re.search(r"tag=([\w.-]+)", own.peer).group(1)
    mine = re.search(r"tag=([\w.-]+)", own.own).group(1)
    for replaces, found in ((f"nonsense;to-tag={tag};from-tag={mine}", False), (f"{own.call_id};to-tag={tag};from-tag={mine}", True)):
        sent = desk.invite(BOB, desk.sdp(), Replaces=replaces, Require="replaces")
        if not found:
            desk.acknowledge_failure(sent, BOB, desk.expect_status("INVITE", 481))
            continue
        invite = bob.expect("INVITE")
        check("its own dialog", invite["Replaces"].startswith(others.call_id), invite["Replaces"])
        bob.respond(invite, 200, bob.sdp())
        bob.expect("ACK")
        replaced = caller_dialog(sent, desk.expect_status("INVITE", 200))
        desk.within(replaced, "ACK", cseq=replaced.cseq)
        bob.within(others, "BYE")
        alice.expect_end()
        bob.expect_status("BYE", 200)
        hang_up(desk, replaced, bob)


# Outside of calls.

def messages_are_carried(border: Border) -> None:
    alice, bob = pair(border)
    alice.outside("MESSAGE", "sip:nobody@example.com", "hello", "text/plain", Contact=None)
    check("nobody is there", alice.next_final("MESSAGE").status == 404)
    sent = alice.outside("MESSAGE", BOB, "hello", "text/plain", Contact=None, User_Agent="Phone/1.0")
    passed = bob.expect("MESSAGE")
    check("with its body", passed.body == "hello" and passed["Content-Type"] == "text/plain", passed.text)
    check("from whom the digest proved", "sip:dave@example.com" in passed["From"], passed["From"])
    shows_nothing(alice, sent, passed)
    bob.respond(passed, 202)
    check("the answer comes back", alice.next_final("MESSAGE").status == 202)


def shows_nothing(sender: ScriptedPhone, sent: dict[str, str], passed: Message) -> None:
    leaks = [word for word in (sender.peer.address, sent["Call-ID"], "Phone/1.0") if word in passed.text]
    check("nothing of the sender's side", not leaks, leaks, passed.text)


def a_publication_is_carried(border: Border) -> None:
    alice, bob = pair(border)
    sent = alice.outside("PUBLISH", BOB, "<presence/>", "application/pidf+xml", Contact=None, Event="presence", SIP_If_Match="old", Expires="60")
    passed = bob.expect("PUBLISH")
    check("what it is about", (passed["Event"], passed["SIP-If-Match"], passed["Expires"], passed.body) == ("presence", "old", "60", "<presence/>"),
          passed.text)
    shows_nothing(alice, sent, passed)
    bob.respond(passed, 200, SIP_ETag="new", Expires="60")
    check("its tag comes back", alice.next_final("PUBLISH").get("SIP-ETag") == "new")


def subscribed(border: Border, early: bool = False) -> tuple[ScriptedPhone, ScriptedPhone, Dialog, Dialog]:
    """Alice watches Bob."""
    alice, bob = pair(border)
    sent = alice.outside("SUBSCRIBE", BOB, Event="presence", Expires="600", Accept="application/pidf+xml", Allow_Events="presence")
    passed = bob.expect("SUBSCRIBE")
    check("what is watched", (passed["Event"], passed["Expires"], passed["Accept"]) == ("presence", "600", "application/pidf+xml"), passed.text)
    shows_nothing(alice, sent, passed)
    theirs = callee_dialog(bob, passed)
    if early:
        notify(bob, theirs)
        alice.expect_silence(0.2)
    bob.respond(passed, 200, Expires="300")
    accepted = alice.expect_status("SUBSCRIBE", 200)
    check("for how long", accepted["Expires"] == "300", accepted.text)
    return alice, bob, caller_dialog(sent, accepted), theirs


def notify(one: ScriptedPhone, own: Dialog, state: str = "active;expires=300") -> None:
    one.within(own, "NOTIFY", "<presence/>", "application/pidf+xml", Event="presence", Subscription_State=state)


def is_notified(watcher: ScriptedPhone, watched: ScriptedPhone, status: int = 200) -> Message:
    message = watcher.expect("NOTIFY")
    check("what there is to know", message.body == "<presence/>" and message["Event"] == "presence", message.text)
    watcher.respond(message, status)
    check("the answer comes back", watched.next_final("NOTIFY").status == status)
    return message


def events(border: Border) -> dict:
    return border.daemon.ask("stats")["sip"]["events"]


def a_subscription_is_carried(border: Border) -> None:
    alice, bob, own, theirs = subscribed(border)
    notify(bob, theirs)
    message = is_notified(alice, bob)
    check("in the dialog that Alice knows", own.call_id == message["Call-ID"] and theirs.call_id not in message.text, message.text)
    check("nothing of Bob's side", bob.peer.address not in message.text, message.text)
    alice.within(own, "SUBSCRIBE", Event="presence", Expires="500")
    refreshed = bob.expect("SUBSCRIBE")
    check("a refresh", refreshed["Expires"] == "500" and refreshed["Call-ID"] == theirs.call_id, refreshed.text)
    bob.respond(refreshed, 200, Expires="400")
    check("is answered", alice.expect_status("SUBSCRIBE", 200)["Expires"] == "400")
    check("one is counted", events(border)["subscriptions"] == 1, events(border))
    notify(bob, theirs, "terminated;reason=noresource")
    is_notified(alice, bob)
    check("nothing is left", events(border)["subscriptions"] == 0, events(border))
    notify(bob, theirs)
    check("nobody knows it any more", bob.next_final("NOTIFY").status == 481)


def a_notification_comes_early(border: Border) -> None:
    alice, bob, _, theirs = subscribed(border, early=True)
    is_notified(alice, bob)
    notify(bob, theirs, "terminated")
    is_notified(alice, bob)


def a_subscription_ends_with_its_watcher(border: Border) -> None:
    alice, bob, own, theirs = subscribed(border)
    notify(bob, theirs)
    is_notified(alice, bob, 481)
    check("nothing is left", events(border)["subscriptions"] == 0, events(border))
    alice.within(own, "SUBSCRIBE", Event="presence")
    check("nobody knows it any more", alice.next_final("SUBSCRIBE").status == 481)


def subscriptions_are_refused(border: Border) -> None:
    alice, bob = pair(border)
    for what, uri, changes, status in (("nobody", "sip:nobody@example.com", {"Event": "presence"}, 404),
                                       ("nothing to watch", BOB, {}, 489), ("no Contact", BOB, {"Event": "presence", "Contact": None}, 400)):
        headers = alice.peer.headers("SUBSCRIBE", uri, **{"From": f"<{alice.aor}>;tag=s", "Contact": alice.contact, **changes})
        alice.send("SUBSCRIBE", uri, headers)
        response = alice.next_final("SUBSCRIBE")
        if response.status == 407:
            alice._answer_challenge("SUBSCRIBE", uri, headers, "", response)
            response = alice.next_final("SUBSCRIBE")
        check(f"{what}: {status}", response.status == status, response.text)
    alice.outside("SUBSCRIBE", BOB, Event="presence")
    bob.respond(bob.expect("SUBSCRIBE"), 489)
    check("the watched one refuses", alice.next_final("SUBSCRIBE").status == 489)
    stranger = RawPeer(border.stage, "access", 5061, "tls", border.authority.certificate)
    stranger.send(stranger.request("NOTIFY", BOB, Event="presence", Subscription_State="active"))
    check("who sends one has to say who it is", stranger.outcome() == 407)
    check("nothing is left", events(border)["subscriptions"] == 0, events(border))


# Who asks for what.

def each_listener_asks_in_its_way(border: Border) -> None:
    asked = {}
    for side in ("access", "core"):
        for user in ("dave", "nobody"):
            peer = RawPeer(border.stage, side, 5061, "tls", border.authority.certificate)
            peer.send(peer.request("REGISTER", "sip:example.com", From=f"<sip:{user}@example.com>;tag=1", To=f"<sip:{user}@example.com>"))
            asked[side, user] = re.findall(r"^WWW-Authenticate:.*algorithm=([\w-]+)", peer.message(), re.MULTILINE)
    expected = {"access": ["SHA-256", "MD5"], "core": ["MD5"]}
    check("known and unknown users alike", all(found == expected[side] for (side, _), found in asked.items()), asked)


# What an INVITE must be.

def bad_invites_are_refused(border: Border) -> None:
    alice, bob = pair(border)
    cases = {"no Contact": ({"Contact": None}, 400), "a session too short": ({"Session_Expires": "30", "Supported": "timer"}, 422),
             "a malformed Session-Expires": ({"Session_Expires": "soon"}, 400)}
    for what, (changes, status) in cases.items():
        sent = alice.invite(BOB, alice.sdp(), **changes)
        response = alice.next_final("INVITE")
        check(f"{what}: {status}", response.status == status, response.text)
        if status == 422:
            check("Min-SE", response.get("Min-SE") == "90", response.text)
        alice.acknowledge_failure(sent, BOB, response)
    bob.expect_silence(0.2)


def each_call_has_its_record(border: Border) -> None:
    path = border.stage.folder / "state" / "calls.jsonl"

    def records() -> list[dict]:
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    before = len(records())
    alice, bob, own, _ = call(border)
    hang_up(alice, own, bob)
    check("a record", wait_for(lambda: len(records()) > before, 5))
    record = records()[before]
    check("who called", "dave@example.com" in record["caller"], record)
    check("who ended it", record["ended_by"] == "caller", record)
    check("how each end proved itself", [record[leg]["digest_algorithm"] for leg in ("a", "b")] == ["SHA-256", "MD5"], record)
    check("no key", alice.key not in path.read_text() and bob.key not in path.read_text())


CASES = [
    is_answered_and_hung_up_by_the_caller, is_hung_up_by_the_callee, both_hang_up_at_once, nothing_of_one_side_shows_on_the_other,
    a_false_from_is_set_right, the_callee_refuses, a_redirection_is_followed,
    redirections_do_not_go_on_for_ever, nobody_is_registered, early_media_is_passed, a_reliable_response_is_acknowledged,
    the_offer_comes_late, the_caller_cancels, the_answer_crosses_the_cancel, nothing_comes_from_the_callee, nobody_picks_up,
    the_callees_connection_drops, the_callers_connection_drops, media_that_stops_ends_the_call, the_answer_is_no_good, the_offer_is_no_good,
    a_body_of_another_kind_is_refused, hold_and_resume, offers_cross, a_refused_offer_leaves_the_call_as_it_was, a_bad_offer_within_the_call_is_refused,
    a_peer_that_forgot_the_call_ends_it, updates, other_requests_are_passed, a_request_out_of_order_is_refused, strangers_stay_out,
    all_phones_ring_and_one_answers, the_best_failure_is_heard, a_call_is_replaced, messages_are_carried, a_publication_is_carried,
    a_subscription_is_carried, a_notification_comes_early, a_subscription_ends_with_its_watcher, subscriptions_are_refused,
    each_listener_asks_in_its_way, bad_invites_are_refused, each_call_has_its_record,
]

if __name__ == "__main__":
    sys.exit(border.run({case.__name__.replace("_", " "): case for case in CASES}, MEDIA, MORE))
