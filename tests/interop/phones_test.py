#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""baresip and linphone call each other through Sallyport, in every way that two people do it and in some that go wrong."""

import sys

import border
import phone_call
from border import Border, check, hear_each_other, heard_until_now, talk
from demo_network import let_pass, wait_for
from demo_pki import Authority
from phone import Phone
from phone_baresip import Baresip
from phone_linphone import Linphone

# Short, so that a phone that died is missed soon.
MEDIA_TIMEOUT_S = 4


def baresip_calls_linphone(border: Border) -> None:
    alice, bob = border.pair()
    talk(alice, bob)
    check("each leg has its own keys", not alice.keys().keys() & bob.keys().keys())
    check("the caller's end is the callee's", phone_call.finish(alice, bob), bob.trouble())


def linphone_calls_baresip(border: Border) -> None:
    bob, alice = border.pair(Linphone, Baresip)
    talk(bob, alice)
    check("each leg has its own keys", not alice.keys().keys() & bob.keys().keys())
    check("the callee's end is the caller's", phone_call.finish(alice, bob), bob.trouble())


def baresip_calls_baresip(border: Border) -> None:
    alice, carol = border.pair(Baresip, Baresip)
    talk(alice, carol)
    check("the call ends", phone_call.finish(alice, carol), carol.trouble())


def both_on_one_side(border: Border) -> None:
    alice = border.registered(Baresip, "alice", "access")
    bob = border.registered(Linphone, "bob", "access", port=5070)
    check("the call comes about", phone_call.establish(alice, bob), alice.trouble(), bob.trouble())
    check("the call ends", phone_call.finish(bob, alice), alice.trouble())


def srtp_offered_without_its_profile(border: Border) -> None:
    """RTP/AVP with a=crypto: baresip's `srtp`."""
    alice = border.registered(Baresip, "alice", "access", media="srtp")
    bob = border.registered(Linphone, "bob", "core")
    talk(alice, bob)
    check("the caller's leg is secure", alice.suites(), alice.trouble())
    check("the call ends", phone_call.finish(alice, bob))


def plain_rtp_is_refused(border: Border) -> None:
    """A caller that offers no keys where SRTP is required gets 488, and nobody's phone rings."""
    alice = border.registered(Baresip, "alice", "access", media="none")
    bob = border.registered(Linphone, "bob", "core")
    alice.dial(bob.account.uri)
    check("the caller gets 488", wait_for(lambda: 488 in alice.statuses("INVITE"), 5), alice.trouble())
    check("the callee's phone never rang", not bob.ringing() and bob.calls_made() == 0)


def _hold(holder: Phone, held: Phone) -> None:
    talk(holder, held)
    holder.hold()
    check("the other phone knows that it is held", wait_for(held.is_held, 5), held.trouble())
    marks = heard_until_now(holder, held)
    let_pass(1.2)
    check("the holder hears nothing", phone_call.is_silent(holder.heard().since(marks[0])))
    holder.resume()
    check("the other phone knows that it is back", wait_for(lambda: not held.is_held(), 5), held.trouble())
    hear_each_other(holder, held, since=heard_until_now(holder, held))
    check("the call ends", phone_call.finish(held, holder), holder.trouble())


def hold_by_baresip(border: Border) -> None:
    _hold(*border.pair())


def hold_by_linphone(border: Border) -> None:
    alice, bob = border.pair()
    _hold(bob, alice)


def _cancel(caller: Phone, callee: Phone) -> None:
    caller.dial(callee.account.uri)
    check("the phone rings", wait_for(callee.ringing, 5), callee.trouble())
    caller.hang_up()
    check("the phone stops ringing", wait_for(lambda: not callee.ringing() and callee.calls_ended() == 1, 5), callee.trouble())
    check("the caller gets 487", wait_for(lambda: 487 in caller.statuses("INVITE"), 3), caller.trouble())
    check("nobody answered", callee.calls_made() == caller.calls_made() == 0)


def baresip_cancels(border: Border) -> None:
    _cancel(*border.pair())


def linphone_cancels(border: Border) -> None:
    _cancel(*border.pair(Linphone, Baresip))


def _decline(caller: Phone, callee: Phone) -> None:
    caller.dial(callee.account.uri)
    check("the phone rings", wait_for(callee.ringing, 5), callee.trouble())
    callee.hang_up()
    check("the caller is told so", wait_for(lambda: {486, 603} & set(caller.statuses("INVITE")), 5), caller.trouble())
    check("the caller's phone gives up", wait_for(lambda: caller.calls_ended() == 1, 3), caller.trouble())


