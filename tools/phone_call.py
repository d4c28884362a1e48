# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call between two phones is made of: the stage that it needs, its steps, and what was heard."""

import dataclasses
import pathlib
import re

import demo_audio
from demo_daemon import Daemon
from demo_network import Stage, stolen_ms, wait_for
from demo_pki import Authority
from phone import Account, Hearing, Phone

DOMAIN = "example.com"
STRETCHES = 3  # of sound, of which one has to be clear where the machine was not ours alone
STOLEN_MS = 50
PASSWORD = "correct-horse-battery-staple"
EXAMPLE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "example" / "phones.toml"


def account(user: str, side: str, **others) -> Account:
    """Somebody of our domain; by default with a tone of 440 Hz and baresip's SRTP."""
    return Account(**{"user": user, "domain": DOMAIN, "password": PASSWORD, "side": side, "tone": 440, "media": "srtp-mand", **others})


def prepare(stage: Stage) -> Authority:
    """The network, the domain's name on every side, and a certificate for it."""
    stage.build_network()
    stage.name_border(DOMAIN)
    stage.folder.chmod(0o711)
    authority = Authority(stage.folder / "pki")
    authority.issue(DOMAIN, *(stage.address(side) for side in stage.sides))
    return authority


def configuration(stage: Stage, media: str = "", more: str = "") -> str:
    """The example, with the stage's addresses and folders, as Daemon takes it; `media` are lines for [media], `more` are further
    sections."""
    text = EXAMPLE.read_text()
    changes = {
        "/run/sallyport/admin.sock": "{socket}", "/var/lib/sallyport/": "{folder}/state/", "/etc/sallyport/": "{folder}/pki/",
        "workers = [1]": 'workers = [{core}]\nhuge_pages = "off"\nfile_prefix = "{name}"\n' + media,
        '"eth0"': '"access0"', '"eth1"': '"core0"', "192.0.2.1": stage.address("access"), "198.51.100.1": stage.address("core")}
    for old, new in changes.items():
        if old not in text:
            raise ValueError(f"{EXAMPLE} has no {old}")
        text = text.replace(old, new)
    return text + more


def add_user(daemon: Daemon, stage: Stage, who: Account, digests: tuple[str, ...]) -> None:
    """`digests` are those that the phone knows; none: the configured ones."""
    password = stage.folder / "password"
    password.touch(mode=0o600)
    password.write_text(who.password + "\n")
    daemon.control("user", "add", who.user, "--password-file", str(password), *(["--algorithms", ",".join(digests)] if digests else []))


def establish(caller: Phone, callee: Phone, seconds: float = 8) -> bool:
    """Whether a call came about: dialled, rung, answered, and up at both ends."""
    before = caller.calls_made(), callee.calls_made()
    caller.dial(callee.account.uri)
    if not callee.account.auto_answer:
        if not wait_for(callee.ringing, seconds):
            return False
        callee.answer()
    return wait_for(lambda: caller.calls_made() > before[0] and callee.calls_made() > before[1], seconds)


def finish(one: Phone, other: Phone, seconds: float = 5) -> bool:
    """Whether both ends saw the end of the call when `one` hung up."""
    before = one.calls_ended(), other.calls_ended()
    one.hang_up()
    return wait_for(lambda: one.calls_ended() > before[0] and other.calls_ended() > before[1], seconds)


def hear(phone: Phone, peer: Phone, seconds: float, since: float = 0, stretches: int = 1) -> demo_audio.Heard:
    """What `phone` heard of `peer` and of itself, once it has recorded that much; waits not much longer than that. Where the host
    took cores away meanwhile, as machines that are shared do, up to so many stretches are heard until one is clear; but what leaks in
    any leaks."""
    leaked = 0.0
    for _ in range(stretches):
        wait_for(lambda begin=since: phone.heard().seconds - begin >= seconds, seconds + 3)
        hearing = phone.heard()
        heard = hearing.since(since).listen(peer.account.tone, phone.account.tone)
        leaked, since = max(leaked, heard.unwanted), hearing.seconds
        heard = dataclasses.replace(heard, unwanted=leaked)
        stolen, phone.stolen_ms = stolen_ms() - phone.stolen_ms, stolen_ms()
        if is_clear(heard, seconds, phone.clear_share) or stolen < STOLEN_MS:
            break
    return heard


def is_clear(heard: demo_audio.Heard, seconds: float, share: float = Phone.clear_share) -> bool:
    """The peer's tone in that share of the blocks, and nothing of the own one."""
    return heard.seconds >= 0.75 * seconds and heard.share >= share and heard.unwanted < 0.05


def describe(heard: demo_audio.Heard) -> str:
    return (f"{heard.seconds:.1f} s, {heard.share:.1%} of the blocks, longest gap {heard.longest_gap_ms} ms, "
            f"own tone at most {heard.unwanted:.2%}")


def is_silent(hearing: Hearing) -> bool:
    """Nothing that could be heard, or nothing at all; what was under way at first does not count."""
    loud = sum(block > demo_audio.AUDIBLE for recording in hearing.since(0.3).recordings for block in demo_audio.levels(recording))
    return loud == 0


def header_values(messages: str, name: str) -> set[str]:
    """The values of a header in all messages of a log."""
    return set(re.findall(rf"^{name}:\s*(\S.*?)\s*$", messages, re.MULTILINE | re.IGNORECASE))


def digest_algorithms(phone: Phone) -> set[str]:
    """By which algorithms the phone proved who it is; none named means MD5 (RFC 7616 §3.3)."""
    answers = header_values(phone.sip(), "Authorization") | header_values(phone.sip(), "Proxy-Authorization")
    named = (re.search(r"algorithm=\"?([\w-]+)", answer) for answer in answers)
    return {match.group(1) if match else "MD5" for match in named}
