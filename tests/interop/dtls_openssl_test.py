#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""DTLS-SRTP between our associations and openssl's s_client and s_server: both ends must come to the same keys."""

import pathlib
import socket
import subprocess
import sys
import tempfile
import time

LABEL = "EXTRACTOR-dtls_srtp"
# Profile as openssl names it, suite as we do, octets of key and salt.
PROFILES = (
    ("SRTP_AEAD_AES_256_GCM", "AEAD_AES_256_GCM", 32, 12),
    ("SRTP_AEAD_AES_128_GCM", "AEAD_AES_128_GCM", 16, 12),
    ("SRTP_AES128_CM_SHA1_80", "AES_CM_128_HMAC_SHA1_80", 16, 14),
    ("SRTP_AES128_CM_SHA1_32", "AES_CM_128_HMAC_SHA1_32", 16, 14),
)
PATIENCE_S = 25


class Certificate:
    """A self-signed certificate with its key, as openssl makes it."""

    def __init__(self, folder: pathlib.Path, kind: str) -> None:
        self.certificate, self.key = folder / f"{kind}.crt", folder / f"{kind}.key"
        key = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["rsa:2048"]
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-newkey", *key, "-subj", "/CN=peer", "-days", "2",
                        "-keyout", self.key, "-out", self.certificate], check=True, capture_output=True)
        printed = subprocess.run(["openssl", "x509", "-in", self.certificate, "-noout", "-fingerprint", "-sha256"],
                                 check=True, capture_output=True, text=True).stdout
        self.fingerprint = printed.split("=")[1].strip().replace(":", "")

    def arguments(self) -> list[str]:
        return ["-cert", str(self.certificate), "-key", str(self.key)]


def facts(text: str) -> dict[str, str]:
    """The probe's lines by their first word."""
    return dict(line.split(" ", 1) for line in text.splitlines() if " " in line)


def exported(text: str) -> str:
    """What openssl says that the exporter gave."""
    return next((line.split(":")[1].strip() for line in text.splitlines() if "Keying material:" in line), "")


def split(material: str, key: int, salt: int) -> tuple[str, str]:
    """RFC 5764 §4.2: the client's key and salt, the server's key and salt."""
    digits = [2 * key, 2 * key, 2 * salt, 2 * salt]
    parts = [material[sum(digits[:i]):sum(digits[:i + 1])] for i in range(4)]
    return f"{parts[0]} {parts[2]}", f"{parts[1]} {parts[3]}"


def options(profile: tuple) -> list[str]:
    return ["-dtls1_2", "-use_srtp", profile[0], "-keymatexport", LABEL, "-keymatexportlen", str(2 * (profile[2] + profile[3]))]


def talk_until(process: subprocess.Popen, done: str) -> str:
    """Lets openssl run until it has printed what is waited for; then it is told to quit."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if done in line:
            break
    process.stdin.close()
    process.terminate()
    lines += process.stdout.readlines()
    process.wait(PATIENCE_S)
    return "".join(lines)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def is_bound(port: int) -> bool:
    """Whether some socket has this UDP port."""
    wanted = f":{port:04X} "
    return any(wanted in line for line in pathlib.Path("/proc/net/udp").read_text().splitlines())


def we_are_passive(probe: str, peer: Certificate, fingerprint: str, profile: tuple, more: list[str]) -> tuple[dict, str]:
    ours = subprocess.Popen([probe, "passive", fingerprint], stdout=subprocess.PIPE, text=True)
    port = ours.stdout.readline().split()[1]
    client = subprocess.Popen(["timeout", str(PATIENCE_S), "openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options(profile), *peer.arguments(), *more],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    told, _nothing = ours.communicate(timeout=PATIENCE_S)
    return facts(told), talk_until(client, "Keying material:")


def we_are_active(probe: str, peer: Certificate, fingerprint: str, profile: tuple, more: list[str]) -> tuple[dict, str]:
    port = free_port()
    server = subprocess.Popen(["timeout", str(PATIENCE_S), "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-Verify", "1", *options(profile),
                               *peer.arguments(), *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    end = time.monotonic() + PATIENCE_S
    while not is_bound(port) and time.monotonic() < end:
        pass
    ours = subprocess.run([probe, "active", fingerprint, str(port)], stdout=subprocess.PIPE, text=True, timeout=PATIENCE_S)
    return facts(ours.stdout), talk_until(server, "Keying material:" if "suite" in facts(ours.stdout) else "ERROR")


def agree(probe: str, way, peer: Certificate, profile: tuple, more: list[str]) -> str:
    """What is wrong with a handshake that should succeed; empty: nothing."""
    told, printed = way(probe, peer, peer.fingerprint, profile, more)
    if told.get("outcome") != "dtls_established" or told.get("suite") != profile[1]:
        return f"we say {told}; openssl says {printed[-800:]}"
    client, server = split(exported(printed), profile[2], profile[3])
    expected = {"sends": client, "receives": server} if way is we_are_active else {"sends": server, "receives": client}
    wrong = [name for name, keys in expected.items() if told[name] != keys]
    return f"other keys: {wrong}" if wrong else ""


def refuse(probe: str, way, peer: Certificate, other: Certificate) -> str:
    """The same where the certificate is not the announced one."""
    told, _printed = way(probe, peer, other.fingerprint, PROFILES[0], [])
    return "" if told.get("outcome") == "dtls_wrong_fingerprint" and "sends" not in told else f"we say {told}"


def main() -> int:
    probe = sys.argv[1]
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        ec, rsa = (Certificate(pathlib.Path(name), kind) for kind in ("ec", "rsa"))
        large_hello = ["-mtu", "1000", "-alpn", ",".join("x" * 250 for _ in range(5))]
        cases = [(f"{way.__name__} {profile[1]}", lambda way=way, profile=profile: agree(probe, way, ec, profile, []))
                 for way in (we_are_passive, we_are_active) for profile in PROFILES]
        cases += [("we_are_passive, their key is RSA", lambda: agree(probe, we_are_passive, rsa, PROFILES[0], [])),
                  ("we_are_active, their key is RSA", lambda: agree(probe, we_are_active, rsa, PROFILES[0], [])),
                  ("we_are_passive, their ClientHello has two datagrams", lambda: agree(probe, we_are_passive, ec, PROFILES[1], large_hello)),
                  ("we_are_passive, their flights have many small ones", lambda: agree(probe, we_are_passive, ec, PROFILES[2], ["-mtu", "300"])),
                  ("we_are_passive, another certificate", lambda: refuse(probe, we_are_passive, ec, rsa)),
                  ("we_are_active, another certificate", lambda: refuse(probe, we_are_active, ec, rsa))]
        for what, check in cases:
            problem = check()
            failures += bool(problem)
            print(f"FAIL  {what}: {problem}" if problem else f"ok    {what}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
