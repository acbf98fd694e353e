"""A client's connection."""

import time
from typing import Any

from gevent.socket import wait_read, wait_readwrite


class Connection:
    """A client's connection; entered while it has no request.

    :ivar idle_since: when it began to wait for a request, None while it has one.
    :ivar reserved: that it has no slot: only health checks are served, and it is closed then.
    :ivar client_key: what stands for its client; "" when it may have all slots.
    :ivar pace: how fast it has been in its present request, once that was looked at.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self.idle_since: float | None = None
        self.reserved = False
        self.client_key = ""
        self.pace: Any = None
        #: Of the latest request; it may hold what the client sent behind it.
        self.unreader: Any = None

    def __enter__(self) -> None:
        self.idle_since = time.monotonic()
        # Not `recv` at once: where the next request is there already, the connections that wait
        # for longer would go on waiting.
        if self._has_read_ahead():
            # Comes back after one turn of the event loop; `sleep(0)` would come back before it.
            wait_readwrite(self.client.fileno())
        else:
            wait_read(self.client.fileno())

    def _has_read_ahead(self) -> bool:
        if self.unreader is not None and self.unreader.buf.getbuffer().nbytes:
            return True
        # What TLS has decrypted already, too.
        return bool(getattr(self.client, "pending", int)())

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.idle_since = self.pace = None
        if isinstance(error, TimeoutError):
            raise StopIteration from error  # ends the connection, as gunicorn has it
