"""How much the gateway's workers grow while bodies pass through them."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import transfer
from benchmarks.cases import MIB, size_text
from benchmarks.failure import CannotMeasure
from benchmarks.servers import Server

_WARM_UP = 2 * MIB


@dataclass(frozen=True, slots=True)
class Bodies:
    """What is moved.

    :ivar large: bytes of one body.
    :ivar count: how many at once, each of ``size`` bytes.
    """

    large: int
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class Growth:
    """What one kind of transfer took.

    :ivar worker: bytes that the worker which grew most had at its peak over what it had before.
    :ivar total: the same of all workers together.
    """

    what: str
    worker: int
    total: int


def measure(gateway: Server, bodies: Bodies) -> list[Growth]:
    """Move one large body, then many at once, up and down, and look at the workers."""
    # What a worker loads or allocates once, at its first bodies, is not growth.
    warm = [f"warm{number}" for number in range(8)]
    for chunked in (False, True):
        transfer.load(gateway, "PUT", _WARM_UP, warm, connections=4, chunked=chunked)
    transfer.load(gateway, "GET", _WARM_UP, warm, connections=4)
    one, many = ["large"], [f"large{number}" for number in range(bodies.count)]
    found = []
    for ids, each in ((one, bodies.large), (many, bodies.size)):
        what = f"{len(ids)} of {size_text(each)}"
        found.append(_growth(gateway, f"{what}, PUT with Content-Length", "PUT", each, ids))
        found.append(_growth(gateway, f"{what}, PUT chunked", "PUT", each, ids, chunked=True))
        found.append(_growth(gateway, f"{what}, GET", "GET", each, ids))
    return found


def _growth(
    gateway: Server,
    what: str,
    method: str,
    size: int,
    ids: Sequence[str],
    *,
    chunked: bool = False,
) -> Growth:
    if gateway.processes is None:
        raise CannotMeasure(f"{gateway.name} has no processes to look at")
    gateway.processes.reset_peaks()
    before = gateway.processes.resident()
    transfer.load(gateway, method, size, list(ids), connections=len(ids), chunked=chunked)
    peaks = gateway.processes.peaks()
    if peaks.keys() != before.keys():
        raise CannotMeasure(f"{what}: a worker of {gateway.name} was replaced")
    grown = [max(0, peaks[pid] - before[pid]) for pid in peaks]
    return Growth(what, max(grown), sum(grown))
