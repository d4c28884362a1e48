# SPDX-License-Identifier: GPL-3.0-or-later
"""SRTP by libsrtp2 and DTLS-SRTP by OpenSSL: what scripted phones seal, open and shake hands with."""

import base64
import ctypes
import hashlib
import os
import pathlib
import ssl
import subprocess

_srtp = ctypes.CDLL("libsrtp2.so.1")
_ssl = ctypes.CDLL("libssl.so.3")
_crypto = ctypes.CDLL("libcrypto.so.3")

# By SDES name: the profile's number (RFC 5764 §4.1.2, RFC 7714 §14.2), octets of key and of salt.
SUITES = {"AES_CM_128_HMAC_SHA1_80": (1, 16, 14), "AEAD_AES_128_GCM": (7, 16, 12)}
ROOM = 2048
ANY_INBOUND, ANY_OUTBOUND = 2, 3
# Of ssl.h, for ctypes.
CTRL_SET_MTU, CTRL_HANDLE_TIMEOUT, NO_QUERY_MTU, VERIFY_PEER, FILETYPE_PEM = 17, 74, 1 << 12, 1, 1


class _CryptoPolicy(ctypes.Structure):
    _fields_ = [("cipher", ctypes.c_uint32), ("key_length", ctypes.c_int), ("authentication", ctypes.c_uint32),
                ("authentication_length", ctypes.c_int), ("tag_length", ctypes.c_int), ("services", ctypes.c_int)]


class _Policy(ctypes.Structure):
    _fields_ = [("ssrc_type", ctypes.c_int), ("ssrc", ctypes.c_uint), ("rtp", _CryptoPolicy), ("rtcp", _CryptoPolicy),
                ("key", ctypes.c_char_p), ("keys", ctypes.c_void_p), ("key_count", ctypes.c_ulong), ("ekt", ctypes.c_void_p),
                ("window", ctypes.c_ulong), ("repeat", ctypes.c_int), ("headers", ctypes.c_void_p), ("header_count", ctypes.c_int),
                ("next", ctypes.c_void_p)]


if _srtp.srtp_init() != 0:
    raise RuntimeError("libsrtp2 does not begin")


def draw_key(suite: str) -> bytes:
    return os.urandom(sum(SUITES[suite][1:]))


def crypto_line(suite: str, key: bytes) -> str:
    return f"a=crypto:1 {suite} inline:{base64.b64encode(key).decode()}\r\n"


class Stream:
    """One direction under one key. None where libsrtp2 refuses a packet."""

    def __init__(self, suite: str, key: bytes, outbound: bool) -> None:
        policy = _Policy(ssrc_type=ANY_OUTBOUND if outbound else ANY_INBOUND, key=key, window=128)
        for part in (policy.rtp, policy.rtcp):
            if _srtp.srtp_crypto_policy_set_from_profile_for_rtp(ctypes.byref(part), SUITES[suite][0]) != 0:
                raise RuntimeError(f"libsrtp2 does not know {suite}")
        self._session = ctypes.c_void_p()
        if _srtp.srtp_create(ctypes.byref(self._session), ctypes.byref(policy)) != 0:
            raise RuntimeError("libsrtp2 makes no session")
        self._work = _srtp.srtp_protect if outbound else _srtp.srtp_unprotect

    def __call__(self, packet: bytes) -> bytes | None:
        room, length = ctypes.create_string_buffer(packet, ROOM), ctypes.c_int(len(packet))
        if self._work(self._session, room, ctypes.byref(length)) != 0:
            return None
        return room.raw[:length.value]


