#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Legs keyed in every way face legs keyed in every way, with media, all at once; then again over wires that lose and reorder.

    matrix_test.py SALLYPORTD SALLYCTL [WORD…]    runs the calls whose names (such as plain_cm) hold a word
"""

import concurrent.futures
import contextlib
import dataclasses
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator

import border
import phone_call
from border import Border, check
from demo_network import Stage, ip, wait_for
from matrix_ends import PATIENCE, RealEnd, ScriptedEnd
from phone_baresip import Baresip
from phone_linphone import Linphone
from reference_srtp import Certificate
from scripted_media import MediaThread

SIDES = ("access", "core")
PORTS = {"cm": 5061, "dtls": 5071, "plain": 5081, "gcm": 5091, "zrtp": 5101}
MEDIA_LINES = {"cm": 'suites = ["AES_CM_128_HMAC_SHA1_80"]', "dtls": 'keys = ["dtls"]\noffer_mux = true', "plain": 'media = "none"',
               "gcm": 'suites = ["AEAD_AES_128_GCM"]', "zrtp": 'keys = ["zrtp"]'}
# Who is real where a way has scripted ends too: each way on each side at least once against a real phone. ZRTP is linphonec's alone,
# and GCM, which no packaged phone knows, is always scripted.
REAL = {("plain", "cm"): (Baresip, Linphone), ("cm", "dtls"): (Linphone, Baresip), ("dtls", "plain"): (Linphone, Baresip),
        ("plain", "dtls"): (Linphone, Baresip), ("cm", "plain"): (Baresip, Linphone), ("dtls", "cm"): (Baresip, Baresip),
        ("gcm", "cm"): (None, Baresip), ("dtls", "gcm"): (Baresip, None), ("plain", "zrtp"): (Baresip, Linphone),
        ("zrtp", "dtls"): (Linphone, Baresip)}
# What the daemon says of a leg: how its keys came about, and its suite.
CM, GCM = "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"
KEYED = {"plain": {("plain", "none")}, "cm": {("sdes", CM)}, "gcm": {("sdes", GCM)}, "dtls": {("dtls", CM)},
         "zrtp": {("zrtp", CM), ("zrtp", "AES_256_CM_HMAC_SHA1_80")}}  # as the ends come to, whoever commits
LOSS_PERCENT = 5
SECONDS = 1.5        # that a tone is listened to at a time
ROUNDS = 5
# Softphones leave gaps where two cores serve fifty of them; what is lost is for counters to tell. Scripted phones leave none.
REAL_SHARE, SCRIPTED_SHARE, LOSSY_SHARE = 0.5, 0.95, 0.75
UNWANTED = 0.5       # share of the own tone in a block: gaps have a little of every tone, an echo has all of one
FIRST_PORT = 5210
MANY = int(os.environ.get("MATRIX_LINES", 40))  # of what is told about a failure


@dataclasses.dataclass
class Call:
    name: str
    caller: RealEnd | ScriptedEnd
    callee: RealEnd | ScriptedEnd

    @property
    def ends(self) -> tuple:
        return self.caller, self.callee


def listeners(ways: list[str]) -> str:
    text = ""
    for way in ways:
        for number, side in enumerate(SIDES, 1):
            if way != "cm":
                text += (f'[sip.listener.{side}-{way}]\nside = "{side}"\ntransport = "tls"\naddress = "10.91.{number}.1:{PORTS[way]}"\n'
                         'certificates = ["example"]\n')
            text += f"[sip.listener.{side}{'' if way == 'cm' else '-' + way}.media]\n{MEDIA_LINES[way]}\n"
    return text


class Wires:
    """A process on each side between its phones and the border, which carries, loses, reorders and is a NAT."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        for side in SIDES:
            self._insert(side)

    def _insert(self, side: str) -> None:
        stage, namespace = self._stage, self._stage.namespace(side)
        ip("-n", namespace, "link", "set", "media0", "down")
        ip("-n", namespace, "address", "flush", "dev", "media0")
        ip("-n", namespace, "link", "set", "media0", "name", "wire0")
        ip("-n", namespace, "link", "add", "media0", "type", "veth", "peer", "name", "wire1")
        for device in ("wire0", "wire1"):  # or the kernel would answer for the phones' addresses there too, and packets pass the wire by
            ip("-n", namespace, "link", "set", device, "arp", "off")
        for device in ("wire0", "wire1", "media0"):
            ip("-n", namespace, "link", "set", device, "up")
        # What is carried as a frame must be whole: no checksums left to the card, no segments joined.
        for where, device in ((side, "media0"), ("sallyport", f"{side}0")):
            done = stage.run(where, ["ethtool", "-K", device, "tx", "off", "gso", "off", "tso", "off", "gro", "off"])
            check(f"{device} leaves nothing to cards", done.returncode == 0, done.stderr)
        ip("-n", namespace, "address", "add", f"{stage.endpoint(side)}/24", "dev", "media0")
        ip("-n", namespace, "address", "add", f"{moved(stage, side)}/24", "dev", "media0")
        ip("-n", namespace, "route", "add", "default", "via", stage.address(side))
        os.mkfifo(self._orders(side))
        stage.start(side, [sys.executable, str(pathlib.Path(__file__).with_name("impaired_wire.py")), "wire0", "wire1"], f"wire-{side}",
                    self._orders(side))

    def _orders(self, side: str) -> pathlib.Path:
        return self._stage.folder / f"wire-{side}-orders"

    def _order(self, side: str, order: str) -> None:
        with open(self._orders(side), "r+b", buffering=0) as pipe:
            pipe.write(f"{order}\n".encode())

    def impair(self, percent: int) -> None:
        for side in SIDES:
            self._order(side, f"lose {percent}")

    @contextlib.contextmanager
    def rebound(self, side: str, place: str) -> Iterator[None]:
        """What comes from that host and port, comes from others meanwhile."""
        host, port = place.rsplit(":", 1)
        self._order(side, f"rebind {host} {port} {moved(self._stage, side)}")
        try:
            yield
        finally:
            self._order(side, f"restore {host} {port}")

    def counts(self) -> dict[str, list[int]]:
        """By side: carried, lost, late, as told at the last order."""
        texts = {side: (self._stage.folder / f"wire-{side}").read_text().split("\n") for side in SIDES}
        return {side: [int(word) for word in lines[-2].split()] if len(lines) > 1 else [0, 0, 0] for side, lines in texts.items()}


