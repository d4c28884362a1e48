# SPDX-License-Identifier: GPL-3.0-or-later
"""Phones whose keys come about in different ways: the listeners that they register at, and what each make calls the ways."""

from demo_daemon import Daemon
from phone import Phone
from phone_baresip import Baresip
from phone_linphone import Linphone

# By how the keys come about: the port of a listener on either side, and what it has for a policy. The first have the example's own.
WAYS = {"sdes": (5061, ""), "dtls": (5071, 'keys = ["dtls"]\nsuites = ["AES_CM_128_HMAC_SHA1_80"]'), "zrtp": (5072, 'keys = ["zrtp"]'),
        "end-to-end": (5073, "carry_zrtp = true"), "best-effort": (5074, 'media = "preferred"\ndual_lines = "offer"')}

# What each make calls the ways.
MEDIA: dict[type[Phone], dict[str, str]] = {
    Baresip: {"sdes": "srtp-mand", "dtls": "dtls_srtp"},
    Linphone: {"sdes": "srtp", "dtls": "dtls", "zrtp": "zrtp", "end-to-end": "zrtp"}}

# Sections for the daemon's configuration, beside phone_call.configuration().
LISTENERS = "".join(f"""
[sip.listener.{side}-{way}]
side = "{side}"
transport = "tls"
address = "10.91.{number}.1:{port}"
certificates = ["example"]
[sip.listener.{side}-{way}.media]
{policy}
""" for number, side in ((1, "access"), (2, "core")) for way, (port, policy) in WAYS.items() if policy) + """
[keying]
zrtp_cache = "{folder}/state/zrtp.db"
"""


def port(way: str) -> int:
    """Of the listener where phones with such keys register."""
    return WAYS[way][0]


def shown_call(daemon: Daemon) -> dict:
    """The only call, as sallyctl shows it."""
    return daemon.ask("call", "show", str(daemon.ask("call", "list")["calls"][0]["call"]))


def keys_of(call: dict) -> tuple[list[str], list[str]]:
    """By leg of a call that is shown: how its keys came about, and its suites."""
    legs = [call[leg]["media"][0] for leg in ("a", "b")]
    return [leg.get("keys", "plain") for leg in legs], [leg.get("suite", "none") for leg in legs]
