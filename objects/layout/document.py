"""The layout as a document: which nodes own ids and how, and what is being changed about that.

Pure data. `objects.layout.copies` reads and writes it, docs/layout.md says what each state means.
"""

import json
import math
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from objects.layout.fields import (
    InvalidLayout,
    array,
    check_keys,
    integer,
    mapping,
    number,
    refuse,
    text,
)

#: Where a node keeps its copy. No object id, since ids have neither a tilde nor a slash; and behind
#: all of them in a listing.
LAYOUT_KEY = "~objgw/layout"
#: Where one node has a note of what is left to move.
BACKLOG_KEY = "~objgw/backlog"
#: What objgw itself keeps on nodes.
OWN_KEYS = frozenset({LAYOUT_KEY, BACKLOG_KEY})
#: Bytes; more is not read. A member takes about 70.
MAX_DOCUMENT = 16 * 2**20
#: What routers take (`objects.routing.check_weights`).
MAX_WEIGHT = 1000.0
#: Seconds; what OBJGW_LAYOUT_LEASE is by default.
DEFAULT_LEASE = 5.0

_FORMAT = 1
_NAME = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_NONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)


class State(StrEnum):
    """How far a change of the layout has come."""

    #: One layout, nothing moves.
    STABLE = "stable"
    #: Every gateway is to learn of the change: ids that change their owner are not written.
    SWITCHING = "switching"
    #: Objects go from the owner before to the owner now.
    MOVING = "moving"
    #: All have moved. The last deletes that leave tombstones end.
    SETTLING = "settling"
    #: Tombstones are removed.
    CLEANING = "cleaning"


#: The states that may follow each. From `SWITCHING` to `STABLE` is to give up.
FOLLOWING: dict[State, frozenset[State]] = {
    State.STABLE: frozenset({State.SWITCHING}),
    State.SWITCHING: frozenset({State.MOVING, State.STABLE}),
    State.MOVING: frozenset({State.SETTLING}),
    State.SETTLING: frozenset({State.CLEANING, State.STABLE}),
    State.CLEANING: frozenset({State.STABLE}),
}


