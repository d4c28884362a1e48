# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of what a demonstration claims."""

import dataclasses

import phone_call
from phone import Phone


@dataclasses.dataclass
class Claims:
    """What was claimed, and whether it held."""

    made: list[dict] = dataclasses.field(default_factory=list)

    def claim(self, text: str, holds: bool, detail: str = "") -> None:
        print(f"{'ok  ' if holds else 'FAIL'}  {text}{f' ({detail})' if detail else ''}", flush=True)
        self.made.append({"claim": text, "ok": bool(holds), "detail": detail})

    def claim_tones(self, when: str, one: Phone, other: Phone, seconds: float, since: tuple[float, float]) -> None:
        """Each hears the other for so long, and not itself; `since` is what each had recorded before."""
        for phone, peer, begin in ((one, other, since[0]), (other, one, since[1])):
            heard = phone_call.hear(phone, peer, seconds, begin, phone_call.STRETCHES)
            self.claim(f"when {when}, {phone.account.user} heard {peer.account.tone} Hz, and nothing of its own {phone.account.tone} Hz",
                       phone_call.is_clear(heard, seconds, phone.clear_share), phone_call.describe(heard))

    def all_hold(self) -> bool:
        return bool(self.made) and all(claim["ok"] for claim in self.made)
