# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration of the media plane alone: GStreamer and ffmpeg, whose calls sallyctl sets up relay by relay."""

import json
import pathlib
import subprocess

import demo_audio
import demo_endpoints
import demo_wire
from demo_claims import Claims
from demo_daemon import MEDIA_CONFIGURATION, Daemon
from demo_endpoints import Endpoint
from demo_network import Stage, wait_for

TOOLS = pathlib.Path(__file__).resolve().parent
CALL_SECONDS = 8
FORGED = 50


class MediaDemonstration:
    """Two calls through one daemon: GStreamer with GStreamer both ways, ffmpeg to ffmpeg one way."""

    def __init__(self, stage: Stage, claims: Claims) -> None:
        self.stage, self.claims = stage, claims
        self.access = Endpoint.make("access", "10.91.1.2", 40000, "AES_CM_128_HMAC_SHA1_80", 440, 0x11111111)
        self.core = Endpoint.make("core", "10.91.2.2", 40000, "AEAD_AES_256_GCM", 1000, 0x22222222)
        self.teller = Endpoint.make("access", "10.91.1.2", 0, "AES_CM_128_HMAC_SHA1_32", 700, 0x33333333)
        self.hearer = Endpoint.make("core", "10.91.2.2", 40010, "AES_CM_128_HMAC_SHA1_80", 0, 0x44444444)
        self.captures: list[subprocess.Popen] = []
        self.endpoints: list[subprocess.Popen] = []

    def recording(self, name: str) -> pathlib.Path:
        return self.stage.folder / f"{name}.wav"

    def start(self, program: pathlib.Path, control: pathlib.Path) -> None:
        self.stage.build_network()
        self.daemon = Daemon(self.stage, program, control, MEDIA_CONFIGURATION)
        self.daemon.wait_until_ready()
        drivers = {port["port"]: port["driver"] for port in self.daemon.ask("port", "list")["ports"]}
        self.claims.claim("sallyportd runs on two veth ports by AF_XDP",
                          drivers == {"access": "net_af_xdp", "core": "net_af_xdp"}, str(drivers))

    def add_relays(self) -> None:
        self.call = self.daemon.add_relay("two-way", self.access, self.core)
        self.announcement = self.daemon.add_relay("one-way", self.teller, self.hearer)
        secrets = [demo_endpoints.text(key) for end in (self.access, self.core, self.teller, self.hearer)
                   for key in (end.send_key, end.receive_key)]
        told = self.daemon.log() + json.dumps([self.call, self.announcement, self.show(self.call)])
        self.claims.claim("two relays were added by sallyctl, each leg with its own suite",
                          self.access.suite != self.core.suite and self.teller.suite != self.hearer.suite,
                          f"{self.access.suite} ↔ {self.core.suite}; {self.teller.suite} → {self.hearer.suite}")
        self.claims.claim("no key appears in any answer or log line", not any(secret in told for secret in secrets))

    def local(self, relay: dict, leg: str) -> str:
        """Sallyport's own address and port of a leg."""
        return f"{relay[leg]['address']}:{relay[leg]['rtp']}"

    def show(self, relay: dict) -> dict:
        return self.daemon.ask("relay", "show", str(relay["relay"]))

    def refused(self) -> dict[str, int]:
        """What the access leg of the two-way call refused, by reason."""
        received = self.show(self.call)["a"]["received"]
        return {reason: received[reason] for reason in ("forged", "replayed", "too_old")}

    def start_endpoints(self) -> None:
        for side in ("access", "core"):
            command = ["tcpdump", "-i", "media0", "-U", "-Z", "root", "-w", str(self.stage.folder / f"{side}.pcap"), "udp"]
            self.captures.append(self.stage.start(side, command, f"tcpdump-{side}.log"))
        wait_for(lambda: all((self.stage.folder / f"{side}.pcap").exists() for side in ("access", "core")), 5)
        receiver = demo_endpoints.ffmpeg_receiver(self.hearer, self.stage.folder, self.recording("ffmpeg"))
        self.endpoints.append(self.stage.start("core", receiver, "ffmpeg-core.log"))
        for end, peer, leg in ((self.access, self.core, "a"), (self.core, self.access, "b")):
            command = demo_endpoints.gstreamer(end, peer.ssrc, self.local(self.call, leg), self.recording(end.side))
            self.endpoints.append(self.stage.start(end.side, command, f"gstreamer-{end.side}.log"))
        sender = demo_endpoints.ffmpeg_sender(self.teller, self.local(self.announcement, "a"), 3600)
        self.endpoints.append(self.stage.start("access", sender, "ffmpeg-access.log"))
        print(f"two calls under way for {CALL_SECONDS} s …", flush=True)

    def heard_seconds(self, name: str) -> float:
        return demo_audio.read_wav(self.recording(name)).seconds

    def let_them_talk(self) -> None:
        """Until every listener has recorded the call's seconds; a listener that hears nothing does not hold it up for long."""
        names = ("access", "core", "ffmpeg")
        wait_for(lambda: all(self.heard_seconds(name) >= CALL_SECONDS for name in names), CALL_SECONDS + 10)

    def forge(self) -> None:
        """In the middle of the call, an attacker who knows everything but the key."""
        wait_for(lambda: self.heard_seconds("core") >= CALL_SECONDS / 2, CALL_SECONDS + 5)
        before = sum(self.refused().values())
        command = ["python3", str(TOOLS / "demo_forge.py"), self.access.remote, self.local(self.call, "a"),
                   str(self.access.ssrc), str(FORGED)]
        result = self.stage.run("access", command)
        wait_for(lambda: sum(self.refused().values()) - before >= FORGED, 3)
        refused = self.refused()
        self.claims.claim(f"{FORGED} forged packets with the call's addresses and SSRC were refused and counted",
                          result.returncode == 0 and sum(refused.values()) - before == FORGED and refused["forged"] > 0, str(refused))

    def show_table(self) -> None:
        table = self.daemon.control("top", "--once")
        print("\n" + table.rstrip() + "\n", flush=True)
        shown = self.show(self.call)
        counts = {leg: (shown[leg]["received"]["rtp_packets"], shown[leg]["received"]["lost"]) for leg in ("a", "b")}
        told = self.show(self.announcement)["a"]["received"]
        self.claims.claim("ffmpeg, whose port nobody knew, was latched, and its RTCP was relayed too",
                          told["latches"] >= 1 and told["rtcp_forwarded"] >= 1, f"{told['rtcp_forwarded']} RTCP packets")
        least = CALL_SECONDS * 50 - 5
        self.claims.claim("both legs count the packets of the call, and none is lost",
                          all(packets >= least and lost == 0 for packets, lost in counts.values()), str(counts))

    def check_audio(self) -> None:
        for name, wanted, unwanted, who in (("core", 440, 1000, "the core endpoint"), ("access", 1000, 440, "the access endpoint"),
                                            ("ffmpeg", 700, 440, "the ffmpeg listener")):
            heard = demo_audio.listen(demo_audio.read_wav(self.recording(name)), wanted, unwanted)
            numbers = f"{heard.seconds:.1f} s, {heard.share:.1%} of the blocks, longest gap {heard.longest_gap_ms} ms"
            self.claims.claim(f"{who} heard {wanted} Hz for at least {CALL_SECONDS - 1} s without a gap above 40 ms",
                              heard.seconds >= CALL_SECONDS - 1 and heard.longest_gap_ms <= 40, numbers)
            self.claims.claim(f"{who} heard nothing of {unwanted} Hz", heard.seconds > 0 and heard.unwanted < 0.02,
                              f"at most {heard.unwanted:.2%} of a block's energy")

    def check_wire(self) -> None:
        for capture in self.captures:
            self.stage.stop(capture)
        access, core = (demo_wire.read_pcap(self.stage.folder / f"{side}.pcap") for side in ("access", "core"))
        for end, here, there in ((self.access, access, core), (self.core, core, access)):
            both = [(a, b) for a, b in demo_wire.pairs(here, there, end.ssrc) if a.timestamp == b.timestamp]
            differ = sum(a.payload[:160] != b.payload[:160] for a, b in both)
            self.claims.claim(f"the {end.side} endpoint's packets have another ciphertext behind the relay",
                              len(both) >= 50 and differ == len(both), f"{differ} of {len(both)} pairs differ")
            audible = max(demo_wire.audible_share(packets, end.tone) for pair in (both,) for packets in zip(*pair))
            self.claims.claim(f"its {end.tone} Hz cannot be heard on either wire", bool(both) and audible < 0.5, f"{audible:.0%}")
            loss = demo_wire.longest_loss([b for _, b in both])
            self.claims.claim(f"no two of the {end.side} endpoint's packets in a row are missing behind the relay", bool(both) and loss < 2, f"{loss} missing")

    def run(self, program: pathlib.Path, control: pathlib.Path) -> None:
        self.start(program, control)
        self.add_relays()
        self.start_endpoints()
        self.forge()
        self.let_them_talk()
        self.show_table()
        self.check_audio()
        self.check_wire()

    def hints(self) -> list[str]:
        """What to do with it while it is kept."""
        return [" ".join(self.daemon.command_line("top"))]

    def end(self) -> None:
        """Silence, then the books, then the daemon's end."""
        for endpoint in self.endpoints:
            self.stage.stop(endpoint)
        stats = self.daemon.ask("stats")
        counted = sum(stats["verdicts"].values())
        self.claims.claim("every packet was counted under exactly one verdict", counted == stats["received"] > 0,
                          f"{stats['received']} received, " +
                          ", ".join(f"{count} {name}" for name, count in stats["verdicts"].items() if count))
        status = self.stage.stop(self.daemon.process)
        self.claims.claim("sallyportd ended cleanly when asked", status == 0, f"status {status}")
