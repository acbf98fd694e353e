"""Whether a request costs more with 300 nodes than with 3."""

import dataclasses
import timeit
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases import KIB, Case
from benchmarks.rounds import Outcome, Plan, measure
from benchmarks.stack import Stack
from demo.harness.s3nodes import LocalNode
from nodes.node import Node, NodeState
from objects.routing import ModuloRouter

FEW, MANY = 3, 300
_REPEATS = 10


@dataclass(frozen=True, slots=True)
class MembershipCost:
    """What was found.

    :ivar outcome: gateways named ``3 nodes`` and ``300 nodes``.
    :ivar routing: seconds to find the owner of one id among 300 nodes.
    """

    outcome: Outcome
    routing: float


def server_name(count: int) -> str:
    """The name of the gateway with so many nodes, in an outcome."""
    return f"{count} nodes"


def measure_both(stack: Stack, plan: Plan) -> MembershipCost:
    """GET of 1 KiB through two gateways whose nodes are all one process behind many names."""
    case = Case("GET", KIB, 16)
    with (
        stack.further_gateway(server_name(FEW), _behind_names(stack.local_nodes[0], FEW)) as few,
        stack.further_gateway(server_name(MANY), _behind_names(stack.local_nodes[0], MANY)) as many,
    ):
        folder = _folder(stack.folder)
        # Once without being looked at: what is asked for is the cost of a request, and not that of
        # the first connections to each of 300 nodes.
        measure([few, many], case, dataclasses.replace(plan, rounds=1), folder)
        outcome = measure([few, many], case, plan, folder)
    return MembershipCost(outcome, _routing_time())


def _folder(folder: Path) -> Path:
    found = folder / "membership"
    found.mkdir(exist_ok=True)
    return found


def _behind_names(node: LocalNode, count: int) -> Sequence[LocalNode]:
    return [dataclasses.replace(node, name=f"node-{number:03d}") for number in range(count)]


def _routing_time() -> float:
    nodes = tuple(
        Node(f"node-{number:03d}", "127.0.0.1", 9000, NodeState.ASSUMED) for number in range(MANY)
    )
    router = ModuloRouter()
    ids = [f"object{number}" for number in range(1000)]
    calls = timeit.Timer(lambda: [router.owner(object_id, nodes) for object_id in ids])
    # The least is what it takes; anything above is the machine doing something else.
    return min(calls.repeat(repeat=_REPEATS, number=10)) / (10 * len(ids))
