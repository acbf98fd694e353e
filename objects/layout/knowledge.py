"""What a process makes of the copies of the layout that it has read: pure logic.

Never goes back: a version that was seen is not forgotten for a lower one. And whose word counts: a
node knows every version that counts as long as it is a holder by what it has itself, so nothing can
be concluded from the copy of one that was removed, or has lost its disk, or never was a member.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nodes.node import Node
from objects.layout.copies import Copy
from objects.layout.document import Layout


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known.

    :ivar copy: the newest copy that was read, wherever; None when there was none.
    :ivar without: the names of the nodes that were asked when there was no layout, and whose word
        for it counts that there still is none.
    :ivar complete: whether every holder of the first layout was seen to have it.
    """

    copy: Copy | None = None
    without: frozenset[str] = frozenset()
    complete: bool = False

    @property
    def layout(self) -> Layout | None:
        """The newest one."""
        return self.copy.layout if self.copy is not None else None

    def worth_asking(self, nodes: Sequence[Node]) -> list[Node]:
        """Those whose word is enough; as long as there is no layout, all."""
        if self.layout is None:
            return list(nodes) if self.without else []
        return [node for node in nodes if node.name in self.layout.holders]

    def completed(self) -> "Knowledge":
        """The same, with every holder seen to have it."""
        return replace(self, complete=True)

    def after(
        self, copies: Mapping[str, Copy], discovered: Sequence[str], *, in_force: bool = False
    ) -> tuple["Knowledge", bool]:
        """What is known after some copies have been read, and whether they say what is in force.

        :param copies: by the names of the nodes.
        :param discovered: the names of all nodes that there are.
        :param in_force: whether what was known so far is.
        """
        newest = max(
            (copy for copy in (self.copy, *copies.values()) if copy and copy.layout),
            key=_version,
            default=None,
        )
        if newest is not None and newest.layout is not None:
            known = self if newest == self.copy else Knowledge(newest)
            return known, self._attested(newest.layout, copies)
        sure = not self.without.isdisjoint(copies)
        if sure or (in_force and self.without):
            # A first layout would be written to all that are there now.
            joined = self.without.union(copies)
            return (self if joined == self.without else Knowledge(without=joined)), sure
        if self.without.isdisjoint(discovered) and 2 * len(copies) >= len(discovered) > 0:
            # Half of them, so that a few that are new, or foreign, cannot speak for the others.
            return Knowledge(without=frozenset(copies)), True
        return self, False

    def _attested(self, layout: Layout, copies: Mapping[str, Copy]) -> bool:
        # With another document of the same version nobody can tell which is right.
        found = [(name, copy.layout) for name, copy in copies.items() if copy.layout]
        if any(each.version == layout.version and each != layout for _, each in found):
            return False
        return any(name in layout.holders for name, _ in found)


def _version(copy: Copy) -> int:
    return copy.layout.version if copy.layout else 0


#: What a process knows when it begins.
NOTHING = Knowledge()