class Certificate:
    """A key with a self-signed certificate, as DTLS-SRTP wants no other."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self.file, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                        "-days", "2", "-keyout", str(self.key), "-out", str(self.file)], check=True, capture_output=True)
        self.fingerprint = fingerprint(ssl.PEM_cert_to_DER_cert(self.file.read_text()))


def fingerprint(der: bytes) -> str:
    return hashlib.sha256(der).digest().hex(":").upper()


for _name in ("DTLS_method", "SSL_CTX_new", "SSL_new", "SSL_get1_peer_certificate"):
    getattr(_ssl, _name).restype = ctypes.c_void_p
for _name in ("BIO_s_mem", "BIO_new"):
    getattr(_crypto, _name).restype = ctypes.c_void_p
_crypto.BIO_ctrl_pending.restype = ctypes.c_size_t
_believe = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)(lambda _ok, _store: 1)  # by fingerprint, afterwards


class Handshake:
    """One end of DTLS with use_srtp, by datagrams in and out."""

    def __init__(self, certificate: Certificate, active: bool) -> None:
        self._active, pointer = active, ctypes.c_void_p
        context = pointer(_ssl.SSL_CTX_new(pointer(_ssl.DTLS_method())))
        _ssl.SSL_CTX_use_certificate_file(context, str(certificate.file).encode(), FILETYPE_PEM)
        _ssl.SSL_CTX_use_PrivateKey_file(context, str(certificate.key).encode(), FILETYPE_PEM)
        _ssl.SSL_CTX_set_verify(context, VERIFY_PEER, _believe)
        if _ssl.SSL_CTX_set_tlsext_use_srtp(context, b"SRTP_AES128_CM_SHA1_80") != 0:
            raise RuntimeError("OpenSSL does not know SRTP's profiles")
        _ssl.SSL_CTX_set_options(context, ctypes.c_uint64(NO_QUERY_MTU))
        self._ssl = pointer(_ssl.SSL_new(context))
        self._in, self._out = (pointer(_crypto.BIO_new(pointer(_crypto.BIO_s_mem()))) for _ in range(2))
        _ssl.SSL_set_bio(self._ssl, self._in, self._out)
        _ssl.SSL_ctrl(self._ssl, CTRL_SET_MTU, ctypes.c_long(1200), None)
        (_ssl.SSL_set_connect_state if active else _ssl.SSL_set_accept_state)(self._ssl)

    def step(self, datagram: bytes = b"") -> list[bytes]:
        """Takes one datagram, or looks at the clock, and gives what is to be sent."""
        if datagram:
            _crypto.BIO_write(self._in, datagram, len(datagram))
        else:
            _ssl.SSL_ctrl(self._ssl, CTRL_HANDLE_TIMEOUT, ctypes.c_long(0), None)
        _ssl.SSL_do_handshake(self._ssl)
        waiting = _crypto.BIO_ctrl_pending(self._out)
        room = ctypes.create_string_buffer(max(waiting, 1))
        length = _crypto.BIO_read(self._out, room, waiting) if waiting else 0
        octets = room.raw[:length]
        records = []
        while octets:
            length = 13 + int.from_bytes(octets[11:13], "big")
            records.append(octets[:length])
            octets = octets[length:]
        return records

    @property
    def is_done(self) -> bool:
        return _ssl.SSL_is_init_finished(self._ssl) == 1

    def peer_fingerprint(self) -> str:
        certificate = ctypes.c_void_p(_ssl.SSL_get1_peer_certificate(self._ssl))
        room = ctypes.create_string_buffer(max(_crypto.i2d_X509(certificate, None), 1))
        end = ctypes.c_void_p(ctypes.addressof(room))
        length = _crypto.i2d_X509(certificate, ctypes.byref(end))
        return fingerprint(room.raw[:length])

    def streams(self) -> tuple[Stream, Stream]:
        """Out and in (RFC 5764 §4.2)."""
        suite, (_, key, salt) = "AES_CM_128_HMAC_SHA1_80", SUITES["AES_CM_128_HMAC_SHA1_80"]
        room, label = ctypes.create_string_buffer(2 * (key + salt)), b"EXTRACTOR-dtls_srtp"
        if _ssl.SSL_export_keying_material(self._ssl, room, ctypes.c_size_t(len(room)), label, ctypes.c_size_t(len(label)), None,
                                           ctypes.c_size_t(0), 0) != 1:
            raise RuntimeError("OpenSSL exports no keys")
        octets = room.raw
        client = octets[:key] + octets[2 * key:2 * key + salt]
        server = octets[key:2 * key] + octets[2 * key + salt:]
        own, theirs = (client, server) if self._active else (server, client)
        return Stream(suite, own, True), Stream(suite, theirs, False)
