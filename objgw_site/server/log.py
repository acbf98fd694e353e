"""gunicorn's own log lines, in the format of all others."""

from typing import Any

from objgw_site.env import Environment
from objgw_site.server import internals
from objgw_site.server.machine import this_machine
from objgw_site.server.variables import read_variables
from problems.request_id import RequestIdFilter
from telemetry.logs import formatter


class Logger(internals.Logger):  # type: ignore[misc]  # gunicorn has no type hints
    """Logs what the master and the workers do. Requests have a log of their own."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        form = read_variables(Environment(), this_machine()).log_format
        for handler in self.error_log.handlers:
            handler.setFormatter(formatter(form))
            handler.addFilter(RequestIdFilter())
