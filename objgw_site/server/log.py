"""gunicorn's own log lines, in the format of all others."""

import itertools
from typing import Any

from gunicorn import glogging

from objgw_site.log import FORMAT, LineFormatter
from problems.request_id import RequestIdFilter

#: Client, request line, status, bytes of the body, seconds, user agent. When, and the request's id,
#: stand at the beginning of each line.
ACCESS_FORMAT = '%(h)s "%(r)s" %(s)s %(B)s %(L)s "%(a)s"'


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no type hints
    """Logs what the master and the workers do, and each request when that is asked for."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in itertools.chain(self.error_log.handlers, self.access_log.handlers):
            handler.setFormatter(LineFormatter(FORMAT))
            handler.addFilter(RequestIdFilter())