def moved(stage: Stage, side: str) -> str:
    """The other address of a side's host."""
    return stage.endpoint(side).removesuffix("2") + "3"


def make_calls(stand: Border, media: MediaThread, ways: list[str]) -> list[Call]:
    """The pairs that the command line chooses, their users and phones."""
    certificates = [Certificate(stand.stage.folder, f"scripted{number}") for number in range(3)]
    pairs = [(number, one, other) for number, (one, other) in enumerate(itertools.product(ways, ways))
             if not sys.argv[3:] or any(word in f"{one}_{other}" for word in sys.argv[3:])]
    users = [f"{side}{number}" for number, _, _ in pairs for side in SIDES]
    lines = "".join(json.dumps({"user": user, "password": phone_call.PASSWORD, "algorithms": ["MD5"]}) + "\n" for user in users)
    done = subprocess.run(stand.daemon.command_line("user", "add", "--from", "-"), input=lines, capture_output=True, text=True, check=False)
    check("users are added", done.returncode == 0, done.stderr or done.stdout)

    def end(number: int, side: str, way: str, make):
        user, tone = f"{side}{number}", 400 + 50 * number + (1300 if side == "core" else 0)
        border.TONES[user] = tone
        if make is None:
            return ScriptedEnd(stand, media, certificates, user, side, way, tone, PORTS[way])
        return RealEnd(stand, make, user, side, way, port=FIRST_PORT + 10 * number, border_port=PORTS[way])

    calls = []
    for number, one, other in pairs:
        makes = [make or (Linphone if way == "zrtp" else None) for way, make in zip((one, other), REAL.get((one, other), (None, None)))]
        calls.append(Call(f"{one}_{other}", *(end(number, side, way, make) for side, way, make in zip(SIDES, (one, other), makes))))
    return calls


