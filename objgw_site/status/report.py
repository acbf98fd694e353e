"""The nodes as people and scripts are told of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from nodes.exceptions import MembershipError, MembershipUnknown
from nodes.membership import get_membership
from nodes.node import Node
from objects.routing import get_router
from objects.store import probe
from objgw_site.status.health import Health, health


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One node.

    :ivar index: its place in routing order.
    :ivar reason: what keeps it from serving, None when nothing does.
    :ivar share: the part of all ids that it owns.
    """

    index: int
    name: str
    address: str | None
    state: str
    healthy: bool
    reason: str | None
    share: float

    @property
    def percent(self) -> str:
        """The share in words."""
        return f"{self.share:.1%}"


@dataclass(frozen=True, slots=True)
class Report:
    """The nodes in routing order.

    :ivar problem: what is wrong with them, None when nothing is.
    """

    nodes: tuple[NodeReport, ...]
    problem: str | None

    def as_json(self) -> dict[str, object]:
        return {"nodes": [asdict(node) for node in self.nodes], "problem": self.problem}


def reported(checked: Sequence[Health]) -> tuple[NodeReport, ...]:
    """What there is to tell of nodes whose health is known, in the same order."""
    shares = get_router().shares([item.node for item in checked])
    return tuple(
        NodeReport(
            index,
            item.node.name,
            item.node.address,
            str(item.node.state),
            item.healthy,
            item.reason,
            share,
        )
        for index, (item, share) in enumerate(zip(checked, shares, strict=True))
    )


class Examiner:
    """Discovers the nodes and asks each, once or again and again."""

    def __init__(self) -> None:
        self._last: tuple[Node, ...] = ()

    def examined(self) -> Report:
        """The nodes now; those last known where they cannot be discovered."""
        membership = get_membership()
        try:
            snapshot = membership.refresh()
        except MembershipUnknown as error:
            return Report(reported(health(self._last, probe)), error.detail)
        self._last = snapshot.nodes
        checked = health(snapshot.nodes, probe)
        nodes = reported(checked)
        try:
            membership.checked(snapshot)
        except MembershipError as error:
            return Report(nodes, error.detail)
        unusable = [item.node.name for item in checked if not item.healthy]
        if unusable:
            names = ", ".join(unusable)
            return Report(nodes, f"{len(unusable)} of {len(checked)} nodes cannot serve: {names}")
        return Report(nodes, None)
