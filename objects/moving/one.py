"""Moving one object: copy it, prove the copy, and only then remove the source.

Killed at any point, the next run goes on: what was copied and not removed is found equal at the
target then. That rests on what the state `moving` promises (docs/layout.md): clients write and
delete at the target only, so nothing but a mover changes the source, and whatever else lies at the
target under the same key is newer: an object that a client wrote, or the tombstone of a delete.
"""

from collections.abc import Callable
from enum import StrEnum

from objects.exceptions import PreconditionFailed
from objects.store import Found, SourceChanged, Store, copy, find


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
    permit(0)
    try:
        copy(source, target, found, throttle=permit, paced=paced)
        outcome = Outcome.MOVED
    except PreconditionFailed:
        there = find(target, found.key)
        if there is None:
            return Outcome.CHANGED
        same = there == found
        outcome = Outcome.EQUAL if same else Outcome.NEWER
    except SourceChanged:
        return Outcome.GONE if find(source, found.key) is None else Outcome.CHANGED
    # Nodes ignore a condition of a DELETE, so this look is all that there is.
    left = find(source, found.key)
    if left is None:
        return Outcome.GONE if outcome is not Outcome.MOVED else outcome
    if left != found:
        return Outcome.CHANGED
    permit(0)
    source.delete(found.key)
    return outcome
