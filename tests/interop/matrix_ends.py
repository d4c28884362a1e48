# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends of the calls of the matrix: real phones, and scripted ones with media, behind the same few steps."""

import base64
import re
import socket

import phone_call
from border import Border, check
from demo_network import wait_for
from phone import Hearing, Phone
from raw_sip import RawPeer
from reference_srtp import SUITES, Certificate, Stream, crypto_line, draw_key
from scripted_media import Media, MediaThread
from scripted_phone import Message, ScriptedPhone, callee_dialog, caller_dialog

PATIENCE = 25  # seconds, for steps of many calls at once on a small machine
CM, GCM = "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"
# What each way is to the makes, and the suite of the scripted phone.
WORDS = {"baresip": {"plain": "none", "cm": "srtp-mand", "dtls": "dtls_srtp"},
         "linphonec": {"plain": "none", "cm": "srtp", "dtls": "dtls", "zrtp": "zrtp"}}
SUITE_OF = {"cm": CM, "gcm": GCM}


class RealEnd:
    """A foreign phone."""

    scripted = False

    def __init__(self, border: Border, make: type[Phone], user: str, side: str, way: str, **options) -> None:
        self.make, self.way, self._answered = make.make, way, None
        self.phone = border.phone(make, user, side, media=WORDS[make.make][way], **options)

    @property
    def uri(self) -> str:
        return self.phone.account.uri

    @property
    def tone(self) -> int:
        return self.phone.account.tone

    def registered(self) -> None:
        check(f"{self.phone.account.user}'s {self.make} registers", self.phone.wait_registered(PATIENCE), self.phone.trouble())

    def dial(self, uri: str) -> None:
        self._before = self.phone.calls_made(), self.phone.calls_ended()
        self.phone.dial(uri)

    def take(self) -> None:
        self._before = self.phone.calls_made(), self.phone.calls_ended()
        check("it rings", wait_for(self.phone.ringing, PATIENCE), self.phone.trouble())
        self.phone.answer()

    def established(self) -> None:
        check("the call is up", wait_for(lambda: self.phone.calls_made() > self._before[0], PATIENCE), self.phone.trouble())

    def seconds(self) -> float:
        return self.phone.heard().seconds

    def hearing(self) -> Hearing:
        return self.phone.heard()

    def offer(self, direction: str) -> None:
        self._answered = self.phone.statuses("INVITE").count(200)
        (self.phone.hold if direction == "sendonly" else self.phone.resume)()

    def follow(self, direction: str) -> None:
        held = direction == "recvonly"
        check("it knows that it is held, or no longer", wait_for(lambda: self.phone.is_held() == held, PATIENCE), self.phone.trouble())

    def settle(self) -> None:
        """Whoever made an offer does no more before it is answered."""
        if self._answered is not None:
            wait_for(lambda: self.phone.statuses("INVITE").count(200) > self._answered, PATIENCE)
        self._answered = None

    def hang_up(self) -> None:
        self.phone.hang_up()

    def ended(self) -> None:
        check("the call ends", wait_for(lambda: self.phone.calls_ended() > self._before[1], PATIENCE), self.phone.trouble())

    def trouble(self) -> str:
        return self.phone.trouble()


