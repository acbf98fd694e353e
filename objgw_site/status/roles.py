"""Each node's role in the layout."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from nodes.node import Node
from objects.layout import Layout
from objects.layout.placement import named_nodes


class Role(StrEnum):
    """What a node is."""

    #: It owns ids.
    MEMBER = "member"
    #: It owned ids, and objects go from it to the members.
    LEAVING = "leaving"
    #: The layout does not name it.
    UNASSIGNED = "unassigned"


@dataclass(frozen=True, slots=True)
class Shown:
    """A node as it is shown.

    :ivar index: its place among the members, None when it is none.
    """

    node: Node
    role: Role
    index: int | None


def shown(layout: Layout | None, discovered: tuple[Node, ...]) -> list[Shown]:
    """All nodes that there are to show, in order of their names: those that were discovered, and
    those that the layout names.

    :param layout: None where there is none: then all are members.
    """
    if layout is None:
        return [Shown(node, Role.MEMBER, index) for index, node in enumerate(discovered)]
    named = named_nodes(layout, discovered)
    index = {member.name: place for place, member in enumerate(layout.members)}

    def role(name: str) -> Role:
        if name in index:
            return Role.MEMBER
        return Role.LEAVING if name in named else Role.UNASSIGNED

    nodes = {node.name: node for node in discovered} | named
    return [
        Shown(nodes[name], role(name), index.get(name))
        for name in sorted(nodes.keys() - layout.lost)
    ]


def in_use(layout: Layout | None, discovered: tuple[Node, ...]) -> Sequence[Node]:
    """The nodes that may have objects which belong there."""
    return [each.node for each in shown(layout, discovered) if each.role is not Role.UNASSIGNED]
