#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real sallyportd on ring ports, driven by the real sallyctl and by raw lines. Prints one line a check."""

import base64
import fcntl
import json
import os
import pathlib
import pty
import pwd
import re
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import termios
import time

PATIENCE_S = 60
SUITE = "AES_CM_128_HMAC_SHA1_80"
SKIPPED = 77

CONFIGURATION = """\
[daemon]
admin_socket = "{folder}/run/admin.sock"
[log]
level = "debug"
[limits]
relays = 2100
admin_connections = 4
admin_line_bytes = 4096
captures = 1
[media]
workers = [{core}]
huge_pages = "off"
memory_mb = 64
file_prefix = "{prefix}"
timeout_s = 1
[media.side.access]
attach = "vdev"
device = "net_ring0"
next_hop = "02:00:00:00:00:01"
addresses = ["192.0.2.1", "2001:db8::1"]
ports = "30000-39999"
[media.side.core]
attach = "vdev"
device = "net_ring1"
next_hop = "02:00:00:00:00:02"
addresses = ["198.51.100.1"]
ports = "30000-39999"
[debug]
capture_directory = "{folder}/captures"
"""


class Failed(Exception):
    """A check that did not hold."""


def check(what: str, holds: bool, seen: object = "") -> None:
    print(("ok    " if holds else "FAIL  ") + what, flush=True)
    if not holds:
        raise Failed(f"{what}: {seen}")


class Keys:
    """Keys that are planted everywhere and must be found nowhere."""

    def __init__(self) -> None:
        self.planted: list[str] = []

    def new(self, octets: int = 30) -> str:
        key = base64.b64encode(os.urandom(octets)).decode()
        self.planted.append(key)
        return key

    def found_in(self, text: str) -> list[str]:
        return [key for key in self.planted if key[:16] in text]


