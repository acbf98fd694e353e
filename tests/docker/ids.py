"""Object ids for the tests."""

import random
import string

from tests.docker.s3 import owner_of

ALPHABET = string.ascii_letters + string.digits


def random_ids(count: int) -> list[str]:
    """Different ids of 4 to 32 characters, new ones at each call (and the same for one seed)."""
    ids: set[str] = set()
    while len(ids) < count:
        ids.add("".join(random.choices(ALPHABET, k=random.randint(4, 32))))
    return sorted(ids)


def ids_by_owner(nodes: int) -> list[str]:
    """One new id for each of the nodes, in their order."""
    found: dict[int, str] = {}
    while len(found) < nodes:
        [object_id] = random_ids(1)
        found.setdefault(owner_of(object_id, nodes), object_id)
    return [found[owner] for owner in range(nodes)]
