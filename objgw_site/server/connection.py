"""The state of a client's connection."""

import time
from typing import Any

from gevent.socket import wait_read

from objgw_site.server.internals import await_turn, has_received


class Connection:
    """A client's connection; entered while it has no request.

    :ivar idle_since: when it began to wait for a request, None while it has one.
    :ivar reserved: whether it has no slot: of such a connection only health checks are served, and
        then it is closed.
    :ivar client_key: what the client's connections are counted by; "" when it may have all slots.
    :ivar pace: how fast the client has been in the present request, once that was looked at.
    :ivar unreader: gunicorn's, of the latest request; it may hold what the client sent behind it.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self.idle_since: float | None = None
        self.reserved = False
        self.client_key = ""
        self.pace: Any = None
        self.unreader: Any = None

    def __enter__(self) -> None:
        self.idle_since = time.monotonic()
        # Not `recv` at once: where the next request is there already, the connections that wait
        # for longer would go on waiting.
        if self._has_read_ahead():
            # Not `sleep(0)`, which comes back before the event loop has looked at the others.
            await_turn(self.client)
        else:
            wait_read(self.client.fileno())

    def _has_read_ahead(self) -> bool:
        if self.unreader is not None and has_received(self.unreader):
            return True
        # What TLS has decrypted already, too.
        return bool(getattr(self.client, "pending", int)())

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.idle_since = self.pace = None
        if isinstance(error, TimeoutError):
            raise StopIteration from error  # ends the connection, as gunicorn has it
