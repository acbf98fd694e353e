"""TLS towards nodes: which authorities are trusted, and verifying each node's name.

Verification cannot be turned off: a node that is not trusted gets neither keys nor objects.
"""

import select
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import Any

from objects.store.errors import ConnectFailed

#: RFC 7301; HTTP/2 is not spoken.
_PROTOCOLS = ["http/1.1"]
#: OpenSSL's names of what it makes of an answer that is no TLS.
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})


class Trust:
    """Authorities whose certificates are believed.

    :param path: of a PEM file with theirs; None for the system's.
    """

    def __init__(self, path: str | None = None) -> None:
        self._path = path

    @cached_property
    def context(self) -> ssl.SSLContext:
        """For connections to nodes. Made when needed: the system has many authorities.

        :raises OSError: when the file cannot be read, or has no certificate in it.
        """
        context = ssl.create_default_context(cafile=self._path)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(_PROTOCOLS)
        context.options |= ssl.OP_NO_RENEGOTIATION
        # As towards clients: HTTP says by itself whether an answer is whole.
        context.options |= getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        return context

    def complaint(self) -> str | None:
        """What speaks against the file, to go on after its path; None for nothing."""
        try:
            self.context  # noqa: B018  (it is made, or cannot be)
        except ssl.SSLError:
            return "holds none that can be read"
        except OSError as error:
            return f"cannot be read: {error.strerror}"
        return None


#: The system's authorities.
SYSTEM = Trust()


def secured(sock: Any, trust: Trust, name: str, seconds: float) -> ssl.SSLSocket:
    """The same connection with TLS, to a node whose certificate is trusted and has this name.

    :param sock: is taken over, or closed.
    :param name: a host name or an IP address (RFC 9525).
    :param seconds: for all of the handshake.
    :raises ConnectFailed: when there is no TLS with it, or not in time.
    """
    try:
        # `wrap_socket` would leave the socket open.
        name.encode("idna")
        sock = trust.context.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
        # A timeout of the socket's would begin anew with each piece that comes.
        sock.settimeout(0)
        _shake_hands(sock, time.monotonic() + seconds)
    except BaseException as error:  # whatever ends the handshake, the socket must not stay open
        sock.close()
        text = _reason(error, name)
        if text is None:
            raise
        raise ConnectFailed(text) from error
    made: ssl.SSLSocket = sock
    return made


def _shake_hands(sock: ssl.SSLSocket, deadline: float) -> None:
    """
    :param deadline: on the monotonic clock.
    :raises TimeoutError: when it has passed.
    """
    poll = select.poll()
    while True:
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            poll.register(sock, select.POLLIN)
        except ssl.SSLWantWriteError:
            poll.register(sock, select.POLLOUT)
        else:
            return
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise TimeoutError


def _reason(error: BaseException, name: str) -> str | None:
    """Why there is no connection; None for what has nothing to do with the node."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message.rstrip('.')}"
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return "it hung up during the TLS handshake"
        case ssl.SSLError(reason=str(reason)) if reason in _NO_TLS:
            return "it does not speak TLS"
        case ssl.SSLError():
            return f"no TLS with it: {(error.reason or str(error)).replace('_', ' ').lower()}"
        case TimeoutError():
            return "the TLS handshake took too long"
        case OSError():
            return error.strerror or str(error)
        case ValueError():
            return f"no certificate can have the name {name!r}"
        case _:
            return None


def receive_by(
    sock: Any, size: int, deadline: float, patience: float, wait: Callable[[Any], object]
) -> bytes:
    """``recv`` that a record which comes in small pieces does not hold up.

    gevent's begins its timeout anew with each of them.

    :param deadline: on the monotonic clock.
    :param patience: seconds for which nothing need come.
    :param wait: see `objects.store.transport.Pool`.
    :raises TimeoutError: when nothing can be decrypted in time.
    """
    while True:
        if not sock.pending():
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            sock.settimeout(min(left, patience))
            wait(sock)
        sock.settimeout(0)
        with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            data: bytes = sock.recv(size)
            return data


def hang_up(sock: Any) -> None:
    """End a connection, and with TLS say so (RFC 9112 section 9.8), without waiting."""
    if isinstance(sock, ssl.SSLSocket):
        with suppress(OSError, ValueError):
            sock.settimeout(0)
            sock.unwrap()
    sock.close()
