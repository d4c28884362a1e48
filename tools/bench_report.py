# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders bench figures: a Markdown table with the targets, and an SVG plot."""

import fnmatch
import html

# Pattern of figure names, `at most` or `at least`, and the value that was set out to be reached.
TARGETS = (
    ("srtp_*/AES_CM_128_HMAC_SHA1_80/160/over_bare_loop", "≤", 1.25),
    ("srtp_*/AES_CM_128_HMAC_SHA1_80/160/libsrtp2_over_ours", "≥", 50),
    ("srtp_*/AEAD_AES_128_GCM/160/over_bare_call", "≤", 1.35),
    ("relay/srtp_srtp/AES_CM_128_HMAC_SHA1_80/160/burst32/flows1000/over_bare_passes", "≤", 1.5),
    ("relay/srtp_srtp/AES_CM_128_HMAC_SHA1_80/160/burst32/flows1000/packets_per_second", "≥", 4e6),
    ("relay/srtp_srtp/AES_CM_128_HMAC_SHA1_80/160/burst32/flows50000/over_bare_passes", "≤", 2.2),
    ("memory/relay_bytes", "≤", 6 * 1024),
    ("memory/relay_bytes/AEAD_AES_128_GCM", "≤", 12 * 1024),
    ("relay_add/50000/seconds", "≤", 5),
    ("e2e/srtp_srtp/*/rtpengine_over_ours", "≥", 6),
    ("e2e/srtp_srtp/20000/latency_p50_over_rtpengine", "≤", 1.0),
    ("memory/idle_tls_bytes", "≤", 20 * 1024),
    ("memory/call_bytes", "≤", 24 * 1024),
    ("memory/users100000_calls20000_bytes", "≤", 2 * 1024**3),
    ("sip/parse_invite/per_second", "≥", 1e6),
    ("sip/call_setup_added_ms", "≤", 2),
    ("sip/register/over_kamailio_default", "≤", 0.6),
    ("sip/call/over_kamailio_default", "≤", 0.6),
    ("sip/register/over_kamailio_lean", "≤", 1.0),
    ("sip/call/over_kamailio_lean", "≤", 1.0),
    ("sip/register_new_tls/over_floor", "≤", 1.15),
    ("dtls/handshakes/over_bare_openssl", "≥", 0.85),
    ("memory/dtls_leg_bytes", "≤", 24 * 1024),
    ("dtls/keys_ready_added_ms", "≤", 3),
    ("dtls/calls_in_a_second_keyed", "≥", 1000),
    ("dtls/calls_in_a_second/established_loss_packets", "≤", 0),
    ("punt_flood/established_loss_packets", "≤", 0),
    ("punt_flood/memory_growth_bytes", "≤", 1024**2),
)
ROW, LABEL, BAR, MARGIN = 18, 520, 460, 20


def number(value: float) -> str:
    """Three significant digits, with thousands set apart."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"


def target(name: str) -> tuple[str, float] | None:
    """The target of a figure, if one was set."""
    return next(((sign, value) for pattern, sign, value in TARGETS if fnmatch.fnmatchcase(name, pattern)), None)


def reached(median: float, goal: tuple[str, float]) -> bool:
    return median <= goal[1] if goal[0] == "≤" else median >= goal[1]


def markdown(report: dict) -> str:
    """A table of all figures; where a target was set, with the target and whether it is reached."""
    lines = [f"{report['machine']}; {report['compiler']}; revision {report['revision']}.", "",
             "| figure | median | spread | unit | target |", "|---|---:|---:|---|---|"]
    for name, figure in report["figures"].items():
        goal = target(name)
        verdict = f"{goal[0]} {number(goal[1])}: {'reached' if reached(figure['median'], goal) else 'missed'}" if goal else ""
        lines.append(f"| `{name}` | {number(figure['median'])} | {number(figure['spread'])} | {figure['unit']} | {verdict} |")
    return "\n".join(lines) + "\n"


def svg(report: dict) -> str:
    """Bars with their spread, one panel a unit, since units do not compare."""
    parts, top = [], MARGIN + 2 * ROW
    for unit in sorted({figure["unit"] for figure in report["figures"].values()}):
        figures = {name: figure for name, figure in report["figures"].items() if figure["unit"] == unit}
        parts.append(_text(MARGIN, top, unit, "font-weight='bold'"))
        top += 6
        # Panels are long and values far apart: the longest bar is the largest value of the panel.
        largest = max(max(figure["median"] + figure["spread"] / 2 for figure in figures.values()), 1e-12)
        for name, figure in figures.items():
            parts += _bar(top, name, figure, largest)
            top += ROW
        top += 2 * ROW
    title = _text(MARGIN, MARGIN, f"{report['machine']}; {report['compiler']}; {report['revision']}", "")
    width = LABEL + BAR + 8 * MARGIN
    return (f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{top}' font-family='sans-serif' font-size='11'>\n"
            f"<rect width='100%' height='100%' fill='white'/>\n{title}\n" + "\n".join(parts) + "\n</svg>\n")


def _bar(top: int, name: str, figure: dict, largest: float) -> list[str]:
    goal = target(name)
    colour = "#4878a8" if not goal else "#3a8f5c" if reached(figure["median"], goal) else "#c0504d"
    length = BAR * figure["median"] / largest
    half = BAR * figure["spread"] / largest / 2
    middle = top + ROW / 2
    parts = [_text(MARGIN, middle + 4, name, ""),
             f"<rect x='{LABEL}' y='{top + 3}' width='{length:.1f}' height='{ROW - 6}' fill='{colour}'/>",
             f"<line x1='{LABEL + length - half:.1f}' x2='{LABEL + length + half:.1f}' y1='{middle}' y2='{middle}' stroke='black'/>",
             _text(LABEL + length + half + 6, middle + 4, number(figure["median"]), "")]
    if goal and goal[1] <= largest:
        at = LABEL + BAR * goal[1] / largest
        parts.append(f"<line x1='{at:.1f}' x2='{at:.1f}' y1='{top}' y2='{top + ROW}' stroke='black' stroke-dasharray='3,2'/>")
    return parts


def _text(x: float, y: float, text: str, more: str) -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' {more}>{html.escape(text)}</text>"