class Daemon:
    """A running sallyportd with its files in a folder of its own."""

    def __init__(self, program: str, control: str, folder: pathlib.Path, more: str = "") -> None:
        self.folder, self.control_program = folder, control
        self.socket = folder / "run" / "admin.sock"
        self.config = folder / "sallyport.toml"
        core = max(os.sched_getaffinity(0))
        self.config.write_text(CONFIGURATION.format(folder=folder, core=core, prefix=f"daemontest{os.getpid()}") + more)
        self.log_path = folder / "log"
        self.outputs = ""
        with open(self.log_path, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([program, "--config", str(self.config)], stderr=log, stdout=log)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + PATIENCE_S
        while "event=daemon.ready" not in self.log():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failed("the daemon did not come up:\n" + self.log())
            select.select([], [], [], 0.05)

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def ctl(self, *words: str, env: dict[str, str] | None = None, text: str = "", **more) -> subprocess.CompletedProcess:
        result = subprocess.run([self.control_program, "--socket", str(self.socket), *words], input=text, capture_output=True,
                                text=True, timeout=PATIENCE_S, env=dict(os.environ, **(env or {})), check=False, **more)
        self.outputs += result.stdout + result.stderr
        return result

    def ask(self, *words: str, **more) -> dict:
        result = self.ctl("--json", *words, **more)
        if result.returncode != 0:
            raise Failed(f"sallyctl {' '.join(words)}: {result.stderr}")
        return json.loads(result.stdout)


class Line:
    """A client that sends whatever it likes."""

    def __init__(self, daemon: Daemon) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(str(daemon.socket))
        self.file = self.socket.makefile("rb")
        self.daemon = daemon

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def receive(self) -> dict | None:
        line = self.file.readline()
        self.daemon.outputs += line.decode()
        return json.loads(line) if line else None

    def ask(self, request: dict | bytes) -> dict | None:
        self.send(request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n")
        return self.receive()


def leg(side: str, remote: str, keys: Keys) -> dict:
    return {"side": side, "remote": remote, "suite": SUITE, "send_key": keys.new(), "receive_key": keys.new()}


def refused(daemon: Daemon, what: str, code: int, *words: str, **more) -> None:
    result = daemon.ctl(*words, **more)
    lines = result.stderr.splitlines()
    check(f"{what}: exit {code} and one line", result.returncode == code and len(lines) == 1 and lines[0].startswith("sallyctl: "),
          (result.returncode, result.stderr))


def check_config(program: str, folder: pathlib.Path, daemon: Daemon) -> None:
    run = lambda *words: subprocess.run([program, *words], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    good = run("--config", str(daemon.config), "--check-config")
    check("--check-config accepts a good file", good.returncode == 0, good.stderr)
    bad = folder / "bad.toml"
    bad.write_text('[media.side.x]\ndevice="net_ring0"\nnonsense=1\nports="1-2"\n[log]\nlevel="loud"\n')
    result = run("--config", str(bad), "--check-config")
    lines = result.stderr.splitlines()
    check("--check-config exits with 2 and reports everything", result.returncode == 2 and len(lines) >= 4, result.stderr)
    check("each error names file, line, column and key",
          all(re.match(re.escape(str(bad)) + r":\d+:\d+: [\w.]+: ", line) for line in lines), lines)
    check("a missing file is one line and 2", run("--config", "/nonexistent", "--check-config").returncode == 2)
    check("unknown arguments are 2", run("--frobnicate").returncode == 2)
    second = run("--config", str(daemon.config))
    check("a second daemon on the same socket or memory does not start", second.returncode == 1, second.stderr)


def simple_commands(daemon: Daemon) -> None:
    check("status", daemon.ask("status")["relays"] == 0)
    ports = daemon.ask("port", "list")["ports"]
    check("port list", [port["device"] for port in ports] == ["net_ring0", "net_ring1"] and ports[0]["link"] == "up", ports)
    check("worker list", len(daemon.ask("worker", "list")["workers"]) == 1)
    stats = daemon.ask("stats")
    check("stats has all verdicts and limits", stats["verdicts"]["drop_srtp_forged"] == 0 and stats["limits"]["relays"]["limit"] == 2100)
    check("config show", daemon.ask("config", "show")["limits"]["relays"] == 2100)
    check("log level", daemon.ask("log", "level", "info")["level"] == "info" and daemon.ask("log", "level")["level"] == "info")
    daemon.ask("log", "level", "debug")
    check("top --once", "WORKER" in daemon.ctl("top", "--once").stdout)
    for rows, columns in ((24, 80), (1, 1), (50, 300)):
        on_a_terminal(daemon, rows, columns)
    completion = daemon.ctl("completion", "bash").stdout
    syntax = subprocess.run(["bash", "-n"], input=completion, text=True, check=False)
    check("completion is a script of bash", syntax.returncode == 0 and "complete -o default -F _sallyctl sallyctl" in completion)
    check("completion knows subcommands", re.search(r"'relay'\) words='[^']*\bdrop\b", completion) is not None)
    for words in ([], ["relay"], ["status"], ["relay", "add"]):
        check(f"--help of {' '.join(words) or 'sallyctl'}", daemon.ctl(*words, "--help").returncode == 0)
    check("bans are refused without a shared port", daemon.ctl("ban", "192.0.2.66").returncode == 2)


def on_a_terminal(daemon: Daemon, rows: int, columns: int) -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.execv(daemon.control_program, [daemon.control_program, "--socket", str(daemon.socket), "top"])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    drawn, asked = b"", False
    try:
        while select.select([terminal], [], [], PATIENCE_S)[0]:
            drawn += os.read(terminal, 65536)
            if not asked and b"\x1b[Hs" in drawn:
                asked = os.write(terminal, b"q") == 1
    except OSError:  # the other end is closed
        pass
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    check(f"top at {rows}x{columns} ends with q and gives the terminal back",
          code == 0 and drawn.startswith(b"\x1b[?1049h") and drawn.endswith(b"\x1b[?1049l"), (code, drawn[-80:]))


def one_relay(daemon: Daemon, keys: Keys) -> None:
    (daemon.folder / "a.key").write_text(keys.new() + "\n")
    secrets = {"KEY_B": "inline:" + keys.new() + "|2^31|1:4"}
    words = ["--a", f"side=access,remote=10.1.0.2:4000,suite={SUITE},send-key=@{daemon.folder}/a.key,receive-key=env:KEY_B,policy=latch",
             "--b", "side=core,remote=10.2.0.2:5000,mux", "--label", "first"]
    added = daemon.ask("relay", "add", *words, env=secrets)
    check("relay add gives local ports", added["a"]["rtp"] % 2 == 0 and added["a"]["rtcp"] == added["a"]["rtp"] + 1)
    check("a muxed leg has one port", added["b"]["rtp"] == added["b"]["rtcp"])
    relay = str(added["relay"])
    shown = daemon.ask("relay", "show", relay)
    check("relay show", shown["a"]["suite"] == SUITE and shown["b"]["suite"] is None and shown["label"] == "first", shown)
    check("relay list", [entry["relay"] for entry in daemon.ask("relay", "list")["relays"]] == [added["relay"]])
    moved = [word.replace("10.1.0.2:4000", "10.1.0.3:4002") for word in words]
    changed = daemon.ask("relay", "set", relay, *moved, env=secrets)
    shown = daemon.ask("relay", "show", relay)
    check("relay set moves a peer under the same keys", changed["a"] == added["a"] and shown["a"]["remote"] == "10.1.0.3:4002", shown)
    secret = (daemon.folder / "a.key").read_text()
    (daemon.folder / "a.key").write_text(keys.new() + "\n")
    changed = daemon.ask("relay", "set", relay, *words, env={"KEY_B": keys.new()})
    check("relay set keeps ports", changed["a"] == added["a"] and changed["b"] == added["b"], changed)
    (daemon.folder / "a.key").write_text(secret)
    refused(daemon, "relay set with keys that it had before", 5, "relay", "set", relay, *words, env=secrets)
    captures(daemon, relay)
    check("relay drop", daemon.ask("relay", "drop", relay)["dropped"] == 1)
    refused(daemon, "dropping it again", 6, "relay", "drop", relay)
    refused(daemon, "showing it", 6, "relay", "show", relay)


def captures(daemon: Daemon, relay: str) -> None:
    started = daemon.ask("capture", "start", relay, "a", "--file", "x.pcap")
    path = pathlib.Path(started["file"])
    check("capture start makes a file for its owner only", stat.S_IMODE(path.stat().st_mode) == 0o600)
    check("its header says pcap and raw IP", path.read_bytes()[:4] == b"\xd4\xc3\xb2\xa1" and path.read_bytes()[20] == 101)
    check("capture list", len(daemon.ask("capture", "list")["captures"]) == 1)
    refused(daemon, "a second capture of the leg", 5, "capture", "start", relay, "a")
    refused(daemon, "a capture too many", 7, "capture", "start", relay, "b")
    check("capture stop", daemon.ask("capture", "stop", str(started["capture"]))["packets"] == 0)
    refused(daemon, "stopping it again", 6, "capture", "stop", str(started["capture"]))
    refused(daemon, "a file that exists", 5, "capture", "start", relay, "a", "--file", "x.pcap")
    refused(daemon, "a path for a file", 5, "capture", "start", relay, "a", "--file", "../x.pcap")
    refused(daemon, "decrypted capture without permission", 5, "capture", "start", relay, "a", "--opened")
    refused(daemon, "capture of an unknown relay", 6, "capture", "start", "4711", "a")


def wrong_arguments(daemon: Daemon, keys: Keys) -> None:
    good = "side=core,remote=10.2.0.2:5000"
    refused(daemon, "no command", 2)
    refused(daemon, "an unknown command", 2, "frobnicate")
    refused(daemon, "a missing id", 2, "relay", "show")
    refused(daemon, "an id that is no number", 2, "relay", "show", "x")
    refused(daemon, "one leg only", 2, "relay", "add", "--a", good)
    refused(daemon, "an unknown field", 2, "relay", "add", "--a", "sid=core", "--b", good)
    refused(daemon, "a key as an argument", 2, "relay", "add", "--b", good, "--a",
            f"side=access,remote=10.1.0.2:4000,suite={SUITE},send-key={keys.new()},receive-key={keys.new()}")
    refused(daemon, "a key where no argument belongs", 2, "relay", "drop", "1", keys.new())
    refused(daemon, "a key file that is not there", 2, "relay", "add", "--b", good, "--a", f"side=access,suite={SUITE},send-key=@/nonexistent")
    refused(daemon, "an unknown side", 6, "relay", "add", "--a", "side=nowhere,remote=10.1.0.2:4000", "--b", good)
    refused(daemon, "an unknown suite", 2, "relay", "add", "--a", "side=access,remote=10.1.0.2:4000,suite=ROT13", "--b", good)
    refused(daemon, "a signalled leg without remote", 5, "relay", "add", "--a", "side=access", "--b", good)
    same = keys.new()
    refused(daemon, "one key in both directions", 5, "relay", "add", "--b", good, "--a",
            f"side=access,remote=10.1.0.2:4000,suite={SUITE},send-key=env:K,receive-key=env:K", env={"K": same})
    refused(daemon, "a key of the wrong size", 2, "relay", "add", "--b", good, "--a",
            f"side=access,remote=10.1.0.2:4000,suite={SUITE},send-key=env:K,receive-key=env:L", env={"K": keys.new(33), "L": keys.new()})
    refused(daemon, "an unknown log level", 2, "log", "level", "loud")
    check("nothing of that is left", daemon.ask("status")["relays"] == 0)


def raw_lines(daemon: Daemon, keys: Keys) -> None:
    line = Line(daemon)
    check("garbage is refused", line.ask(b"hello\n")["error"]["class"] == "malformed")
    check("another version is refused", line.ask({"v": 2, "id": 1, "method": "status"})["error"]["class"] == "unsupported")
    stray = {"v": 1, "id": 1, "method": "status", "params": {keys.new(): keys.new()}}
    check("unknown fields are refused", line.ask(stray)["error"]["key"] == "params.?")
    check("depth is bounded", line.ask(b'{"a":' * 50 + b"1" + b"}" * 50 + b"\n")["error"]["class"] == "malformed")
    check("the connection goes on", line.ask({"v": 1, "id": 5, "method": "status"})["id"] == 5)
    line.send(b"x" * 5000)
    check("a line that never ends is refused", line.receive()["error"]["class"] == "exhausted")
    check("and the connection ended", line.receive() is None)
    held = [Line(daemon) for _ in range(4)]
    for client in held:
        client.ask({"v": 1, "id": 1, "method": "status"})
    check("one connection too many is refused", Line(daemon).receive()["error"]["class"] == "exhausted")
    for client in held:
        client.file.close()
        client.socket.close()


def events(daemon: Daemon, keys: Keys) -> None:
    line = Line(daemon)
    line.ask({"v": 1, "id": 1, "method": "subscribe"})
    request = {"v": 1, "id": 2, "method": "relay.add", "params": {"a": leg("access", "10.1.0.2:4000", keys), "b": leg("core", "10.2.0.2:5000", keys)}}
    added = line.ask(request)["result"]["relay"]
    event = line.receive()
    check("silence becomes an event", event["event"] == "relay.media_timeout" and event["data"]["relay"] == added, event)
    line.send(json.dumps({"v": 1, "id": 3, "method": "relay.drop", "params": {"relay": added}}).encode() + b"\n")
    seen = [line.receive(), line.receive()]
    check("and so does the end of a relay", any(entry.get("event") == "relay.ended" for entry in seen), seen)


def many_relays(daemon: Daemon, keys: Keys) -> None:
    batch = daemon.folder / "batch.jsonl"
    with open(batch, "w", encoding="utf-8") as file:
        for i in range(2000):
            params = {"a": leg("access", f"10.1.{i // 250}.{1 + i % 250}:4000", keys), "b": leg("core", "10.2.0.2:5000", keys)}
            file.write(json.dumps(params) + "\n")
    result = daemon.ctl("relay", "add", "--from", str(batch))
    check("2000 relays from a file", result.returncode == 0 and result.stdout == "2000 relays added, 0 refused\n", result)
    listed = daemon.ask("relay", "list")
    check("all are listed", len(listed["relays"]) == 2000 and listed["total"] == 2000)
    ports = [relay["a"]["local"] for relay in listed["relays"]]
    check("no port is given twice", len(set(ports)) == 2000)
    order = [int(port.rsplit(":", 1)[1]) for port in ports]
    check("ports come in no order", order != sorted(order) and order != sorted(order, reverse=True))
    rest = daemon.ctl("relay", "add", "--from", "-", text="".join(batch.read_text().splitlines(keepends=True)[:200]))
    check("the limit of relays holds", rest.returncode == 7 and rest.stdout == "100 relays added, 100 refused\n", rest)
    check("its refusals are counted", daemon.ask("stats")["limits"]["relays"]["refused"] == 100)
    check("all are dropped", daemon.ask("relay", "drop", "--all")["dropped"] == 2100)
    check("nothing is left", daemon.ask("status")["relays"] == 0 and daemon.ask("status")["next_hops"] == 0)
    batch.unlink()


def permissions(daemon: Daemon) -> None:
    if os.geteuid() != 0:
        return
    nobody = pwd.getpwnam("nobody")
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    expected = pwd.getpwnam("sallyport").pw_uid if "sallyport" in {user.pw_name for user in pwd.getpwall()} else nobody.pw_uid
    check("root was given up", re.search(rf"^Uid:\t{expected}\t{expected}\t{expected}\t{expected}$", status, re.M) is not None, status)
    check("no new privileges", "NoNewPrivs:\t1" in status)
    kept = int(re.search(r"CapEff:\t(\w+)", status).group(1), 16)
    check("CAP_NET_ADMIN and CAP_BPF are kept, nothing else", kept == 1 << 12 | 1 << 39, hex(kept))
    for task in pathlib.Path(f"/proc/{daemon.process.pid}/task").iterdir():
        if task.name != str(daemon.process.pid):
            text = (task / "status").read_text()
            check(f"thread {re.search('Name:.(.*)', text).group(1)} has no capability", "CapEff:\t0000000000000000" in text, text)
    stranger = {"user": 54321, "group": 54321, "extra_groups": []}
    refused(daemon, "a user without permission for the socket", 4, "status", **stranger)
    os.chmod(daemon.socket, 0o666)
    refused(daemon, "a user that the daemon does not know", 4, "status", **stranger)
    os.chmod(daemon.socket, 0o660)
    check("the daemon's own user may", daemon.ctl("status", user=expected, group=expected, extra_groups=[]).returncode == 0)


def end(daemon: Daemon, keys: Keys) -> None:
    daemon.process.send_signal(signal.SIGHUP)
    request = {"v": 1, "id": 2, "method": "relay.add", "params": {"a": leg("access", "10.1.0.2:4000", keys), "b": leg("core", "10.2.0.2:5000", keys)}}
    Line(daemon).ask(request)
    daemon.process.send_signal(signal.SIGTERM)
    check("SIGTERM ends it with 0", daemon.process.wait(PATIENCE_S) == 0, daemon.log()[-2000:])
    log = daemon.log()
    check("SIGHUP reloaded the file", "event=config.reloaded" in log)
    check("the last relay was dropped", "event=relays.dropped count=1" in log)
    check("the counters were reported", re.search(r"event=counters .*relays_added=2103 relays_dropped=2103", log) is not None, log[-2000:])
    check("the socket's file is gone", not daemon.socket.exists())
    refused(daemon, "no daemon", 3, "status")
    check("no planted key is in the log", not keys.found_in(log))
    check("no planted key is in any answer or message", not keys.found_in(daemon.outputs))


def main() -> int:
    program, control = sys.argv[1:3]
    if os.geteuid() != 0:
        print("skipped: needs root")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="sallyport-daemon-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o711)
        keys = Keys()
        daemon = None
        try:
            daemon = Daemon(program, control, folder)
            check_config(program, folder, daemon)
            simple_commands(daemon)
            permissions(daemon)
            one_relay(daemon, keys)
            wrong_arguments(daemon, keys)
            raw_lines(daemon, keys)
            many_relays(daemon, keys)
            events(daemon, keys)
            end(daemon, keys)
        except Failed as failure:
            print(failure, file=sys.stderr)
            if daemon is not None:
                print(daemon.log()[-3000:], file=sys.stderr)
            return 1
        finally:
            if daemon is not None and daemon.process.poll() is None:
                daemon.process.kill()
                daemon.process.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
