#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call between two trunks over UDP comes to its end, and leaves nothing, whichever one of its messages is lost."""

import functools
import socket
import sys
from collections.abc import Callable

import border
from border import Border, check
from lossy_wire import Loss, LossyPeer, Wire
from raw_sip import compose
from scripted_phone import PLAIN, Dialog, ScriptedPhone, callee_dialog, caller_dialog

OURS, CALLER, CALLED = border.TRUNK_ADDRESS, "10.91.3.2", "10.91.3.3"
NUMBER = f"sip:+1301234@{OURS}"
MORE = border.trunk_side("udp") + f"""
[trunk.caller]
listener = "udp"
addresses = ["{CALLER}"]

[trunk.called]
host = "{CALLED}"
port = 5060
listener = "udp"
addresses = ["{CALLED}"]
options_interval_s = 0

[[route]]
match = "+1"
group = "called"
"""


class TrunkEnd(ScriptedPhone):
    """One end, which needs no digest."""

    def __init__(self, border: Border, wire: Wire, name: str, address: str) -> None:
        with border.stage.sockets_of("trunk"):
            own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        own.bind((address, 5060))
        own.connect((OURS, 5060))
        super().__init__(LossyPeer(wire, name, own), name, "")

    def describe(self) -> str:
        return self.sdp(crypto=None, media=PLAIN)

    def call(self) -> dict[str, str]:
        headers = self.peer.headers("INVITE", NUMBER, From="<sip:+4930@caller.example>;tag=c1", Contact=self.contact)
        body = self.describe()
        self.peer.send(compose("INVITE", NUMBER, {**headers, "Content-Type": "application/sdp"}, body.encode()))
        return {**headers, "uri": NUMBER}


def ends(border: Border, loss: Loss) -> tuple[TrunkEnd, TrunkEnd]:
    if CALLED not in border.stage.run("trunk", ["ip", "address"]).stdout:
        border.stage.run("trunk", ["ip", "address", "add", f"{CALLED}/24", "dev", "media0"])
    wire = Wire(loss)
    return TrunkEnd(border, wire, "caller", CALLER), TrunkEnd(border, wire, "called", CALLED)


def close(caller: TrunkEnd, called: TrunkEnd) -> None:
    wire = caller.peer.wire
    for end in (caller, called):
        end.peer.close()
    check("the message was there to be lost", wire.lost, wire.loss)


def _answered(caller: TrunkEnd, called: TrunkEnd) -> tuple[Dialog, Dialog]:
    sent = caller.call()
    invite = called.expect("INVITE")
    called.respond(invite, 100)
    called.respond(invite, 180)
    called.respond(invite, 200, called.describe())
    own = caller_dialog(sent, caller.expect_status("INVITE", 200))
    caller.within(own, "ACK", cseq=own.cseq)
    called.expect("ACK")
    return own, callee_dialog(called, invite)


def the_caller_hangs_up(border: Border, loss: Loss) -> None:
    caller, called = ends(border, loss)
    own, _ = _answered(caller, called)
    _hang_up(caller, own, called)
    close(caller, called)


def the_called_one_hangs_up(border: Border, loss: Loss) -> None:
    caller, called = ends(border, loss)
    _, own = _answered(caller, called)
    _hang_up(called, own, caller)
    close(caller, called)


def _hang_up(one: TrunkEnd, own: Dialog, other: TrunkEnd) -> None:
    one.within(own, "BYE")
    other.respond(other.expect("BYE"), 200)
    one.expect_status("BYE", 200)
    _until_lost(other)


def the_caller_gives_up(border: Border, loss: Loss) -> None:
    caller, called = ends(border, loss)
    sent = caller.call()
    invite = called.expect("INVITE")
    called.respond(invite, 180)
    caller.expect_status("INVITE", 180)
    caller.cancel(sent)
    cancel = called.expect("CANCEL")
    called.respond(cancel, 200)
    called.respond(invite, 487)
    called.expect("ACK")
    # In whichever order they come, one of them perhaps late.
    final = {}
    while len(final) < 2:
        response = caller.next(8)
        if response.status >= 200:
            final[response.method] = response
        if response.method == "INVITE" and response.status >= 300:
            caller.acknowledge_failure(sent, NUMBER, response)
    check("200 and 487", {name: one.status for name, one in final.items()} == {"CANCEL": 200, "INVITE": 487}, final)
    _until_lost(caller)
    close(caller, called)


def it_is_refused(border: Border, loss: Loss) -> None:
    caller, called = ends(border, loss)
    sent = caller.call()
    invite = called.expect("INVITE")
    called.respond(invite, 486)
    called.expect("ACK")
    caller.acknowledge_failure(sent, NUMBER, caller.expect_status("INVITE", 486))
    _until_lost(caller)
    close(caller, called)


def _until_lost(end: TrunkEnd) -> None:
    """What was lost last is made good by repetitions, which these ends answer while they wait."""
    end.expect_silence(0.8)


ANSWERED = ((("caller", True), ("INVITE", "ACK")), (("caller", False), ("100 INVITE", "180 INVITE", "200 INVITE")),
            (("called", True), ("100 INVITE", "180 INVITE", "200 INVITE")), (("called", False), ("INVITE", "ACK")))
FLOWS: dict[Callable[[Border, Loss], None], tuple] = {
    the_caller_hangs_up: (*ANSWERED, (("caller", True), ("BYE",)), (("caller", False), ("200 BYE",)), (("called", True), ("200 BYE",)),
                          (("called", False), ("BYE",))),
    the_called_one_hangs_up: ((("called", True), ("BYE",)), (("called", False), ("200 BYE",)), (("caller", True), ("200 BYE",)),
                              (("caller", False), ("BYE",))),
    the_caller_gives_up: ((("caller", True), ("CANCEL", "ACK")), (("caller", False), ("200 CANCEL", "487 INVITE")),
                          (("called", True), ("200 CANCEL", "487 INVITE")), (("called", False), ("CANCEL", "ACK"))),
    it_is_refused: ((("caller", True), ("ACK",)), (("caller", False), ("486 INVITE",)), (("called", True), ("486 INVITE",)),
                    (("called", False), ("ACK",))),
}


def cases() -> dict[str, Callable[[Border], None]]:
    found = {}
    for flow, losses in FLOWS.items():
        for (end, sent), messages in losses:
            for what in messages:
                name = f"{flow.__name__.replace('_', ' ')}, {what} {'from' if sent else 'to'} the {end} is lost"
                found[name] = functools.partial(lambda one, flow, loss: flow(one, loss), flow=flow, loss=Loss(end, sent, what))
    return found


if __name__ == "__main__":
    sys.exit(border.run(cases(), more=MORE, sides=border.TRUNK_SIDES))
