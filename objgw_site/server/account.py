"""What becomes of each request, once it is over: the one place where that is told."""

from dataclasses import dataclass
from typing import Any

from telemetry.metrics import Metrics

#: For a client that was gone before there was an answer; nginx has made this number known.
CLIENT_GONE = "499"


@dataclass(frozen=True, slots=True)
class Finished:
    """A request that is over.

    :ivar method: as it came, likewise ``path``; "" for what could not be read.
    :ivar status: three digits.
    :ivar problem: the code of the problem document that was the answer, "" for none.
    :ivar seconds: from its head to the last byte of the answer; None when it was refused at once.
    :ivar received: bytes of its body, and of that of the answer: ``sent``.
    """

    method: str
    path: str
    status: str
    problem: str
    seconds: float | None
    received: int
    sent: int


class Account:
    """Tells what becomes of the requests of one worker.

    :param metrics: None for none.
    """

    def __init__(self, metrics: Metrics | None) -> None:
        self._metrics = metrics

    def sample(self) -> None:
        """To be called once a second."""
        if self._metrics is not None:
            self._metrics.sample()

    def finished(self, request: Finished) -> None:
        """A request is over, answered by the application or refused before it."""
        if self._metrics is not None:
            self._metrics.request_finished(
                request.method,
                request.path,
                request.status,
                request.problem,
                seconds=request.seconds,
                received=request.received,
                sent=request.sent,
            )


def status_of(resp: Any) -> str:
    """The status of an answer, as three digits."""
    status: str | None = resp.status
    return status[:3] if status else CLIENT_GONE
