"""Leases for tests."""

from dataclasses import dataclass, field

from objects.exceptions import LayoutUnknown
from objects.layout.keeper import Lease
from objects.layout.placement import Placement

#: One that never runs out, without a layout.
FOREVER = Lease(None, float("inf"))


@dataclass
class GivenLeases:
    """Gives out the leases that a test says, one after the other, and the last one for ever; a
    failure, where there is none.
    """

    leases: list[Lease] = field(default_factory=lambda: [FOREVER])
    failure: LayoutUnknown = field(default_factory=LayoutUnknown)

    def lease(self) -> Lease:
        if not self.leases:
            raise self.failure
        return self.leases.pop(0) if len(self.leases) > 1 else self.leases[0]


def expired(placement: Placement | None) -> Lease:
    """One that has run out when it is looked at."""
    return Lease(placement, float("-inf"))


def in_force(placement: Placement | None) -> Lease:
    """One that never runs out."""
    return Lease(placement, float("inf"))
