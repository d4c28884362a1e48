# SPDX-License-Identifier: GPL-3.0-or-later
"""What every make of phone under test can do, and what it writes: recordings, and the SIP messages that it saw."""

import dataclasses
import math
import pathlib
import re
import struct
import subprocess
import wave

import demo_audio
from demo_network import Stage, stolen_ms, wait_for

CRYPTO_LINE = re.compile(r"a=crypto:\d+ (\S+) inline:([A-Za-z0-9+/=]+)")


@dataclasses.dataclass(frozen=True)
class Account:
    """Who a phone is, and where it registers."""

    user: str
    domain: str
    password: str
    side: str
    tone: int              # which it sends in calls, Hz
    media: str             # in the phone's own words
    suite: str = ""        # of SRTP, where the phone lets one choose
    auto_answer: bool = False
    port: int = 5060       # of its own; TLS listens on the next
    name: str = ""         # of its folder, where one user has several phones

    @property
    def uri(self) -> str:
        return f"sip:{self.user}@{self.domain}"

    @property
    def folder_name(self) -> str:
        return self.name or self.user


@dataclasses.dataclass(frozen=True)
class Message:
    received: bool
    text: str


@dataclasses.dataclass(frozen=True)
class Orders:
    """What a make calls the orders that all makes take; the fields have the name that most give."""

    dial: str = "dial"
    answer: str = "answer"
    hold: str = "hold"
    resume: str = "resume"
    hang_up: str = "hangup"
    transfer: str = "transfer"


class Phone:
    """A running phone. The makes fill in how; every order is followed by waiting for what it brings about."""

    make = ""
    orders = Orders()
    clear_share = 0.95  # of the blocks of a tone, in which it hears it
    digests: tuple[str, ...] = ()  # that it knows, where it gives up at the sight of others; else nothing

    def __init__(self, stage: Stage, account: Account, ca: pathlib.Path, border_port: int = 5061) -> None:
        self.stage, self.account, self.ca, self.border_port = stage, account, ca, border_port
        self.folder = stage.folder / account.folder_name
        self.folder.mkdir()
        self.tone_file = self.folder / "tone.wav"
        write_tone(self.tone_file, account.tone)
        self.process: subprocess.Popen | None = None
        self.stolen_ms = stolen_ms()  # when what it heard was judged last

    @property
    def log(self) -> pathlib.Path:
        return self.folder / "log"

    def start(self) -> None:
        raise NotImplementedError

    def registered(self) -> bool:
        raise NotImplementedError

    def refused(self) -> bool:
        """Whether its registration failed."""
        raise NotImplementedError

    def dial(self, uri: str) -> None:
        self._order(self.orders.dial, uri)

    def answer(self) -> None:
        self._order(self.orders.answer)

    def hold(self) -> None:
        self._order(self.orders.hold)

    def resume(self) -> None:
        self._order(self.orders.resume)

    def hang_up(self) -> None:
        """Ends the call, or what is becoming one."""
        self._order(self.orders.hang_up)

    def transfer(self, uri: str) -> None:
        self._order(self.orders.transfer, uri)

    def _order(self, name: str, uri: str = "") -> None:
        """Gives an order in the make's own words."""
        raise NotImplementedError

    def ringing(self) -> bool:
        """Whether a call is coming in and waits for an answer."""
        raise NotImplementedError

    def is_held(self) -> bool:
        """Whether the other end put it on hold: by the last description of a session that it was given."""
        told = [message.text for message in self.messages() if message.received and "\nm=audio" in message.text]
        return bool(told) and re.search(r"^a=(sendonly|inactive)\s*$", told[-1], re.MULTILINE) is not None

    def hint(self) -> str:
        """How to give it orders by hand."""
        raise NotImplementedError

    def calls_made(self) -> int:
        """How many calls were established until now."""
        raise NotImplementedError

    def calls_ended(self) -> int:
        """How many calls, established or not, came to an end until now."""
        raise NotImplementedError

    def recordings(self) -> list[pathlib.Path]:
        """What was heard, in the order of the calls; a phone may begin a new file when the media changes."""
        raise NotImplementedError

    def wait_registered(self, seconds: float = 10) -> bool:
        return wait_for(lambda: self.registered() or self.refused() or self.gone(), seconds) and self.registered()

    def gone(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def stop(self) -> None:
        if self.process is not None:
            self.stage.stop(self.process, 3)

    def kill(self) -> None:
        """Ends it without giving it a chance to say good-bye."""
        self.stage.kill(self.process)

    def heard(self) -> "Hearing":
        """Everything that was heard until now."""
        return Hearing([demo_audio.read_wav(path) for path in self.recordings()])

    def messages(self) -> list["Message"]:
        """The SIP messages that it sent and received, from its log."""
        raise NotImplementedError

    def told(self) -> str:
        """Its log as it is."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def sip(self) -> str:
        """All its messages in one text."""
        return "\n".join(message.text for message in self.messages())

    def statuses(self, method: str) -> list[int]:
        """Of the responses that it got to requests of a method, in their order."""
        found = (re.search(rf"SIP/2\.0 (\d{{3}}) .*?^CSeq:\s*\d+ {method}\s*$", message.text, re.MULTILINE | re.DOTALL | re.IGNORECASE)
                 for message in self.messages() if message.received)
        return [int(match.group(1)) for match in found if match]

    def keys(self) -> dict[str, str]:
        """The SDES keys that it sent and received, each with its suite."""
        return {key: suite for suite, key in CRYPTO_LINE.findall(self.sip())}

    def trouble(self) -> str:
        """The end of its log, for those who look for the reason."""
        return f"{self.make} of {self.account.user}:\n{self.told()[-3000:]}"


@dataclasses.dataclass(frozen=True)
class Hearing:
    """What a phone heard, recording by recording."""

    recordings: list[demo_audio.Recording]

    @property
    def seconds(self) -> float:
        return sum(recording.seconds for recording in self.recordings)

    def since(self, seconds: float) -> "Hearing":
        """What came after the first `seconds` of all recordings together."""
        rest = []
        for recording in self.recordings:
            skipped = min(len(recording.samples), int(seconds * recording.rate))
            seconds -= skipped / recording.rate
            rest.append(demo_audio.Recording(recording.rate, recording.samples[skipped:]))
        return Hearing(rest)

    def listen(self, wanted: float, unwanted: float) -> demo_audio.Heard:
        """One judgement over all recordings; silence between them is no gap."""
        parts = [demo_audio.listen(recording, wanted, unwanted) for recording in self.recordings if recording.samples]
        blocks = [part.seconds / part.share for part in parts if part.share]
        return demo_audio.Heard(sum(part.seconds for part in parts),
                                sum(part.seconds for part in parts) / sum(blocks) if blocks else 0.0,
                                max((part.longest_gap_ms for part in parts), default=0),
                                max((part.unwanted for part in parts), default=0.0))


def write_tone(path: pathlib.Path, hertz: int, rate: int = 8000, seconds: int = 900) -> None:
    """A sine at half of full scale; whole numbers of Hz repeat after a second."""
    second = struct.pack(f"<{rate}h", *(int(16384 * math.sin(2 * math.pi * hertz * i / rate)) for i in range(rate)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(second * seconds)
