"""The accept loop, which goes on when the process has no descriptor left."""

import errno
import logging
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


class Listener(StreamServer):
    """Accepts connections.

    gevent's own server would write a traceback for each that it cannot accept.

    :param make_room: called when there is no descriptor for a connection; says whether some will
        be free in a moment.
    """

    def __init__(self, *args: Any, make_room: Callable[[], bool], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
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
