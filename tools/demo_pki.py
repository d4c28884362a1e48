# SPDX-License-Identifier: GPL-3.0-or-later
"""A private certificate authority and certificates under it, made with openssl(1)."""

import base64
import hashlib
import pathlib
import subprocess

EXTENSIONS = """\
subjectAltName={names}
extendedKeyUsage=serverAuth,clientAuth
keyUsage=critical,digitalSignature
basicConstraints=critical,CA:FALSE
"""


class Authority:
    """`ca.pem` and, for each name, `NAME.pem` with `NAME.key`, in one folder. Keys are on P-256 and last for a month."""

    def __init__(self, folder: pathlib.Path, subject: str = "Sallyport demonstration CA") -> None:
        folder.mkdir(mode=0o755)
        self._folder = folder
        self._key(folder / "ca.key")
        _openssl("req", "-x509", "-new", "-key", folder / "ca.key", "-sha256", "-days", "60", "-subj", f"/CN={subject}",
                 "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", self.certificate)

    @property
    def certificate(self) -> pathlib.Path:
        return self._folder / "ca.pem"

    def issue(self, name: str, *addresses: str) -> None:
        """A certificate for a domain, as a DNS name and as a SIP URI (RFC 5922), and for IP addresses."""
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        names = [f"DNS:{name}", f"URI:sip:{name}", *(f"IP:{address}" for address in addresses)]
        extensions.write_text(EXTENSIONS.format(names=",".join(names)))
        self._key(self._folder / f"{name}.key")
        _openssl("req", "-new", "-key", self._folder / f"{name}.key", "-subj", f"/CN={name}", "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._folder / "ca.key", "-CAcreateserial",
                 "-days", "60", "-sha256", "-extfile", extensions, "-out", self._folder / f"{name}.pem")
        for left in (request, extensions):
            left.unlink()

    def key_hash(self, name: str) -> str:
        """What browsers know a public key by: the SHA-256 of its SubjectPublicKeyInfo, in base64."""
        key = _openssl("pkey", "-in", self._folder / f"{name}.key", "-pubout", "-outform", "DER")
        return base64.b64encode(hashlib.sha256(key).digest()).decode()

    def _key(self, path: pathlib.Path) -> None:
        _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
        path.chmod(0o600)


def _openssl(*arguments: str | pathlib.Path) -> bytes:
    result = subprocess.run(["openssl", *map(str, arguments)], capture_output=True)
    if result.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {result.stderr.decode(errors='replace').strip()}")
    return result.stdout
