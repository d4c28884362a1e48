#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Browsers call phones and each other through Sallyport: SIP over secure WebSockets, ICE, DTLS-SRTP."""

import pathlib
import re
import sys

import border
import phone_browser
import phone_call
from border import Border, check, hear_each_other, heard_until_now
from demo_network import wait_for
from phone import Phone
from phone_baresip import Baresip
from phone_browser import Browser, Firefox

WSS_PORT = 443
APART_PORT = 444
ORIGINS = ("https://localhost:8503", "https://localhost:8513")  # the pages', by the phones' ports
LISTENER = phone_browser.listener("10.91.1.1", WSS_PORT, *ORIGINS) + phone_browser.listener("10.91.1.1", APART_PORT, *ORIGINS, name="apart") + """
[sip.listener.apart.media]
bundle = "off"
[sip.listener.core.auth]
algorithms = ["MD5"]
"""
PATIENCE_S = 15  # with browsers that share two cores
HEARD = 0.01  # of totalAudioEnergy, far above what silence leaves


def web_phone(border: Border, make: type[Browser] = Browser, user: str = "alice", **options) -> Browser:
    return border.registered(make, user, "access", media=options.pop("media", "audio"), border_port=options.pop("border_port", WSS_PORT), **options)


def desk_phone(border: Border) -> Phone:
    return border.registered(Baresip, "carol", "core")


def established(caller: Phone, callee: Phone) -> None:
    check("the call comes about", phone_call.establish(caller, callee), caller.trouble(), callee.trouble())
    for phone in (caller, callee):
        if isinstance(phone, Browser):
            check(f"{phone.make}'s media comes about", wait_for(lambda phone=phone: phone.connection() == "connected", 8), phone.trouble())


def ended(one: Phone, other: Phone) -> None:
    check("the call ends at both ends", phone_call.finish(one, other), one.trouble(), other.trouble())


def chromium_calls_baresip(border: Border) -> None:
    alice, carol = web_phone(border), desk_phone(border)
    established(alice, carol)
    hear_each_other(alice, carol)
    call = border.daemon.ask("call", "show", str(border.calls()[0]["call"]))
    legs = [call[leg]["media"][0] for leg in ("a", "b")]
    check("by DTLS on one leg and SDES on the other", [leg["keys"] for leg in legs] == ["dtls", "sdes"], legs)
    check("and ICE on the browser's", legs[0].get("ice") and not legs[1].get("ice"), legs)
    ended(alice, carol)


def baresip_calls_chromium(border: Border) -> None:
    alice, carol = web_phone(border), desk_phone(border)
    established(carol, alice)
    hear_each_other(carol, alice)
    ended(carol, alice)


def chromium_holds_and_restarts_ice(border: Border) -> None:
    alice, carol = web_phone(border), desk_phone(border)
    established(alice, carol)
    hear_each_other(alice, carol)
    shaken = handshakes(border)
    hold_and_resume(alice, carol)
    hear_each_other(alice, carol, since=heard_until_now(alice, carol))
    before = fragments(alice)
    alice.restart_ice()
    check("both ends of ICE are new", wait_for(lambda: all(map(set.isdisjoint, before, fragments(alice))), PATIENCE_S), before, fragments(alice))
    statistics = border.daemon.ask("stats")["handshakes"]
    check("checks go on", wait_for(lambda: border.daemon.ask("stats")["handshakes"]["ice_checked"] > statistics["ice_checked"] + 2, PATIENCE_S))
    check("and none was refused", statistics["ice_forged"] == statistics["ice_wrong_username"] == 0, statistics)
    hear_each_other(alice, carol, since=heard_until_now(alice, carol))
    check("nobody shook hands again", handshakes(border) == shaken)
    ended(carol, alice)


def fragments(phone: Browser) -> tuple[set[str], set[str]]:
    """Of ICE, in its last description and in the last that it got."""
    described = [message for message in phone.messages() if "a=ice-ufrag" in message.text]
    last = [[message.text for message in described if message.received == received][-1] for received in (False, True)]
    return tuple(set(re.findall(r"^a=ice-ufrag:(\S+)", text, re.MULTILINE)) for text in last)


def handshakes(border: Border) -> int:
    return border.daemon.ask("stats")["handshakes"]["dtls_established"]


def firefox_calls_baresip(border: Border) -> None:
    alice, carol = web_phone(border, Firefox), desk_phone(border)
    established(alice, carol)
    firefox_and_other_hear(alice, carol)
    ended(alice, carol)


def baresip_calls_firefox(border: Border) -> None:
    alice, carol = web_phone(border, Firefox), desk_phone(border)
    established(carol, alice)
    firefox_and_other_hear(alice, carol)
    ended(carol, alice)


