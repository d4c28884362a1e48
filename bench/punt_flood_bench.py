#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a flood of forged ClientHellos and STUN checks cost calls in progress any packet, or the daemon memory?

    punt_flood_bench.py SALLYPORTD SALLYCTL SALLYLOAD PUNT_FLOOD --figures FILE [--only PREFIX]

Calls by DTLS-SRTP through the whole daemon over AF_XDP on veth, while 100 000 packets a second from many ports of several addresses come to
their media ports and to others. Needs root.
"""

import argparse
import json
import pathlib
import statistics
import sys

from bench_program import run
from dtls_calls import PATIENCE_SECONDS, TROUBLES, Load, Stand, check, lost
from demo_network import ip, let_pass

PREFIX = "punt_flood/"
CALLS_EACH_WAY, ROUNDS, SECONDS, WARM_SECONDS = 20, 3, 10, 3  # ways: without ICE, and with it
RATE = 105_000       # a second, so that 100 000 are sent even if a stall, which is not made up for, keeps some back
ADDRESSES = 8        # of the flood, beside the phones'
OTHER_PORTS = 80     # of the range, that no call uses
MEDIA_PORTS = range(30000, 40000, 2)
SAMPLES = 4          # of a worker's load, a second each


def sources(stand: Stand) -> list[str]:
    """More addresses for the access side's host."""
    made = [f"{stand.stage.endpoint('access').rpartition('.')[0]}.{number}" for number in range(10, 10 + ADDRESSES)]
    for address in made:
        ip("-n", stand.stage.namespace("access"), "address", "add", f"{address}/24", "dev", "media0")
    return made


def write_targets(stand: Stand) -> pathlib.Path:
    used = [relay[leg]["local"] for relay in stand.relays() for leg in "ab"]
    taken, host = {int(local.rpartition(":")[2]) for local in used}, stand.stage.address("access")
    others = [f"{host}:{port}" for port in MEDIA_PORTS if port not in taken]
    path = stand.stage.folder / "targets"
    path.write_text("\n".join(used + others[::len(others) // OTHER_PORTS][:OTHER_PORTS]) + "\n")
    return path


def work_ns(stand: Stand) -> float:
    """Of the worker for each packet over some seconds, whatever became of it."""
    busy = packets = 0.0
    for _ in range(SAMPLES):
        let_pass(1)
        worker = stand.ask("worker", "list")["workers"][0]
        busy, packets = busy + worker["load"] * 1e9, packets + worker["packets_per_second"]
    return busy / max(packets, 1)


class Flood:
    """One after the other, through the same ports."""

    def __init__(self, stand: Stand, program: str) -> None:
        self._stand, self._program = stand, str(pathlib.Path(program).resolve())
        self._targets, self._sources = write_targets(stand), sources(stand)

    def run(self, seconds: int) -> dict:
        """What the flood says of itself, and what the worker worked for each packet meanwhile."""
        stage, name = self._stand.stage, "flood"
        command = [self._program, str(RATE), str(seconds), str(self._targets), *self._sources]
        before = self._stand.losses()
        child = self._stand.start_beside_worker(command, name)
        let_pass(1)
        spent = work_ns(self._stand) if seconds > SAMPLES + 2 else 0
        check("the flood ends", child.wait(PATIENCE_SECONDS) == 0, (stage.folder / name).read_text())
        said = json.loads((stage.folder / name).read_text())
        let_pass(0.2)  # for what is under way
        lost_where = {name: count - before[name] for name, count in self._stand.losses().items()}
        print({"rate": round(said["sent"] / said["seconds"]), "ns": round(spent), **lost_where}, flush=True)
        return said | {"rate": said["sent"] / said["seconds"], "ns": spent, **lost_where}


def counted(stand: Stand) -> dict[str, int]:
    """What is dropped and what is handed on, and by which limit."""
    stats = stand.ask("stats")
    return {name: count for name, count in stats["verdicts"].items() if count} | {
        name: count for name, count in stats["handshakes"].items() if isinstance(count, int) and count}


def figure(samples: list[float], unit: str) -> dict:
    quartiles = statistics.quantiles(samples, n=4) if len(samples) > 1 else [0, 0, 0]
    return {"median": statistics.median(samples), "spread": quartiles[2] - quartiles[0], "unit": unit}


def measure(programs: argparse.Namespace) -> dict[str, dict]:
    with Stand(programs.sallyportd, programs.sallyctl, programs.sallyload, 4 * CALLS_EACH_WAY) as stand:
        loads = [Load(stand, "plain", CALLS_EACH_WAY, 20, 0, 40000), Load(stand, "ice", CALLS_EACH_WAY, 20, 2 * CALLS_EACH_WAY, 42000, "--ice")]
        stand.wait_until_flowing(2 * CALLS_EACH_WAY, *loads)
        flood = Flood(stand, programs.punt_flood)
        flood.run(WARM_SECONDS)
        before, resident = counted(stand), stand.resident()
        rounds = [flood.run(SECONDS) for _ in range(ROUNDS)]
        growth, after = stand.resident() - resident, counted(stand)
        relayed = stand.losses()["relays"]
        for calls in loads:
            check("the calls have gone on", not calls.ended(), calls.text())
        results = [calls.end() for calls in loads]
    for result in results:
        check("every call was keyed and ended well but for media", not set(result["failures"]) - {"media"}, result)
    seconds = sum(one["seconds"] for one in rounds)
    for name in sorted(after):
        if after[name] != before.get(name, 0):
            print(f"{name}: {(after[name] - before.get(name, 0)) / seconds:.1f} a second")
    print(f"ends: {[result['media'] for result in results]}; lost by relays' count: {relayed}")
    handed = after.get("punt_handshake", 0) - before.get("punt_handshake", 0)
    return {"punt_flood/established_loss_packets": figure([max(sum(map(lost, results)), relayed)], "packets"),
            "punt_flood/memory_growth_bytes": figure([growth], "bytes"),
            "punt_flood/missed_by_rings_packets": figure([sum(one["rings"] for one in rounds)], "packets"),
            "punt_flood/rate": figure([one["rate"] for one in rounds], "1/s"),
            "punt_flood/handed_on": figure([handed / seconds], "1/s"),
            "punt_flood/worker_ns": figure([one["ns"] for one in rounds], "ns")}


if __name__ == "__main__":
    sys.exit(run(__doc__, ("sallyportd", "sallyctl", "sallyload", "punt_flood"), measure, TROUBLES, PREFIX))
