#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Phones whose keys come about in different ways talk to each other: SDES and DTLS-SRTP, with and without ICE."""

import sys

import border
import phone_call
from border import Border, check, hear_each_other, heard_until_now, talk
from demo_network import wait_for
from phone import Phone
from phone_baresip import Baresip
from phone_linphone import Linphone

DTLS_PORT = 5071  # of listeners whose phones are offered DTLS-SRTP and nothing else

LISTENERS = "".join(f"""
[sip.listener.{side}-dtls]
side = "{side}"
transport = "tls"
address = "10.91.{number}.1:{DTLS_PORT}"
certificates = ["example"]
[sip.listener.{side}-dtls.media]
keys = ["dtls"]
""" for number, side in ((1, "access"), (2, "core")))

# What each make calls the ways.
MEDIA = {Baresip: {"sdes": "srtp-mand", "dtls": "dtls_srtp"}, Linphone: {"sdes": "srtp", "dtls": "dtls"}}


def phone(border: Border, make: type[Phone], user: str, side: str, keys: str, **options) -> Phone:
    return border.registered(make, user, side, media=MEDIA[make][keys], border_port=DTLS_PORT if keys == "dtls" else 5061, **options)


def keys_of_call(border: Border) -> tuple[list[str], list[str]]:
    """By leg: how its keys came about, and its suites."""
    call = border.daemon.ask("call", "show", str(border.calls()[0]["call"]))
    legs = [call[leg]["media"][0] for leg in ("a", "b")]
    return [leg.get("keys", "plain") for leg in legs], [leg.get("suite", "none") for leg in legs]


def _pair(caller_make: type[Phone], caller_keys: str, callee_make: type[Phone], callee_keys: str):
    def case(border: Border) -> None:
        users = {Baresip: "alice", Linphone: "bob"}
        caller = phone(border, caller_make, users[caller_make], "access", caller_keys)
        callee = phone(border, callee_make, "carol" if callee_make is caller_make else users[callee_make], "core", callee_keys)
        talk(caller, callee)
        ways, suites = keys_of_call(border)
        check("each leg is keyed in its own way", ways == [caller_keys, callee_keys], ways)
        check("and encrypted", "none" not in suites, suites)
        check("the call ends", phone_call.finish(caller, callee), callee.trouble())
    case.__name__ = f"{caller_make.make}_{caller_keys}_calls_{callee_make.make}_{callee_keys}"
    return case


def hold_keeps_the_association(border: Border) -> None:
    alice = phone(border, Baresip, "alice", "access", "dtls")
    bob = phone(border, Linphone, "bob", "core", "dtls")
    talk(alice, bob)
    before = handshakes(border)
    for holder, held in ((alice, bob), (bob, alice)):
        holder.hold()
        check("the other phone knows that it is held", wait_for(held.is_held, 5), held.trouble())
        holder.resume()
        check("the other phone knows that it is back", wait_for(lambda held=held: not held.is_held(), 5), held.trouble())
        hear_each_other(alice, bob, since=heard_until_now(alice, bob))
    check("nobody shook hands again", handshakes(border) == before, before)
    check("the call ends", phone_call.finish(bob, alice), alice.trouble())


def handshakes(border: Border) -> int:
    return border.daemon.ask("stats")["handshakes"]["dtls_established"]


CASES = {case.__name__: case for case in (
    _pair(Baresip, "dtls", Linphone, "sdes"), _pair(Baresip, "sdes", Linphone, "dtls"), _pair(Baresip, "dtls", Linphone, "dtls"),
    _pair(Linphone, "dtls", Baresip, "dtls"), hold_keeps_the_association)}

if __name__ == "__main__":
    sys.exit(border.run(CASES, more=LISTENERS))
