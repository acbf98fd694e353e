"""TLS towards clients: the certificate, its key, and the authorities of client certificates.

The master reads the files before it forks, so that a worker that starts later, when they may be
broken, has what was good. On SIGHUP it reads them again, and tells the workers by a number in
memory that they share; each then reads them, too. Connections keep the context that they began
with: no transfer notices.
"""

import hashlib
import mmap
import ssl
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

from objgw_site.env import Environment
from objgw_site.server.machine import this_machine
from objgw_site.server.variables import TlsFiles, read_variables

#: RFC 7301; HTTP/2 is not spoken.
_PROTOCOLS = ["http/1.1"]


class TlsError(Exception):
    """The files cannot be used; the text names the variable and says what would be right."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What the server shows to those who connect.

    :ivar fingerprint: SHA-256 of the certificate, as ``openssl x509 -fingerprint`` prints it.
    """

    context: ssl.SSLContext
    fingerprint: str


class _EncryptedKey(Exception):
    pass


class Certificates:
    """The credential of one process, and the number that says when to read it again.

    To be made by the master, before it forks.

    :raises TlsError: when the files cannot be used.
    """

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self.credential = load(files)
        self._shared = memoryview(mmap.mmap(-1, 8)).cast("Q")
        self._known = 0

    def renew(self) -> None:
        """Read the files again, and let the workers do so.

        :raises TlsError: when they cannot be used; all stays as it is.
        """
        self.credential = load(self._files)
        self._known += 1
        self._shared[0] = self._known

    def follow(self) -> bool:
        """Read the files again if the master has done so since. Whether there is another one.

        :raises TlsError: when they cannot be used any more; what was good stays.
        """
        told = self._shared[0]
        if told == self._known:
            return False
        self._known = told
        self.credential = load(self._files)
        return True


def load(files: TlsFiles) -> Credential:
    """
    :raises TlsError: when the files cannot be used.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(_PROTOCOLS)
    # A client could ask for new keys again and again, and each time cost as much as a handshake.
    context.options |= ssl.OP_NO_RENEGOTIATION
    # The end of what a client sends, with or without an alert, does not end what is sent to it.
    # HTTP says by itself whether a message is whole (RFC 9112 section 9.8).
    context.options |= getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    # Else the certificate's faults would look like the key's.
    fingerprint = _fingerprint(files.certificate)
    _load_chain(context, files)
    if files.client_ca is not None:
        _require_clients_certificates(context, files.client_ca)
    return Credential(context, fingerprint)


def _fingerprint(path: str) -> str:
    wanted = (
        "OBJGW_TLS_CERT must be the path of a PEM file with the server's certificate, and behind "
        f"it those of the intermediate authorities; {path}"
    )
    try:
        # Around the certificates may be anything.
        text = Path(path).read_text("ascii", "ignore")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise TlsError(f"{wanted} holds none that can be read.") from error
    except OSError as error:
        raise TlsError(f"{wanted} cannot be read: {error.strerror}.") from error
    begin, end = text.find(ssl.PEM_HEADER), text.find(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)
    der = ssl.PEM_cert_to_DER_cert(text[begin:end])
    return hashlib.sha256(der).digest().hex(":").upper()


def _load_chain(context: ssl.SSLContext, files: TlsFiles) -> None:
    wanted = (
        "OBJGW_TLS_KEY must be the path of a PEM file with the private key of the certificate in "
        f"OBJGW_TLS_CERT; {files.key}"
    )
    try:
        context.load_cert_chain(files.certificate, files.key, _no_passphrase)
    except _EncryptedKey:
        raise TlsError(
            f"{wanted} is encrypted. `openssl pkey -in {files.key} -out FILE` writes the key "
            "without its passphrase."
        ) from None
    except ssl.SSLError as error:
        raise TlsError(f"{wanted} {_KEY_FAULTS.get(error.reason) or _unusable(error)}.") from error
    except OSError as error:
        raise TlsError(f"{wanted} cannot be read: {error.strerror}.") from error


_ANOTHER = "holds the key of another one"
#: OpenSSL's names of what is wrong with a key.
_KEY_FAULTS = {
    "KEY_VALUES_MISMATCH": _ANOTHER,
    "KEY_TYPE_MISMATCH": _ANOTHER,
    "NO_CERTIFICATE_ASSIGNED": _ANOTHER,
    "EE_KEY_TOO_SMALL": "holds one that is too short to be safe",
    None: "holds none that can be read",
}


def _require_clients_certificates(context: ssl.SSLContext, path: str) -> None:
    wanted = (
        "OBJGW_TLS_CLIENT_CA must be the path of a PEM file with the certificates of the "
        f"authorities that sign the clients'; {path}"
    )
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        raise TlsError(f"{wanted} holds none that can be read.") from error
    except OSError as error:
        raise TlsError(f"{wanted} cannot be read: {error.strerror}.") from error


def _no_passphrase() -> NoReturn:
    """Called for an encrypted key; without it OpenSSL would ask the terminal."""
    raise _EncryptedKey


def _unusable(error: ssl.SSLError) -> str:
    return f"cannot be used: {error.reason.replace('_', ' ').lower()}"


@lru_cache(maxsize=1)
def get_certificates() -> Certificates | None:
    """Those that the environment names, None for none. To be called first by the master.

    :raises TlsError: when the files cannot be used.
    """
    files = read_variables(Environment(), this_machine()).tls
    return None if files is None else Certificates(files)
