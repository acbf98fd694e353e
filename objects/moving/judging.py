"""Whether the nodes judge conditions: without them, nothing that docs/layout.md promises holds.

That a condition is judged in one step with storing cannot be seen from here. For the servers that
docs/nodes.md names, tests/layout/test_rules.py shows it.
"""

import secrets
from collections.abc import Iterable

from nodes.fanout import on_all
from objects.checking import PREFIX
from objects.exceptions import PreconditionFailed
from objects.moving.whereabouts import Whereabouts
from objects.store import Store, Upload, Whole, reason_of
from problems.problem import Problem

#: Of what is there, none of them holds.
_FAILING = ({"If-None-Match": "*"}, {"If-Match": '"0123456789abcdef0123456789abcdef"'})


def doubts(names: Iterable[str], where: Whereabouts) -> dict[str, str]:
    """What speaks against trusting nodes with a layout, by their names, to go on after the name.

    Each is asked to store a probe under conditions that do not hold; it is removed again.
    """
    ordered = sorted(set(names))
    found = on_all(lambda name: _doubt(name, where), ordered)
    return {name: doubt for name, doubt in zip(ordered, found, strict=True) if doubt}


def _doubt(name: str, where: Whereabouts) -> str:
    try:
        store = where.store(name)
        key = f"{PREFIX}{secrets.token_hex(16)}"
        store.put(key, Whole(b"there"), Upload())
        try:
            return _ignored(store, key)
        finally:
            store.delete(key)
    except Problem as problem:
        return f"cannot be tried: {reason_of(problem)}"


def _ignored(store: Store, key: str) -> str:
    for conditions in _FAILING:
        try:
            store.put(key, Whole(b"must not be"), Upload(conditions=conditions))
        except PreconditionFailed:
            continue
        [field] = conditions
        return f"stores an object in spite of {field}, which it must not"
    return ""