class ScriptedEnd:
    """A phone of ours whose media libsrtp2 and OpenSSL seal and open."""

    scripted, make = True, "scripted"

    def __init__(self, border: Border, media: MediaThread, certificates: list[Certificate], user: str, side: str, way: str, tone: int,
                 border_port: int) -> None:
        self._border, self._side, self.way, self.tone, self._certificates = border, side, way, tone, certificates
        self.uri = f"sip:{user}@example.com"
        self._sip = ScriptedPhone(RawPeer(border.stage, side, border_port, ca=border.authority.certificate), user, phone_call.PASSWORD)
        self._thread, self.media, self._version, self._changes = media, None, 0, 0
        self._key = b""

    def registered(self) -> None:
        check(f"{self.uri} registers", self._sip.register() == 200)

    # Descriptions.

    def _open_socket(self, address: str) -> socket.socket:
        with self._border.stage.sockets_of(self._side):
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((address, 0))
        return made

    def _begin(self) -> None:
        self.media = Media(self._open_socket(self._border.stage.endpoint(self._side)), self.tone)
        self._version, self._dialog = 0, None
        self.change_keys()
        self._thread.all.append(self.media)

    def change_keys(self) -> None:
        """For the next description."""
        self._changes += 1
        if self.way in SUITE_OF:
            self._key = draw_key(SUITE_OF[self.way])

    @property
    def _certificate(self) -> Certificate:
        return self._certificates[self._changes % len(self._certificates)]

    def _describe(self, direction: str, setup: str) -> str:
        self._version += 1
        address = self.media.socket.getsockname()[0]
        return (f"v=0\r\no=- 7 {self._version} IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
                + self._describe_media(direction, setup))

    def _describe_media(self, direction: str, setup: str) -> str:
        port = self.media.socket.getsockname()[1]
        profile, lines = {"plain": ("RTP/AVP", ""), "dtls": ("UDP/TLS/RTP/SAVP", (
            f"a=fingerprint:sha-256 {self._certificate.fingerprint}\r\na=setup:{setup}\r\na=rtcp-mux\r\n"
            f"a=tls-id:{self._changes:04}{'abcdefghij' * 2}\r\n"))}.get(self.way) or (
            "RTP/SAVP", crypto_line(SUITE_OF[self.way], self._key))
        return f"m=audio {port} {profile} 0\r\na=rtpmap:0 PCMU/8000\r\n{lines}a={direction}\r\n"

    def _understand(self, message: Message) -> None:
        """Takes where media goes and under which keys from the border's description."""
        sdp = message.body
        host = re.search(r"^c=IN IP4 (\S+)", sdp, re.MULTILINE).group(1)
        media = self.media
        with media.lock:
            media.remote = (host, int(re.search(r"^m=audio (\d+)", sdp, re.MULTILINE).group(1)))
            if self.way == "plain":
                media.flows = True
            elif self.way in SUITE_OF:
                suite, key = re.search(r"^a=crypto:\d+ (\S+) inline:([A-Za-z0-9+/=]+)", sdp, re.MULTILINE).groups()
                check("the suite is ours", suite == SUITE_OF[self.way], suite)
                keys = (self._key, base64.b64decode(key))
                if keys != getattr(self, "_keys", None):
                    self._keys = keys
                    media.seal, media.open = Stream(suite, keys[0], True), Stream(suite, keys[1], False)
                media.flows = True
        if self.way == "dtls":
            theirs = re.search(r"^a=fingerprint:sha-256 (\S+)", sdp, re.MULTILINE | re.IGNORECASE).group(1).upper()
            setup = re.search(r"^a=setup:(\S+)", sdp, re.MULTILINE).group(1)
            association = (theirs, self._certificate.fingerprint, self._changes)
            if association != getattr(self, "_association", None) or media.handshake is None:
                self._association = association
                media.begin_handshake(self._certificate, setup != "active", theirs)

    # Calls.

    def _request(self, method: str) -> Message:
        """The next one; a success that is repeated, because our ACK took its time on a busy machine, is passed over."""
        while (message := self._sip.next(PATIENCE)).status and message.method == "INVITE":
            pass
        check(f"{method} comes", not message.status and message.method == method, message.text[:400])
        return message

    def _success(self, method: str, number: int) -> Message:
        """The 200 to that request of ours."""
        while (message := self._sip.next(PATIENCE)).status < 200 or message["CSeq"] != f"{number} {method}":
            check("a response comes", message.status, message.text[:400])
        check("it is 200", message.status == 200, message.text[:400])
        return message

    def dial(self, uri: str) -> None:
        self._begin()
        self._sent = self._sip.invite(uri, self._describe("sendrecv", "actpass"))

    def take(self) -> None:
        self._begin()
        invite = self._request("INVITE")
        self._sip.respond(invite, 180)
        self._dialog = callee_dialog(self._sip, invite)
        self._answer(invite, "sendrecv")

    def _answer(self, invite: Message, direction: str) -> None:
        self._sip.respond(invite, 200, self._describe(direction, "active"))
        self._understand(invite)

    def established(self) -> None:
        if self._dialog is None:
            response = self._success("INVITE", int(self._sent["CSeq"].split()[0]))
            self._dialog = caller_dialog(self._sent, response)
            self._sip.within(self._dialog, "ACK", cseq=self._dialog.cseq)
            self._understand(response)
        else:
            self._request("ACK")
        self._awaits_final = False

    def offer(self, direction: str) -> None:
        self._sip.within(self._dialog, "INVITE", self._describe(direction, "actpass"))
        self._awaits_final = True

    def follow(self, direction: str) -> None:
        invite = self._request("INVITE")
        told = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)", invite.body, re.MULTILINE)
        wanted = {"recvonly": "sendonly", "sendrecv": "sendrecv"}[direction]
        check(f"the offer is {wanted}", (told.group(1) if told else "sendrecv") == wanted, invite.text)
        self._answer(invite, direction)

    def settle(self) -> None:
        if not self._awaits_final:
            self._request("ACK")
            return
        response = self._success("INVITE", self._dialog.cseq)
        self._sip.within(self._dialog, "ACK", cseq=self._dialog.cseq)
        self._understand(response)
        self._awaits_final = False

    def move(self, address: str) -> None:
        """Where media goes from now on, and what the next description says."""
        self.media.move(self._open_socket(address))

    def seconds(self) -> float:
        return self.media.seconds()

    def hearing(self) -> Hearing:
        return self.media.hearing()

    def hang_up(self) -> None:
        self._close()
        self._sip.within(self._dialog, "BYE")
        self._success("BYE", self._dialog.cseq)

    def ended(self) -> None:
        if self.media in self._thread.all:
            self._close()
            self._sip.respond(self._request("BYE"), 200)

    def _close(self) -> None:
        self._thread.all.remove(self.media)

    def trouble(self) -> str:
        media = self.media
        told = f"{media.seconds():.1f} s heard, {media.refused} refused, {media.handshakes} handshakes, to {media.remote}" if media else "no media"
        return f"scripted {self.way} phone {self.uri}: {told}"


