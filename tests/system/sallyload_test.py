#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""sallyload against a small registrar and proxy: what succeeds, what fails and how it is counted, what its arguments must be."""

import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import time

from daemon_test import PATIENCE_S, check

PASSWORD = "secret"


class Responder:
    """A registrar with one fault, for as long as a `with` lasts."""

    def __init__(self, program: str, transport: str = "tls", algorithm: str = "SHA-256", fault: str = "") -> None:
        command = [program, transport, PASSWORD, algorithm, *([fault] if fault else [])]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        port, self.ca = self.process.stdout.readline().split()
        self.transport, self.address = transport, f"127.0.0.1:{port}"

    def __enter__(self) -> "Responder":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Loads:
    """Runs sallyload; gives its exit status, results and complaints."""

    def __init__(self, program: str, responder: str, folder: pathlib.Path) -> None:
        self.program, self.responder_program, self.results = program, responder, folder / "results.json"

    def responder(self, *arguments: str, **more: str) -> Responder:
        return Responder(self.responder_program, *arguments, **more)

    def command(self, responder: Responder, task: str, *words: str) -> list[str]:
        trust = ["--ca", responder.ca] if responder.transport == "tls" else []
        return [self.program, task, "--server", responder.address, "--transport", responder.transport, *trust, "--domain", "load.test",
                "--users", "0..19", "--json", str(self.results), *words]

    def run(self, responder: Responder, task: str, *words: str, password: str = PASSWORD) -> tuple[int, dict]:
        command = self.command(responder, task, "--password", password, *words)
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        print(done.stdout + done.stderr, end="")
        return done.returncode, json.loads(self.results.read_text()) if self.results.exists() else {}


def registrations(loads: Loads) -> None:
    for transport in ("tls", "tcp", "udp"):
        for algorithm in ("SHA-256", "MD5", "SHA-512-256"):
            with loads.responder(transport, algorithm) as responder:
                status, seen = loads.run(responder, "register", "--total", "60", "--concurrency", "7")
                check(f"registrations over {transport} with {algorithm}",
                      status == 0 and seen["statuses"] == {"REGISTER 200": 60, "REGISTER 401": 60} and seen["succeeded"] == 60, seen)
                check("with percentiles", set(seen["latency_ms"]["registration"]) == {"count", "p50", "p90", "p99", "max"}, seen)
    with loads.responder() as responder:
        status, seen = loads.run(responder, "register", "--total", "60", "--connections", "3", "--reuse-nonce")
        check("a kept nonce saves the challenge", status == 0 and seen["statuses"] == {"REGISTER 200": 60, "REGISTER 401": 20}, seen)
        check("three connections", seen["connections"] == 3, seen)
        status, seen = loads.run(responder, "register", "--total", "30", "--new-connection", "--unregister")
        check("a connection for each", status == 0 and seen["connections"] == 30 and seen["statuses"]["REGISTER 200"] == 60, seen)
        check("nothing resumed", seen["resumed"] == 0, seen)
        status, seen = loads.run(responder, "register", "--total", "30", "--new-connection", "--resume", "--concurrency", "1")
        check("all but the first resumed", status == 0 and seen["resumed"] == 29, seen)
        status, seen = loads.run(responder, "register", "--rate", "100", "--duration", "0.5")
        check("a rate for a time", status == 0 and 40 <= seen["succeeded"] <= 51 and seen["rate"] < 110, seen)
        status, seen = loads.run(responder, "options", "--total", "50")
        check("pings", status == 0 and seen["statuses"] == {"OPTIONS 200": 50}, seen)


