#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users and registrations through the whole program: sallyctl, daemon, file; kills, foreign files, passwords that may appear nowhere."""

import json
import os
import pathlib
import pty
import select
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from daemon_test import PATIENCE_S, SKIPPED, Daemon, Failed, check, refused

PASSWORD = "planted-hunter2-password"
STORE = """
[store]
path = "{folder}/state/s.db"
[registrar]
domains = ["example.com", "example.net"]
"""


def user_commands(daemon: Daemon, folder: pathlib.Path) -> None:
    alice = daemon.ask("user", "add", "alice", "--display-name", "Alice", "--bindings", "3", text=PASSWORD + "\n")
    check("a password from standard input", alice["user"] == "alice@example.com" and alice["algorithms"] == ["SHA-256", "MD5"], alice)
    file = folder / "password"
    file.write_text(PASSWORD + "\nnot this\n", encoding="utf-8")
    bob = daemon.ask("user", "add", "bob@example.net", "--password-file", str(file), "--algorithms", "SHA-512-256,MD5", "--disabled")
    check("a password from a file", bob["algorithms"] == ["SHA-512-256", "MD5"] and not bob["enabled"], bob)
    check("user set", daemon.ask("user", "set", "bob@example.net", "--enable", "--calls", "2")["calls_limit"] == 2)
    check("user passwd", daemon.ask("user", "passwd", "bob@example.net", "--algorithms", "MD5", text=PASSWORD)["algorithms"] == ["MD5"])
    users = daemon.ask("user", "list")
    check("user list", [user["user"] for user in users["users"]] == ["alice@example.com", "bob@example.net"] and users["total"] == 2, users)
    check("user list for people", "ALGORITHMS" in daemon.ctl("user", "list").stdout)
    check("user show for people", "display_name" in daemon.ctl("user", "show", "alice").stdout)
    check("registration list", daemon.ask("registration", "list") == {"registrations": [], "total": 0})
    check("registration show", daemon.ask("registration", "show", "alice") == {"registrations": []})
    check("registration drop", daemon.ask("registration", "drop", "alice") == {"dropped": 0})
    check("stats counts REGISTERs", daemon.ask("stats")["subscribers"]["register"]["stored"] == 0)
    check("stats for people", "subscribers.store.failed" in daemon.ctl("stats").stdout)
    check("config show", daemon.ask("config", "show")["registrar"]["domains"] == ["example.com", "example.net"])


def refusals(daemon: Daemon, folder: pathlib.Path) -> None:
    refused(daemon, "a user that exists", 5, "user", "add", "alice", text=PASSWORD)
    refused(daemon, "a foreign domain", 5, "user", "add", "carol@example.org", text=PASSWORD)
    refused(daemon, "an empty password", 2, "user", "add", "carol", text="\n")
    refused(daemon, "no password at all", 2, "user", "add", "carol", text="")
    refused(daemon, "a long password", 2, "user", "add", "carol", text="x" * 257)
    refused(daemon, "a password file that is missing", 2, "user", "add", "carol", "--password-file", str(folder / "none"))
    refused(daemon, "an unknown algorithm", 2, "user", "add", "carol", "--algorithms", "MD4", text=PASSWORD)
    refused(daemon, "a password as an argument", 2, "user", "add", "carol", PASSWORD)
    refused(daemon, "nobody's name", 2, "user", "add", text=PASSWORD)
    refused(daemon, "a name with a colon", 2, "user", "add", "a:b", text=PASSWORD)
    refused(daemon, "an unknown user", 6, "user", "show", "carol")
    refused(daemon, "an unknown user's password", 6, "user", "passwd", "carol", text=PASSWORD)
    refused(daemon, "an unknown user's end", 6, "user", "del", "carol")
    refused(daemon, "an unknown registration", 6, "registration", "drop", "alice", "--binding", "7")


def on_a_terminal(daemon: Daemon) -> None:
    """Typed twice without echo; two different ones are refused."""
    for second, code in ((PASSWORD, 0), ("another", 2)):
        process, terminal = pty.fork()
        if process == 0:
            os.execv(daemon.control_program, [daemon.control_program, "--socket", str(daemon.socket), "user", "passwd", "alice"])
        shown = b""
        for question, answer in ((b"Password: ", PASSWORD), (b"Once more: ", second)):
            while question not in shown:
                if not select.select([terminal], [], [], PATIENCE_S)[0]:
                    raise Failed(f"no question on the terminal: {shown!r}")
                shown += os.read(terminal, 4096)
            os.write(terminal, answer.encode() + b"\n")
        while True:
            try:
                octets = os.read(terminal, 4096)
            except OSError:
                break
            if not octets:
                break
            shown += octets
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        os.close(terminal)
        daemon.outputs += shown.decode(errors="replace")
        check(f"typed passwords: exit {code}, no echo", status == code and PASSWORD.encode() not in shown, (status, shown))


