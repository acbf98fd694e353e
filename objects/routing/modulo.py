"""The modulo router."""

import hashlib
from collections.abc import Sequence

from objects.routing.base import BaseRouter, M, Member


class ModuloRouter(BaseRouter):
    """The MD5 digest (RFC 1321) of the id, read as one big-endian number, modulo the node count.

    MD5 spreads any set of ids evenly; nothing here depends on its being hard to invert.
    """

    def owner(self, object_id: str, nodes: Sequence[M]) -> M:
        digest = hashlib.md5(object_id.encode("ascii"), usedforsecurity=False).digest()
        return nodes[int.from_bytes(digest, "big") % len(nodes)]

    def shares(self, nodes: Sequence[Member]) -> Sequence[float]:
        return [1 / len(nodes) for _ in nodes]