def calls(loads: Loads) -> None:
    for transport in ("tls", "tcp", "udp"):
        with loads.responder(transport) as responder:
            status, seen = loads.run(responder, "call", "--total", "40")
            check(f"calls over {transport}", status == 0 and seen["succeeded"] == 40 and seen["statuses"]["BYE 200"] == 40, seen)
    with loads.responder() as responder:
        for suite in ("AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_32", "AEAD_AES_256_GCM"):
            status, seen = loads.run(responder, "call", "--total", "12", "--hold-s", "0.4", "--media", "srtp", "--suite", suite)
            media = seen["media"]
            check(f"media with {suite}", status == 0 and media["received"] == media["sent"] > 12 * 2 * 15 and media["lost"] == 0, seen)
        for suite, words in (("AES_CM_128_HMAC_SHA1_80", []), ("AEAD_AES_256_GCM", ["--ice"])):
            status, seen = loads.run(responder, "call", "--total", "12", "--hold-s", "1", "--media", "dtls", "--suite", suite, *words)
            media = seen["media"]
            check(f"media by DTLS-SRTP with {suite}", status == 0 and media["received"] + media["early"] == media["sent"] and media["lost"] == 0, seen)
            check("some of it to each end", media["received"] > 0, seen)
            check("and every call has keys", all(seen["latency_ms"][name]["count"] == 12 for name in ("keyed", "flowing")), seen)
        status, seen = loads.run(responder, "call", "--total", "12", "--hold-s", "0.4", "--media", "rtp", "--connections", "2")
        check("plain media", status == 0 and seen["media"]["received"] == seen["media"]["sent"] > 0, seen)


def failures(loads: Loads) -> None:
    """Task, fault of the server, arguments, and what must be counted how often."""
    table = (
        ("register", "no-contact", ["--total", "10"], "binding", 10),
        ("register", "silent-after=20", ["--total", "40", "--concurrency", "5", "--timeout-ms", "1280"], "timeout", range(30, 34)),
        ("register", "silent-after=20", ["--total", "40", "--concurrency", "5", "--give-up", "1"], "interrupted", 5),
        ("call", "refuse", ["--total", "10"], "status", 10),
        ("call", "other-connection", ["--total", "10"], "wrong_connection", 10),
        ("call", "bye", ["--total", "10", "--hold-s", "1"], "ended_by_peer", 10),
        ("call", "damage", ["--total", "10", "--hold-s", "0.3", "--media", "srtp"], "media", 10),
        ("call", "damage", ["--total", "10", "--hold-s", "0.3", "--media", "dtls"], "keys", 10),
    )
    for task, fault, words, failure, times in table:
        with loads.responder(fault=fault) as responder:
            status, seen = loads.run(responder, task, *words)
            # Which of the answers were challenges is a matter of five registrations' order.
            expected = times if isinstance(times, range) else (times,)
            check(f"{task}, server {fault}: {failure}",
                  status == 1 and list(seen["failures"]) == [failure] and seen["failures"][failure] in expected, seen)
    with loads.responder() as responder:
        status, seen = loads.run(responder, "register", "--total", "10", password="wrong")
        check("a wrong password", status == 1 and seen["failures"] == {"credentials": 10} and seen["failed"] == 10, seen)
        status, seen = loads.run(responder, "call", "--total", "10", password="wrong")
        check("a wrong password keeps calls from beginning", status == 1 and "register" in seen["gave_up"] and seen["started"] == 0, seen)
        status, seen = loads.run(responder, "register", "--total", "10", "--algorithm", "md5")
        check("an algorithm that is not offered", status == 1 and seen["failures"] == {"challenge": 10}, seen)
        status, seen = loads.run(responder, "register", "--total", "10", "--server-name", "other.test")
        check("a server of another name", status == 1 and seen["failures"] == {"connection": 10}, seen)


def vanishing(loads: Loads) -> None:
    for transport in ("tls", "udp"):
        with loads.responder(transport, fault="exit-after=25") as responder:
            begun = time.monotonic()
            status, seen = loads.run(responder, "register", "--total", "1000", "--concurrency", "5", "--timeout-ms", "2000")
            check(f"a server that vanishes, {transport}", status == 1 and seen["succeeded"] < 1000 and time.monotonic() - begun < 20, seen)


