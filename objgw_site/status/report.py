"""The nodes as people and scripts are told of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from nodes.exceptions import MembershipError, MembershipUnknown
from nodes.membership import get_membership
from nodes.node import Node
from objects.layout import Layout
from objects.layout.copies import Copies, LayoutConflict
from objects.routing import get_router, router_class
from objects.store import probe, quick_stores
from objgw_site.status.health import FOR_PEOPLE, Health, health
from objgw_site.status.roles import Role, Shown, shown


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One node.

    :ivar index: its place in routing order, None for one that owns nothing.
    :ivar reason: what keeps it from serving, None when nothing does.
    :ivar share: the part of all ids that it owns.
    :ivar role: what it is in the layout.
    """

    index: int | None
    name: str
    address: str | None
    state: str
    healthy: bool
    reason: str | None
    share: float
    role: str = Role.MEMBER

    @property
    def owns(self) -> str:
        """Its share in words, or what it is in place of a member."""
        return f"{self.share:.1%}" if self.role == Role.MEMBER else str(self.role)


@dataclass(frozen=True, slots=True)
class Report:
    """The nodes in order of their names.

    :ivar problem: what is wrong with them, None when nothing is.
    :ivar layout: None where there is none.
    """

    nodes: tuple[NodeReport, ...]
    problem: str | None
    layout: Layout | None = None

    def as_json(self) -> dict[str, object]:
        layout = self.layout
        return {
            "layout": layout
            and {"version": layout.version, "state": str(layout.state), "router": layout.router},
            "nodes": [asdict(node) for node in self.nodes],
            "problem": self.problem,
        }

    @property
    def layout_sentence(self) -> str | None:
        """The layout in words."""
        if self.layout is None:
            return None
        said = f"layout {self.layout.version}: {self.layout.state}, router {self.layout.router}"
        if self.layout.previous is not None:
            said += "; `manage.py layout status` says what is left to move"
        return said


def reported(
    layout: Layout | None, nodes: Sequence[Shown], checked: Sequence[Health]
) -> tuple[NodeReport, ...]:
    """What there is to tell of nodes.

    :param checked: the health of each, in the same order.
    """
    shares = _shares(layout, nodes)
    return tuple(
        NodeReport(
            each.index,
            item.node.name,
            item.node.address,
            str(item.node.state),
            item.healthy,
            item.reason,
            shares.get(item.node.name, 0.0),
            str(each.role),
        )
        for each, item in zip(nodes, checked, strict=True)
    )


def _shares(layout: Layout | None, nodes: Sequence[Shown]) -> Mapping[str, float]:
    """The share of the ids that each member has, by its name."""
    if layout is None:
        found = [each.node for each in nodes]
        return dict(zip([node.name for node in found], get_router().shares(found), strict=True))
    try:
        shares = router_class(layout.router)().shares(layout.members)
    except ImportError:
        return {}
    return dict(zip([member.name for member in layout.members], shares, strict=True))


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
            return self._report(self._last, error.detail)
        self._last = snapshot.nodes
        report = self._report(snapshot.nodes, None)
        try:
            if report.layout is None:
                membership.checked(snapshot)
        except MembershipError as error:
            return Report(report.nodes, error.detail)
        return report

    def _report(self, discovered: tuple[Node, ...], problem: str | None) -> Report:
        layout = None
        try:
            layout = Copies(quick_stores(FOR_PEOPLE)).survey(discovered).newest
        except LayoutConflict as error:
            problem = problem or str(error)
        nodes = shown(layout, discovered)
        reports = reported(layout, nodes, health([each.node for each in nodes], probe))
        return Report(reports, problem or _unusable(reports), layout)


def _unusable(reports: Sequence[NodeReport]) -> str | None:
    names = [each.name for each in reports if not each.healthy and each.role != Role.UNASSIGNED]
    if not names:
        return None
    return f"{len(names)} of {len(reports)} nodes cannot serve: {', '.join(names)}"