def hear(call: Call, wanted: float | None = None) -> None:
    """Each end hears the other from now on, and not itself."""
    begun = [end.seconds() for end in call.ends]
    for end, peer, begin in zip(call.ends, call.ends[::-1], begun):
        share = min(wanted or 1.0, SCRIPTED_SHARE if end.scripted and peer.scripted else REAL_SHARE)
        # Keys come a while after the call, and recorders write down what was there before: one good stretch of several will do.
        for _ in range(ROUNDS):
            wait_for(lambda end=end, begin=begin: end.seconds() - begin >= SECONDS, SECONDS + 4)
            heard, begin = end.hearing().since(begin).listen(peer.tone, end.tone), end.seconds()
            good = heard.seconds >= 0.8 * share * SECONDS and heard.share >= share and heard.unwanted < UNWANTED
            if good:
                break
        check(f"the {end.make} {end.way} end hears {peer.tone} Hz", good, phone_call.describe(heard), end.trouble(), peer.trouble())


def set_up(call: Call) -> None:
    call.caller.dial(call.callee.uri)
    call.callee.take()
    call.caller.established()
    call.callee.established()


def media_of(stand: Border, call: Call) -> list[dict]:
    """What the daemon says of both legs."""
    number = next(str(one["call"]) for one in stand.calls() if one["caller"] == call.caller.uri)
    shown = stand.daemon.ask("call", "show", number)
    return [shown[leg]["media"][0] for leg in ("a", "b")]


def is_keyed_as_wanted(stand: Border, call: Call) -> None:
    """By the daemon's own word; asked when media has come, for then there are keys."""
    for leg, media, end in zip(("a", "b"), media_of(stand, call), call.ends):
        check(f"leg {leg} is keyed by {end.way}", (media.get("keys", "plain"), media.get("suite", "none")) in KEYED[end.way], media)


def exchange(one: RealEnd | ScriptedEnd, other: RealEnd | ScriptedEnd, direction: str) -> None:
    one.offer(direction)
    other.follow({"sendonly": "recvonly"}.get(direction, direction))
    one.settle()
    other.settle()


def hold_and_resume(call: Call) -> None:
    exchange(call.caller, call.callee, "sendonly")
    exchange(call.caller, call.callee, "sendrecv")


def change_keys(call: Call, end: ScriptedEnd, other: RealEnd | ScriptedEnd) -> None:
    """By a key of SDES that is new, or by a certificate that is."""
    shaken = end.media.handshakes
    end.change_keys()
    exchange(end, other, "sendrecv")
    if end.way == "dtls":
        check("they shake hands again", wait_for(lambda: end.media.handshakes == shaken + 1, PATIENCE), end.trouble())


def move(stand: Border, end: ScriptedEnd, other: RealEnd | ScriptedEnd, side: str) -> None:
    """To another host and port; keys stay."""
    end.move(moved(stand.stage, side))
    exchange(end, other, "sendrecv")


@contextlib.contextmanager
def behind_another_nat(stand: Border, wires: Wires, call: Call, side: str) -> Iterator[None]:
    """A phone's media comes from another host and port, of which nobody is told."""
    def place() -> str:
        return media_of(stand, call)[SIDES.index(side)]["source"]

    before = place()
    with wires.rebound(side, before):
        yield
        check("the daemon has followed", place().startswith(f"{moved(stand.stage, side)}:"), f"{before}, then {place()}")


def end_call(call: Call) -> None:
    call.caller.hang_up()
    call.callee.ended()
    call.caller.ended()


def go_through(stand: Border, wires: Wires, call: Call, share: float | None) -> None:
    """All that may become of a call; after each step both ends must hear each other."""
    set_up(call)
    hear(call, share)
    is_keyed_as_wanted(stand, call)
    hold_and_resume(call)
    hear(call, share)
    for end, other, side in ((call.caller, call.callee, "access"), (call.callee, call.caller, "core")):
        if end.scripted:
            if end.way != "plain":
                change_keys(call, end, other)
                hear(call, share)
            shaken = end.media.handshakes
            move(stand, end, other, side)
            hear(call, share)
            check("nobody shakes hands again", end.media.handshakes == shaken, end.trouble())
        elif end.way != "plain":  # in clear nothing proves that it is still the same
            with behind_another_nat(stand, wires, call, side):
                hear(call, share)
    end_call(call)


