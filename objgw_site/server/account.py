"""Reports each finished request to the metrics, the access log and the trace: the one place that
does so.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from objgw_site.server.proxies import Networks
from problems import request_id
from problems.problem import Problem
from telemetry.access import AccessLog
from telemetry.exchange import Exchange
from telemetry.metrics import Metrics

if TYPE_CHECKING:
    from telemetry.spans import ServerSpan

#: For a client that was gone before there was an answer; nginx has made this number known.
CLIENT_GONE = "499"
#: Characters of a method that are logged.
_LONGEST_METHOD = 32


@dataclass(frozen=True, slots=True)
class Account:
    """Tells what becomes of the requests of one worker.

    :ivar metrics: None for none, likewise ``access``.
    :ivar trusted: proxies whose word on the client counts.
    """

    metrics: Metrics | None
    access: AccessLog | None
    trusted: Networks

    def settle(self) -> None:
        """Tell what has not been told yet; to be called once a second, and at the end."""
        if self.metrics is not None:
            self.metrics.sample()
        if self.access is not None:
            self.access.flush()

    def answered(
        self,
        req: Any,
        resp: Any,
        environ: dict[str, Any],
        noted: Exchange,
        span: "ServerSpan | None",
        seconds: float,
    ) -> None:
        """A request is over that the application was given.

        :param req: gunicorn's, likewise ``resp``.
        :param noted: while it was answered.
        :param seconds: from its head to the last byte of the answer.
        """
        status = resp.status[:3] if resp.status else CLIENT_GONE
        received: int = environ["wsgi.input"].received
        if self.metrics is not None:
            self.metrics.request_finished(
                req.method,
                req.path,
                status,
                noted.problem,
                seconds=seconds,
                received=received,
                sent=resp.sent,
            )
        if self.access is None and span is None:
            return
        client = self.trusted.client_behind(
            environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR")
        )
        if self.access is not None:
            self.access.request(
                request_id=request_id.current(),
                client=client,
                method=req.method,
                target=req.uri,
                status=status,
                problem=noted.problem,
                owner=noted.owner,
                bearer=(noted.subject, noted.token_id),
                bytes_in=received,
                bytes_out=resp.sent,
                seconds=seconds,
            )
        if span is not None:
            span.end(
                request_id=request_id.current(),
                client=client,
                status=status,
                problem=noted.problem,
                owner=noted.owner,
                received=received,
                sent=resp.sent,
            )

    def refused(self, req: Any, addr: Any, problem: Problem, sent: int) -> None:
        """What the server answered itself: no request, or none that it could serve.

        :param req: what could be read of it, None for nothing.
        :param addr: of the client, None for a Unix socket.
        :param sent: bytes of the answer's body.
        """
        method = getattr(req, "method", None) or ""
        if self.metrics is not None:
            path = getattr(req, "path", None) or ""
            self.metrics.request_finished(
                method, path, str(problem.status), problem.code, seconds=None, received=0, sent=sent
            )
        if self.access is not None:
            self.access.request(
                request_id=request_id.current(),
                client=addr[0] if addr else "",
                method=method[:_LONGEST_METHOD] or "-",
                target=getattr(req, "uri", None) or "-",
                status=str(problem.status),
                problem=problem.code,
                owner="",
                bearer=("", ""),
                bytes_in=0,
                bytes_out=sent,
                seconds=0.0,
            )
