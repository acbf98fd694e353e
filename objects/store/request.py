"""A request to a node, as it goes over the wire."""

from dataclasses import dataclass

_ENDS = b"\r\n\0"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes over the wire.

    :ivar target: path and query (RFC 9112 section 3.2.1).
    :ivar headers: without those that describe the body.
    :ivar length: bytes of the body, None for no body at all.
    :ivar await_continue: send the body only once the node asks for it (RFC 9110 section 10.1.1),
        so that a refusal costs nobody a byte of it.
    :ivar repeatable: that sending it twice is as good as once while there is no answer, not even an
        interim one.
    :ivar parsed: that what comes back is parsed, so it should come in small pieces.
    """

    method: str
    target: str
    headers: dict[str, str]
    length: int | None = None
    await_continue: bool = False
    repeatable: bool = True
    parsed: bool = False

    def head(self) -> bytes:
        """The request line and the header section, as bytes.

        :raises ValueError: when a part of it would end its line, or the head, before its time (RFC
            9110 section 5.5). Whoever lets a client's text come as far as this has to check it.
        """
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.length is not None:
            lines.append(f"Content-Length: {self.length}")
        if self.await_continue:
            lines.append("Expect: 100-continue")
        data = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        # One pass over all of it: a third of what a look at each field costs.
        expected = len(data) - 2 * len(lines) - 2
        if len(data.translate(None, _ENDS)) != expected or lines[0].count(" ") != 2:
            raise ValueError("CR, LF or NUL in a header field, or a blank in the request target")
        return data
