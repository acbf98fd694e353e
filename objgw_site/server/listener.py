"""The accept loop, which goes on when the process has no descriptor left."""

import errno
import logging
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent.server import StreamServer

logger = logging.getLogger("objgw.worker")

#: accept(2): of the process, of the machine, and of the kernel's memory.
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
#: Seconds until it is tried again. New connections wait in the listen queue meanwhile.
_PAUSE = 0.1
_SHORT_PAUSE = 0.01
_COMPLAIN_SECONDS = 60.0
#: Connections in the listen queue up to which a worker takes one a turn, so that they spread.
_SHORT_QUEUE = 16
#: The most that it takes in one turn.
_MOST = 32
#: Where the length of the listen queue is in the kernel's struct tcp_info (``tcpi_unacked`` in
#: linux/tcp.h, which has that meaning for a socket that listens).
_QUEUE = struct.Struct("=I")
_QUEUE_OFFSET = 24


class Listener(StreamServer):
    """Accepts connections.

    gevent's own server would write a traceback for each that it cannot accept.

    Other workers share the socket: of a short queue one connection a turn is taken, so that each
    gets some. Of a long one, our share is taken at once: turns are long when a client keeps us
    busy, and who comes behind its connections would wait for as many turns as these are.

    :param workers: that listen on the same socket.
    :param make_room: called when there is no descriptor for a connection; says whether some will
        be free in a moment.
    """

    def __init__(
        self, *args: Any, workers: int, make_room: Callable[[], bool], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._workers = workers
        self._make_room = make_room
        self._silent_until = 0.0

    def do_read(self) -> Any:
        """Accept one connection; None when there is none to be had."""
        try:
            return super().do_read()
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._pause(error)
            return None

    def _do_read(self) -> None:
        """gevent's, called once a turn while there is something in the queue."""
        if self._workers > 1:
            queued = listen_queue(self.socket)
            share = 1 if queued <= _SHORT_QUEUE else -(-queued // self._workers)
            self.max_accept = min(share, _MOST)
        super()._do_read()  # type: ignore[misc]  # gevent's hints leave it out

    def _pause(self, error: OSError) -> None:
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + _COMPLAIN_SECONDS
            logger.warning(
                "new connections have to wait: %s; raise the limit of open files (said once in "
                "%.0f s)",
                error.strerror,
                _COMPLAIN_SECONDS,
            )
        self.stop_accepting()
        gevent.spawn_later(_SHORT_PAUSE if self._make_room() else _PAUSE, self._resume)

    def _resume(self) -> None:
        if self.started:
            self.start_accepting()


def listen_queue(sock: Any) -> int:
    """How many connections wait to be accepted; 0 where the kernel does not tell."""
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _QUEUE_OFFSET + _QUEUE.size)
    except (AttributeError, OSError):
        return 0
    return int(_QUEUE.unpack_from(info, _QUEUE_OFFSET)[0]) if len(info) > _QUEUE_OFFSET else 0