def linphone_declines(border: Border) -> None:
    _decline(*border.pair())


def baresip_declines(border: Border) -> None:
    _decline(*border.pair(Linphone, Baresip))


def nobody_there(border: Border) -> None:
    """A user without a phone, a user that is none, and a domain that is not ours."""
    alice = border.registered(Baresip, "alice", "access")
    for uri, wanted in ((f"sip:dave@{phone_call.DOMAIN}", {480}), (f"sip:nobody@{phone_call.DOMAIN}", {404}),
                        ("sip:bob@elsewhere.invalid", {403, 404})):
        before = len(alice.statuses("INVITE"))
        ended = alice.calls_ended()
        alice.dial(uri)
        check(f"a call to {uri} ends", wait_for(lambda: alice.calls_ended() > ended, 5), alice.trouble())
        check(f"and by {wanted}", wanted & set(alice.statuses("INVITE")[before:]), alice.statuses("INVITE")[before:])


def wrong_password(border: Border) -> None:
    for make, user in ((Baresip, "alice"), (Linphone, "bob")):
        phone = border.phone(make, user, "access" if make is Baresip else "core", password="not-the-password")
        check(f"{make.make} is refused", wait_for(phone.refused, 8), phone.trouble())
        check("and not registered", not phone.registered(), phone.trouble())
        phone.kill()
    check("nobody is registered", border.daemon.ask("registration", "list")["total"] == 0)


def unknown_authority(border: Border) -> None:
    """linphone, which verifies, does not talk to a server whose certificate it cannot trust."""
    foreign = Authority(border.stage.folder / "foreign", "Somebody else's CA")
    bob = border.phone(Linphone, "bob", "core", authority=foreign)
    check("linphone refuses the certificate", wait_for(lambda: "not-trusted" in bob.told(), 8), bob.trouble())
    check("and is not registered", not bob.registered())


def _kill(victim: Phone, survivor: Phone) -> None:
    talk(survivor, victim)
    victim.kill()
    check("the other end gets a BYE", wait_for(lambda: survivor.calls_ended() == 1, MEDIA_TIMEOUT_S + 4), survivor.trouble())


def linphone_dies(border: Border) -> None:
    alice, bob = border.pair()
    _kill(bob, alice)


def baresip_dies(border: Border) -> None:
    bob, alice = border.pair(Linphone, Baresip)
    _kill(alice, bob)


def dies_while_ringing(border: Border) -> None:
    alice, bob = border.pair()
    alice.dial(bob.account.uri)
    check("the phone rings", wait_for(bob.ringing, 5), bob.trouble())
    alice.kill()
    check("the phone stops ringing", wait_for(lambda: bob.calls_ended() == 1, 8), bob.trouble())


def blind_transfer(border: Border) -> None:
    """Alice calls Bob and sends him on to Carol."""
    alice, bob = border.pair()
    carol = border.registered(Baresip, "carol", "core", port=5080, auto_answer=True)
    talk(alice, bob)
    alice.transfer(carol.account.uri)
    check("carol's phone is called and answers", wait_for(lambda: carol.calls_made() == 1, 8), alice.trouble(), bob.trouble(), carol.trouble())
    check("alice is out", wait_for(lambda: alice.calls_ended() == 1, 5), alice.trouble())
    heard = phone_call.hear(carol, bob, 2, stretches=phone_call.STRETCHES)
    check("carol hears bob", heard.seconds >= 1.5, phone_call.describe(heard))


def several_calls_in_a_row(border: Border) -> None:
    alice, bob = border.pair()
    for _ in range(4):
        check("a call comes about", phone_call.establish(alice, bob), alice.trouble(), bob.trouble())
        check("and ends", phone_call.finish(bob, alice), alice.trouble())


CASES = {case.__name__: case for case in (
    baresip_calls_linphone, linphone_calls_baresip, baresip_calls_baresip, both_on_one_side, srtp_offered_without_its_profile,
    plain_rtp_is_refused, hold_by_baresip, hold_by_linphone, baresip_cancels, linphone_cancels, linphone_declines, baresip_declines,
    nobody_there, wrong_password, unknown_authority, linphone_dies, baresip_dies, dies_while_ringing, blind_transfer,
    several_calls_in_a_row)}

if __name__ == "__main__":
    sys.exit(border.run(CASES, f"timeout_s = {MEDIA_TIMEOUT_S}", "[calls]\nreconnect_s = 3\n"))
