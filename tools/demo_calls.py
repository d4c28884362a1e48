# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration of the main job: two phones of different make register over TLS and call each other through Sallyport."""

import json
import pathlib
import subprocess

import demo_wire
import phone_call
import phone_keys
from demo_claims import Claims
from demo_daemon import Daemon, Failed
from demo_keys import KeyedCalls
from demo_network import Stage, let_pass, wait_for
from phone import Phone
from phone_baresip import Baresip
from phone_linphone import Linphone

TALK_SECONDS = 4
SUITES = ["AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80"]  # of Alice's leg and of Bob's


class CallDemonstration:
    """Alice's baresip, outside, calls Bob's linphone, inside; he is put on hold and taken back; he hangs up."""

    def __init__(self, stage: Stage, claims: Claims) -> None:
        self.stage, self.claims = stage, claims
        self.captures: list[subprocess.Popen] = []

    def start(self, program: pathlib.Path, control: pathlib.Path) -> None:
        authority = phone_call.prepare(self.stage)
        self.daemon = Daemon(self.stage, program, control, phone_call.configuration(self.stage, more=phone_keys.LISTENERS))
        self.daemon.wait_until_ready()
        for side in self.stage.sides:
            reached = self.stage.run(side, ["openssl", "s_client", "-connect", f"{self.stage.address(side)}:5061", "-CAfile", str(authority.certificate),
                                            "-verify_hostname", phone_call.DOMAIN, "-verify_return_error", "-brief"])
            version = next((line for line in reached.stderr.splitlines() if "version" in line), reached.stderr.strip())
            self.claims.claim(f"the {side} side answers with the certificate of {phone_call.DOMAIN}", reached.returncode == 0, version)
        self.alice: Phone = Baresip(self.stage, phone_call.account("alice", "access"), authority.certificate)
        self.bob: Phone = Linphone(self.stage, phone_call.account("bob", "core", tone=1000, media="srtp", suite=SUITES[1]), authority.certificate)
        self.phones = (self.alice, self.bob)
        self.keyed = KeyedCalls(self.stage, self.claims, self.daemon, authority)

    def add_users(self) -> None:
        for phone in self.phones:
            phone_call.add_user(self.daemon, self.stage, phone.account, phone.digests)

    def register(self) -> None:
        for phone in self.phones:
            phone.start()
        for phone, algorithm in ((self.alice, "MD5"), (self.bob, "SHA-256")):
            came = phone.wait_registered()
            used = phone_call.digest_algorithms(phone)
            self.claims.claim(f"{phone.account.user}'s {phone.make} registered over TLS, by digest with {algorithm}",
                              came and used == {algorithm}, "" if used == {algorithm} else ", ".join(sorted(used)))
            if not came:
                raise Failed(phone.trouble())
        known = self.daemon.ask("registration", "list")
        self.claims.claim("sallyctl knows both registrations", known["total"] == 2)
        print(self.daemon.control("registration", "list"), flush=True)

    def start_watching(self) -> None:
        for side in self.stage.sides:
            command = ["tcpdump", "-i", "media0", "-U", "-Z", "root", "-w", str(self.stage.folder / f"{side}.pcap")]
            self.captures.append(self.stage.start(side, command, f"tcpdump-{side}.log"))
        wait_for(lambda: all((self.stage.folder / f"{side}.pcap").exists() for side in self.stage.sides), 5)
        self.trace = self.stage.start("sallyport", self.daemon.command_line("trace"), "trace.log")

    def call(self) -> None:
        up = phone_call.establish(self.alice, self.bob)
        self.claims.claim("alice called, bob's phone rang, bob answered", up)
        if not up:
            raise Failed(self.alice.trouble() + self.bob.trouble())
        self.claims.claim_tones("they talked", self.alice, self.bob, TALK_SECONDS, (0, 0))

    def show_call(self) -> None:
        """While it is up."""
        calls = self.daemon.ask("call", "list")["calls"]
        self.claims.claim("sallyctl lists one call", len(calls) == 1)
        call = str(calls[0]["call"]) if calls else "0"
        print("\n" + self.daemon.control("call", "show", call), flush=True)
        told = json.dumps(self.daemon.ask("call", "show", call))
        keys = [key for phone in self.phones for key in phone.keys() if key in told]
        self.claims.claim("it tells the transport and the suite of each leg, and no key", all(word in told for word in (*SUITES, "TLS")) and not keys)

    def hold_and_resume(self) -> None:
        self.alice.hold()
        held = wait_for(self.bob.is_held, 5)
        marks = [phone.heard().seconds for phone in self.phones]
        let_pass(1.5)
        silent = phone_call.is_silent(self.alice.heard().since(marks[0]))
        self.claims.claim("alice put bob on hold: his phone knows, and she heard nothing of him", held and silent)
        self.alice.resume()
        resumed = wait_for(lambda: not self.bob.is_held(), 5)
        self.claims.claim("alice took bob back", resumed)
        self.claims.claim_tones("they talked again", self.alice, self.bob, TALK_SECONDS,
                                (self.alice.heard().seconds, self.bob.heard().seconds))

    def hang_up(self) -> None:
        self.claims.claim("bob hung up, and alice's phone knows", phone_call.finish(self.bob, self.alice))
        gone = wait_for(lambda: not self.daemon.ask("call", "list")["calls"], 3)
        self.claims.claim("no call is left", gone)

    def show_ladder(self) -> None:
        self.stage.stop(self.trace)
        ladder = (self.stage.folder / "trace.log").read_text(errors="replace")
        print("\n" + ladder, flush=True)
        wanted = ("INVITE", "180", "200", "ACK", "BYE")
        keys = [key for phone in self.phones for key in phone.keys() if key in ladder]
        self.claims.claim("the ladder has the call from INVITE to BYE, and no key", all(word in ladder for word in wanted) and not keys)

    def check_record(self) -> None:
        path = self.stage.folder / "state" / "calls.jsonl"
        wait_for(lambda: path.exists() and path.read_text().endswith("\n"), 3)
        lines = path.read_text().splitlines() if path.exists() else []
        self.claims.claim("there is one call record, a line of JSON", len(lines) == 1, f"{len(lines)} lines")
        record = json.loads(lines[0]) if lines else {}
        print("\n" + json.dumps(record, indent=2) + "\n", flush=True)
        who = [record.get(name, "") for name in ("caller", "called", "ended_by")]
        self.claims.claim("it tells who called whom, for how long, and who hung up",
                          "alice" in who[0] and "bob" in who[1] and who[2] == "called" and record.get("duration_ms", 0) > 2000 * TALK_SECONDS,
                          f"{', '.join(who)}, {record.get('duration_ms')} ms")
        legs = [record.get(leg, {}) for leg in ("a", "b")]
        media = [leg.get("media", [{}])[0] for leg in legs]
        self.claims.claim("and each leg's transport and SRTP suite",
                          [leg.get("transport", "").upper() for leg in legs] == ["TLS", "TLS"] and [medium.get("suite") for medium in media] == SUITES,
                          ", ".join(f"{leg.get('tls_version')} {medium.get('suite')}" for leg, medium in zip(legs, media)))
        received = [medium.get("received", {}) for medium in media]
        self.claims.claim("and what came of media on each leg, nothing of it lost",
                          all(stream.get("packets", 0) > 100 * TALK_SECONDS * 0.8 and stream.get("lost") == 0 for stream in received), str(received))

    def check_keys(self) -> None:
        alice, bob = (phone.keys() for phone in self.phones)
        suites = [sorted(set(keys.values())) for keys in (alice, bob)]
        self.claims.claim("each leg has its own suite and its own keys", bool(alice) and bool(bob) and not alice.keys() & bob.keys()
                          and suites == [[suite] for suite in SUITES], ", ".join(sum(suites, [])))
        told = self.daemon.log()
        self.claims.claim("no key and no password appears in the daemon's log",
                          not any(secret in told for secret in (*alice, *bob, phone_call.PASSWORD)))

    def check_hiding(self) -> None:
        """Nothing of one side shows on the other."""
        for phone, peer, product in ((self.alice, self.bob, "Linphone"), (self.bob, self.alice, "baresip")):
            theirs = phone_call.header_values(peer.sip(), "Call-ID")
            seen = phone.sip()
            leaks = [what for what in (self.stage.endpoint(peer.account.side), product, *theirs) if what in seen]
            self.claims.claim(f"{phone.account.user}'s phone saw no address, Call-ID or product of the other side", not leaks, ", ".join(leaks))

    def check_wire(self) -> None:
        for capture in self.captures:
            self.stage.stop(capture)
        files = {side: self.stage.folder / f"{side}.pcap" for side in self.stage.sides}
        clear = [side for side, path in files.items() if b"SIP/2.0" in path.read_bytes()]
        self.claims.claim("no SIP can be read on either wire", not clear, ", ".join(clear))
        access, core = (demo_wire.read_pcap(path) for path in files.values())
        for phone, here, there in ((self.alice, access, core), (self.bob, core, access)):
            ours = {packet.ssrc for packet in here if packet.source[0] == self.stage.endpoint(phone.account.side)}
            both = [pair for ssrc in ours for pair in demo_wire.pairs(here, there, ssrc) if pair[0].timestamp == pair[1].timestamp]
            differ = sum(a.payload[:160] != b.payload[:160] for a, b in both)
            audible = max(demo_wire.audible_share(packets, phone.account.tone) for packets in zip(*both)) if both else 1
            self.claims.claim(f"{phone.account.user}'s media has another ciphertext on either wire, and its tone is heard on neither",
                              len(both) >= 50 and differ == len(both) and audible < 0.5, f"{differ} of {len(both)} pairs differ")

    def run(self, program: pathlib.Path, control: pathlib.Path) -> None:
        self.start(program, control)
        self.add_users()
        self.register()
        self.start_watching()
        self.call()
        self.show_call()
        self.hold_and_resume()
        self.hang_up()
        self.show_ladder()
        self.check_record()
        self.check_keys()
        self.check_hiding()
        self.check_wire()
        self.keyed.run(self.alice)

    def hints(self) -> list[str]:
        """What to do with it while it is kept."""
        return [" ".join(self.daemon.command_line("registration", "list")), *(phone.hint() for phone in self.phones)]

    def end(self) -> None:
        for phone in (*self.phones, *self.keyed.phones.values()):
            phone.stop()
        status = self.stage.stop(self.daemon.process)
        self.claims.claim("sallyportd ended cleanly when asked", status == 0, f"status {status}")
