"""Moving one object: copy it, prove the copy, and only then remove the source.

Killed at any point, the next run goes on: what was copied and not removed is found equal at the
target then. That rests on what the state `moving` promises (docs/layout.md): clients write and
delete at the target only, so nothing but a mover changes the source, and whatever else lies at the
target under the same key is newer: an object that a client wrote, or the tombstone of a delete.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import partial

from objects.exceptions import PreconditionFailed
from objects.store import Found, Removal, SourceChanged, Store, copy, find, remove


class Outcome(StrEnum):
    """What became of an object."""

    #: Copied, proved, and removed from the source.
    MOVED = "moved"
    #: The same lay at the target already; removed from the source.
    EQUAL = "equal"
    #: Something newer lay at the target, or a tombstone; removed from the source.
    NEWER = "newer"
    #: The source has it no longer: somebody else moved it.
    GONE = "gone"
    #: The source has another one now, or the target none any more. Nothing was removed.
    CHANGED = "changed"


#: After these the source's object may go, if it still is the one that was copied.
TO_BE_REMOVED = frozenset({Outcome.MOVED, Outcome.EQUAL, Outcome.NEWER})

#: Raises when this process may no longer act on what it knows of the layout; is told the bytes that
#: are about to be sent, and may wait so that there are not too many.
Permit = Callable[[int], None]


def move(
    source: Store, target: Store, found: Found, permit: Permit, *, paced: bool = False
) -> Outcome:
    """Move an object.

    :param found: the object as the source listed it.
    :param permit: is asked before anything is written or removed, and for each piece of a body.
    :param paced: whether it may wait for long between two pieces.
    :raises NotProved: when the copy is not what the source has; both are left then.
    :raises Problem: from a node; its ``source`` names it. Nothing is lost then, and it may be tried
        again.
    """
    outcome = bring(source, target, found, permit, paced=paced)
    if outcome not in TO_BE_REMOVED:
        return outcome
    return ending(outcome, found, remove(source, [found], partial(permit, 0)))


def bring(
    source: Store, target: Store, found: Found, permit: Permit, *, paced: bool = False
) -> Outcome:
    """The first half of `move`: see to it that the target has the object, or something newer.

    :returns: one of `TO_BE_REMOVED`, if the source's may be removed now.
    """
    permit(0)
    try:
        copy(source, target, found, throttle=permit, paced=paced)
    except PreconditionFailed:
        there = find(target, found.key)
        if there is None:
            return Outcome.CHANGED
        return Outcome.EQUAL if there == found else Outcome.NEWER
    except SourceChanged:
        return Outcome.GONE if find(source, found.key) is None else Outcome.CHANGED
    return Outcome.MOVED


def ending(outcome: Outcome, found: Found, removal: Removal) -> Outcome:
    """What became of an object in the end, after the second half of a move.

    :param outcome: of the first half.
    """
    if found.key in removal.changed:
        return Outcome.CHANGED
    if found.key in removal.removed or outcome is Outcome.MOVED:
        return outcome
    return Outcome.GONE
