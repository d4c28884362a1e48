# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration's further calls: phones whose keys do not come by their descriptions but by DTLS-SRTP and ZRTP."""

import dataclasses

import phone_call
import phone_keys
from demo_claims import Claims
from demo_daemon import Daemon, Failed
from demo_network import Stage, wait_for
from demo_pki import Authority
from phone import Phone
from phone_baresip import Baresip
from phone_linphone import Linphone

TALK_SECONDS = 4


@dataclasses.dataclass(frozen=True)
class Guest:
    """Somebody who appears for one of these calls."""

    make: type[Phone]
    user: str
    side: str
    way: str   # to keys
    tone: int  # Hz
    port: int


GUESTS = (Guest(Linphone, "carol", "core", "zrtp", 700, 5070),
          Guest(Linphone, "dave", "access", "end-to-end", 600, 5070), Guest(Linphone, "erin", "core", "end-to-end", 800, 5080),
          Guest(Linphone, "frank", "access", "dtls", 500, 5080), Guest(Baresip, "grace", "core", "dtls", 900, 5090))


class KeyedCalls:
    """Carol, whose ZRTP ends here, calls Alice, who has SDES; Dave and Erin have ZRTP with each other; Frank and Grace have DTLS-SRTP."""

    def __init__(self, stage: Stage, claims: Claims, daemon: Daemon, authority: Authority) -> None:
        self.stage, self.claims, self.daemon = stage, claims, daemon
        self.phones = {guest.user: self._phone(guest, authority) for guest in GUESTS}

    def _phone(self, guest: Guest, authority: Authority) -> Phone:
        media = phone_keys.MEDIA[guest.make][guest.way]
        account = phone_call.account(guest.user, guest.side, tone=guest.tone, media=media, port=guest.port)
        return guest.make(self.stage, account, authority.certificate, phone_keys.port(guest.way))

    def register(self) -> None:
        for phone in self.phones.values():
            phone_call.add_user(self.daemon, self.stage, phone.account, phone.digests)
            phone.start()
        came = [phone for phone in self.phones.values() if phone.wait_registered()]
        self.claims.claim("five more phones registered, each where keys come about in its way", len(came) == len(self.phones),
                          ", ".join(f"{guest.user} {guest.way}" for guest in GUESTS))
        for phone in self.phones.values():
            if phone not in came:
                raise Failed(phone.trouble())

    def _talk(self, caller: Phone, callee: Phone, ways: list[str]) -> dict:
        """A call in which both are heard; gives it as it is shown."""
        names = f"{caller.account.user} and {callee.account.user}"
        marks = caller.heard().seconds, callee.heard().seconds
        up = phone_call.establish(caller, callee)
        self.claims.claim(f"{caller.account.user}'s {caller.make} called {callee.account.user}'s {callee.make}", up)
        if not up:
            raise Failed(caller.trouble() + callee.trouble())
        self.claims.claim_tones(f"{names} talked", caller, callee, TALK_SECONDS, marks)
        call = phone_keys.shown_call(self.daemon)
        came, suites = phone_keys.keys_of(call)
        self.claims.claim(f"keys of {names} came by {' and '.join(ways)}", came == ways, ", ".join(suites))
        received = [call[leg]["media"][0]["received"] for leg in ("a", "b")]
        self.claims.claim("nothing of their media was lost", all(stream["packets"] > 50 * TALK_SECONDS * 0.8 and stream["lost"] == 0 for stream in received),
                          ", ".join(f"{stream['packets']} packets, {stream['lost']} lost" for stream in received))
        return call

    def _end(self, caller: Phone, callee: Phone) -> None:
        self.claims.claim(f"{caller.account.user} hung up, and {callee.account.user}'s phone knows", phone_call.finish(caller, callee))
        wait_for(lambda: not self.daemon.ask("call", "list")["calls"], 3)

    def zrtp_that_ends_here(self, alice: Phone) -> None:
        carol = self.phones["carol"]
        call = self._talk(carol, alice, ["zrtp", "sdes"])
        printed = self.daemon.control("call", "show", str(call["call"]))
        print("\n" + printed[printed.index("LEG"):], flush=True)
        sas = carol.sas()
        self.claims.claim("carol's linphonec shows the short authentication string that sallyctl call show prints", sas != "" and sas in printed.split(), sas)
        self._end(carol, alice)

    def zrtp_that_is_carried(self) -> None:
        dave, erin = self.phones["dave"], self.phones["erin"]
        self._talk(dave, erin, ["end-to-end", "end-to-end"])
        self.claims.claim("dave's and erin's phones show the same string, and Sallyport knows none of their keys",
                          dave.sas() == erin.sas() != "" and phone_keys.keys_of(phone_keys.shown_call(self.daemon))[1] == ["none", "none"], dave.sas())
        self._end(dave, erin)

    def dtls(self) -> None:
        frank, grace = self.phones["frank"], self.phones["grace"]
        self._talk(frank, grace, ["dtls", "dtls"])
        self.claims.claim("no key was in any description", not frank.keys() and not grace.keys())
        self._end(frank, grace)

    def run(self, alice: Phone) -> None:
        self.register()
        self.zrtp_that_ends_here(alice)
        self.zrtp_that_is_carried()
        self.dtls()
