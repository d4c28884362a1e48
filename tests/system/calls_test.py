#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator sees and does of calls, trunks, certificates and the configuration, while two phones made of Python talk over TLS."""

import base64
import json
import os
import pathlib
import pwd
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "interop")]

import daemon_test  # noqa: E402
from daemon_test import PATIENCE_S, SKIPPED, Daemon, Failed, check, refused  # noqa: E402
from demo_pki import Authority  # noqa: E402
from raw_sip import CLOSED, SILENT, RawPeer, answer, compose  # noqa: E402

PASSWORD = "planted-hunter2-password"
CONFIGURATION = """
[store]
path = "{folder}/state/s.db"
[registrar]
domains = ["example.com"]
[sip.listener.access]
side = "access"
address = "127.0.0.1:{access}"
certificates = ["main"]
[sip.listener.core]
side = "core"
address = "127.0.0.1:{core}"
certificates = ["main"]
[sip.certificate.main]
certificate = "{folder}/pki/example.com.pem"
key = "{folder}/pki/example.com.key"
[trunk.carrier]
host = "127.0.0.1"
port = 9
listener = "core"
options_interval_s = 0
user = "us"
realm = "carrier"
password = "{password}"
[calls]
ring_s = 60
[records]
path = "{folder}/state/calls.jsonl"
"""
SDP = """v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio 40000 RTP/SAVP 0\r\na=crypto:1 {suite} inline:{key}\r\n"""
SUITES = ["AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"]


def until(what: str, holds) -> object:
    """The first value of `holds()` that is true; looks again whenever something may have happened."""
    end = time.monotonic() + PATIENCE_S
    while not (value := holds()):
        if time.monotonic() > end:
            raise Failed(f"{what}: did not happen")
        select.select([], [], [], 0.05)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Phone:
    """One user on one TLS connection."""

    def __init__(self, user: str, port: int, ca: pathlib.Path, suite: str, address: str) -> None:
        self.user, self.suite = user, suite
        context = ssl.create_default_context(cafile=str(ca))
        connected = context.wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE_S), server_hostname="example.com")
        self.peer = RawPeer.over(connected, "tls")
        self.key = base64.b64encode(os.urandom(30 if "CM" in suite else 28)).decode()
        self.sdp = SDP.format(address=address, suite=suite, key=self.key).encode()
        self.contact = f"<sip:{user}@127.0.0.1:{self.peer.port};transport=tls>"

    def ask(self, method: str, uri: str, body: bytes = b"", to: str = "", **changes: str) -> tuple[dict[str, str], str]:
        """Sends a request, answers one challenge; gives the headers that were sent and the first response that is no 100."""
        headers = self.peer.headers(method, uri, From=f"<sip:{self.user}@example.com>;tag={os.urandom(4).hex()}", To=to or f"<{uri}>",
                                    Contact=self.contact, **({"Content_Type": "application/sdp"} if body else {}), **changes)
        self.peer.send(compose(method, uri, headers, body))
        message = self.receive("SIP/2.0")
        challenge = re.search(r"^(WWW|Proxy)-Authenticate:\s*Digest (.*)$", message, re.MULTILINE)
        if challenge is None:
            return headers, message
        if method == "INVITE":
            self.peer.send(compose("ACK", uri, dict(headers, CSeq=headers["CSeq"].replace("INVITE", "ACK"))))
        headers["Proxy-Authorization" if challenge.group(1) == "Proxy" else "Authorization"] = answer(
            challenge.group(2), self.user, PASSWORD, method, uri)
        headers["CSeq"] = f"2 {method}"
        headers["Via"] = re.sub(r"branch=[^;]+", f"branch=z9hG4bK{os.urandom(8).hex()}", headers["Via"])
        self.peer.send(compose(method, uri, headers, body))
        return headers, self.receive("SIP/2.0")

    def receive(self, begin: str) -> str:
        """The next message that begins so; 100s are passed over."""
        while True:
            message = self.peer.message(PATIENCE_S)
            if message in (CLOSED, SILENT):
                raise Failed(f"{self.user} waited for {begin}: {message}")
            if message.startswith(begin) and not message.startswith("SIP/2.0 100"):
                return message

    def register(self) -> None:
        _, message = self.ask("REGISTER", "sip:example.com", to=f"<sip:{self.user}@example.com>", Expires="600")
        check(f"{self.user} registers", message.startswith("SIP/2.0 200"), message)

    def respond(self, request: str, status: str, body: bytes = b"") -> None:
        lines = [line for line in request.split("\r\n\r\n")[0].split("\r\n")[1:]
                 if re.match(r"(Via|From|Call-ID|CSeq|Record-Route):", line, re.IGNORECASE)]
        to = re.search(r"^To: (.*?)\r?$", request, re.MULTILINE | re.IGNORECASE).group(1)
        lines.append(f"To: {to}" + ("" if ";tag=" in to else f";tag={self.user}tag"))
        lines += [f"Contact: {self.contact}", *(["Content-Type: application/sdp"] if body else []), f"Content-Length: {len(body)}"]
        self.peer.send(("\r\n".join([f"SIP/2.0 {status}", *lines]) + "\r\n\r\n").encode() + body)