def firefox_and_other_hear(firefox: Firefox, phone: Phone) -> None:
    heard = phone_call.hear(phone, firefox, 2, stretches=phone_call.STRETCHES)
    check(f"{phone.make} hears Firefox", phone_call.is_clear(heard, 2, phone.clear_share), phone_call.describe(heard))
    check("Firefox hears something", wait_for(lambda: firefox.stats().get("audio", {}).get("energy", 0) > HEARD, PATIENCE_S), firefox.stats())


def chromium_calls_firefox(border: Border) -> None:
    alice, carol = web_phone(border), web_phone(border, Firefox, "carol", port=5070)
    established(alice, carol)
    firefox_and_other_hear(carol, alice)
    ended(alice, carol)


def two_browsers_see_each_other(border: Border) -> None:
    """Each by one port, for the callee is offered that; both may change the call."""
    alice, carol = video_call(border, {})
    transports_shared(border, "a", "b")
    hear_and_see_through_holds(border, alice, carol)


def who_has_two_ports_sees_who_has_one(border: Border) -> None:
    for apart, shared in (("alice", "b"), ("carol", "a")):
        alice, carol = video_call(border, {apart: APART_PORT})
        transports_shared(border, shared)
        hear_and_see_through_holds(border, alice, carol)
        border.end_case()


def video_call(border: Border, ports: dict[str, int], callee: type[Browser] = Browser) -> tuple[Browser, Browser]:
    """`ports`: of the listeners, by user, where they are not what browsers usually have."""
    alice = web_phone(border, media="video", border_port=ports.get("alice", WSS_PORT))
    carol = web_phone(border, callee, "carol", port=5070, media="video", border_port=ports.get("carol", WSS_PORT))
    shaken = handshakes(border)
    established(alice, carol)
    transports = 2 + len(ports)
    check("each transport has a handshake", wait_for(lambda: handshakes(border) == shaken + transports, PATIENCE_S), shaken, handshakes(border))
    return alice, carol


def transports_shared(border: Border, *legs: str) -> None:
    relays = {relay["relay"]: relay for relay in border.daemon.ask("relay", "list")["relays"]}
    for leg in ("a", "b"):
        joined = [relay[leg]["bundled_with"] for relay in relays.values() if relay[leg]["bundled_with"]]
        check(f"on leg {leg} media share a port or not", len(joined) == (leg in legs) and set(joined) <= set(relays), relays)


def hold_and_resume(holder: Browser, held: Browser | Phone) -> None:
    holder.hold()
    check("the other end knows that it is held", wait_for(held.is_held, PATIENCE_S), held.trouble())
    holder.resume()
    check("the other end knows that it is back", wait_for(lambda: not held.is_held(), PATIENCE_S), held.trouble())


def hear_and_see_through_holds(border: Border, alice: Browser, carol: Browser) -> None:
    hear_each_other(alice, carol)
    see_each_other(alice, carol)
    for holder, held in ((alice, carol), (carol, alice)):
        hold_and_resume(holder, held)
        for phone, peer in ((alice, carol), (carol, alice)):
            check("the tone is back", wait_for(lambda phone=phone, peer=peer: hears_clearly(phone, peer), 8), phone.trouble())
        see_each_other(alice, carol)
    check("nothing came that was nobody's", border.daemon.ask("stats")["verdicts"]["drop_bundle_unrouted"] == 0)
    ended(carol, alice)


def chromium_and_firefox_see_each_other(border: Border) -> None:
    alice, carol = video_call(border, {}, Firefox)
    transports_shared(border, "a", "b")
    firefox_and_other_hear(carol, alice)
    see_each_other(alice, carol)
    for holder, held in ((alice, carol), (carol, alice)):
        hold_and_resume(holder, held)
        see_each_other(alice, carol)
    transports_shared(border, "a", "b")
    check("nothing came that was nobody's", border.daemon.ask("stats")["verdicts"]["drop_bundle_unrouted"] == 0)
    ended(alice, carol)


def hears_clearly(browser: Browser, peer: Browser) -> bool:
    """From now on, for a second. What it had buffered when it was held it plays first; then comes a pause."""
    heard = phone_call.hear(browser, peer, 1, browser.heard().seconds)
    return phone_call.is_clear(heard, 1, browser.clear_share)


def see_each_other(*browsers: Browser) -> None:
    for browser in browsers:
        before = frames(browser)
        check("frames of video arrive", wait_for(lambda browser=browser, before=before: frames(browser) > before + 5, 8), browser.stats())


def frames(browser: Browser) -> int:
    return browser.stats().get("video", {}).get("frames") or 0


CASES = {case.__name__: case for case in (
    chromium_calls_baresip, baresip_calls_chromium, chromium_holds_and_restarts_ice, firefox_calls_baresip, baresip_calls_firefox,
    chromium_calls_firefox, two_browsers_see_each_other,
    who_has_two_ports_sees_who_has_one, chromium_and_firefox_see_each_other)}

if __name__ == "__main__":
    Browser.kit = phone_browser.prepare(pathlib.Path(sys.argv[1]).resolve().parents[1] / "browser")
    sys.exit(border.run(CASES, more=LISTENER))