class BestEffortEnd(ScriptedEnd):
    """One whose medium has two m-lines, under a key and in clear. It offers both each time, and of two that it is offered it takes `takes`."""

    LINES = ("cm", "plain")

    def __init__(self, *arguments, takes: str = "cm") -> None:
        super().__init__(*arguments)
        self._takes, self._refuses = takes, ""

    def _describe_media(self, direction: str, setup: str) -> str:
        described, agreed = "", self.way
        for self.way in self.LINES:
            medium = super()._describe_media(direction, setup)
            described += re.sub(r"^m=audio \d+( .*\r\n)(.*\r\n)*", r"m=audio 0\1", medium) if self.way == self._refuses else medium
        self.way = agreed
        return described

    def _understand(self, message: Message) -> None:
        session, *media = re.split(r"^(?=m=)", message.body, flags=re.MULTILINE)
        check("there are two m-lines", len(media) == len(self.LINES), message.body)
        told = {way: medium for way, medium in zip(self.LINES, media) if not medium.startswith("m=audio 0 ")}
        check("the m-lines have their profiles", [medium.split()[2] for medium in media] == ["RTP/SAVP", "RTP/AVP"], message.body)
        check("one is taken, or there is a choice", len(told) == 1 or self._refuses, message.body)
        self.way = self._takes if self._takes in told else next(iter(told))
        super()._understand(Message(f"SIP/2.0 200 x\r\n\r\n{session}{told[self.way]}"))
        self._refuses = ""

    def _answer(self, invite: Message, direction: str) -> None:
        self._refuses = next(way for way in self.LINES if way != self._takes)
        super()._answer(invite, direction)
