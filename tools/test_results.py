# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts what `meson test` ran, down to the single GoogleTest case or TAP line."""

import dataclasses
import json
import pathlib
import re
import xml.etree.ElementTree as xml


@dataclasses.dataclass
class Tally:
    """Passed cases by number, failed and skipped ones by name and reason."""

    passed: int = 0
    failed: list[str] = dataclasses.field(default_factory=list)
    skipped: list[str] = dataclasses.field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def total(self) -> int:
        return self.passed + len(self.failed) + len(self.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"


def read_gtest(report: str) -> Tally:
    """The cases of a GoogleTest XML report."""
    tally = Tally()
    for case in xml.fromstring(report).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            tally.failed.append(name)
        elif skipped is not None:
            reason = (skipped.get("message") or skipped.text or "no reason given").strip().splitlines()
            tally.skipped.append(f"{name}: {reason[-1].strip()}")
        elif case.get("status") == "run":
            tally.passed += 1
    return tally


def read_tap(output: str) -> Tally:
    """The lines of a program that speaks the Test Anything Protocol."""
    tally = Tally()
    for line in output.splitlines():
        match = re.match(r"(not ok|ok)\b\s*\d*\s*-?\s*([^#]*)(?:#\s*(\w+)\s*(.*))?", line)
        if not match:
            continue
        outcome, name, directive, reason = match.groups()
        if (directive or "").lower() == "skip":
            tally.skipped.append(f"{name.strip()}: {reason or 'no reason given'}")
        elif outcome == "ok":
            tally.passed += 1
        else:
            tally.failed.append(name.strip())
    return tally


def _last_line(record: dict) -> str:
    lines = (record.get("stdout", "") + "\n" + record.get("stderr", "")).strip().splitlines()
    return lines[-1].strip() if lines else "no reason given"


def _cases(record: dict, protocol: str, build: pathlib.Path, name: str) -> Tally:
    if protocol == "gtest":
        report = build / f"{name}.xml"
        cases = read_gtest(report.read_text()) if report.exists() else Tally()
        return cases if cases.total() else Tally(failed=[f"{name}: ran no case"])
    return read_tap(record.get("stdout", "")) if protocol == "tap" else Tally()


def read_meson(build: pathlib.Path, tests: dict[str, dict]) -> Tally:
    """What the last `meson test` in `build` did. `tests` are the selected tests of `meson introspect --tests`, by name.

    A selected test without a record failed, and so did a program that ended badly although all its cases passed.
    """
    records = {}
    log = build / "meson-logs" / "testlog.json"
    for line in log.read_text().splitlines() if log.exists() else []:
        record = json.loads(line)
        records[record["name"].split(" / ")[-1]] = record
    tally = Tally()
    for name, test in tests.items():
        record = records.get(name, {"result": "no record"})
        cases = _cases(record, test["protocol"], build, name)
        result = record["result"]
        if result == "SKIP" and not cases.total():
            cases.skipped.append(f"{name}: {_last_line(record)}")
        elif result not in ("OK", "SKIP", "EXPECTEDFAIL") and not cases.failed:
            cases.failed.append(f"{name} ({result})")
        elif not cases.total():
            cases.passed += 1
        tally.add(cases)
    return tally


def forget(build: pathlib.Path, tests: dict[str, dict]) -> None:
    """Removes the reports of an earlier run, so that a crash cannot pass for the run before it."""
    for name in tests:
        (build / f"{name}.xml").unlink(missing_ok=True)
    (build / "meson-logs" / "testlog.json").unlink(missing_ok=True)
