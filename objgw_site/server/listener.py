"""The accept loop: it goes on when the process has no descriptor left, and takes no more than this
worker's part (balance.py).
"""

import errno
import logging
import time
from collections.abc import Callable
from typing import Any

import gevent

from objgw_site.server.balance import Load
from objgw_site.server.internals import StreamServer, accept_now, start_accepting, stop_accepting
from objgw_site.server.response import bound_unsent

logger = logging.getLogger("objgw.worker")

#: accept(2): of the process, of the machine, and of the kernel's memory.
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
#: Seconds until it is tried again. New connections wait in the listen queue meanwhile.
_PAUSE = 0.1
_SHORT_PAUSE = 0.01
#: Seconds until a worker looks again whether it is its turn to accept.
_TURN_PAUSE = 0.002
#: Seconds after which a worker accepts all the same: those whose turn it is do not.
_PATIENCE = 0.25
#: Refusals this far apart, in seconds, are not of the same connection.
_LONG_AGO = 0.05
#: Seconds between two looks for new connections from within a turn of the event loop.
_LOOK_PAUSE = 0.002
_COMPLAIN_SECONDS = 60.0


class Listener(StreamServer):
    """Accepts connections.

    gevent's own server would write a traceback for each that it cannot accept.

    :param load: the connections of this worker.
    :param make_room: called when there is no descriptor for a connection; says whether some will
        be free in a moment.
    """

    def __init__(
        self, *args: Any, load: Load, make_room: Callable[[], bool], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        # Connections inherit it.
        bound_unsent(self.socket)
        self._load = load
        self._make_room = make_room
        #: There is no descriptor left.
        self._exhausted = False
        #: Since when, and when last, it was not this worker's turn.
        self._waiting_since = self._refused_at = 0.0
        self._waiting = False
        self._next_look = 0.0
        self._silent_until = 0.0

    def do_read(self) -> Any:
        """Accept one connection; None when there is none to be had, or not by this worker."""
        if not self._load.may_accept() and not self._has_waited_long():
            self._wait_for_turn()
            return None
        self._refused_at = 0.0
        try:
            accepted = super().do_read()
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._pause(error)
            return None
        if accepted:
            self._load.add(1)
        return accepted

    def do_close(self, *args: Any) -> None:
        """The connection has ended. Called once for each that was accepted."""
        super().do_close(*args)
        self._load.add(-1)

    def start(self) -> None:
        super().start()
        self._load.join()

    def close(self) -> None:
        self._load.leave()
        super().close()

    def look(self) -> None:
        """Accept what has come, without waiting for the next turn of the event loop.

        A turn in which many connections have a request is long, and a burst would have to wait for
        many such turns. Does nothing when it was called a moment ago.
        """
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_PAUSE
        if not self._exhausted:
            accept_now(self)

    def _has_waited_long(self) -> bool:
        now = time.monotonic()
        if now - self._refused_at > _LONG_AGO:
            self._waiting_since = now
        self._refused_at = now
        return now - self._waiting_since > _PATIENCE

    def _wait_for_turn(self) -> None:
        stop_accepting(self)
        if not self._waiting:
            self._waiting = True
            gevent.spawn_later(_TURN_PAUSE, self._look_again)

    def _look_again(self) -> None:
        self._waiting = False
        if not self._exhausted:
            start_accepting(self)

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
        self._exhausted = True
        self._load.leave()
        stop_accepting(self)
        gevent.spawn_later(_SHORT_PAUSE if self._make_room() else _PAUSE, self._resume)

    def _resume(self) -> None:
        self._exhausted = False
        if self.started:
            self._load.join()
            start_accepting(self)
