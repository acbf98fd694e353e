"""Which member owns an id, by a layout."""

from collections.abc import Mapping, Sequence

from nodes.node import Node, NodeState
from objects.layout.document import Layout, State
from objects.layout.fields import InvalidLayout
from objects.layout.tombstone import Listed, Tombstone
from objects.routing import BaseRouter, router_class


class Placement:
    """A layout with its routers. Made once for each version, asked for each request.

    :ivar tombstone: what a delete leaves while objects move.
    :ivar changing: whether ids may be on their way from one owner to another.
    :raises InvalidLayout: from the constructor, for a router that this gateway does not have.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.state = layout.state
        self.tombstone = Tombstone.of(layout.nonce)
        self.changing = layout.state is not State.STABLE
        self._members = layout.members
        self._router = _router(layout.router)
        self._before = () if layout.previous is None else layout.previous.members
        self._router_before = self._router
        if layout.previous is not None:
            self._router_before = _router(layout.previous.router)
        self._found: tuple[tuple[Node, ...] | None, Mapping[str, Node]] = (None, {})

    def owner(self, object_id: str) -> str:
        """The name of the member that owns an id: by the layout now, or when the change is done."""
        return self._router.owner(object_id, self._members).name

    def source(self, object_id: str) -> str | None:
        """The name of the node that an id goes away from, None when it stays where it is."""
        if not self.changing:
            return None
        before = self._router_before.owner(object_id, self._before).name
        return None if before == self.owner(object_id) else before

    def hides(self, entry: Listed) -> bool:
        """Whether a line of a node's listing is a tombstone."""
        return self.tombstone.is_listed_as(entry)

    def nodes(self, discovered: tuple[Node, ...]) -> Mapping[str, Node]:
        """Where the members are, and the members before, by their names.

        :param discovered: the nodes of a snapshot.
        """
        seen, found = self._found
        if seen is not discovered:
            found = named_nodes(self.layout, discovered)
            self._found = (discovered, found)
        return found

    def members(self, discovered: tuple[Node, ...]) -> tuple[Node, ...]:
        """The members, in order of their names."""
        found = self.nodes(discovered)
        return tuple(found[member.name] for member in self._members)

    def holders(self, discovered: tuple[Node, ...]) -> tuple[Node, ...]:
        """The members now and before, in order of their names, without the lost ones."""
        found = self.nodes(discovered)
        return tuple(found[name] for name in sorted(self.layout.holders))


class Unplaced:
    """Which node owns an id where there is no layout: all that were discovered are members.

    :param nodes: in order of their names, at least one.
    """

    def __init__(self, router: BaseRouter, nodes: Sequence[Node]) -> None:
        self._router = router
        self._nodes = nodes

    def owner(self, object_id: str) -> str:
        """See `Placement.owner`."""
        return self._router.owner(object_id, self._nodes).name

    def source(self, object_id: str) -> None:
        """See `Placement.source`."""

    def hides(self, entry: Listed) -> bool:
        """See `Placement.hides`."""
        return False


def named_nodes(layout: Layout, discovered: Sequence[Node]) -> dict[str, Node]:
    """The nodes that a layout names, now or before, by their names; of one that was not discovered,
    what is known.
    """
    where = {node.name: node for node in discovered}
    before = layout.previous.members if layout.previous is not None else ()
    return {
        member.name: where.get(member.name) or Node(member.name, None, 0, NodeState.MISSING)
        for member in (*layout.members, *before)
    }


def _router(name: str) -> BaseRouter:
    try:
        return router_class(name)()
    except ImportError as error:
        raise InvalidLayout(f"The layout names a router that is not here: {error}.") from error