@dataclass(frozen=True, slots=True)
class Member:
    """A node that owns ids.

    :ivar weight: 0 to `MAX_WEIGHT`: its share, in proportion to the others', where the router knows
        weights.
    """

    name: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Previous:
    """The layout before, while objects are on the move.

    :ivar router: alias or dotted path, as OBJGW_ROUTER.
    :ivar members: in order of their names.
    """

    router: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Which nodes own ids and how.

    :ivar version: from 1; every change adds 1, of the state as well.
    :ivar router: alias or dotted path, as OBJGW_ROUTER.
    :ivar members: in order of their names.
    :ivar previous: the layout before; None when `state` is `STABLE`, and only then.
    :ivar nonce: 32 hexadecimal digits, new for each change: what its tombstones are made of.
    :ivar lost: names of members of the layout before that will not come back: nobody waits for
        them, and they hold no copy of the layout that counts.
    :ivar lease: seconds for which a gateway may act by this without having read it again.
    :raises InvalidLayout: from the constructor, for what contradicts itself.
    """

    version: int
    state: State
    router: str
    members: tuple[Member, ...]
    previous: Previous | None
    nonce: str
    lost: frozenset[str] = frozenset()
    lease: float = DEFAULT_LEASE

    def __post_init__(self) -> None:
        if self.version < 1:
            refuse("version must be 1 or more", self.version)
        _check_router(self.router, "router")
        _check_members(self.members, "members")
        if (self.previous is None) != (self.state is State.STABLE):
            refuse("previous must be null in the state stable and nowhere else", self.state)
        if self.previous is not None:
            _check_router(self.previous.router, "previous.router")
            _check_members(self.previous.members, "previous.members")
        if not _NONCE.fullmatch(self.nonce):
            refuse("nonce must be 32 lower-case hexadecimal digits", self.nonce)
        before = {member.name for member in self.previous.members} if self.previous else set()
        if wrong := self.lost - before or self.lost & {member.name for member in self.members}:
            refuse("lost may only name members of previous that are not in members", sorted(wrong))
        if not (math.isfinite(self.lease) and self.lease > 0):
            refuse("lease must be a number of seconds above 0", self.lease)

    @classmethod
    def adopted(cls, router: str, names: Iterable[str], lease: float = DEFAULT_LEASE) -> "Layout":
        """The first layout: the nodes as they are, each with the weight 1."""
        members = tuple(Member(name) for name in sorted(names))
        return cls(1, State.STABLE, router, members, None, secrets.token_hex(16), lease=lease)

    def changed(
        self,
        router: str,
        members: Iterable[Member],
        lost: Iterable[str] = (),
        lease: float | None = None,
    ) -> "Layout":
        """The beginning of a change to another router, or other members: `SWITCHING`.

        :raises InvalidLayout: when another change is on its way, or this makes no sense.
        """
        if self.state is not State.STABLE:
            refuse("a change may begin only in the state stable", self.state)
        return Layout(
            self.version + 1,
            State.SWITCHING,
            router,
            tuple(sorted(members, key=lambda member: member.name)),
            Previous(self.router, self.members),
            secrets.token_hex(16),
            frozenset(lost),
            self.lease if lease is None else lease,
        )

    def advanced(self, state: State) -> "Layout":
        """The same change, in its next state. From `SWITCHING` to `STABLE` it is given up.

        :raises InvalidLayout: when that state does not come next.
        """
        if state not in FOLLOWING[self.state]:
            follows = " or ".join(sorted(FOLLOWING[self.state]))
            refuse(f"behind {self.state} comes {follows}", state)
        if state is not State.STABLE:
            return replace(self, version=self.version + 1, state=state)
        given_up = self.previous if self.state is State.SWITCHING else None
        return Layout(
            self.version + 1,
            State.STABLE,
            given_up.router if given_up else self.router,
            given_up.members if given_up else self.members,
            None,
            self.nonce,
            lease=self.lease,
        )

    def with_lost(self, names: Iterable[str]) -> "Layout":
        """The same in the same state, with more members of the layout before declared lost.

        :raises InvalidLayout: when they are none, or belong to the new layout, too.
        """
        return replace(self, version=self.version + 1, lost=self.lost | frozenset(names))

    @property
    def holders(self) -> frozenset[str]:
        """The names of those that must have a copy: the members now and before, without lost ones.

        A change of the layout must be written to those of the one that it replaces, too.
        """
        before = self.previous.members if self.previous else ()
        return frozenset(member.name for member in (*self.members, *before)) - self.lost

    def to_json(self) -> bytes:
        """The document. Equal layouts have the same bytes, and so the same ETag on every node."""
        document: dict[str, Any] = {
            "format": _FORMAT,
            "version": self.version,
            "state": str(self.state),
            "router": self.router,
            "members": _members_document(self.members),
            "previous": self.previous
            and {
                "router": self.previous.router,
                "members": _members_document(self.previous.members),
            },
            "nonce": self.nonce,
            "lost": sorted(self.lost),
            "lease": float(self.lease),
        }
        return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Layout":
        """The layout that a document describes.

        :raises InvalidLayout: saying what is wrong with it.
        """
        try:
            document = json.loads(data)
        except ValueError as error:
            raise InvalidLayout(f"The layout is no JSON: {error}.") from error
        except RecursionError as error:
            raise InvalidLayout("The layout is no JSON that makes sense: too deep.") from error
        found = mapping(document, "the document")
        if found.get("format") != _FORMAT:
            refuse(f"format must be {_FORMAT}, of this version of objgw", found.get("format"))
        check_keys(found, _KEYS, "the document")
        previous = found["previous"]
        return cls(
            integer(found["version"], "version"),
            _state(found["state"]),
            text(found["router"], "router"),
            _members(found["members"], "members"),
            None if previous is None else _previous(previous),
            text(found["nonce"], "nonce"),
            frozenset(text(name, "lost") for name in array(found["lost"], "lost")),
            number(found["lease"], "lease"),
        )


_KEYS = frozenset(
    {"format", "version", "state", "router", "members", "previous", "nonce", "lost", "lease"}
)


def _check_router(name: str, where: str) -> None:
    if not _NAME.fullmatch(name):
        refuse(f"{where} must be the alias or dotted path of a router", name)


def _check_members(members: tuple[Member, ...], where: str) -> None:
    names = [member.name for member in members]
    if not names or names != sorted(set(names)):
        refuse(f"{where} must be at least one node, each once, in order of their names", names)
    for member in members:
        if not _NAME.fullmatch(member.name):
            refuse(
                f"the name of a node in {where} must be 1 to 255 printable ASCII characters",
                member.name,
            )
        if not (math.isfinite(member.weight) and 0 <= member.weight <= MAX_WEIGHT):
            expected = f"the weight of {member.name} must be a number from 0 to {MAX_WEIGHT:g}"
            refuse(expected, member.weight)
    if not any(member.weight for member in members):
        refuse(f"one node at least in {where} must have a weight above 0", names)


def _members_document(members: tuple[Member, ...]) -> list[dict[str, object]]:
    return [{"name": member.name, "weight": float(member.weight)} for member in members]


def _state(value: object) -> State:
    try:
        return State(text(value, "state"))
    except ValueError:
        refuse("state must be one of " + ", ".join(State), value)


def _members(value: object, where: str) -> tuple[Member, ...]:
    members = []
    for item in array(value, where):
        found = mapping(item, f"each of {where}")
        check_keys(found, frozenset({"name", "weight"}), f"each of {where}")
        name = text(found["name"], f"the name of a node in {where}")
        members.append(Member(name, number(found["weight"], f"the weight of {name}")))
    return tuple(members)


def _previous(value: object) -> Previous:
    found = mapping(value, "previous")
    check_keys(found, frozenset({"router", "members"}), "previous")
    return Previous(
        text(found["router"], "previous.router"), _members(found["members"], "previous.members")
    )
