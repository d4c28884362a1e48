#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/demo --browser, used as a person does: Chromium opens the address that it prints, its buttons call, and Ctrl-C leaves nothing."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import demo_audio
import phone_browser
import phone_call
from demo_network import STATE, Stage, ip, wait_for
from phone import Hearing
from phone_browser import Browser

SKIPPED = 77
DEMO = pathlib.Path(__file__).resolve().parents[2] / "tools" / "demo"
LISTEN_SECONDS = 2  # to the tone
BEEPS = 3


class Failed(Exception):
    """The text says what did not come about."""


def check(what: str, holds: object, *seen: object) -> None:
    if not holds:
        raise Failed("\n".join([what, *map(str, seen)]))
    print(f"ok    {what}", flush=True)


class Person(Browser):
    """Knows nothing but the address of a page, and the hash of the key that is to be trusted."""

    def __init__(self, stage: Stage, url: str, trusted: str) -> None:
        self.url, self.trusted = url, trusted
        given = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).fragment))
        super().__init__(stage, phone_call.account(given["user"], "machine", domain=given["domain"]), pathlib.Path())

    def settings(self) -> dict:
        return {"page": self.url, "trusted": self.trusted}


def descendants(process: int) -> set[int]:
    """Of a process, and itself."""
    found, waiting = set(), [process]
    while waiting:
        number = waiting.pop()
        found.add(number)
        try:
            waiting += [int(child) for task in pathlib.Path(f"/proc/{number}/task").iterdir() for child in (task / "children").read_text().split()]
        except OSError:
            continue  # it has ended meanwhile
    return found


def calls(alice: Person) -> None:
    check("the page registers", alice.wait_registered(), alice.trouble())
    for uri, what, hears in (("sip:tone@example.com", "the tone", hears_tone), ("sip:echo@example.com", "itself", hears_beeps)):
        made, ended, since = alice.calls_made(), alice.calls_ended(), alice.heard().seconds
        alice.dial(uri)
        check(f"{uri} answers", wait_for(lambda: alice.calls_made() > made, 8), alice.trouble())
        check(f"alice hears {what}", wait_for(lambda: hears(alice.heard().since(since)), 8), alice.heard().since(since).listen(440, 1000))
        alice.hang_up()
        check("the call ends", wait_for(lambda: alice.calls_ended() > ended, 5), alice.trouble())


def hears_tone(heard: Hearing) -> bool:
    return heard.listen(440, 1000).seconds >= LISTEN_SECONDS


def hears_beeps(heard: Hearing) -> bool:
    """Of Chromium's own microphone; the first second may still be of the call before."""
    loud = [level > demo_audio.AUDIBLE for recording in heard.since(1).recordings for level in demo_audio.levels(recording)]
    return sum(now and not before for before, now in zip(loud, loud[1:])) >= BEEPS


def run(build: pathlib.Path, stage: Stage) -> None:
    demo = stage.start("machine", [str(DEMO), "--browser", "--build", str(build)], "demo.log")
    try:
        use(demo, stage)
    finally:
        if demo.poll() is None:  # it has things of its own to take away
            demo.send_signal(signal.SIGINT)
            demo.wait(20)


def use(demo: subprocess.Popen, stage: Stage) -> None:
    told = stage.folder / "demo.log"
    ready = wait_for(lambda: "Ctrl-C ends" in told.read_text() or demo.poll() is not None, 60) and demo.poll() is None
    check("the demonstration waits for a person", ready, told.read_text())
    url, trusted = (re.search(pattern, told.read_text()).group(1) for pattern in (r"(https://\S+#user=alice\S+)", r"spki-list=(\S+)"))
    alice = Person(stage, url, trusted)
    alice.start()
    calls(alice)
    folder = pathlib.Path(re.search(r"--socket (\S+)/run/admin", told.read_text()).group(1))
    started = descendants(demo.pid) - {demo.pid}
    check("it has processes and a folder to take away", len(started) >= 4 and folder.exists(), started)
    alice.stop()
    demo.send_signal(signal.SIGINT)
    check("Ctrl-C ends it with 0", wait_for(lambda: demo.poll() is not None, 15) and demo.returncode == 0, told.read_text())
    left = [number for number in started if pathlib.Path(f"/proc/{number}").exists()]
    check("no process is left", not left, left)
    check("no folder and no note", not folder.exists() and not (STATE / f"sp-demo-{demo.pid}.json").exists())
    check("no device", [line.split()[0] for line in ip("-n", stage.namespace("machine"), "-br", "link").splitlines()] == ["lo"])
    check("no namespace", not list(pathlib.Path("/run/netns").glob(f"sp-demo-{demo.pid}-*")))


def main() -> int:
    if os.geteuid() != 0:
        print("skipped: needs root, for network namespaces and AF_XDP")
        return SKIPPED
    build = pathlib.Path(sys.argv[1]).resolve().parents[1]
    # What is a person's machine to the demonstration, so that it meets nothing of ours; npm's packages do not come there.
    Browser.kit = phone_browser.prepare(build / "browser")
    stage = Stage(sides=("machine",))
    try:
        ip("netns", "add", stage.namespace("machine"))
        ip("-n", stage.namespace("machine"), "link", "set", "lo", "up")
        run(build, stage)
    except (Failed, RuntimeError, OSError, ValueError, subprocess.SubprocessError) as problem:
        print(f"FAIL  {problem}")
        return 1
    finally:
        stage.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
