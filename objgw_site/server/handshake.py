"""How a client's connection becomes one with TLS.

Until its handshake is over, a connection counts as one without a request (slots.py): it may take as
long as a request's head, and makes room when others need its slot.
"""

import logging
import socket
import ssl
import time
from typing import Any

from objgw_site.server.connection import Connection
from objgw_site.server.errors import InvalidRequest
from objgw_site.server.internals import SSLSocket, say_tls_ends, tls_socket
from objgw_site.server.refusals import LINGER_SECONDS
from objgw_site.server.turns import end_gently

logger = logging.getLogger("objgw.worker")

#: What a TLS connection begins with (RFC 8446 section 5.1): a record of type "handshake".
_HANDSHAKE = 0x16
#: Taken from a client whose handshake failed, so that it can read the alert that says why.
_LINGER_BYTES = 64 * 1024


class TlsSocket(SSLSocket):
    """The server's end of a TLS connection; it says so when it ends (RFC 9112 section 9.8)."""

    def shutdown(self, how: int) -> None:
        if how != socket.SHUT_RD:
            say_tls_ends(self)
        super().shutdown(how)

    def close(self) -> None:
        say_tls_ends(self)
        super().close()


def secure(connection: Connection, context: ssl.SSLContext, addr: Any) -> bool:
    """Do the handshake; ``connection.client`` is the TLS socket then.

    :param addr: of the client, None for a Unix socket.
    :returns: False when there is none, and the connection has ended.
    :raises InvalidRequest: when the client sends something else.
    """
    try:
        with connection:
            first = connection.client.recv(1, socket.MSG_PEEK)
            if first and first[0] != _HANDSHAKE:
                raise InvalidRequest(
                    "This port is for TLS, and the connection began without: use https instead of "
                    "http."
                )
            connection.client = tls_socket(TlsSocket, connection.client, context)
            connection.client.do_handshake()
    except StopIteration:
        reason = "it went silent"
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        reason = "it ended"
    except ssl.SSLError as error:
        reason = error.reason or str(error)
        # It may be ended at any time, for whoever needs the slot.
        connection.idle_since = time.monotonic()
        end_gently(connection.client, LINGER_SECONDS, _LINGER_BYTES)
    except OSError as error:
        reason = error.strerror or str(error)
    else:
        return True
    logger.debug("no TLS with %s: %s", addr[0] if addr else "a client", reason)
    connection.client.close()
    return False
