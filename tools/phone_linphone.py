# SPDX-License-Identifier: GPL-3.0-or-later
"""linphonec without a sound card: it plays a file, records what it hears, and takes orders from a pipe."""

import os
import pathlib
import re

from demo_network import wait_for
from phone import Message, Orders, Phone

CONFIGURATION = """\
[sip]
sip_port={port}
sip_tcp_port={port}
sip_tls_port={tls_port}
media_encryption={media}
media_encryption_mandatory={mandatory}
{suites}
root_ca={ca}
verify_server_certs=1
verify_server_cn=1
use_ipv6=0
default_proxy=0
guess_hostname=1
keepalive_period=30000

[rtp]
audio_rtp_port={rtp}
audio_jitt_comp=60
audio_adaptive_jitt_comp_enabled=0
nortp_timeout=30

[sound]
echocancellation=0
remote_ring=
local_ring=

[audio_codec_0]
mime=opus
rate=48000
channels=2
enabled=0

[audio_codec_1]
mime=speex
rate=16000
channels=1
enabled=0

[audio_codec_2]
mime=speex
rate=8000
channels=1
enabled=0

[audio_codec_3]
mime=PCMU
rate=8000
channels=1
enabled=1

[misc]
config-uri=

{codecs}
[net]
mtu=1300
firewall_policy=0

[proxy_0]
reg_proxy=<{border}>
reg_route=<{border}>
reg_identity=<{uri}>
reg_sendregister=1
reg_expires=600
publish=0
dial_escape_plus=0

[auth_info_0]
username={user}
passwd={password}
realm={domain}
domain={domain}
"""
# Of those that it would rather speak: it leaves the header of a recording empty until its end, and only G.711 has the rate that is then assumed.
UNWANTED = (("opus", 48000), ("speex", 16000), ("speex", 8000), ("speex", 32000))
CODEC = "[audio_codec_{number}]\nmime={mime}\nrate={rate}\nenabled={enabled}\n"
# What it logs of a message, up to its next line of log.
MESSAGE = re.compile(r"(received|message sent) [^\n]*bytes[^\n]*\n((?:(?!\d{4}-\d\d-\d\d \d\d:)[^\n]*\n)+)")


class Linphone(Phone):
    """Knows SHA-256 and MD5 and four suites, and verifies the TLS server."""

    make = "linphonec"
    orders = Orders(dial="call", hold="pause", hang_up="terminate")

    def start(self) -> None:
        account = self.account
        # Without this folder it has no database, and without that silently no SIP.
        (self.folder / ".local" / "share" / "linphone").mkdir(parents=True)
        configuration = self.folder / "linphonerc"
        configuration.write_text(CONFIGURATION.format(
            port=account.port, tls_port=account.port + 1, media=account.media, mandatory=int(account.media != "none"),
            codecs="\n".join(CODEC.format(number=number, mime=mime, rate=rate, enabled=int(mime == "PCMU"))
                             for number, (mime, rate) in enumerate((*UNWANTED, ("PCMU", 8000)))),
            suites=f"srtp_crypto_suites={account.suite}" if account.suite else "", ca=self.ca, rtp=7078 + account.port % 1000 * 10,
            border=f"sip:{account.domain}:{self.border_port};transport=tls", uri=account.uri, user=account.user,
            password=account.password, domain=account.domain))
        os.mkfifo(self._order_pipe)
        answer = ["-a"] if account.auto_answer else []
        command = ["env", f"HOME={self.folder}", "linphonec", "-c", str(configuration), "-d", "6", "-l", str(self.log), *answer]
        self.process = self.stage.start(account.side, command, f"{account.folder_name}/console", self._order_pipe)
        self._type("soundcard use files", f"record {self._recording}", f"play {self.tone_file}")

    def registered(self) -> bool:
        return self._reached("to [LinphoneRegistrationOk]") > 0

    def refused(self) -> bool:
        return self._reached("to [LinphoneRegistrationFailed]") > 0

    def ringing(self) -> bool:
        return self._reached("LinphoneCallIncomingReceived to ") < self._reached("to LinphoneCallIncomingReceived")

    def resume(self) -> None:
        # Until the far end has agreed to be held there is nothing that could go on.
        wait_for(lambda: self._state() == "LinphoneCallPaused", 5)
        super().resume()

    def is_held(self) -> bool:
        return self._state() == "LinphoneCallPausedByRemote"

    def _state(self) -> str:
        """Of its last call; empty before the first."""
        states = re.findall(r"moving from state \w+ to (LinphoneCall\w+)", self.told())
        return states[-1] if states else ""

    def sas(self) -> str:
        """The last short authentication string that it showed."""
        return self._sas()[0]

    def sas_was_verified(self) -> bool:
        """Whether that string belongs to keys whose peer was verified in an earlier call."""
        return self._sas()[1] == "verified"

    def _sas(self) -> tuple[str, str]:
        shown = re.findall(r"Authentication token is (\w[\w:]*)\((\w+)\)", self.told())
        return shown[-1] if shown else ("", "")

    def verify_sas(self) -> None:
        """Its user says that the string was compared, and is the same."""
        self._type("zrtp-set-verified")

    def hint(self) -> str:
        return f"echo 'call sip:alice@{self.account.domain}' > {self._order_pipe}; tail {self.folder / 'console'}"

    def calls_made(self) -> int:
        return self._reached("to LinphoneCallConnected")

    def calls_ended(self) -> int:
        return self._reached("to LinphoneCallEnd") + self._reached("to LinphoneCallError")

    def messages(self) -> list[Message]:
        return [Message(match.group(1) == "received", match.group(2)) for match in MESSAGE.finditer(self.told())]

    def recordings(self) -> list[pathlib.Path]:
        return [self._recording] if self._recording.exists() else []

    @property
    def _order_pipe(self) -> pathlib.Path:
        return self.folder / "orders"

    @property
    def _recording(self) -> pathlib.Path:
        return self.folder / "heard.wav"

    def _order(self, name: str, uri: str = "") -> None:
        self._type(f"{name} {uri}".rstrip())

    def _type(self, *lines: str) -> None:
        with open(self._order_pipe, "r+b", buffering=0) as pipe:
            pipe.write("".join(f"{line}\n" for line in lines).encode())

    def _reached(self, state: str) -> int:
        """How often a call or the registration came into a state."""
        return self.told().count(f" {state}")