def all_at_once(calls: list[Call], work: Callable[[Call], None], name: str) -> list[Call]:
    """Those that did not fail."""
    def one(call: Call) -> str:
        try:
            work(call)
        except (border.CaseFailed, RuntimeError, OSError, KeyError, IndexError, ValueError, AttributeError) as problem:
            where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(problem.__traceback__)[:0:-1])
            return f"{type(problem).__name__} in {where}: {problem}"
        return ""

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(max(len(calls), 1)) as pool:
        problems = list(pool.map(one, calls))
    for call, problem in zip(calls, problems):
        makes = " and ".join(f"{end.make}" for end in call.ends)
        print(f"{'FAIL  ' if problem else 'ok    '}{name} {call.name}, {makes}", flush=True)
        for line in problem.splitlines()[:MANY]:
            print("      " + line)
    print(f"      ({time.monotonic() - began:.1f} s)", flush=True)
    return [call for call, problem in zip(calls, problems) if not problem]


def takes_zrtp(stage: Stage, program: str) -> bool:
    """Whether the daemon can be told of ZRTP at all."""
    probe = stage.folder / "zrtp-probe.toml"
    probe.write_text('[sip.listener.a]\nside = "a"\naddress = "127.0.0.1:5061"\ncertificates = ["c"]\n[media.side.a]\ndevice = "lo"\n'
                     'addresses = ["127.0.0.1"]\nports = "30000-30999"\n[sip.listener.a.media]\nkeys = ["zrtp", "no-way"]\n')
    done = subprocess.run([program, "--config", str(probe), "--check-config"], capture_output=True, text=True, check=False)
    complaint = re.search(r"'no-way' is no way to keys: (.*)", done.stdout + done.stderr)
    return complaint is not None and "zrtp" in complaint.group(1)


def run() -> int:
    if os.geteuid() != 0:
        print("skipped: needs root, for network namespaces and AF_XDP")
        return border.SKIPPED
    began = time.monotonic()
    stage = Stage(sides=SIDES)
    media = MediaThread()
    try:
        ways = ["plain", "cm", "gcm", "dtls"]
        if takes_zrtp(stage, sys.argv[1]):
            ways.append("zrtp")
        else:
            print("SKIPPED: nine calls with ZRTP, for this daemon does not take keys = [\"zrtp\"]", flush=True)
        stand = Border(stage, sys.argv[1], sys.argv[2], more=listeners(ways))
        wires = Wires(stage)
        calls = make_calls(stand, media, ways)
        for call in calls:
            for end in call.ends:
                end.registered()
        print(f"      {2 * len(calls)} phones are registered ({time.monotonic() - began:.1f} s)", flush=True)
        passed = all_at_once(calls, lambda call: go_through(stand, wires, call, None), "clean")
        wires.impair(LOSS_PERCENT)
        passed = all_at_once(passed, lambda call: go_through(stand, wires, call, LOSSY_SHARE),  # others may still have their call
                             f"{LOSS_PERCENT} % lost and late")
        wires.impair(0)
        check("the wires tell", not passed or wait_for(lambda: all(count[1] > 0 and count[2] > 0 for count in wires.counts().values()), 5), wires.counts())
        print(f"      carried, lost, late: {wires.counts()}", flush=True)
        check("nothing failed in the media thread", not media.trouble, media.trouble)
        check("no call is left", len(passed) < len(calls) or wait_for(lambda: not stand.calls(), 5), stand.calls())
        status = stage.stop(stand.daemon.process)
    finally:
        media.stop()
        stage.remove()
    print(f"{len(passed)} of {len(calls)} calls passed, clean and lossy; sallyportd ended with {status} ({time.monotonic() - began:.1f} s)")
    return 1 if len(passed) < len(calls) or status != 0 else 0


if __name__ == "__main__":
    sys.exit(run())
