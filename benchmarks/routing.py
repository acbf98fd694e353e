"""``python -m benchmarks.routing``: the routers compared, for docs/routing.md.

Spread and movement are counted over random ids, and are the same in each run; what a lookup costs
is measured.
"""

import argparse
import hashlib
import platform
import timeit
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.report import table
from benchmarks.routing_chart import svg
from nodes.node import Node, NodeState
from objects.routing import ALIASES, BaseRouter, router_class

COUNTS = (3, 10, 100)
#: Ids that are owned, and that may move.
_IDS = 300_000
_TIMED_IDS = 50
_ROUNDS = 1500


@dataclass(frozen=True, slots=True)
class Figures:
    """What one router does with so many nodes of the same weight.

    :ivar least, most: what the emptiest and the fullest node owns, as a part of the even share:
        of all possible ids, as the router's shares say, so without the chance of the sample.
    :ivar counted_least, counted_most: the same of the sampled ids.
    :ivar added, removed: the part of the ids that get another owner when a node is added at the
        end, and when the first one is removed.
    """

    router: str
    nodes: int
    least: float
    most: float
    counted_least: float
    counted_most: float
    added: float
    removed: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds that one router takes.

    :ivar lookup: to find the owner of an id among nodes of the same weight.
    :ivar weighted: the same when every other node has twice the weight; None if the router does
        not go by weights.
    :ivar build: for the first lookup among members not seen before.
    """

    lookup: float
    weighted: float | None
    build: float


def figures(name: str, count: int) -> Figures:
    """Who owns what, and what moves."""
    router = router_class(name)()
    members = membership(count)
    owners = {object_id: router.owner(object_id, members).name for object_id in _ids(_IDS)}
    even = len(owners) / count
    counts = Counter(owners.values())
    shares = [share * count for share in router.shares(members)]
    return Figures(
        router=name,
        nodes=count,
        least=min(shares),
        most=max(shares),
        counted_least=min(counts.values()) / even,
        counted_most=max(counts.values()) / even,
        added=_moved(router, owners, membership(count + 1)),
        removed=_moved(router, owners, members[1:]),
    )


def costs(cases: Sequence[tuple[str, int]]) -> list[Cost]:
    """The cost of each router with so many nodes. All are timed in turns, many times over, and the
    least counts: it is what it takes, and anything above is the machine doing something else.
    """
    ids = _ids(_TIMED_IDS)
    lookups: list[Callable[[], object]] = []
    for name, count in cases:
        router = router_class(name)()
        lookups += [
            partial(_look_up, router, ids, membership(count, heavy=heavy)) for heavy in (1.0, 2.0)
        ]
    least = [float("inf")] * len(lookups)
    for _ in range(_ROUNDS):
        for number, lookup in enumerate(lookups):
            least[number] = min(least[number], timeit.timeit(lookup, number=1) / len(ids))
    return [
        Cost(
            lookup=least[2 * number],
            weighted=least[2 * number + 1] if router_class(name).weighted else None,
            build=min(timeit.repeat(partial(_first, name, membership(count)), number=1, repeat=5)),
        )
        for number, (name, count) in enumerate(cases)
    ]


def _ids(count: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest()[:32] for number in range(count)]


def _look_up(router: BaseRouter, ids: Sequence[str], members: tuple[Node, ...]) -> None:
    for object_id in ids:
        router.owner(object_id, members)


def _first(name: str, members: tuple[Node, ...]) -> None:
    router_class(name)().owner("id", members)


def membership(count: int, *, heavy: float = 1.0) -> tuple[Node, ...]:
    """Nodes with the names of the compose file; every other one has the weight ``heavy``."""
    width = len(str(count + 1))
    return tuple(
        Node(
            f"amazin-object-storage-node-{number:0{width}}",
            "192.0.2.1",
            9000,
            NodeState.RUNNING,
            weight=heavy if number % 2 else 1.0,
        )
        for number in range(1, count + 1)
    )


def _moved(router: BaseRouter, owners: dict[str, str], after: tuple[Node, ...]) -> float:
    moved = sum(router.owner(object_id, after).name != owner for object_id, owner in owners.items())
    return moved / len(owners)


def markdown(found: Sequence[tuple[Figures, Cost]]) -> str:
    """Two tables: who owns what and what moves; what it costs."""
    spread = table(
        (
            "router",
            "nodes",
            "emptiest and fullest node",
            "the same, counted",
            "move: node added",
            "node removed",
        ),
        [
            (
                f"`{each.router}`",
                str(each.nodes),
                f"{each.least:.1%}, {each.most:.1%}",
                f"{each.counted_least:.1%}, {each.counted_most:.1%}",
                f"{each.added:.1%}",
                f"{each.removed:.1%}",
            )
            for each, _ in found
        ],
    )
    cost = table(
        ("router", "nodes", "µs a lookup", "with weights", "ms once, for new members"),
        [
            (
                f"`{each.router}`",
                str(each.nodes),
                f"{taken.lookup * 1e6:.1f}",
                "-" if taken.weighted is None else f"{taken.weighted * 1e6:.1f}",
                f"{taken.build * 1e3:.2f}",
            )
            for each, taken in found
        ],
    )
    return f"{spread}\n\n{cost}\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.routing", description=__doc__)
    parser.add_argument("--chart", type=Path, metavar="FILE", help="write a chart, as SVG")
    options = parser.parse_args()
    cases = [(name, count) for name in ALIASES for count in COUNTS]
    found = [(figures(*case), cost) for case, cost in zip(cases, costs(cases), strict=True)]
    print(f"Python {platform.python_version()}, {_IDS:,} ids\n")
    print(markdown(found), end="")
    if options.chart is not None:
        options.chart.write_text(svg(found), encoding="utf-8")


if __name__ == "__main__":
    main()
