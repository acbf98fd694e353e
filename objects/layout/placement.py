"""Which member owns an id, by a layout."""

from functools import cached_property

from django.core.exceptions import ImproperlyConfigured

from objects.layout.document import InvalidLayout, Layout, Member, State
from objects.layout.tombstone import Tombstone
from objects.routing import BaseRouter, router_class


class Placement:
    """A layout with its routers. Made once for each version, asked for each request.

    :ivar layout: None where there is none.
    :ivar changing: whether any id may have another owner than before.
    :raises InvalidLayout: from the constructor, for a router that this gateway does not have.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.state = layout.state
        self.changing = layout.state is not State.STABLE
        self._members = layout.members
        self._router = _router(layout.router)
        self._before = () if layout.previous is None else layout.previous.members
        self._router_before = self._router
        if layout.previous is not None:
            self._router_before = _router(layout.previous.router)

    @cached_property
    def tombstone(self) -> Tombstone:
        """What a delete leaves."""
        return Tombstone.of(self.layout.nonce)

    def owner(self, object_id: str) -> Member:
        """The one that owns an id by the layout now, or when the change is done."""
        return self._router.owner(object_id, self._members)

    def owner_before(self, object_id: str) -> Member:
        """The one that owned it by the layout before; when nothing is changing, the same."""
        if not self.changing:
            return self.owner(object_id)
        return self._router_before.owner(object_id, self._before)

    def source(self, object_id: str) -> str | None:
        """The name of the node that an id goes away from, None when it stays where it is."""
        if not self.changing:
            return None
        before = self._router_before.owner(object_id, self._before).name
        return None if before == self.owner(object_id).name else before


def _router(name: str) -> BaseRouter:
    try:
        return router_class(name)()
    except (ImportError, ImproperlyConfigured) as error:
        raise InvalidLayout(f"The layout names a router that is not here: {error}.") from error
