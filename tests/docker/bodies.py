"""Large bodies, made as they are sent and never held whole."""

import hashlib
import random
from collections.abc import Iterator

BLOCK = 2**20


class Body:
    """``size`` bytes in which no block equals another; knows the SHA-256 of what was sent."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.sent = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        pattern = random.randbytes(BLOCK)
        for start in range(0, self.size, BLOCK):
            block = (start.to_bytes(8, "big") + pattern[8:])[: self.size - start]
            self.sent.update(block)
            yield block
