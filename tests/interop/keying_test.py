#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Phones whose keys come about in different ways talk to each other: SDES, offered alone or beside plain RTP, DTLS-SRTP, ZRTP that
ends here or is carried."""

import json
import sys

import border
import phone_call
import phone_keys
from border import TONES, Border, check, hear_each_other, heard_until_now, talk
from demo_daemon import Failed
from demo_network import wait_for
from matrix_ends import BestEffortEnd, ScriptedEnd
from matrix_test import Call, end_call, exchange, hear, is_keyed_as_wanted, set_up
from phone import Phone
from phone_baresip import Baresip
from phone_keys import keys_of, shown_call
from phone_linphone import Linphone
from reference_srtp import Certificate
from scripted_media import MediaThread


def phone(border: Border, make: type[Phone], user: str, side: str, keys: str, **options) -> Phone:
    return border.registered(make, user, side, media=phone_keys.MEDIA[make][keys], border_port=phone_keys.port(keys), **options)


def _pair(caller_make: type[Phone], caller_keys: str, callee_make: type[Phone], callee_keys: str):
    def case(border: Border) -> None:
        users = {Baresip: "alice", Linphone: "bob"}
        caller = phone(border, caller_make, users[caller_make], "access", caller_keys)
        callee = phone(border, callee_make, "carol" if callee_make is caller_make else users[callee_make], "core", callee_keys)
        talk(caller, callee)
        ways, suites = keys_of(shown_call(border.daemon))
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


def zrtp_ended_here(border: Border) -> None:
    """linphone's ZRTP ends at the border, and SDES or DTLS begins there; both ends of the exchange read the same."""
    bob = phone(border, Linphone, "bob", "core", "zrtp")
    for user, keys, bob_calls in (("alice", "sdes", False), ("carol", "dtls", True)):
        other = phone(border, Baresip, user, "access", keys, port=5060 if user == "alice" else 5080)
        caller, callee = (bob, other) if bob_calls else (other, bob)
        marks = heard_until_now(caller, callee)
        check("the call comes about", phone_call.establish(caller, callee), caller.trouble(), callee.trouble())
        hear_each_other(caller, callee, since=marks)
        media = {leg: shown_call(border.daemon)[leg]["media"][0] for leg in ("a", "b")}
        zrtp = media["a" if bob_calls else "b"]
        check("one leg is keyed by ZRTP", zrtp["keys"] == "zrtp" and zrtp["suite"], media)
        check("both ends read the same", zrtp["zrtp"]["sas"] == bob.sas() != "", zrtp["zrtp"], bob.sas())
        check("an operator sees it", bob.sas() in border.daemon.control("call", "show", str(border.calls()[0]["call"])))
        check("nobody is in the middle", not zrtp["zrtp"]["mismatch"], zrtp["zrtp"])
        check("the call ends", phone_call.finish(caller, callee), callee.trouble())
        if not bob_calls:
            sas_stays_verified(border, caller, bob)


def sas_stays_verified(border: Border, caller: Phone, bob: Linphone) -> None:
    """Once the operator and linphone's user have said that they read the same, the pair's next call knows. The caller has no ZRTP."""
    border.stage.start("sallyport", border.daemon.command_line("events"), "events.log")
    for known in (False, True):
        check("the call comes about", phone_call.establish(caller, bob), caller.trouble(), bob.trouble())
        check("both ends of ZRTP have a string", wait_for(lambda: sas_of(border).get("sas") == bob.sas() != "", 5), bob.trouble())
        check("the string was compared" if known else "nobody has compared it", sas_of(border)["verified"] == known, sas_of(border))
        if not known:
            number = str(border.calls()[0]["call"])
            said = border.daemon.ask("call", "verify", number, "b")
            check("the operator's word is taken", said["sas"] == bob.sas() and said["verified"] and said["remembered"], said)
            check("and told", wait_for(lambda: "media.sas_compared" in (border.stage.folder / "events.log").read_text(), 3))
            check("and shown", sas_of(border)["verified"] and f"{bob.sas()} verified" in border.daemon.control("call", "show", number))
            check("the other leg has no string", "did not come of ZRTP" in refusal(border, "call", "verify", number, "a"))
            bob.verify_sas()
        check("linphone knows as much", bob.sas_was_verified() == known, bob.trouble())
        check("the call ends", phone_call.finish(bob, caller), bob.trouble())
        check("the call is over", wait_for(lambda: not border.calls(), 5))
        record = json.loads((border.stage.folder / "state" / "calls.jsonl").read_text().splitlines()[-1])
        check("its record tells", record["b"]["media"][0]["zrtp"]["verified"], record)