def invite(alice: Phone) -> dict[str, str]:
    """Calls bob, digest included; gives the headers of the second INVITE."""
    uri = "sip:bob@example.com"
    sent = alice.peer.headers("INVITE", uri, From="<sip:alice@example.com>;tag=alicetag", Contact=alice.contact, Content_Type="application/sdp",
                              User_Agent="planted-\xff-agent")
    alice.peer.send(compose("INVITE", uri, sent, alice.sdp))
    challenge = re.search(r"^Proxy-Authenticate:\s*Digest (.*)$", alice.receive("SIP/2.0 407"), re.MULTILINE)
    alice.peer.send(compose("ACK", uri, dict(sent, CSeq=sent["CSeq"].replace("INVITE", "ACK"))))
    sent["Proxy-Authorization"] = answer(challenge.group(1), "alice", PASSWORD, "INVITE", uri)
    sent["CSeq"] = "1000 INVITE"
    sent["Via"] = re.sub(r"branch=[^;]+", f"branch=z9hG4bK{os.urandom(8).hex()}", sent["Via"])
    alice.peer.send(compose("INVITE", uri, sent, alice.sdp))
    return sent


def establish(alice: Phone, bob: Phone) -> None:
    sent = invite(alice)
    asked = bob.receive("INVITE")
    bob.respond(asked, "180 Ringing")
    alice.receive("SIP/2.0 180")
    bob.respond(asked, "200 OK", bob.sdp)
    success = alice.receive("SIP/2.0 200")
    to = re.search(r"^To: (.*?)\r?$", success, re.MULTILINE).group(1)
    contact = re.search(r"^Contact: <(.*?)>", success, re.MULTILINE).group(1)
    ack = {key: value for key, value in sent.items() if key not in ("Content-Type", "Proxy-Authorization", "Contact")}
    alice.peer.send(compose("ACK", contact, dict(ack, To=to, CSeq="1000 ACK", Via=re.sub(r"branch=[^;]+", "branch=z9hG4bKack" + os.urandom(4).hex(), ack["Via"]))))
    bob.receive("ACK")


def no_calls(daemon: Daemon) -> None:
    check("no calls", daemon.ask("call", "list") == {"calls": [], "total": 0})
    check("no traces", daemon.ask("trace", "list") == {"traces": []})
    for what, code, *words in (
            ("an unknown call", 6, "call", "show", "7"), ("a call's end that is unknown", 6, "call", "drop", "7"),
            ("the string of an unknown call", 6, "call", "verify", "7", "a"), ("a leg that is none", 2, "call", "verify", "7", "c"),
            ("no leg named", 2, "call", "verify", "7"), ("no call named", 2, "call", "drop"), ("a call and all", 2, "call", "drop", "7", "--all"), ("no number", 2, "call", "show", "seven"),
            ("a reason of two lines", 2, "call", "drop", "--all", "--reason", "a\r\nVia: b"),
            ("a reason without end", 2, "call", "drop", "--all", "--reason", "x" * 129), ("an unknown trace", 6, "trace", "7"),
            ("following an unknown call", 6, "trace", "7", "--follow"), ("a trunk that is none", 6, "trunk", "show", "nobody"),
            ("a trunk's name left out", 2, "trunk", "enable"), ("disabling nobody", 6, "trunk", "disable", "nobody"),
            ("a file that is not there", 5, "config", "check", "/nowhere.toml"), ("an unknown subcommand", 2, "cert", "make")):
        refused(daemon, what, code, *words)
    check("dropping all of nothing", daemon.ask("call", "drop", "--all") == {"dropped": 0})


