"""What a command needs to look at the layout and to change it."""

import threading

from django.conf import settings

from nodes.membership import get_membership
from nodes.node import Node
from objects.layout import Layout
from objects.layout.backlog import Notes
from objects.layout.copies import Copies, Survey
from objects.layout.keeper import get_keeper
from objects.moving.apply import Plan, adopted, planned
from objects.moving.change import Change, Options
from objects.moving.progress import View
from objects.moving.wanted import Wanted
from objects.moving.whereabouts import Whereabouts
from objects.store import get_stores, quick_stores

#: Seconds that a node has to hand out its copy of the layout, or to take one.
_TIMEOUT = 5.0


class Desk:
    """The nodes and their copies of the layout, as the settings name them.

    :raises MembershipUnknown: from the constructor, when the nodes cannot be discovered.
    """

    def __init__(self) -> None:
        membership = get_membership()
        membership.refresh()
        stores = quick_stores(_TIMEOUT)
        self.copies = Copies(stores)
        self._notes = Notes(stores)
        self.where = Whereabouts(membership, get_stores())
        self.lease: float = settings.OBJGW_LAYOUT_LEASE

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Those that were discovered."""
        return self.where.nodes()

    def surveyed(self) -> Survey:
        """Every node's copy of the layout; asks each once."""
        return self.copies.survey(self.nodes)

    def addresses(self) -> dict[str, str]:
        """By the names of the nodes, their addresses, or why they have none."""
        return {node.name: node.down_reason or node.address or "" for node in self.nodes}

    def first(self, wanted: Wanted) -> Layout:
        """The layout that would be adopted where there is none.

        :raises NotPossible: see `adopted`.
        """
        return adopted(wanted, self.where, settings.OBJGW_ROUTER, self.lease)

    def plan(self, wanted: Wanted, present: Layout | None, base: Layout) -> Plan:
        """See `planned`."""
        return planned(wanted, present, base, self.where, self.lease)

    def change(self, options: Options, view: View, stop: threading.Event) -> Change:
        """What brings a change about."""
        return Change(self.copies, self._notes, get_keeper(), self.where, options, view, stop)