def many(daemon: Daemon) -> None:
    count = 5000
    lines = "".join(json.dumps({"user": f"user{i}", "password": PASSWORD}) + "\n" for i in range(count))
    begin = time.monotonic()
    result = daemon.ctl("user", "add", "--from", "-", text=lines)
    print(f"      {count} users in {time.monotonic() - begin:.2f} s")
    check("many users at once", result.stdout == f"{count} users added, 0 refused\n", result.stdout + result.stderr)
    check("and all pages of them", len(daemon.ask("user", "list")["users"]) == count + 2)
    check("or some", len(daemon.ask("user", "list", "--count", "10")["users"]) == 10)


def kill_and_return(daemon: Daemon, folder: pathlib.Path, program: str, control: str) -> Daemon:
    check("user del", daemon.ask("user", "del", "user7")["deleted"] == "user7")
    daemon.process.send_signal(signal.SIGKILL)
    daemon.process.wait()
    outputs, log = daemon.outputs, daemon.log()
    check("no password or digest in the log", PASSWORD not in log)
    again = Daemon(program, control, folder, STORE.format(folder=folder))
    again.outputs = outputs
    users = [user["user"] for user in again.ask("user", "list")["users"]]
    check("what was answered outlives a kill", len(users) == 5001 and "user7@example.com" not in users and "user8@example.com" in users, len(users))
    return again


def end(daemon: Daemon, folder: pathlib.Path) -> None:
    files = sorted((folder / "state").iterdir())
    check("files are private", all(file.stat().st_mode & 0o077 == 0 for file in files), [oct(file.stat().st_mode) for file in files])
    check("and of the user that the daemon became", {file.stat().st_uid for file in files} == {(folder / "state").stat().st_uid})
    check("and hold no password", not any(PASSWORD.encode() in file.read_bytes() for file in files))
    daemon.ctl("shutdown")
    check("the daemon ends", daemon.process.wait(timeout=PATIENCE_S) == 0)
    check("no password was ever shown", PASSWORD not in daemon.outputs)
    rows = sqlite3.connect(folder / "state" / "s.db").execute("SELECT name, length(ha1_sha_256), length(ha1_md5) FROM users WHERE name='user8'")
    check("digests are stored", rows.fetchall() == [("user8", 32, 16)])


def foreign_files(program: str, control: str, folder: pathlib.Path) -> None:
    path = folder / "state" / "s.db"
    for suffix in ("", "-wal"):
        pathlib.Path(str(path) + suffix).unlink(missing_ok=True)
    path.write_text("no database at all, but a text that is long enough to be looked at as one " * 20, encoding="utf-8")
    os.chown(path, path.parent.stat().st_uid, path.parent.stat().st_gid)
    try:
        Daemon(program, control, folder, STORE.format(folder=folder))
        raise Failed("the daemon started on a foreign file")
    except Failed as failure:
        check("a foreign file is named and left alone", "is not an SQLite database" in str(failure) and path.read_text().startswith("no database"), failure)
    config = (folder / "sallyport.toml").read_text(encoding="utf-8").split("[store]")[0]
    (folder / "sallyport.toml").write_text(config + '[store]\npath="/x.db"\n', encoding="utf-8")
    result = subprocess.run([program, "--config", str(folder / "sallyport.toml"), "--check-config"], capture_output=True, text=True, check=False)
    check("a store without domains is refused", result.returncode == 2 and "store: needs registrar.domains" in result.stderr, result.stderr)


def without_a_store(program: str, control: str, folder: pathlib.Path) -> None:
    daemon = Daemon(program, control, folder)
    try:
        refused(daemon, "without a store there are no users", 2, "user", "list")
        check("nor statistics of them", "subscribers" not in daemon.ask("stats"))
    finally:
        daemon.process.kill()
        daemon.process.wait()


def main() -> int:
    program, control = sys.argv[1:3]
    if os.geteuid() != 0:
        print("skipped: needs root")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="sallyport-subscribers-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o711)
        daemon = None
        try:
            daemon = Daemon(program, control, folder, STORE.format(folder=folder))
            user_commands(daemon, folder)
            refusals(daemon, folder)
            on_a_terminal(daemon)
            many(daemon)
            daemon = kill_and_return(daemon, folder, program, control)
            end(daemon, folder)
            foreign_files(program, control, folder)
            without_a_store(program, control, folder)
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
