"""One body for each way that the gateway has of passing one on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.support.bodies import BLOCK, Body

MIB = 2**20


@dataclass(frozen=True)
class Shape:
    """How a body is sent.

    :ivar framing: "length" or "chunked".
    """

    framing: str
    size: int

    @property
    def content(self) -> bytes:
        return b"".join(Body(self.size, seed=self.size))

    def sendable(self) -> bytes | Iterable[bytes]:
        """What an HTTP client sends with a Content-Length, or else chunked."""
        return self.content if self.framing == "length" else self._chunks()

    def _chunks(self) -> Iterator[bytes]:
        content = self.content
        for start in range(0, len(content), BLOCK):
            yield content[start : start + BLOCK]


SHAPES = {
    "small": Shape("length", 1000),
    "streamed": Shape("length", 2 * MIB),
    "chunked": Shape("chunked", 2 * MIB),
    "in parts": Shape("chunked", 17 * MIB),
}