def sas_of(border: Border) -> dict:
    return shown_call(border.daemon)["b"]["media"][0].get("zrtp", {})


def refusal(border: Border, *words: str) -> str:
    """Why sallyctl refuses; nothing where it does not."""
    try:
        border.daemon.control(*words)
    except Failed as why:
        return str(why)
    return ""


def zrtp_carried(border: Border) -> None:
    """Two linphones key each other through the border, which can read nothing of it."""
    bob = phone(border, Linphone, "bob", "access", "end-to-end")
    dave = phone(border, Linphone, "dave", "core", "end-to-end")
    check("the call comes about", phone_call.establish(bob, dave), bob.trouble())
    hear_each_other(bob, dave)
    ways, suites = keys_of(shown_call(border.daemon))
    check("the record says so", ways == ["end-to-end", "end-to-end"] and suites == ["none", "none"], ways, suites)
    check("both ends read the same", bob.sas() == dave.sas() != "", bob.sas(), dave.sas())
    check("the call ends", phone_call.finish(bob, dave), dave.trouble())


def zrtp_is_not_downgraded(border: Border) -> None:
    """A phone that offers ZRTP to be carried does not get a call in clear with one that has none."""
    bob = phone(border, Linphone, "bob", "access", "end-to-end")
    carol = border.registered(Baresip, "carol", "core", media="none", border_port=phone_keys.port("end-to-end"), auto_answer=True)
    bob.dial(carol.account.uri)
    check("the caller gets 488", wait_for(lambda: 488 in bob.statuses("INVITE"), 8), bob.trouble())


def _best_effort(user: str, side: str, listener: str, takes: str, calls: bool):
    """One whose medium has two m-lines, and a phone on the other side that has one, under a key."""
    def case(border: Border) -> None:
        media, certificates = MediaThread(), [Certificate(border.stage.folder, user)]
        one = BestEffortEnd(border, media, certificates, user, side, "cm", TONES[user], phone_keys.port(listener), takes=takes)
        other = ScriptedEnd(border, media, certificates, "alice", "core" if side == "access" else "access", "cm", TONES["alice"],
                            phone_keys.port("sdes"))
        call = Call("best effort", *((one, other) if calls else (other, one)))
        try:
            for end in call.ends:
                end.registered()
            set_up(call)
            hear(call)
            is_keyed_as_wanted(border, call)
            check("the phone takes its line", one.way == takes, one.way)
            check("the call has one medium", [len(shown_call(border.daemon)[leg]["media"]) for leg in ("a", "b")] == [1, 1])
            for holder, held in (call.ends, call.ends[::-1]):
                exchange(holder, held, "sendonly")
                exchange(holder, held, "sendrecv")
                hear(call)
            check("it still has its line", one.way == takes, one.way)
            is_keyed_as_wanted(border, call)
            end_call(call)
            check("nothing failed in the media thread", not media.trouble, media.trouble)
        finally:
            media.stop()
    case.__name__ = f"best_effort_in_two_lines_{'calls' if calls else 'is_called'}_{takes}"
    return case


CASES = {case.__name__: case for case in (
    _pair(Baresip, "dtls", Linphone, "sdes"), _pair(Baresip, "sdes", Linphone, "dtls"), _pair(Baresip, "dtls", Linphone, "dtls"),
    _pair(Linphone, "dtls", Baresip, "dtls"), hold_keeps_the_association, zrtp_ended_here, zrtp_carried,
    zrtp_is_not_downgraded, _best_effort("dave", "access", "sdes", "cm", True), _best_effort("bob", "core", "best-effort", "cm", False),
    _best_effort("bob", "core", "best-effort", "plain", False))}

if __name__ == "__main__":
    sys.exit(border.run(CASES, more=phone_keys.LISTENERS))
