"""gunicorn's own log lines, in the format of all others."""

import itertools
from typing import Any

from objgw_site.log import FORMAT, LineFormatter
from objgw_site.server import internals
from problems.request_id import RequestIdFilter


class Logger(internals.Logger):  # type: ignore[misc]  # gunicorn has no type hints
    """Logs what the master and the workers do, and each request when that is asked for."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in itertools.chain(self.error_log.handlers, self.access_log.handlers):
            handler.setFormatter(LineFormatter(FORMAT))
            handler.addFilter(RequestIdFilter())
