"""``wsgi.input`` for bodies that are passed on: few copies, and no 100 Continue before its time."""

import socket
from typing import Any

from objgw_site.server.chunked import ChunkedReader
from objgw_site.server.errors import problem_of
from objgw_site.server.internals import (
    Body,
    ParseException,
    Request,
    bytes_left,
    count_read,
    give_back,
    is_counted,
    reader_of,
    take_received,
    unreader_of,
)
from objgw_site.server.turns import receive

#: Read at once where all is asked for.
_PIECE = 256 * 1024


class Input:
    """The body of one request, as WSGI wants it.

    gunicorn's own ``Body`` copies each byte six times. Here, a body of known length comes straight
    from the socket once what gunicorn had received with the head is used up, and gunicorn's count
    of what is left is kept right. A chunked body is read by `ChunkedReader`.

    :param expects: whether the client waits for ``100 Continue``; it gets it with the first read.
    :ivar received: bytes of the body so far.
    """

    def __init__(self, body: Body, sock: socket.socket, *, expects: bool) -> None:
        self._reader: Any = reader_of(body)
        self._counted = is_counted(self._reader)
        self._sock = sock
        self._expects = expects
        #: Read already, behind the end of a line.
        self._ahead = b""
        self.received = 0

    def read(self, size: int | None = None) -> bytes:
        """Up to ``size`` bytes; b"" at the end of the body, or of what the client sends.

        :raises InvalidRequest: if the chunked coding is invalid, see `ChunkedReader.read`.
        """
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(_PIECE), b""))
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        if self._expects:
            self._expects = False
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        data = self._counted_read(size) if self._counted else self._chunked_read(size)
        self.received += len(data)
        return data

    def readline(self, size: int | None = None) -> bytes:
        """One line. Nothing in the gateway asks for lines, but WSGI promises them."""
        limit = size if size is not None and size >= 0 else None
        line = b""
        while (end := line.find(b"\n")) < 0 and (limit is None or len(line) < limit):
            more = self.read(1024)
            if not more:
                break
            line += more
        end = min(end + 1 if end >= 0 else len(line), len(line) if limit is None else limit)
        self._ahead = line[end:] + self._ahead
        return line[:end]

    def _counted_read(self, size: int) -> bytes:
        size = min(size, bytes_left(self._reader))
        if size == 0:
            return b""
        data = self._read_ahead(size) or receive(self._sock, size)
        count_read(self._reader, len(data))
        return data

    def _chunked_read(self, size: int) -> bytes:
        try:
            data: bytes = self._reader.read(size)
        except ParseException as error:  # gunicorn's, of a trailer
            raise problem_of(error) or error from error
        return data

    def _read_ahead(self, size: int) -> bytes:
        unreader = unreader_of(self._reader)
        data = take_received(unreader)
        if len(data) > size:
            give_back(unreader, data[size:])
        return data[:size]


def body_was_read(req: Request) -> bool:
    """Whether nothing of a request's body is left on the connection."""
    reader = reader_of(req.body)
    if is_counted(reader):
        return bytes_left(reader) == 0
    return isinstance(reader, ChunkedReader) and reader.ended
