# SPDX-License-Identifier: GPL-3.0-or-later
"""A phone that does what a test says, message by message, right or wrong."""

import base64
import os
import re

from raw_sip import RawPeer, answer, compose

AUDIO = "m=audio {port} RTP/SAVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"

PLAIN = "m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"


class Message:
    """One message, taken apart as far as tests need it."""

    def __init__(self, text: str) -> None:
        self.text = text
        head, _, self.body = text.partition("\r\n\r\n")
        self.first, *lines = head.split("\r\n")
        self.fields: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(":")
            self.fields.setdefault(name.strip().lower(), []).append(value.strip())

    def __getitem__(self, name: str) -> str:
        return self.fields[name.lower()][0]

    def get(self, name: str) -> str:
        return self.fields.get(name.lower(), [""])[0]

    @property
    def status(self) -> int:
        match = re.match(r"SIP/2\.0 (\d{3})", self.first)
        return int(match.group(1)) if match else 0

    @property
    def method(self) -> str:
        return self["CSeq"].split()[1] if self.status else self.first.split()[0]

    @property
    def uri(self) -> str:
        return self.first.split()[1]


class Dialog:
    """A call as this phone sees it."""

    def __init__(self, own: str, peer: str, call_id: str, target: str, cseq: int) -> None:
        self.own, self.peer, self.call_id, self.target, self.cseq = own, peer, call_id, target, cseq


