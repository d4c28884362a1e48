# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration for a person with a microphone: a page that is a phone, and phones that answer it."""

import math
import pathlib
import signal
import urllib.parse

import phone_browser
import phone_call
from demo_claims import Claims
from demo_daemon import Daemon, Failed
from demo_network import Stage, wait_for
from phone_baresip import Baresip

PERSONS = ("alice", "bob")
SIP_PORT, PAGE_PORT, DESK_PORT = 443, 8443, 5071
# For baresip, which has one suite, where the example insists on another.
DESK = """
[sip.listener.desk]
side = "core"
transport = "tls"
address = "{address}:{port}"
certificates = ["example"]
[sip.listener.desk.media]
suites = ["AES_CM_128_HMAC_SHA1_80"]
"""


class Tone(Baresip):
    """Answers with a tone, and keeps nothing of what it is told."""

    records = False


class Echo(Tone):
    """Answers with what it hears."""

    def source(self) -> str:
        return "aubridge,echo"

    def player(self) -> str:
        return "aubridge,echo"


class BrowserDemonstration:
    """Whoever opens the page is Alice or Bob, outside; inside a tone and an echo wait for calls."""

    def __init__(self, stage: Stage, claims: Claims) -> None:
        self.stage, self.claims = stage, claims
        self.address = stage.address("access")
        self.page = f"https://{self.address}:{PAGE_PORT}"

    def start(self, program: pathlib.Path, control: pathlib.Path) -> None:
        self.authority = phone_call.prepare(self.stage)
        more = (phone_browser.listener(self.address, SIP_PORT, self.page) + DESK.format(address=self.stage.address("core"), port=DESK_PORT))
        self.daemon = Daemon(self.stage, program, control, phone_call.configuration(self.stage, more=more))
        self.daemon.wait_until_ready()
        for person in PERSONS:
            phone_call.add_user(self.daemon, self.stage, phone_call.account(person, "access"), phone_browser.Browser.digests)

    def answer_calls(self) -> None:
        self.phones = [make(self.stage, phone_call.account(user, "core", auto_answer=True, port=port),
                            self.authority.certificate, DESK_PORT) for make, user, port in ((Tone, "tone", 5060), (Echo, "echo", 5070))]
        for phone in self.phones:
            phone_call.add_user(self.daemon, self.stage, phone.account, phone.digests)
            phone.start()
        for phone in self.phones:
            came = phone.wait_registered()
            self.claims.claim(f"{phone.account.uri} waits for calls", came)
            if not came:
                raise Failed(phone.trouble())

    def serve_page(self, kit: pathlib.Path) -> None:
        """From Sallyport's own address: a browser that accepts the certificate there accepts it for SIP, too."""
        name = self.stage.folder / "pki" / phone_call.DOMAIN
        command = ["node", str(kit / "serve.mjs"), self.address, str(PAGE_PORT), f"{name}.pem", f"{name}.key"]
        server = self.stage.start("sallyport", command, "page.log")
        told = self.stage.folder / "page.log"
        up = wait_for(lambda: "serving" in told.read_text() or server.poll() is not None, 10) and server.poll() is None
        self.claims.claim(f"a page is served at {self.page}/", up)
        if not up:
            raise Failed(told.read_text())

    def url(self, person: str) -> str:
        settings = {"user": person, "password": phone_call.PASSWORD, "domain": phone_call.DOMAIN, "server": f"wss://{self.address}:{SIP_PORT}/",
                    "peer": self.phones[0].account.uri}
        return f"{self.page}/#{urllib.parse.urlencode(settings, safe=':/@')}"

    def explain(self) -> None:
        print(f"""
Open one of these in a browser on this machine, and let it use the microphone:
  {self.url("alice")}
  {self.url("bob")}
The users alice and bob have the password {phone_call.PASSWORD}.

The certificate's authority was made just now. Accept the certificate when the browser warns; Firefox wants that once more at
https://{self.address}:{SIP_PORT}/, where SIP goes. Or import {self.authority.certificate}. Or start a browser that knows this one key:
  chromium --user-data-dir=$(mktemp -d) --ignore-certificate-errors-spki-list={self.authority.key_hash(phone_call.DOMAIN)} '{self.url("alice")}'

Call {self.phones[0].account.uri}, which answers with {self.phones[0].account.tone} Hz, or {self.phones[1].account.uri}, which gives back what you say (better by earphones),
or alice calls sip:bob@{phone_call.DOMAIN} from another window. Meanwhile
  {" ".join(self.daemon.command_line("call", "list"))}
  {" ".join(self.daemon.command_line("trace"))}

Ctrl-C ends everything.""", flush=True)

    def wait(self) -> None:
        """Until somebody interrupts it, which is its right end, or the daemon has gone."""
        ending: list[int] = []
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda received, _frame: ending.append(received))
        wait_for(lambda: ending or self.daemon.process.poll() is not None, math.inf)
        print(flush=True)

    def run(self, program: pathlib.Path, control: pathlib.Path) -> None:
        print("making the page …", flush=True)
        kit = phone_browser.prepare(program.parents[1] / "browser")
        self.start(program, control)
        self.answer_calls()
        self.serve_page(kit)
        self.explain()
        self.wait()

    def end(self) -> None:
        for phone in self.phones:
            phone.stop()
        status = self.stage.stop(self.daemon.process)
        self.claims.claim("sallyportd ended cleanly when asked", status == 0, f"status {status}")
