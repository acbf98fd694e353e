"""Where the nodes are that a change of the layout is about, and what their keys are to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from nodes.membership import Membership
from nodes.node import Node, NodeState
from objects.identifiers import is_id
from objects.layout import OWN_KEYS
from objects.layout.placement import Placement
from objects.store import Entry, Store, Stores, Stretch

#: The most that S3 lists at once.
PAGE = 1000


class Whereabouts:
    """The stores of nodes by their names, wherever discovery last saw them."""

    def __init__(self, membership: Membership, stores: Stores) -> None:
        self._membership = membership
        self._stores = stores

    def nodes(self) -> tuple[Node, ...]:
        """Those that were discovered.

        :raises MembershipUnknown: when there never was an answer.
        """
        return self._membership.latest().nodes

    def store(self, name: str) -> Store:
        """A node's store.

        :raises NodeUnavailable: when there is no such node, or it is down.
        """
        missing = Node(name, None, 0, NodeState.MISSING)
        return self._stores.of(next((n for n in self.nodes() if n.name == name), missing))

    def look_again(self) -> None:
        """Discover the nodes anew, at most once a second: one of them cannot be reached."""
        self._membership.renewed(self._membership.latest())


class Kind(StrEnum):
    """What a key on a node is to a change."""

    #: The node owns the id, or will.
    OWNED = "owned"
    #: The node owned it before, and it has to go.
    LEAVING = "leaving"
    #: What a delete left at the owner.
    TOMBSTONE = "tombstone"
    #: Neither layout puts it here.
    MISPLACED = "misplaced"
    #: No object of a client's.
    FOREIGN = "foreign"
    #: The layout itself, or what is noted beside it.
    LAYOUT = "layout"


def kind_of(placement: Placement, name: str, entry: Entry) -> Kind:
    """What a line of a node's listing is.

    :param name: of the node.
    """
    if not is_id(entry.key):
        return Kind.LAYOUT if entry.key in OWN_KEYS else Kind.FOREIGN
    if placement.owner(entry.key) == name:
        tombstone = placement.changing and placement.tombstone.is_listed_as(entry)
        return Kind.TOMBSTONE if tombstone else Kind.OWNED
    return Kind.LEAVING if placement.source(entry.key) == name else Kind.MISPLACED


def pages_of(store: Store) -> Iterator[tuple[Stretch, Sequence[Entry]]]:
    """All keys of a node, in order, page by page, each listed as it is asked for.

    What is added or removed behind the place where the listing is, is seen or not.

    :raises Problem: when the node cannot be listed.
    """
    after = ""
    while True:
        page = store.list(prefix="", after=after, limit=PAGE)
        if page.entries:
            yield Stretch(after, len(page.entries)), page.entries
        if not page.truncated:
            return
        after = page.entries[-1].key


def entries_of(store: Store) -> Iterator[Entry]:
    """All keys of a node, in order; see `pages_of`."""
    for _, entries in pages_of(store):
        yield from entries


@dataclass(frozen=True, slots=True)
class Amount:
    """So much of something.

    :ivar size: bytes.
    """

    objects: int = 0
    size: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.objects + other.objects, self.size + other.size)

    def __bool__(self) -> bool:
        return self.objects > 0


NOTHING = Amount()
