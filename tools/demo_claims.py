# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of what a demonstration claims."""

import dataclasses


@dataclasses.dataclass
class Claims:
    """What was claimed, and whether it held."""

    made: list[dict] = dataclasses.field(default_factory=list)

    def claim(self, text: str, holds: bool, detail: str = "") -> None:
        print(f"{'ok  ' if holds else 'FAIL'}  {text}{f' ({detail})' if detail else ''}", flush=True)
        self.made.append({"claim": text, "ok": bool(holds), "detail": detail})

    def all_hold(self) -> bool:
        return bool(self.made) and all(claim["ok"] for claim in self.made)