def a_call(daemon: Daemon, alice: Phone, bob: Phone, folder: pathlib.Path) -> None:
    ladder = subprocess.Popen([daemon.control_program, "--socket", str(daemon.socket), "trace"], stdout=subprocess.PIPE, text=True)
    whole = subprocess.Popen([daemon.control_program, "--socket", str(daemon.socket), "trace", "--follow"], stdout=subprocess.PIPE, text=True)
    followed = ladder.stdout.readline()
    check("the ladder has a head", "caller" in followed and "Sallyport" in followed, followed)
    # The second one is following when the daemon counts it.
    until("both follow", lambda: daemon.ask("status")["connections"] >= 3)
    establish(alice, bob)
    calls = until("the call is listed", lambda: [call for call in daemon.ask("call", "list")["calls"] if call["state"] == "answered"])
    call = calls[0]
    check("who calls whom", call["caller"] == "sip:alice@example.com" and call["called"] == "sip:bob@example.com", call)
    check("sides, transports and suites", [(call[leg]["side"], call[leg]["transport"]) for leg in "ab"] == [("access", "TLS"), ("core", "TLS")]
          and all(len(call[leg]["suites"]) == 1 for leg in "ab"), call)
    number = str(call["call"])
    shown = daemon.ask("call", "show", number)
    check("TLS of each leg", all(shown[leg]["tls_version"] == "TLSv1.3" and shown[leg]["tls_cipher"] for leg in "ab"), shown)
    check("identity and digest", shown["a"]["identity"] == "sip:alice@example.com" and shown["a"]["digest_algorithm"] in ("SHA-256", "MD5"), shown["a"])
    check("From and To as shown", "alice@example.com" in shown["a"]["from"] and "bob" in shown["b"]["to"], shown)
    medium = shown["a"]["media"][0]
    check("media with addresses and statistics", medium["kind"] == "audio" and medium["local"].startswith("192.0.2.1:")
          and medium["remote"] == "10.1.0.2:40000" and {"packets", "bytes", "lost", "jitter_ms", "forged"} <= medium["received"].keys(), medium)
    check("relays of the call", [relay["relay"] for relay in daemon.ask("relay", "list")["relays"]] == shown["relays"], shown["relays"])
    people = daemon.ctl("call", "show", number).stdout + daemon.ctl("call", "list").stdout
    check("call show for people", "a.tls_version" in people and "JITTER ms" in people and "CALLER" in people, people)
    trace = daemon.ask("trace", number)
    texts = [line["text"] for line in trace["lines"]]
    check("the trace has the call", texts[0].startswith("INVITE") and "180 Ringing (INVITE)" in texts and any(text.startswith("ACK") for text in texts)
          and not trace["ended"], texts)
    picture = daemon.ctl("trace", number).stdout
    check("and is drawn", re.search(r"\|-+ INVITE sip:bob@example.com \+SDP -+>\|", picture) is not None and "<--" in picture, picture)
    check("top knows of calls", re.search(r"^calls 1 .*answered 1", daemon.ctl("top", "--once").stdout, re.M) is not None)
    check("status, too", {"calls": 1, "calls_answered": 1}.items() <= daemon.ask("status").items(), daemon.ask("status"))
    stats = daemon.ask("stats")["sip"]
    check("stats of signalling", stats["calls"]["begun"] == 1 and stats["authentication"]["authenticated"] >= 3
          and stats["transport"]["handshakes_done"] >= 2 and stats["messages"]["received"] > 5 and "idle_s" in stats["limits"], stats)
    complaint = daemon.ctl("call", "verify", number, "b").stderr
    check("no string is compared where keys came by SDES", f"leg b of call {number}: its keys did not come of ZRTP" in complaint, complaint)
    one = subprocess.Popen([daemon.control_program, "--socket", str(daemon.socket), "trace", number, "--follow"], stdout=subprocess.PIPE, text=True)
    until("a third follows", lambda: daemon.ask("status")["connections"] >= 4)
    dropped = daemon.ask("call", "drop", number, "--reason", 'No "more"')
    check("the call is dropped", dropped == {"dropped": 1})
    for phone in (alice, bob):
        bye = phone.receive("BYE")
        check(f"{phone.user} hears it, and why", 'Reason: SIP;cause=480;text="No \\"more\\""' in bye, bye)
        phone.respond(bye, "200 OK")
    until("it is gone", lambda: not daemon.ask("call", "list")["calls"])
    check("whoever followed it is released", one.wait(PATIENCE_S) == 0)
    refused(daemon, "a call that has ended", 6, "call", "show", number)
    check("and is said to have", "has ended" in daemon.ctl("call", "drop", number).stderr)
    check("its trace stays", daemon.ask("trace", number)["ended"] and daemon.ask("trace", "list")["traces"][0]["call"] == int(number))
    text = one.stdout.read()
    for process in (ladder, whole):
        process.terminate()
        process.wait(PATIENCE_S)
    drawn, messages = ladder.stdout.read(), whole.stdout.read()
    check("the ladder followed", all(word in drawn for word in ("INVITE", "180", "ACK", "BYE")), drawn)
    check("whole messages", "m=audio" in messages and "a=crypto:1 AES_CM_128_HMAC_SHA1_80 …" in messages and "BYE sip:" in text, messages)
    daemon.outputs += drawn + messages + text
    record = json.loads(until("a record", lambda: (folder / "state" / "calls.jsonl").read_text(encoding="utf-8")))
    check("the record tells who ended it and why", record["ended_by"] == "us" and "No" in record["reason"] and record["status"] == 200
          and record["duration_ms"] >= 0, record)
    check("and of media", [leg["media"][0]["received"]["packets"] for leg in (record["a"], record["b"])] == [0, 0]
          and record["b"]["request_uri"].startswith("sip:bob@"), record)


