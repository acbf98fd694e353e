"""From what somebody asks for to the layout that is to come."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from objects.layout import Layout, Member
from objects.routing import ALIASES, MAX_WEIGHT, router_class


class NotPossible(ValueError):
    """What is asked for makes no sense; the text says why, and what would."""


@dataclass(frozen=True)
class Wanted:
    """What is to be different.

    :ivar add, remove, lost: names of nodes; lost ones are removed without waiting for them.
    :ivar router: alias or dotted path, None for no change.
    :ivar weights: by the names of nodes.
    """

    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    router: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.add or self.remove or self.lost or self.router or self.weights)

    def applied_to(
        self, layout: Layout, discovered: Collection[str], lease: float
    ) -> Layout | None:
        """The beginning of the change, None when all is as it is wanted already.

        :param layout: a stable one.
        :param discovered: the names of the nodes that there are.
        :param lease: see `Layout`.
        :raises NotPossible: naming what is wrong, and what would be right.
        """
        self._check(layout, discovered)
        gone = self.remove | self.lost
        router = self.router or layout.router
        known = {member.name: member for member in layout.members if member.name not in gone}
        known |= {name: Member(name) for name in self.add}
        if not known:
            raise NotPossible("One node at least must stay, to have the objects.")
        self._check_weights(router, known)
        for name, weight in self.weights.items():
            known[name] = replace(known[name], weight=weight)
        if not router_class(router).weighted:
            known = {name: Member(name) for name in known}
        members = tuple(known[name] for name in sorted(known))
        if (router, members) == (layout.router, layout.members):
            return None
        return layout.changed(router, members, self.lost, lease)

    def _check(self, layout: Layout, discovered: Collection[str]) -> None:
        members = [member.name for member in layout.members]
        for name in sorted(self.add & set(members)):
            raise NotPossible(f"--add {name}: it belongs to the layout already.")
        for name in sorted(self.add - set(discovered)):
            others = _listed(set(discovered) - set(members))
            raise NotPossible(
                f"--add {name}: there is no such node. Not in the layout yet: {others}."
            )
        for option, names in (("--remove", self.remove), ("--lost", self.lost)):
            for name in sorted(names - set(members)):
                raise NotPossible(
                    f"{option} {name}: the layout has no such node. It has {_listed(members)}."
                )
        if both := self.remove & self.lost:
            raise NotPossible(
                f"{_listed(both)}: --lost removes it already, without moving anything from it."
            )
        if self.router is not None:
            check_router(self.router)

    def _check_weights(self, router: str, known: Mapping[str, Member]) -> None:
        for name, weight in sorted(self.weights.items()):
            if name not in known:
                raise NotPossible(
                    f"--weight {name}={weight:g}: the layout will have no such node. "
                    f"It will have {_listed(known)}."
                )
            if not 0 < weight <= MAX_WEIGHT:
                raise NotPossible(
                    f"--weight {name}={weight:g}: a weight is a number above 0, {MAX_WEIGHT:g} at "
                    "most. To take all from a node, remove it."
                )
        if self.weights and not router_class(router).weighted:
            weighted = _listed(name for name in ALIASES if router_class(name).weighted)
            raise NotPossible(
                f"--weight: the router {router} knows no weights; {weighted} do (--router)."
            )


def check_router(name: str) -> None:
    """
    :raises NotPossible: when there is no such router.
    """
    try:
        router_class(name)
    except ImportError as error:
        raise NotPossible(
            f"--router {name}: must be {', '.join(ALIASES)} or the dotted path of a router "
            f"({error})."
        ) from error


def weight_of(text: str) -> tuple[str, float]:
    """What NAME=NUMBER says.

    :raises NotPossible: when it says nothing.
    """
    name, equals, number = text.rpartition("=")
    try:
        if name and equals:
            return name, float(number)
    except ValueError:
        pass
    raise NotPossible(f"--weight {text}: must be NAME=NUMBER, such as {name or 'NAME'}=2.")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
