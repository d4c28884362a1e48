#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of a thousand calls by DTLS-SRTP that begin within a second, how many get their keys, and what do calls in progress lose meanwhile?

    dtls_calls_bench.py SALLYPORTD SALLYCTL SALLYLOAD --figures FILE [--only PREFIX]

Calls that sallyload makes through the whole daemon over AF_XDP on veth, both legs of each by DTLS-SRTP. Needs root.
"""

import argparse
import sys
import time

from bench_program import run
from dtls_calls import TROUBLES, Load, Stand, check, lost
from demo_network import let_pass

PREFIX = "dtls/calls_in_a_second"
ESTABLISHED, CALLS = 20, 1000
STORM_PPS = 5              # packets a second of each end: of a thousand calls, handshakes are to be the load
SECONDS = 90               # until all have keys, or never will
MEDIA_SECONDS = 3          # that the last one has media


def figure(value: float, unit: str) -> dict:
    return {"median": value, "spread": 0, "unit": unit}


def wait_for_keys(stand: Stand, storm: Load, handshakes: int) -> None:
    """Until so many handshakes have ended well; not for ever, since those that do not are what is counted."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and not storm.ended() and stand.ask("stats")["handshakes"]["dtls_established"] < handshakes:
        let_pass(0.5)


def measure(programs: argparse.Namespace) -> dict[str, dict]:
    with Stand(programs.sallyportd, programs.sallyctl, programs.sallyload, 2 * (ESTABLISHED + CALLS)) as stand:
        calls = Load(stand, "calls", ESTABLISHED, 20, 0, 40000)
        stand.wait_until_flowing(ESTABLISHED, calls)
        before_storm, worked = stand.losses(), stand.processor_ms()
        storm = Load(stand, "storm", CALLS, CALLS, 2 * ESTABLISHED, 44000, "--pps", str(STORM_PPS))
        wait_for_keys(stand, storm, 2 * (ESTABLISHED + CALLS))
        let_pass(MEDIA_SECONDS)
        check("calls are there to be ended", not storm.ended() and not calls.ended(), storm.text(), calls.text())
        lost_where = {name: count - before_storm[name] for name, count in stand.losses().items()}
        worked = {name: ms - worked.get(name, 0) for name, ms in stand.processor_ms().items()}
        seen, before = storm.end(), calls.end()
        handshakes = stand.ask("stats")["handshakes"]
    keyed = seen["latency_ms"].get("keyed", {"count": 0, "p50": 0, "max": 0})
    print(f"begun within {seen['begun_within_s']:.2f} s; keyed {keyed}; flowing {seen['latency_ms'].get('flowing')}")
    print(f"failures {seen['failures']}, {seen.get('first_trouble', 'no trouble')}; their media {seen['media']}")
    print(f"media of the calls before: {before['media']}; meanwhile {lost_where}")
    print(f"processor time: {worked} ms, of the phones {seen['cpu_s']:.1f} s")
    print({name: count for name, count in handshakes.items() if count and name.startswith(("dtls", "keying"))})
    return {PREFIX + "_keyed": figure(keyed["count"], "calls"),
            PREFIX + "/begun_within_s": figure(seen["begun_within_s"], "s"),
            PREFIX + "/keys_ms": {"median": keyed["p50"], "spread": 0, "unit": "ms"},
            PREFIX + "/slowest_keys_ms": figure(keyed["max"], "ms"),
            PREFIX + "/established_loss_packets": figure(lost(before), "packets")}


if __name__ == "__main__":
    sys.exit(run(__doc__, ("sallyportd", "sallyctl", "sallyload"), measure, TROUBLES, PREFIX))
