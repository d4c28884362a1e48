# SPDX-License-Identifier: GPL-3.0-or-later
"""A phone in a browser: ScriptedPhone over SIP in WebSockets (RFC 7118), whose client is the one of Debian's python3-websockets."""

import asyncio
import concurrent.futures
import os
import ssl
import threading

import websockets

from border import Border
from phone_call import PASSWORD
from raw_sip import CLOSED, SILENT, RawPeer
from scripted_phone import ScriptedPhone

ORIGIN = "https://phone.example.com"
PORT = 443
SECONDS = 10


class Loop:
    """An event loop on a thread of its own, for tests that wait."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def run(self, coroutine, seconds: float = SECONDS):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(seconds)


LOOP = Loop()


def client_context(border: Border) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(border.authority.certificate))
    context.check_hostname = False
    return context


async def _connect(connected, context: ssl.SSLContext, options: dict):
    return await websockets.connect(f"wss://example.com:{PORT}/sip", sock=connected, ssl=context, server_hostname="example.com",
                                    open_timeout=SECONDS, close_timeout=SECONDS, **options)


def open_socket(border: Border, **changes):
    """A WebSocket, or the exception with which the client ended; `changes` are options of it."""
    options = {"origin": ORIGIN, "subprotocols": ["sip"], "max_size": 2 ** 20, **changes}
    connected = border.stage.connect("access", (border.stage.address("access"), PORT))
    connected.setblocking(False)
    return LOOP.run(_connect(connected, client_context(border), options), 2 * SECONDS)


class WebSocketPeer(RawPeer):
    """Speaks as RawPeer does; its Via and Contact name no place, since a script knows none (RFC 7118 B.1)."""

    def __init__(self, border: Border) -> None:
        self.transport = "wss"
        self.border, self.host = border, f"{os.urandom(6).hex()}.invalid"
        self.socket = open_socket(border)
        self.address, self.port = self.socket.local_address[:2]
        self._number = 0

    def connect_again(self) -> None:
        self.close()
        self.socket = open_socket(self.border)

    def close(self) -> None:
        LOOP.run(self.socket.close())

    def send(self, octets: bytes) -> bool:
        try:
            LOOP.run(self.socket.send(octets.decode()))
        except websockets.ConnectionClosed:
            return False
        return True

    def message(self, seconds: float = 5) -> str:
        async def receive() -> str | bytes:
            return await asyncio.wait_for(self.socket.recv(), seconds)
        try:
            message = LOOP.run(receive(), seconds + SECONDS)
        except (asyncio.TimeoutError, concurrent.futures.TimeoutError):
            return SILENT
        except websockets.ConnectionClosed:
            return CLOSED
        return message if isinstance(message, str) else f"binary: {message!r}"

    def headers(self, method: str, uri: str, **changes: str | None) -> dict[str, str]:
        own = {"Via": f"SIP/2.0/WSS {self.host};branch=z9hG4bK{os.urandom(8).hex()}", "Contact": f"<{self.contact('dave')}>"}
        return super().headers(method, uri, **{**own, **changes})

    def contact(self, user: str) -> str:
        return f"sip:{user}@{self.host};transport=ws"


class WebSocketPhone(ScriptedPhone):
    def __init__(self, border: Border, user: str) -> None:
        super().__init__(WebSocketPeer(border), user, PASSWORD)
        self.contact = f"<{self.peer.contact(user)}>"

