#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Browsers call phones and each other through Sallyport: SIP over secure WebSockets, ICE, DTLS-SRTP."""

import pathlib
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
LISTENER = f"""
[sip.listener.web]
side = "access"
transport = "wss"
address = "10.91.1.1:{WSS_PORT}"
certificates = ["example"]
origins = ["https://localhost:8503", "https://localhost:8513"]

[sip.listener.web.auth]
algorithms = ["MD5"]

[sip.listener.core.auth]
algorithms = ["MD5"]
"""
HEARD = 0.01  # of totalAudioEnergy, far above what silence leaves


def web_phone(border: Border, make: type[Browser] = Browser, user: str = "alice", **options) -> Browser:
    return border.registered(make, user, "access", media=options.pop("media", "audio"), border_port=WSS_PORT, **options)


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


CASES = {case.__name__: case for case in (chromium_calls_baresip, baresip_calls_chromium)}

if __name__ == "__main__":
    Browser.kit = phone_browser.prepare(pathlib.Path(sys.argv[1]).resolve().parents[1] / "browser")
    sys.exit(border.run(CASES, more=LISTENER))
