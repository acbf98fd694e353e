"""The protocol for changing the layout as a small model, and a walk over all that can happen in it.

One id, its node before (the source) and its node after (the target); two gateways, each of which
does one thing at a time and may crash in the middle; a mover, which may crash; a cleaner. A step is
one request to one node, and steps of all of them may follow one another in any order. GET and HEAD
are one operation here, as they are in `objects.changing`.

An answer is judged as it is given: it must be one that a single register could have given, at some
moment between the request and the answer (Herlihy and Wing, Linearizability, 1990). For that, every
state carries all histories that are still possible: what the register holds, and which operations
have taken effect. What was broken off may take effect at any time, or never. A listing counts as a
reading of the one id. At the end, what lies with the owner must be what the register may hold.

Time is in one place: a state may follow the one before only when every gateway has learned of that,
and has ended what it began earlier. That is what the leases are for (`objects.layout.keeper`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

#: What a node has: nothing, a tombstone, or an object: 1 is there at the beginning, and a client's
#: n-th operation writes n + 1.
NOTHING, FIRST, TOMBSTONE = 0, 1, -1


class S(IntEnum):
    """The states of the layout."""

    BEFORE = 0
    SWITCHING = 1
    MOVING = 2
    SETTLING = 3
    CLEANING = 4
    AFTER = 5
    GIVEN_UP = 6


#: What may be left out.
RULES = (
    "wait",
    "pause",
    "tombstone",
    "mover's condition",
    "second look at the target",
    "settling",
    "refusal while cleaning",
    "look before a delete while cleaning",
    "second round of a listing",
    "look at the source before a create",
    "copy before an If-Match",
    "end of copies before settling",
)
OPERATIONS = ("GET", "PUT", "CREATE", "MATCH", "MATCH ANY", "DELETE", "LIST")
_REFUSED, _MISMATCH, _DONE = "503", "412", "2xx"


class Op(NamedTuple):
    """An operation on its way.

    :ivar number: of all operations, from 1.
    :ivar view: the state by which its gateway acts.
    :ivar at: the next step.
    :ivar seen: what it remembers of earlier ones.
    """

    kind: str
    number: int
    view: int
    at: str = "begin"
    seen: tuple[int | None, ...] = ()

    @property
    def writes(self) -> int:
        return self.number + 1


class History(NamedTuple):
    """One way in which all may have happened so far.

    :ivar register: what it holds.
    :ivar results: of each gateway's operation: None when it has not taken effect.
    :ivar adrift: operations that were broken off before they took effect.
    """

    register: int
    results: tuple[object, ...] = (None, None)
    adrift: tuple[tuple[str, int], ...] = ()


class World(NamedTuple):
    """All there is at a moment.

    :ivar views: the state by which each gateway would begin something now.
    :ivar mover: what it has read at the source, and whether it has written it; None when idle.
    :ivar cleaner: whether it is about to remove a tombstone.
    """

    state: int
    views: tuple[int, int]
    source: int
    target: int
    ops: tuple[Op | None, Op | None]
    begun: int
    mover: tuple[int, bool] | None
    cleaner: bool
    crashes: int
    histories: frozenset[History]


class Step(NamedTuple):
    """What a step of an operation comes to.

    :ivar answer: None when there are more steps.
    """

    source: int
    target: int
    op: Op
    answer: object = None


@dataclass
class Fault(Exception):
    """What should not be."""

    what: str
    trace: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.what}\n" + "\n".join(self.trace)


def effect(kind: str, writes: int, register: int) -> tuple[int, object]:
    """What an operation does to a register, and what it answers."""
    if kind in ("GET", "LIST"):
        return register, register
    if kind == "DELETE":
        return NOTHING, _DONE
    holds = {
        "PUT": True,
        "CREATE": register == NOTHING,
        "MATCH": register == FIRST,
        "MATCH ANY": register != NOTHING,
    }[kind]
    return (writes, _DONE) if holds else (register, _MISMATCH)


@dataclass(frozen=True)
class Protocol:
    """What gateways, mover and cleaner do.

    :ivar without: the rule that is left out.
    """

    without: str = ""

    def has(self, rule: str) -> bool:
        return self.without != rule

    def following(self, world: World) -> list[int]:
        """The states that may come next."""
        if world.state == S.BEFORE:
            return [S.SWITCHING if self.has("pause") else S.MOVING]
        if world.state == S.SWITCHING:
            return [S.MOVING, S.GIVEN_UP]
        if world.state == S.MOVING and world.source == NOTHING and world.mover is None:
            if self._copies(world) and self.has("end of copies before settling"):
                return []
            return [S.SETTLING if self.has("settling") else S.CLEANING]
        if world.state == S.SETTLING:
            return [S.CLEANING] if world.target == TOMBSTONE else [S.CLEANING, S.AFTER]
        if world.state == S.CLEANING and world.target != TOMBSTONE and not world.cleaner:
            return [S.AFTER]
        return []

    def _copies(self, world: World) -> bool:
        """Whether a gateway has read the source, and is to write that at the target."""
        return any(op is not None and op.at == "copied" for op in world.ops)

    def steps(self, op: Op, source: int, target: int) -> Iterator[Step]:
        """The next step of an operation: one request to one node."""
        if op.view in (S.BEFORE, S.GIVEN_UP):
            register, answer = effect(op.kind, op.writes, source)
            yield Step(register, target, op, answer)
        elif op.kind == "LIST":
            yield from self._list(op, source, target)
        elif op.kind == "GET":
            yield self._get(op, source, target)
        elif op.view == S.SWITCHING:
            yield Step(source, target, op, _REFUSED)
        elif op.view == S.AFTER:
            yield self._at_target(op, source, target)
        elif op.view == S.CLEANING:
            yield self._clean(op, source, target)
        elif op.kind == "DELETE":
            yield self._delete(op, source, target)
        elif op.kind == "PUT":
            yield Step(source, op.writes, op, _DONE)
        else:
            yield self._conditional(op, source, target)

    def _at_target(self, op: Op, source: int, target: int) -> Step:
        """A node takes a tombstone for an object."""
        if op.kind in ("PUT", "DELETE"):
            return Step(source, effect(op.kind, op.writes, target)[0], op, _DONE)
        register, answer = effect(op.kind, op.writes, target)
        return Step(source, register, op, answer)

    def _clean(self, op: Op, source: int, target: int) -> Step:
        if op.kind == "DELETE":
            looks = self.has("look before a delete while cleaning")
            if op.at == "begin" and looks:
                if target <= NOTHING:
                    return Step(source, target, op, _DONE)
                return Step(source, target, op._replace(at="write"))
        elif op.at == "begin" and self.has("refusal while cleaning"):
            if target == TOMBSTONE:
                return Step(source, target, op, _REFUSED)
            return Step(source, target, op._replace(at="write"))
        return self._at_target(op, source, target)

    def _get(self, op: Op, source: int, target: int) -> Step:
        both = op.view in (S.SWITCHING, S.MOVING)
        found = source if op.at == "source" else target
        following = {"begin": "source", "source": "again"}.get(op.at)
        if not self.has("second look at the target") and op.at == "source":
            following = None
        if found == NOTHING and both and following:
            return Step(source, target, op._replace(at=following))
        return Step(source, target, op, max(found, NOTHING))

    def _list(self, op: Op, source: int, target: int) -> Iterator[Step]:
        """Each round asks both nodes, in any order. What is seen: (target, source), round by round,
        None for not yet.
        """
        both = op.view in (S.SWITCHING, S.MOVING)
        if not both:
            yield Step(source, target, op, max(target, NOTHING))
            return
        rounds = 2 if self.has("second round of a listing") else 1
        seen = op.seen or (None,) * (2 * rounds)
        begin = 0 if None in seen[:2] else 2
        for place, value in ((begin, target), (begin + 1, source)):
            if seen[place] is not None:
                continue
            now = (*seen[:place], value, *seen[place + 1 :])
            if None in now:
                yield Step(source, target, op._replace(seen=now))
            else:
                yield Step(source, target, op, _merged(now))

    def _delete(self, op: Op, source: int, target: int) -> Step:
        if op.view == S.SETTLING:
            return Step(source, NOTHING, op, _DONE)
        if self.has("tombstone"):
            return Step(source, TOMBSTONE, op, _DONE)
        if op.at == "begin":
            return Step(source, NOTHING, op._replace(at="source"))
        return Step(NOTHING, target, op, _DONE)

    def _conditional(self, op: Op, source: int, target: int) -> Step:
        """CREATE, MATCH and MATCH ANY while moving and settling."""
        at, kind = op.at, op.kind
        if at == "write":
            (wanted,) = op.seen
            if target == wanted:
                return Step(source, op.writes, op, _DONE)
            if kind == "MATCH":
                return Step(source, target, op, _MISMATCH)
            return Step(source, target, op._replace(at="begin", seen=()))
        if at == "source":
            return self._look_at_source(op, source, target)
        if at == "copy":
            return Step(source, target, op._replace(at="copied", seen=(source,)))
        if at == "copied":
            (read,) = op.seen
            copied = read if target == NOTHING and read else target
            return Step(source, copied or NOTHING, op._replace(at="again", seen=()))
        return self._look_at_target(op, source, target)

    def _look_at_target(self, op: Op, source: int, target: int) -> Step:
        if op.kind == "CREATE":
            if target > NOTHING:
                return Step(source, target, op, _MISMATCH)
            asks = op.view == S.MOVING and self.has("look at the source before a create")
            if target == NOTHING and asks:
                return Step(source, target, op._replace(at="source"))
            return Step(source, target, op._replace(at="write", seen=(target,)))
        asks = op.view == S.MOVING and self.has("copy before an If-Match")
        if target == NOTHING and op.at == "begin" and asks:
            return Step(source, target, op._replace(at="source"))
        if target <= NOTHING:
            return Step(source, target, op, _MISMATCH)
        wanted = FIRST if op.kind == "MATCH" else target
        return Step(source, target, op._replace(at="write", seen=(wanted,)))

    def _look_at_source(self, op: Op, source: int, target: int) -> Step:
        if op.kind == "CREATE":
            if source != NOTHING:
                return Step(source, target, op, _MISMATCH)
            return Step(source, target, op._replace(at="write", seen=(NOTHING,)))
        if op.kind == "MATCH" and source not in (NOTHING, FIRST):
            return Step(source, target, op, _MISMATCH)
        return Step(source, target, op._replace(at="copy" if source else "again"))


def _merged(seen: tuple[int | None, ...]) -> int:
    """As `objects.listing.merge`: what the owner has counts, and the later of what it had."""
    owned = [value for value in seen[::2] if value]
    left = [value for value in seen[1::2] if value]
    return max((owned or left or [NOTHING])[-1], NOTHING)


class Walk:
    """All that can happen, from the beginning to the end.

    :param operations: how many there are at most.
    :param crashes: how many there are at most.
    :ivar states: how many different moments were seen.
    """

    def __init__(
        self,
        protocol: Protocol,
        *,
        operations: int,
        crashes: int,
        kinds: tuple[str, ...] = OPERATIONS,
    ) -> None:
        self.protocol = protocol
        self.operations = operations
        self.crashes = crashes
        self.kinds = kinds
        self.states = 0

    def run(self) -> None:
        """
        :raises Fault: for the first that is found, with what led to it.
        """
        beginnings = [
            World(
                S.BEFORE,
                (S.BEFORE, S.BEFORE),
                there,
                NOTHING,
                (None, None),
                0,
                None,
                False,
                0,
                frozenset({History(there)}),
            )
            for there in (NOTHING, FIRST)
        ]
        parents: dict[World, tuple[World, str] | None] = dict.fromkeys(beginnings)
        left = list(beginnings)
        while left:
            world = left.pop()
            try:
                for label, moved in self._following(world):
                    following = _canonical(moved)
                    if following not in parents:
                        parents[following] = (world, label)
                        left.append(following)
            except Fault as fault:
                fault.trace = [*_trace(parents, world), *fault.trace]
                raise
        self.states = len(parents)

    def _following(self, world: World) -> Iterator[tuple[str, World]]:
        yield from self._states(world)
        for gateway in (0, 1):
            yield from self._gateway(world, gateway)
        yield from self._mover(world)
        yield from self._cleaner(world)
        if world.state == S.AFTER and world.ops == (None, None):
            there = max(world.target, NOTHING)
            if all(history.register != there for history in _closed(world.histories, world.ops)):
                raise Fault(f"at the end there is {there}", [str(world)])

    def _settled(self, world: World) -> bool:
        """Whether a lease has passed since the state of the layout was written."""
        if not self.protocol.has("wait"):
            return True
        began = [op.view for op in world.ops if op is not None]
        return all(view == world.state for view in (*world.views, *began))

    def _states(self, world: World) -> Iterator[tuple[str, World]]:
        for gateway, view in enumerate(world.views):
            if view != world.state:
                views = _with(world.views, gateway, world.state)
                yield "a gateway learns", world._replace(views=views)
        if self._settled(world):
            for state in self.protocol.following(world):
                yield f"layout: {S(state).name}", world._replace(state=state)

    def _gateway(self, world: World, gateway: int) -> Iterator[tuple[str, World]]:
        op = world.ops[gateway]
        if op is not None:
            yield from self._steps(world, gateway, op)
            if world.crashes < self.crashes:
                yield f"{op.kind} {op.number} is broken off", self._broken_off(world, gateway, op)
        elif world.begun < self.operations:
            # The order in which two begin does not matter: a step of the other comes in between.
            for kind in self.kinds:
                begun = Op(kind, world.begun + 1, world.views[gateway])
                yield from self._steps(
                    world._replace(begun=begun.number, ops=_with(world.ops, gateway, begun)),
                    gateway,
                    begun,
                )

    def _steps(self, world: World, gateway: int, op: Op) -> Iterator[tuple[str, World]]:
        for step in self.protocol.steps(op, world.source, world.target):
            label = (
                f"{op.kind} {op.number} in {S(op.view).name}, {op.at}: {step.source}, {step.target}"
            )
            moved = world._replace(source=step.source, target=step.target)
            if step.answer is None:
                yield label, moved._replace(ops=_with(world.ops, gateway, step.op))
                continue
            label += f": {step.answer}"
            histories = _answered(world, gateway, step.answer)
            if not histories:
                raise Fault(f"an answer that cannot be: {step.answer}", [label])
            yield label, moved._replace(ops=_with(world.ops, gateway, None), histories=histories)

    def _broken_off(self, world: World, gateway: int, op: Op) -> World:
        histories = set()
        for history in _closed(world.histories, world.ops):
            adrift = history.adrift
            if history.results[gateway] is None and op.kind not in ("GET", "LIST"):
                adrift = tuple(sorted((*adrift, (op.kind, op.writes))))
            histories.add(
                history._replace(results=_with(history.results, gateway, None), adrift=adrift)
            )
        return world._replace(
            ops=_with(world.ops, gateway, None),
            crashes=world.crashes + 1,
            histories=frozenset(histories),
        )

    def _mover(self, world: World) -> Iterator[tuple[str, World]]:
        if world.mover is None:
            if world.state == S.MOVING and world.source != NOTHING:
                yield "mover reads", world._replace(mover=(world.source, False))
            return
        if world.crashes < self.crashes:
            yield "mover crashes", world._replace(mover=None, crashes=world.crashes + 1)
        held, written = world.mover
        if not written:
            free = world.target == NOTHING or not self.protocol.has("mover's condition")
            target = held if free else world.target
            yield "mover writes", world._replace(mover=(held, True), target=target)
        else:
            source = NOTHING if world.source == held else world.source
            yield "mover removes", world._replace(mover=None, source=source)

    def _cleaner(self, world: World) -> Iterator[tuple[str, World]]:
        if world.cleaner:
            yield "cleaner removes", world._replace(cleaner=False, target=NOTHING)
        elif world.state == S.CLEANING and world.target == TOMBSTONE and self._settled(world):
            yield "cleaner looks", world._replace(cleaner=True)


def _canonical(world: World) -> World:
    """The same with the gateways in one order, for they are alike."""
    first, second = (
        (view, op is None, op or ()) for view, op in zip(world.views, world.ops, strict=True)
    )
    if first <= second:
        return world
    histories = (each._replace(results=each.results[::-1]) for each in world.histories)
    return world._replace(
        views=world.views[::-1], ops=world.ops[::-1], histories=frozenset(histories)
    )


def _with(values: tuple, place: int, value: object) -> tuple:  # type: ignore[type-arg]  # of any types
    return (*values[:place], value, *values[place + 1 :])


def _closed(histories: frozenset[History], ops: tuple[Op | None, Op | None]) -> frozenset[History]:
    """These, and all in which operations that are on their way have taken effect."""
    found = set(histories)
    left = list(histories)
    while left:
        history = left.pop()
        following = [
            history._replace(register=register, results=_with(history.results, place, result))
            for place, op in enumerate(ops)
            if op is not None and history.results[place] is None
            for register, result in (effect(op.kind, op.writes, history.register),)
        ]
        for place, (kind, writes) in enumerate(history.adrift):
            register, _ = effect(kind, writes, history.register)
            adrift = history.adrift[:place] + history.adrift[place + 1 :]
            following.append(history._replace(register=register, adrift=adrift))
        for each in following:
            if each not in found:
                found.add(each)
                left.append(each)
    return frozenset(found)


def _answered(world: World, gateway: int, answer: object) -> frozenset[History]:
    """The histories in which an operation may have this answer, which it has now."""
    if answer == _REFUSED:
        return frozenset(each for each in world.histories if each.results[gateway] is None)
    return frozenset(
        history._replace(results=_with(history.results, gateway, None))
        for history in _closed(world.histories, world.ops)
        if history.results[gateway] == answer and history.results[gateway] is not None
    )


def _trace(parents: dict[World, tuple[World, str] | None], world: World) -> list[str]:
    labels: list[str] = []
    while (parent := parents[world]) is not None:
        world, label = parent
        labels.append(label)
    return labels[::-1]
