"""The body of a request, read from the WSGI server.

Django's ``request.read()`` gives nothing for a body sent with chunked coding, because it goes by
Content-Length alone. A server that sets ``wsgi.input_terminated`` ends ``wsgi.input`` where the
body ends, so that is what is read here.
"""

from collections.abc import Mapping
from typing import IO, Any

from objects.exceptions import IncompleteBody, LengthRequired, TooLarge
from problems.problem import Problem, UnknownCoding


class RequestBody:
    """The bytes that a client sends, counted.

    :ivar length: as announced, None with chunked coding.
    :ivar received: bytes read so far.
    """

    def __init__(self, stream: IO[bytes], length: int | None, limit: int) -> None:
        """
        :param limit: the most bytes that are taken.
        :raises TooLarge: when the announced length is over it.
        """
        if length is not None and length > limit:
            raise TooLarge(_over(limit))
        self._stream = stream
        self._limit = limit
        self.length = length
        self.received = 0

    @classmethod
    def of(cls, environ: Mapping[str, Any], limit: int) -> "RequestBody":
        """The body of a WSGI request.

        :raises LengthRequired: for chunked coding with a server that does not decode it.
        :raises UnknownCoding: for any other transfer coding.
        :raises TooLarge: see the constructor.
        """
        stream: IO[bytes] = environ["wsgi.input"]
        if coding := environ.get("HTTP_TRANSFER_ENCODING"):
            if coding.strip().lower() != "chunked":
                raise UnknownCoding(
                    f"The only transfer coding that is taken is chunked, not {coding!r}."
                )
            if not environ.get("wsgi.input_terminated"):
                raise LengthRequired
            return cls(stream, None, limit)
        return cls(stream, int(environ.get("CONTENT_LENGTH") or 0), limit)

    def read(self, size: int) -> bytes:
        """The next bytes, at most ``size``; b"" only at the end of the body.

        :raises IncompleteBody: when the client stopped before the end.
        :raises TooLarge: when a chunked body grows over the limit.
        :raises Problem: what the server says of a body that is no chunked coding.
        """
        if self.length is not None:
            size = min(size, self.length - self.received)
        if size <= 0:
            return b""
        try:
            data = self._stream.read(size)
        except Problem:
            raise
        except Exception as error:  # each server has its own for a body that it cannot read
            raise IncompleteBody(
                f"The body broke off after {self.received} bytes ({type(error).__name__}); "
                "nothing was stored."
            ) from error
        self.received += len(data)
        if not data and self.length is not None:
            raise IncompleteBody(
                f"The body ended after {self.received} of {self.length} bytes; nothing was stored."
            )
        if self.received > self._limit:
            raise TooLarge(_over(self._limit))
        return data


def _over(limit: int) -> str:
    return f"The object is larger than {limit} bytes, the most that is stored here."
