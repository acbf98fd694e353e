"""Requests as they stand on the wire, so that a test can cut them wherever it likes."""

import http.client
from enum import StrEnum

from tests.faults.bodies import Shape
from tests.support.bodies import BLOCK


class Cut(StrEnum):
    """Where a transfer ends too early."""

    FIRST = "first byte"
    MIDDLE = "middle"
    LAST = "last byte"

    def of(self, size: int) -> int:
        """How many bytes are transferred."""
        return {Cut.FIRST: 1, Cut.MIDDLE: size // 2, Cut.LAST: size - 1}[self]


_END = b"0\r\n\r\n"


def put_head(object_id: str, shape: Shape) -> bytes:
    """The head of a PUT; its request id is the object's."""
    framing = (
        f"Content-Length: {shape.size}"
        if shape.framing == "length"
        else "Transfer-Encoding: chunked"
    )
    return (
        f"PUT /object/{object_id} HTTP/1.1\r\nHost: x\r\nX-Request-ID: {object_id}\r\n"
        f"{framing}\r\n\r\n"
    ).encode()


def put_body(shape: Shape) -> bytes:
    """The body, framed."""
    content = shape.content
    if shape.framing == "length":
        return content
    blocks = (content[start : start + BLOCK] for start in range(0, len(content), BLOCK))
    return b"".join(b"%x\r\n%b\r\n" % (len(block), block) for block in blocks) + _END


def cut_put(object_id: str, shape: Shape, cut: Cut) -> bytes:
    """A PUT up to the cut. The last byte of a chunked body is the one before its end mark."""
    body = put_body(shape)
    sent = cut.of(len(body) - (len(_END) if shape.framing == "chunked" else 0))
    return put_head(object_id, shape) + body[:sent]


def get(object_id: str) -> bytes:
    """A GET; its request id is the object's."""
    return (
        f"GET /object/{object_id} HTTP/1.1\r\nHost: x\r\nX-Request-ID: {object_id}\r\n\r\n".encode()
    )


def received_until_the_end(response: http.client.HTTPResponse) -> tuple[bytes, bool]:
    """What comes, and whether it came whole as far as HTTP can tell."""
    received = bytearray()
    try:
        while block := response.read1(2**20):
            received += block
    except (ConnectionError, http.client.IncompleteRead):
        return bytes(received), False
    # read1 ends quietly at the end of the connection; what was promised is still owed then.
    return bytes(received), not response.length