class ScriptedPhone:
    """A user of ours with one connection."""

    def __init__(self, peer: RawPeer, user: str, password: str, suite: str = "AES_CM_128_HMAC_SHA1_80") -> None:
        self.peer, self.user, self.password, self.suite = peer, user, password, suite
        self.aor = f"sip:{user}@example.com"
        self.contact = f"<sip:{user}@{peer.address}:{peer.port};transport={peer.transport}>"
        self.key = base64.b64encode(os.urandom(46 if "256" in suite else 30)).decode()
        self.version = 0
        self._waiting: list[Message] = []

    # What is sent.

    def sdp(self, direction: str = "sendrecv", crypto: str | None = "", media: str = AUDIO, port: int = 40000) -> str:
        """`crypto`: the lines themselves; "" for a good one, None for none."""
        self.version += 1
        if crypto is None:
            crypto = ""
        else:
            crypto = crypto or f"a=crypto:1 {self.suite} inline:{self.key}\r\n"
        return (f"v=0\r\no={self.user} 1 {self.version} IN IP4 {self.peer.address}\r\ns=-\r\nc=IN IP4 {self.peer.address}\r\nt=0 0\r\n"
                + media.format(port=port) + crypto + f"a={direction}\r\n")

    def send(self, method: str, uri: str, headers: dict[str, str], body: str = "", content: str = "application/sdp") -> dict[str, str]:
        if body:
            headers = {**headers, "Content-Type": content}
        self.peer.send(compose(method, uri, headers, body.encode()))
        return headers

    def register(self, **changes: str | None) -> int:
        headers = self.peer.headers("REGISTER", "sip:example.com", **{
            "From": f"<{self.aor}>;tag=r{os.urandom(3).hex()}", "To": f"<{self.aor}>", "Contact": self.contact, "Expires": "600", **changes})
        self.send("REGISTER", "sip:example.com", headers)
        return self._prove("REGISTER", "sip:example.com", headers, "", self.expect_status("REGISTER", 401)).status

    def _prove(self, method: str, uri: str, headers: dict[str, str], body: str, challenge: Message) -> Message:
        self._answer_challenge(method, uri, headers, body, challenge)
        return self.next_final(method)

    def _answer_challenge(self, method: str, uri: str, headers: dict[str, str], body: str, challenge: Message,
                          content: str = "application/sdp") -> None:
        kind = "WWW-Authenticate" if challenge.status == 401 else "Proxy-Authenticate"
        header = "Authorization" if challenge.status == 401 else "Proxy-Authorization"
        headers[header] = answer(challenge[kind].removeprefix("Digest "), self.user, self.password, method, uri)
        headers["CSeq"] = f"{int(headers['CSeq'].split()[0]) + 1} {method}"
        headers["Via"] = re.sub(r"branch=[^;]+", f"branch=z9hG4bK{os.urandom(8).hex()}", headers["Via"])
        self.send(method, uri, headers, body, content)

    def invite(self, uri: str, body: str, **changes: str | None) -> dict[str, str]:
        """Sends an INVITE and answers its challenge; what follows is for the test to expect."""
        return self.outside("INVITE", uri, body, **changes)

    def outside(self, method: str, uri: str, body: str = "", content: str = "application/sdp", **changes: str | None) -> dict[str, str]:
        """The same with any request outside of dialogs."""
        headers = self.peer.headers(method, uri, **{"From": f"<{self.aor}>;tag=c{os.urandom(3).hex()}", "Contact": self.contact, **changes})
        self.send(method, uri, headers, body, content)
        challenge = self.expect_status(method, 407)
        if method == "INVITE":
            self.acknowledge_failure(headers, uri, challenge)
        self._answer_challenge(method, uri, headers, body, challenge, content)
        headers["uri"] = uri
        return headers

    def acknowledge_failure(self, headers: dict[str, str], uri: str, response: Message) -> None:
        ack = {name: headers[name] for name in ("Via", "From", "Call-ID", "Max-Forwards")}
        self.send("ACK", uri, {**ack, "To": response["To"], "CSeq": headers["CSeq"].replace("INVITE", "ACK")})

    def cancel(self, headers: dict[str, str], **more: str) -> None:
        kept = {name: headers[name] for name in ("Via", "From", "To", "Call-ID", "Max-Forwards")}
        self.send("CANCEL", headers["uri"], {**kept, "CSeq": headers["CSeq"].replace("INVITE", "CANCEL"), **more})

    def respond(self, request: Message, status: int, body: str = "", reason: str = "x", tag: str = "", **more: str) -> None:
        to = request["To"] + (f";tag={tag or self.tag(request)}" if ";tag=" not in request["To"] and status > 100 else "")
        lines = [f"SIP/2.0 {status} {reason}"] + [f"Via: {via}" for via in request.fields["via"]]
        lines += [f"From: {request['From']}", f"To: {to}", f"Call-ID: {request['Call-ID']}", f"CSeq: {request['CSeq']}"]
        if status > 100:
            lines += [f"Contact: {self.contact}", *(f"Record-Route: {route}" for route in request.fields.get("record-route", []))]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        self.peer.send(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    @staticmethod
    def tag(request: Message) -> str:
        return "t" + request["Call-ID"][:8]

    def within(self, dialog: Dialog, method: str, body: str = "", content: str = "application/sdp", cseq: int = 0, **more: str) -> dict[str, str]:
        """A request in a dialog."""
        if not cseq:
            dialog.cseq += 1
        headers = self.peer.headers(method, dialog.target, From=dialog.own, To=dialog.peer, Call_ID=dialog.call_id,
                                    CSeq=f"{cseq or dialog.cseq} {method}", Contact=self.contact, **more)
        self.send(method, dialog.target, headers, body, content)
        headers["uri"] = dialog.target
        return headers

    # What comes.

    def next(self, seconds: float = 5) -> Message:
        if self._waiting:
            return self._waiting.pop(0)
        text = self.peer.message(seconds)
        if not text.startswith(("SIP/2.0", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ")) or text in ("closed", "silent"):
            raise RuntimeError(f"{self.user}: nothing comes ({text})")
        return Message(text if "\r\n\r\n" in text else text + "\r\n\r\n")

    def next_final(self, method: str, seconds: float = 5) -> Message:
        while True:
            message = self.next(seconds)
            if message.status >= 200 and message.method == method:
                return message

    def expect_status(self, method: str, status: int, seconds: float = 5) -> Message:
        """That response; provisional ones before it are passed over."""
        while True:
            message = self.next(seconds)
            if message.status in range(100, 200) and message.status != status:
                continue
            if message.status != status or message.method != method:
                raise RuntimeError(f"{self.user}: {status} to {method} expected, not {message.text[:400]}")
            return message

    def expect(self, method: str, seconds: float = 5) -> Message:
        message = self.next(seconds)
        if message.status or message.method != method:
            raise RuntimeError(f"{self.user}: {method} expected, not {message.text[:400]}")
        return message

    def expect_silence(self, seconds: float) -> None:
        text = self.peer.message(seconds)
        if text != "silent":
            raise RuntimeError(f"{self.user}: silence expected, not {text[:400]}")

    def expect_end(self, method: str = "BYE", seconds: float = 5) -> Message:
        """A BYE, which is answered."""
        bye = self.expect(method, seconds)
        self.respond(bye, 200)
        return bye


def target_of(message: Message) -> str:
    return re.search(r"<([^>]+)>", message["Contact"]).group(1)


def caller_dialog(headers: dict[str, str], response: Message) -> Dialog:
    return Dialog(headers["From"], response["To"], headers["Call-ID"], target_of(response), int(headers["CSeq"].split()[0]))


def callee_dialog(phone: ScriptedPhone, invite: Message, tag: str = "") -> Dialog:
    return Dialog(f"{invite['To']};tag={tag or phone.tag(invite)}", invite["From"], invite["Call-ID"], target_of(invite), 100)
