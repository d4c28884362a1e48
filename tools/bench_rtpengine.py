# SPDX-License-Identifier: GPL-3.0-or-later
"""`tools/bench --against rtpengine`: the same SRTP calls through Sallyport and through rtpengine in user space, over veth pairs.

Both relay on one core, and the generator has the other. What is compared is the CPU time of all threads of the relay for one packet, and the
time that it adds to what the same packets need when the kernel forwards them.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

from bench_kamailio import Missing, figure
from bench_relays import Generator, Relay, Rtpengine, Sallyport
from demo_daemon import Failed
from demo_network import prefer

RATES = (20000, 50000)
ROUNDS = 5
WARM_SECONDS, WINDOW_SECONDS = 0.5, 2.5
# Packets that wait in a relay are not lost: what comes is awaited until so long nothing has come, but not for ever.
SILENT_SECONDS, DRAIN_SECONDS = 0.1, 5
# For the highest lossless rate: the first rate, the factor between rates, and how often the step between success and loss is halved.
FIRST_RATE, FACTOR, HALVINGS = 50000, 1.5, 4
CALLS, THEIR_CALLS = 4500, 1500
# Of the generator and the relays alike, so that what else the machine does falls on none of them.
NICE = -15
SILENT = "it passes nothing any more"
TRIES = 3  # at a rate: the machine is not ours alone


@dataclasses.dataclass
class Programs:
    """The builds that are measured and that measure."""

    generator: pathlib.Path
    sallyportd: pathlib.Path
    sallyctl: pathlib.Path


@dataclasses.dataclass
class Sample:
    """One rate for a while."""

    cpu_us: float  # for one packet
    core: float  # share of a core that the relay used
    p50_us: float
    p99_us: float
    sent: int
    lost: int
    behind: int  # packets that the generator left out, being late


class Subject:
    """A relay under load."""

    def __init__(self, relay: Relay, generator: pathlib.Path) -> None:
        self.relay, self.name = relay, relay.name
        relay.start(THEIR_CALLS if relay.name == "rtpengine" else CALLS)
        if relay.process:
            prefer(relay.process.pid, NICE)
        self.generator = Generator(generator, relay)
        self.most = 100 * len(relay.calls)
        self.one(5000)  # neighbours are found, addresses learned

    def one(self, rate: int) -> Sample:
        start = self.generator.ask("report")
        self.generator.ask(f"rate {rate}")
        time.sleep(WARM_SECONDS)
        before, cpu, clock = self.generator.ask("report"), self.relay.cpu_ns(), time.monotonic_ns()
        time.sleep(WINDOW_SECONDS)
        after, cpu, clock = self.generator.ask("report"), self.relay.cpu_ns() - cpu, time.monotonic_ns() - clock
        self.generator.ask("rate 0")
        end = self.drain()
        for trouble in ("unopened", "wrong", "not_sent"):
            if end[trouble] != start[trouble]:
                raise Missing(f"{self.name}: {end[trouble] - start[trouble]} packets {trouble} at {rate}/s")
        received = max(after["received"] - before["received"], 1)
        sent = end["sent"] - start["sent"]
        return Sample(cpu / received / 1000, cpu / clock, after["p50_us"], after["p99_us"], sent, sent - (end["received"] - start["received"]),
                      end["skipped"] - start["skipped"])

    def drain(self) -> dict:
        """What is told when all has come."""
        deadline, last, told = time.monotonic() + DRAIN_SECONDS, -1, self.generator.ask("report")
        while told["received"] != last and time.monotonic() < deadline:
            last = told["received"]
            time.sleep(SILENT_SECONDS)
            told = self.generator.ask("report")
        return told

    def lossless(self) -> tuple[int, str]:
        """The highest rate without loss, and what ended the search."""
        good, bad, why = 0, 0, f"{len(self.relay.calls)} calls"
        rate = FIRST_RATE
        while not bad and rate <= self.most:
            ok, reason = self.holds(rate)
            good, bad, why = (rate, 0, why) if ok else (good, rate, reason)
            rate = int(rate * FACTOR)
        for _ in range(HALVINGS if bad else 0):
            if why == SILENT:  # whatever it is asked for now
                break
            rate = (good + bad) // 2
            ok, reason = self.holds(rate)
            good, bad, why = (rate, bad, why) if ok else (good, rate, reason)
        return good, why

    def holds(self, rate: int) -> tuple[bool, str]:
        """Whether nothing is lost; another try counts."""
        for _ in range(TRIES):
            sample = self.one(rate)
            reason = "the generator's limit" if sample.behind else f"loss, at {100 * sample.core:.0f} % of its core"
            print(f"  {self.name}: {rate}/s: lost {sample.lost} of {sample.sent}, p50 {sample.p50_us:.0f} µs, core {100 * sample.core:.0f} %"
                  f"{f', generator left {sample.behind} out' if sample.behind else ''}", file=sys.stderr, flush=True)
            if sample.lost == 0 and not sample.behind:
                return True, ""
            if sample.lost == sample.sent:
                return False, SILENT
        return False, reason

    def stop(self) -> None:
        self.generator.stop()


class Bench:
    """All relays, and what each round gave."""

    def __init__(self, programs: Programs, only: str) -> None:
        self.programs, self.only = programs, only
        self.relays: list[Relay] = []
        self.subjects: list[Subject] = []
        self.samples: dict[tuple[str, int], list[Sample]] = {}
        self.limits: dict[str, tuple[int, str]] = {}

    def start(self) -> None:
        if shutil.which("rtpengine") is None:
            raise Missing("rtpengine: the package rtpengine-daemon is not installed")
        self.relays = [Relay(), Sallyport(self.programs.sallyportd, self.programs.sallyctl), Rtpengine()]
        for relay in self.relays:
            self.subjects.append(Subject(relay, self.programs.generator))

    def stop(self) -> None:
        for subject in self.subjects:
            with contextlib.suppress(OSError):
                subject.stop()
        for relay in self.relays:
            relay.stop()

    def wanted(self, what: str) -> bool:
        name = f"e2e/srtp_srtp/{what}/"
        return name.startswith(self.only) or self.only.startswith(name)

    def measure(self) -> None:
        for turn in range(ROUNDS + 1):
            for rate in RATES:
                if not self.wanted(str(rate)):
                    continue
                for subject in self.subjects:
                    sample = subject.one(rate)
                    print(f"  {rate}/s {subject.name}: {sample.cpu_us:.2f} µs a packet, p50 {sample.p50_us:.1f} µs, p99 {sample.p99_us:.1f} µs, "
                          f"lost {sample.lost} of {sample.sent}", file=sys.stderr, flush=True)
                    if turn > 0:
                        self.samples.setdefault((subject.name, rate), []).append(sample)
        if self.wanted("lossless"):
            self.limits = {subject.name: subject.lossless() for subject in self.subjects if subject.name != "direct"}
            for name, (rate, why) in self.limits.items():
                print(f"  {name}: {rate}/s without loss; above: {why}", file=sys.stderr, flush=True)

    def figures(self) -> dict[str, dict]:
        made = {f"e2e/srtp_srtp/lossless/{name}_per_second": figure([rate], "packets/s") for name, (rate, _) in self.limits.items()}
        for rate in sorted({rate for _, rate in self.samples}):
            made |= conclude(f"e2e/srtp_srtp/{rate}", {name: samples for (name, of), samples in self.samples.items() if of == rate})
        return made


def conclude(prefix: str, samples: dict[str, list[Sample]]) -> dict[str, dict]:
    """Figures of one rate; ratios are of the same round. Added is what a relay takes beyond the kernel's forwarding."""
    floor = statistics.median(sample.p50_us for sample in samples["direct"])
    figures = {f"{prefix}/direct_p50_us": figure([sample.p50_us for sample in samples["direct"]], "us")}
    for name in ("ours", "rtpengine"):
        figures[f"{prefix}/{name}_cpu_us"] = figure([sample.cpu_us for sample in samples[name]], "us")
        for what in ("p50", "p99"):
            figures[f"{prefix}/{name}_added_{what}_us"] = figure([getattr(sample, f"{what}_us") - floor for sample in samples[name]], "us")
        sent, lost = (sum(getattr(sample, what) for sample in samples[name]) for what in ("sent", "lost"))
        figures[f"{prefix}/{name}_loss"] = figure([lost / sent], "share")
    pairs = list(zip(samples["ours"], samples["rtpengine"], strict=True))
    figures[f"{prefix}/rtpengine_over_ours"] = figure([theirs.cpu_us / ours.cpu_us for ours, theirs in pairs], "ratio")
    figures[f"{prefix}/latency_p50_over_rtpengine"] = figure([(ours.p50_us - floor) / (theirs.p50_us - floor) for ours, theirs in pairs], "ratio")
    return figures


def measure(programs: Programs, only: str) -> tuple[dict[str, dict], bool]:
    """The figures, and whether all that was asked for could be measured."""
    bench = Bench(programs, only)
    prefer(os.getpid(), NICE)
    try:
        bench.start()
        bench.measure()
        return bench.figures(), True
    except (Missing, Failed, RuntimeError, OSError, subprocess.SubprocessError) as reason:
        print(f"bench: NOT MEASURED: {reason}", file=sys.stderr)
        return bench.figures(), False
    finally:
        bench.stop()
