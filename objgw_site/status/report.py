"""The nodes as reported to people and scripts."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from nodes.exceptions import MembershipError, MembershipUnknown
from nodes.membership import Snapshot, get_membership
from objects.layout import Layout, State
from objects.layout.backlog import Backlog, Notes
from objects.layout.copies import Copies, LayoutConflict
from objects.routing import get_router, router_class
from objects.store import probe, quick_stores
from objgw_site.status.health import FOR_PEOPLE, Health, health
from objgw_site.status.roles import Role, Shown, shown


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One node.

    :ivar index: its place among the members, None when it is none.
    :ivar reason: what keeps it from serving, None when nothing does.
    :ivar share: the part of all ids that it owns.
    :ivar role: in the layout; ``member`` where there is none.
    :ivar machine, service, slot: see `Node`.
    """

    index: int | None
    name: str
    address: str | None
    state: str
    healthy: bool
    reason: str | None
    share: float
    role: str = Role.MEMBER
    machine: str | None = None
    service: str | None = None
    slot: int | None = None

    @property
    def counts(self) -> bool:
        """Whether objects may belong there."""
        return self.role != Role.UNASSIGNED

    @property
    def part(self) -> str:
        """Its share in words, or why it has none."""
        return f"{self.share:.1%}" if self.role == Role.MEMBER else str(self.role)


@dataclass(frozen=True, slots=True)
class Report:
    """The nodes in order of their names.

    :ivar problem: what is wrong with them, None when nothing is.
    :ivar layout: None where there is none.
    :ivar backlog: what it has left to move, None when that is not known.
    """

    nodes: tuple[NodeReport, ...]
    problem: str | None
    layout: Layout | None = None
    backlog: Backlog | None = None

    def as_json(self) -> dict[str, object]:
        return {
            "layout": described(self.layout, self.backlog),
            "nodes": [asdict(node) for node in self.nodes],
            "problem": self.problem,
        }


def described(layout: Layout | None, backlog: Backlog | None) -> dict[str, object] | None:
    """What there is to say of a layout.

    :param backlog: what it has left to move, None when that is not known.
    """
    if layout is None:
        return None
    moving = layout.state is State.MOVING and backlog is not None
    return {
        "version": layout.version,
        "state": str(layout.state),
        "router": layout.router,
        "backlog": backlog.as_json() if moving and backlog else None,
    }


def reported(
    layout: Layout | None, nodes: Sequence[Shown], checked: Sequence[Health]
) -> tuple[NodeReport, ...]:
    """What there is to tell of nodes.

    :param checked: their health, in the same order.
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
            item.node.machine,
            item.node.service,
            item.node.slot,
        )
        for each, item in zip(nodes, checked, strict=True)
    )


def _shares(layout: Layout | None, shown_nodes: Sequence[Shown]) -> Mapping[str, float]:
    """The share of the ids that each member has, by its name."""
    if layout is None:
        nodes = [each.node for each in shown_nodes]
        return dict(zip([node.name for node in nodes], get_router().shares(nodes), strict=True))
    try:
        shares = router_class(layout.router)().shares(layout.members)
    except ImportError:
        return {}
    return dict(zip([member.name for member in layout.members], shares, strict=True))


class Examiner:
    """Discovers the nodes and asks each, once or again and again."""

    def __init__(self) -> None:
        self._last = Snapshot((), 0.0)

    def examined(self) -> Report:
        """The nodes now; those last known where they cannot be discovered."""
        membership = get_membership()
        problem = None
        try:
            self._last = membership.refresh()
        except MembershipUnknown as error:
            problem = error.detail
            if not self._last.nodes:
                return Report((), problem)
        layout = backlog = None
        stores = quick_stores(FOR_PEOPLE)
        try:
            layout = Copies(stores).survey(self._last.nodes).newest
            if layout is None:
                membership.checked(self._last)
        except LayoutConflict as error:
            problem = problem or str(error)
        except MembershipError as error:
            problem = problem or error.detail
        nodes = shown(layout, self._last.nodes)
        checked = health([each.node for each in nodes], probe)
        reports = reported(layout, nodes, checked)
        if layout is not None:
            backlog = Notes(stores).read(layout, [it.node for it in checked if it.healthy])
        unusable = [each.name for each in reports if not each.healthy and each.counts]
        if unusable and problem is None:
            names = ", ".join(unusable)
            problem = f"{len(unusable)} of {len(reports)} nodes cannot serve: {names}"
        return Report(reports, problem, layout, backlog)