def a_call_that_rings(daemon: Daemon, alice: Phone, bob: Phone) -> None:
    """Dropped before it is answered: one end hears a failure, the other CANCEL."""
    invite(alice)
    asked = bob.receive("INVITE")
    bob.respond(asked, "180 Ringing")
    alice.receive("SIP/2.0 180")
    call = daemon.ask("call", "list")["calls"][0]
    check("a call that rings", call["state"] == "calling" and call["talk_s"] is None and call["b"]["side"] == "core", call)
    check("is dropped", daemon.ask("call", "drop", str(call["call"])) == {"dropped": 1})
    failure = alice.receive("SIP/2.0 480")
    check("the caller hears why", "Dropped by the operator" in failure, failure)
    cancel = bob.receive("CANCEL")
    bob.respond(cancel, "200 OK")
    bob.respond(asked, "487 Request Terminated")
    bob.receive("ACK")
    until("it is gone", lambda: not daemon.ask("call", "list")["calls"])


def trunks(daemon: Daemon) -> None:
    carrier = daemon.ask("trunk", "list")["trunks"][0]
    check("a trunk", carrier["trunk"] == "carrier" and carrier["state"] == "up" and carrier["account"] == "us", carrier)
    check("disable", daemon.ask("trunk", "disable", "carrier")["state"] == "disabled")
    check("enable", daemon.ask("trunk", "enable", "carrier")["state"] == "up")
    check("trunk list for people", "FAILED OVER" in daemon.ctl("trunk", "list").stdout)


def rewrite(daemon: Daemon, old: str, new: str) -> None:
    text = daemon.config.read_text(encoding="utf-8")
    if old not in text:
        raise Failed(f"the configuration has no {old}")
    daemon.config.write_text(text.replace(old, new), encoding="utf-8")


def fingerprint_at(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as plain:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(plain, server_hostname="example.com") as tls:
            return ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))


