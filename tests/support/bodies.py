"""Bodies of any size, made as they are sent and never held whole."""

import hashlib
import random
from collections.abc import Iterator

BLOCK = 256 * 1024


class Body:
    """`size` bytes that differ from block to block, the same at each iteration."""

    def __init__(self, size: int, seed: int = 0) -> None:
        self.size = size
        self._seed = seed

    def __iter__(self) -> Iterator[bytes]:
        pattern = random.Random(self._seed).randbytes(BLOCK)
        for start in range(0, self.size, BLOCK):
            yield (start.to_bytes(8, "big") + pattern)[: min(BLOCK, self.size - start)]

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for block in self:
            digest.update(block)
        return digest.hexdigest()
