# SPDX-License-Identifier: GPL-3.0-or-later
"""What interop tests stand on: Sallyport between two sides, users, phones, and cases that go on when one of them fails."""

import os
import pathlib
import re
import sys
import time
from collections.abc import Callable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import phone_call
from demo_daemon import Daemon, Failed
from demo_network import Stage, wait_for
from demo_pki import Authority
from phone import Phone
from phone_baresip import Baresip
from phone_linphone import Linphone

SKIPPED = 77
# baresip knows MD5 alone and gives up at any other challenge.
USERS = {"alice": ("MD5",), "bob": (), "carol": ("MD5",), "dave": ()}
TONES = {"alice": 440, "bob": 1000, "carol": 700, "dave": 600}


TRUNK_SIDES = ("access", "core", "trunk")
TRUNK_ADDRESS = "10.91.3.1"


def trunk_side(*transports: str) -> str:
    """Sections for a third side without encryption, with a listener named after each transport."""
    return f"""
[media.side.trunk]
device = "trunk0"
addresses = ["{TRUNK_ADDRESS}"]
ports = "30000-30999"
""" + "".join(f"""
[sip.listener.{transport}]
side = "trunk"
transport = "{transport}"
address = "{TRUNK_ADDRESS}:5060"
allow_plain = true
""" for transport in transports)


class CaseFailed(Exception):
    """What a case expected did not come about."""


def check(what: str, holds: object, *seen: object) -> None:
    """`seen` is what tells why, printed only where it does not hold."""
    if not holds:
        raise CaseFailed("\n".join([what, *map(str, seen)]))


class Border:
    """A stage with sallyportd, its users, and the phones of the case that runs."""

    def __init__(self, stage: Stage, program: str, control: str, media: str = "", more: str = "") -> None:
        """`media` are lines for [media], `more` are further sections."""
        self.stage = stage
        self.authority = phone_call.prepare(self.stage)
        # baresip, which offers one suite alone, is to be on either side.
        configuration = re.sub(r"^suites = .*$", "", phone_call.configuration(self.stage, media), flags=re.MULTILINE) + more
        self.daemon = Daemon(self.stage, pathlib.Path(program), pathlib.Path(control), configuration)
        self.daemon.wait_until_ready()
        self.phones: list[Phone] = []
        self._numbered = 0
        password = self.stage.folder / "password"
        password.write_text(phone_call.PASSWORD + "\n")
        for user, algorithms in USERS.items():
            self.daemon.control("user", "add", user, "--password-file", str(password),
                                *(["--algorithms", ",".join(algorithms)] if algorithms else []))

    def phone(self, make: type[Phone], user: str, side: str, media: str = "", password: str = phone_call.PASSWORD, port: int = 5060,
              suite: str = "", auto_answer: bool = False, authority: Authority | None = None, border_port: int = 5061) -> Phone:
        """One that runs but need not be registered yet."""
        self._numbered += 1
        media = media or ("srtp-mand" if make is Baresip else "srtp")
        account = phone_call.account(user, side, password=password, tone=TONES[user], media=media, suite=suite, auto_answer=auto_answer,
                                     port=port, name=f"{user}-{self._numbered}")
        phone = make(self.stage, account, (authority or self.authority).certificate, border_port)
        phone.start()
        self.phones.append(phone)
        return phone

    def registered(self, *arguments, **options) -> Phone:
        phone = self.phone(*arguments, **options)
        check(f"{phone.account.user}'s {phone.make} registers", phone.wait_registered(), phone.trouble())
        return phone

    def pair(self, caller: type[Phone] = Baresip, callee: type[Phone] = Linphone) -> tuple[Phone, Phone]:
        """A caller outside and a callee inside, registered."""
        users = {Baresip: "alice", Linphone: "bob"} if caller is not callee else {caller: "alice"}
        return (self.registered(caller, users[caller], "access"),
                self.registered(callee, users[callee] if caller is not callee else "carol", "core"))

    def calls(self) -> list[dict]:
        return self.daemon.ask("call", "list")["calls"]

    def end_case(self) -> None:
        """Away with phones and registrations; nothing of a call may be left."""
        for phone in self.phones:
            phone.stop()
        self.phones.clear()
        for user in USERS:
            self.daemon.control("registration", "drop", user)
        check("no call is left", wait_for(lambda: not self.calls(), 5), self.calls())
        check("no relay is left", wait_for(lambda: not self.daemon.ask("relay", "list")["relays"], 5), self.daemon.ask("relay", "list"))

    def trouble(self) -> str:
        return "\n".join([*(phone.trouble() for phone in self.phones), f"daemon:\n{self.daemon.log()}"])


def talk(caller: Phone, callee: Phone, seconds: float = 2) -> None:
    """Sets a call up and checks that both hear each other."""
    check("the call comes about", phone_call.establish(caller, callee), caller.trouble(), callee.trouble())
    hear_each_other(caller, callee, seconds)


def hear_each_other(one: Phone, other: Phone, seconds: float = 2, since: tuple[float, float] = (0, 0)) -> None:
    for phone, peer, begin in ((one, other, since[0]), (other, one, since[1])):
        heard = phone_call.hear(phone, peer, seconds, begin, phone_call.STRETCHES)
        check(f"{phone.account.user} hears {peer.account.tone} Hz", phone_call.is_clear(heard, seconds, phone.clear_share), phone_call.describe(heard))


def heard_until_now(one: Phone, other: Phone) -> tuple[float, float]:
    return one.heard().seconds, other.heard().seconds


def run(cases: dict[str, Callable[[Border], None]], media: str = "", more: str = "",
        sides: tuple[str, ...] = ("access", "core")) -> int:
    """Runs every case, prints one line for each, and gives the exit status. The command line has the programs, then words
    that choose cases."""
    if os.geteuid() != 0:
        print("skipped: needs root, for network namespaces and AF_XDP")
        return SKIPPED
    chosen = {name: case for name, case in cases.items() if not sys.argv[3:] or any(word in name for word in sys.argv[3:])}
    failed = 0
    stage = Stage(sides=sides)
    try:
        border = Border(stage, sys.argv[1], sys.argv[2], media, more)
        for name, case in chosen.items():
            failed += not _run_case(border, name, case)
        status = stage.stop(border.daemon.process)
    finally:
        stage.remove()
    print(f"{len(chosen) - failed} of {len(chosen)} cases passed; sallyportd ended with {status}")
    return 1 if failed or status != 0 else 0


def _run_case(border: Border, name: str, case: Callable[[Border], None]) -> bool:
    began, problems = time.monotonic(), []
    for part in (case, Border.end_case):
        try:
            part(border)
        except (CaseFailed, Failed, RuntimeError, OSError, KeyError, IndexError, ValueError) as problem:
            problems.append(f"{type(problem).__name__}: {problem}")
            if part is case:
                problems.append(border.trouble())
    print(f"{'FAIL  ' if problems else 'ok    '}{name} ({time.monotonic() - began:.1f} s)", flush=True)
    for problem in problems:
        print("      " + problem.replace("\n", "\n      "), flush=True)
    return not problems