def certificates(daemon: Daemon, authority: Authority, own, port: int) -> None:
    """A new certificate while a connection of openssl's is open."""
    listed = daemon.ask("cert", "list")["certificates"][0]
    check("a certificate", listed["certificate"] == "main" and "URI:sip:example.com" in listed["names"] and listed["days_left"] in (59, 60), listed)
    check("cert check is content", daemon.ask("cert", "check")["good"])
    client = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", str(authority.certificate), "-quiet"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    options = "OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK{0};rport\r\nMax-Forwards: 70\r\nFrom: <sip:x@example.com>;tag=1\r\n" \
              "To: <sip:example.com>\r\nCall-ID: c{0}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"

    def answered(branch: str) -> bool:
        client.stdin.write(options.format(branch).encode())
        client.stdin.flush()
        return client.stdout.readline().startswith(b"SIP/2.0 ")

    check("openssl's connection works", answered("before"))
    before = fingerprint_at(port)
    authority.issue("example.com")
    own()
    warned = daemon.ask("cert", "check")
    check("cert check sees the new file", [warning["event"] for warning in warned["warnings"]] == ["certificate.not_in_force"], warned)
    check("cert reload", daemon.ask("cert", "reload")["changed"] == ["main"])
    until("new connections get the new one", lambda: fingerprint_at(port) != before)
    key = daemon.folder / "pki" / "example.com.key"
    good = key.read_bytes()
    key.write_text("no key")
    refused(daemon, "a key that is none", 5, "cert", "reload")
    check("cert check says so", daemon.ctl("cert", "check").returncode == 5)
    key.write_bytes(good)
    client.stdout.read1()
    check("the old connection has lived through all of it", answered("after"))
    client.kill()
    client.wait()


def configuration(daemon: Daemon, alice: Phone, bob: Phone, access: int) -> None:
    check("config check", daemon.ask("config", "check")["good"])
    check("nothing differs", daemon.ask("config", "diff")["changes"] == [])
    establish(alice, bob)
    rewrite(daemon, "ring_s = 60", "ring_s = 61\ncalls_per_user = 3")
    rewrite(daemon, 'level = "debug"', 'level = "info"')
    rewrite(daemon, PASSWORD, PASSWORD + "2")
    rewrite(daemon, "[calls]", "[[route]]\nmatch = \"+\"\ntrunk = \"carrier\"\n[policy.core]\nuser_agent = \"none\"\n[calls]")
    port = free_port()
    rewrite(daemon, "[sip.certificate.main]", f'[sip.listener.more]\nside = "core"\naddress = "127.0.0.1:{port}"\ncertificates = ["main"]\n[sip.certificate.main]')
    changes = {change["key"]: change for change in daemon.ask("config", "diff")["changes"]}
    expected = {"calls.ring_s", "limits.calls_per_user", "log.level", "trunk.carrier.password", "route", "policy.core.user_agent", "sip.listener.more"}
    check("diff names what differs", set(changes) == expected and all(change["live"] for change in changes.values()), changes)
    check("and neither password", PASSWORD not in json.dumps(changes))
    check("diff for people", "IN FORCE" in daemon.ctl("config", "diff").stdout)
    reloaded = daemon.ask("config", "reload")
    check("reload", reloaded["complete"] and daemon.ask("config", "diff")["changes"] == [], reloaded)
    check("the new listener listens", fingerprint_at(port) != "")
    check("limits are in force", daemon.ask("stats")["limits"]["calls_per_user"]["limit"] == 3)
    check("the call goes on", [call["state"] for call in daemon.ask("call", "list")["calls"]] == ["answered"])

    rewrite(daemon, "timeout_s = 0", "timeout_s = 5")
    partly = daemon.ctl("--json", "config", "reload")
    check("what needs a restart is named", partly.returncode == 8 and [change["key"] for change in json.loads(partly.stdout)["changes"] if not change["live"]]
          == ["media.timeout_s"], partly)
    rewrite(daemon, "timeout_s = 5", "timeout_s = 0")

    good = daemon.config.read_text(encoding="utf-8")
    for what, old, new in (("a key that is not known", "ring_s = 61", "rings = 61"), ("no listener left", "[sip.listener.", "[sip.listener"),
                           ("an address in use", f"127.0.0.1:{port}", "127.0.0.1:1"), ("no TOML", "[calls]", "[calls")):
        rewrite(daemon, old, new)
        refused(daemon, f"reload of {what}", 5, "config", "reload")
        daemon.config.write_text(good, encoding="utf-8")
    daemon.config.write_text("[calls\n", encoding="utf-8")
    check("check finds it", daemon.ctl("config", "check").returncode == 5)
    daemon.config.write_text(good, encoding="utf-8")
    check("nothing has changed by that", daemon.ask("config", "diff")["changes"] == [])

    moved = daemon.folder / "state" / "calls.old"
    (daemon.folder / "state" / "calls.jsonl").rename(moved)
    rewrite(daemon, f'[sip.listener.more]\nside = "core"\naddress = "127.0.0.1:{port}"\ncertificates = ["main"]\n', "")
    daemon.process.send_signal(signal.SIGHUP)
    until("SIGHUP reloads", lambda: "event=config.reloaded" in daemon.log() and daemon.ask("config", "diff")["changes"] == [])
    check("and opens the records anew", (daemon.folder / "state" / "calls.jsonl").exists())
    check("all calls are dropped", daemon.ask("call", "drop", "--all") == {"dropped": 1})
    for phone in (alice, bob):
        phone.respond(phone.receive("BYE"), "200 OK")
    until("they are gone", lambda: not daemon.ask("call", "list")["calls"])
    establish(alice, bob)
    check("calls come about after it all", daemon.ask("call", "list")["total"] == 1 and fingerprint_at(access) != "")