def interruption(loads: Loads) -> None:
    with loads.responder() as responder:
        command = loads.command(responder, "call", "--password", PASSWORD, "--duration", "60", "--hold-s", "30", "--media", "srtp")
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        end = time.monotonic() + PATIENCE_S
        # Twenty subscribers are ten calls, each of which has two sockets for media, which know where to send once it flows.
        while connected_udp_sockets(process.pid) < 20 and time.monotonic() < end:
            select.select([], [], [], 0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
        seen = json.loads(loads.results.read_text())
        check("an interruption ends calls in order", process.returncode == 0 and seen["succeeded"] == 10 and seen["wall_s"] < 20, seen)
        check("and their media is whole", seen["media"]["received"] == seen["media"]["sent"], seen)


def connected_udp_sockets(pid: int) -> int:
    sockets = {os.readlink(path) for path in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
    rows = pathlib.Path(f"/proc/{pid}/net/udp").read_text().splitlines()[1:]
    return sum(f"socket:[{row.split()[9]}]" in sockets and not row.split()[2].startswith("00000000:") for row in rows)


def arguments(loads: Loads) -> None:
    good = ["--server", "127.0.0.1:5061", "--domain", "load.test", "--total", "1"]
    table = (
        ([], "subcommand"),
        (["dance"], ""),
        (["register"], "--server"),
        (["register", *good[:2]], "--domain"),
        (["register", *good[:4]], "--total"),
        (["register", *good, "--server", "127.0.0.1:5062"], "--server"),
        (["register", "--server", "localhost", *good[2:]], "--server"),
        (["register", "--server", "127.0.0.1:0", *good[2:]], "--server"),
        (["register", *good[:2], "--domain", "a b", "--total", "1"], "--domain"),
        (["register", *good, "--users", "9..1"], "--users"),
        (["register", *good, "--users", "x"], "--users"),
        (["register", *good, "--users", "0..99999999999"], "--users"),
        (["register", *good, "--user-pattern", "bob"], "pattern"),
        (["register", *good, "--user-pattern", "%d%d"], "pattern"),
        (["register", *good, "--user-pattern", "%6d"], "pattern"),
        (["register", *good, "--transport", "ws"], "--transport"),
        (["register", *good, "--algorithm", "sha-1"], "--algorithm"),
        (["register", *good, "--ca", "none.pem"], "--ca"),
        (["register", *good, "--rate", "-1"], "--rate"),
        (["register", *good, "--concurrency", "0"], "--concurrency"),
        (["register", *good, "--new-connection", "--connections", "3"], "--connections"),
        (["register", *good, "--new-connection", "--transport", "udp"], "UDP"),
        (["register", *good, "--hold-s", "1"], "hold"),
        (["register", *good, "--json", "/nowhere/file"], "--json"),
        (["call", *good, "--media", "video"], "--media"),
        (["call", *good, "--suite", "ROT13"], "--suite"),
        (["call", *good, "--media", "srtp", "--suite", "none"], "suite"),
        (["call", *good, "--media", "dtls", "--hold-s", "1", "--suite", "AES_256_CM_HMAC_SHA1_80"], "suite"),
        (["call", *good, "--media", "dtls"], "--hold-s"),
        (["call", *good, "--media", "srtp", "--ice"], "--ice"),
        (["call", *good, "--pps", "0"], "--pps"),
        (["call", *good, "--pps", "30"], "--pps"),
        (["call", *good, "--payload", "31"], "--payload"),
        (["call", *good, "--media-ports", "5-3"], "--media-ports"),
        (["call", *good, "--media", "rtp", "--media-ports", "40000-40003"], "--media-ports"),
        (["call", *good, "--users", "5"], "two"),
        (["options", *good, "--unregister"], "unregister"),
    )
    for words, named in table:
        done = subprocess.run([loads.program, *words], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        one_line = done.stderr.count("\n") == 1
        check(f"refused: {' '.join(words)}", done.returncode == 2 and named in done.stderr and one_line, (done.returncode, done.stderr))
    for words in (["--help"], ["register", "--help"], ["call", "--help"], ["options", "--help"]):
        done = subprocess.run([loads.program, *words], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        check(" ".join(words), done.returncode == 0 and "--" in done.stdout, done)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        loads = Loads(sys.argv[1], sys.argv[2], pathlib.Path(folder))
        for part in (arguments, registrations, calls, failures, vanishing, interruption):
            print(f"-- {part.__name__}")
            part(loads)
    return 0


if __name__ == "__main__":
    sys.exit(main())
