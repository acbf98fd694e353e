"""The last look at the layout before an upload ends."""

from objects import changing
from objects.changing import Place
from objects.exceptions import LayoutChanging
from objects.layout.document import State
from objects.layout.keeper import Lease
from objects.routes import Routes
from objects.store import Stores


class Permit:
    """Permission to end an upload, asked for before its last byte is sent: its node must still be
    the one that the id is to be written to.

    :ivar lease: the one by which it was given last.
    """

    def __init__(self, routes: Routes, stores: Stores, lease: Lease, object_id: str) -> None:
        self._routes = routes
        self._stores = stores
        self._object_id = object_id
        self.lease = lease

    def __call__(self) -> None:
        """
        :raises LayoutChanging: when it is not.
        """
        now, then = self._routes.lease(self._object_id), self.lease
        if now.placement is not then.placement:
            self._check(now, then)
        self.lease = now

    def _check(self, now: Lease, then: Lease) -> None:
        routes, object_id = self._routes, self._object_id
        _, node = routes.find(now, object_id)
        if node.name != routes.find(then, object_id)[1].name:
            raise LayoutChanging(
                f"This id is owned by {node.name} since a moment ago, and the upload went to the "
                "node that owned it before; nothing was stored."
            )
        placement = now.placement
        if placement is None or not placement.source(object_id):
            return
        changing.refuse_to_write(placement.state)
        if placement.state is State.CLEANING:
            with Place(node, self._stores).opened() as store:
                changing.refuse_tombstone(store, placement.tombstone, object_id)
