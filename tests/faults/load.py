"""Many clients at once in one event loop, and statistics of what they measured."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.wire import get


@dataclass(frozen=True)
class Sample:
    """One answered request.

    :ivar began: on the monotonic clock.
    """

    lane: int
    status: int
    began: float
    seconds: float


Running = asyncio.Task[None]


class LaneError(Exception):
    """A connection ended where an answer was due."""


class ConnectionEndedError(LaneError):
    """It ended before the first byte of an answer, as a kept connection may at any time."""


@dataclass
class Lane:
    """A client with one connection, kept alive, that asks for one object at a fixed pace.

    The gateway may end a connection between two requests, or with an answer that says so; like any
    client, it opens another one then.

    A late answer makes it late for the next request, not the next one early: a lane never sends
    two requests at once, and never catches up.
    """

    number: int
    address: tuple[str, int]
    object_id: str
    period: float
    samples: list[Sample] = field(default_factory=list)

    async def run(self, until: float, offset: float) -> None:
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            due = time.monotonic() + offset
            while due < until:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                began = time.monotonic()
                request = get(self.object_id)
                try:
                    status = await exchange(reader, writer, request)
                except ConnectionEndedError:
                    await hang_up(writer)
                    reader, writer = await asyncio.open_connection(*self.address)
                    status = await exchange(reader, writer, request)
                now = time.monotonic()
                self.samples.append(Sample(self.number, status, began, now - began))
                due = max(due + self.period, now)
        finally:
            await hang_up(writer)


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> int:
    """The status of the answer, once its body is there."""
    try:
        writer.write(request)
        await writer.drain()
        status, length = await answer_head(reader)
        await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        begun = isinstance(error, asyncio.IncompleteReadError) and error.partial
        kind = LaneError if begun else ConnectionEndedError
        raise kind(f"no complete answer: {error!r}") from error
    return status


async def answer_head(reader: asyncio.StreamReader) -> tuple[int, int]:
    """Status and Content-Length of an answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = head.split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    return int(lines[0].split()[1]), int(fields["content-length"])


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def measured(lanes: Sequence[Lane], seconds: float) -> list[Sample]:
    """Run the lanes side by side, their requests spread over the period; what they measured."""
    until = time.monotonic() + seconds
    await asyncio.gather(
        *(lane.run(until, lane.period * i / len(lanes)) for i, lane in enumerate(lanes))
    )
    return [sample for lane in lanes for sample in lane.samples]


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


@dataclass(frozen=True)
class Round:
    """The latencies of one round: without and with the load that is to do no harm."""

    without: Sequence[float]
    with_load: Sequence[float]

    def ratio(self, percent: int) -> float:
        return percentile(self.with_load, percent) / percentile(self.without, percent)


def typical_ratio(rounds: Sequence[Round], percent: int) -> float:
    """The median over the rounds, so that one that something else disturbed does not decide."""
    return statistics.median(round_.ratio(percent) for round_ in rounds)


def pooled(rounds: Sequence[Round], percent: int) -> tuple[float, float]:
    """The percentile over all rounds, without and with the load."""
    return (
        percentile([value for round_ in rounds for value in round_.without], percent),
        percentile([value for round_ in rounds for value in round_.with_load], percent),
    )


def figures(rounds: Sequence[Round]) -> str:
    """Both percentiles in milliseconds, and how many times as long they got."""
    parts = []
    for name, percent in (("p50", 50), ("p99", 99)):
        one, other = (value * 1000 for value in pooled(rounds, percent))
        ratio = typical_ratio(rounds, percent)
        parts.append(f"{name} {one:.1f} → {other:.1f} ms (×{ratio:.2f})")  # noqa: RUF001
    return ", ".join(parts)


@dataclass(frozen=True)
class Ramp:
    """Brings many requests under way, some at a time: more than wait for a node are refused."""

    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(30))

    async def up(self, request: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> Running:
        """Start a request, and return once it is under way."""
        async with self.at_once:
            under_way = asyncio.Event()
            task = asyncio.create_task(request(under_way))
            waiting = asyncio.create_task(under_way.wait())
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                waiting.cancel()
                await task
                raise LaneError("a request ended before it was under way")
            return task