def end(daemon: Daemon, phones: tuple[Phone, ...]) -> None:
    daemon.process.send_signal(signal.SIGTERM)
    check("SIGTERM ends it with 0", daemon.process.wait(PATIENCE_S) == 0, daemon.log()[-2000:])
    shown = daemon.outputs + daemon.log()
    check("no key and no password was shown", not any(secret in shown for secret in (PASSWORD, *(phone.key for phone in phones))))


def owner() -> pwd.struct_passwd:
    """Whom the daemon becomes."""
    try:
        return pwd.getpwnam("sallyport")
    except KeyError:
        return pwd.getpwnam("nobody")


def run(program: str, control: str, folder: pathlib.Path) -> Daemon:
    """Everything but the end; the daemon is given back in any case."""
    ports = {"access": free_port(), "core": free_port()}
    authority = Authority(folder / "pki")

    def own() -> None:
        os.chown(folder / "pki" / "example.com.key", owner().pw_uid, owner().pw_gid)

    authority.issue("example.com")
    own()
    # Nobody sends media here, and several commands follow at the same time.
    daemon_test.CONFIGURATION = daemon_test.CONFIGURATION.replace("timeout_s = 1", "timeout_s = 0").replace(
        "admin_connections = 4", "admin_connections = 8")
    daemon = Daemon(program, control, folder, CONFIGURATION.format(folder=folder, password=PASSWORD, **ports))
    try:
        for user in ("alice", "bob"):
            daemon.ask("user", "add", user, text=PASSWORD)
        no_calls(daemon)
        alice = Phone("alice", ports["access"], authority.certificate, SUITES[0], "10.1.0.2")
        bob = Phone("bob", ports["core"], authority.certificate, SUITES[0], "10.2.0.2")
        alice.register()
        bob.register()
        a_call(daemon, alice, bob, folder)
        a_call_that_rings(daemon, alice, bob)
        trunks(daemon)
        certificates(daemon, authority, own, ports["access"])
        configuration(daemon, alice, bob, ports["access"])
        end(daemon, (alice, bob))
    except Failed as failure:
        daemon.process.kill()
        daemon.process.wait()
        raise Failed(f"{failure}\n{daemon.log()[-3000:]}") from failure
    finally:
        if daemon.process.poll() is None:
            daemon.process.kill()
            daemon.process.wait()
    return daemon


def main() -> int:
    if os.geteuid() != 0:
        print("skipped: needs root")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="sallyport-calls-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o711)
        try:
            run(sys.argv[1], sys.argv[2], folder)
        except Failed as failure:
            print(failure, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
