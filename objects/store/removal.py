"""Removing objects from a node, if they still are what was found there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from objects.store.pieces import Found, find, named
from objects.store.store import Store

#: Objects that are removed with one request. That takes MinIO a quarter of the processor time of a
#: request for each. More would take no less, and whatever else it has to do would wait longer.
AT_ONCE = 50
#: A listing is asked for when it is about this many entries for each object at most; otherwise
#: the node is asked for each object.
_WORTH_LISTING = 8


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some keys of a node that follow each other.

    :ivar after: the key before the first, "" for none.
    :ivar length: how many, 1 to 1,000.
    """

    after: str
    length: int


@dataclass(frozen=True, slots=True)
class Removal:
    """What came of a removal; of keys that are in neither, the node has nothing any more.

    :ivar removed: keys that are removed by now.
    :ivar changed: keys under which the node has something else; that stays as it is.
    """

    removed: frozenset[str]
    changed: frozenset[str]


def remove(
    store: Store,
    found: Sequence[Found],
    permit: Callable[[], None],
    stretch: Stretch | None = None,
) -> Removal:
    """Remove objects, except where the node has something else by now.

    Nodes ignore a condition of a DELETE, so there is a look just before, and that is all.

    :param permit: asked between the look and each request that removes something.
    :param stretch: of the node's keys, in which they were found; many are looked up with one
        listing of it.
    :raises Problem: its ``source`` names the node. Some may be removed then.
    """
    there = _looked_up(store, found, stretch)
    same = [one.key for one in found if there.get(one.key) == one]
    changed = [one.key for one in found if there.get(one.key) not in (None, one)]
    with named(store):
        for start in range(0, len(same), AT_ONCE):
            permit()
            keys = same[start : start + AT_ONCE]
            if len(keys) == 1:
                store.delete(keys[0])
            else:
                store.delete_several(keys)
    return Removal(frozenset(same), frozenset(changed))


def _looked_up(
    store: Store, found: Sequence[Found], stretch: Stretch | None
) -> Mapping[str, Found]:
    there: dict[str, Found] = {}
    end = ""
    if stretch and stretch.length <= _WORTH_LISTING * len(found):
        with named(store):
            page = store.list(prefix="", after=stretch.after, limit=stretch.length)
        there = {entry.key: Found(entry.key, entry.size, entry.etag) for entry in page.entries}
        # Something may have come in between, and pushed the last ones out.
        end = page.entries[-1].key if page.truncated else max(one.key for one in found)
    for one in found:
        if one.key > end and (now := find(store, one.key)):
            there[one.key] = now
    return there
