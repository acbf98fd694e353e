"""``wsgi.input`` for bodies that are passed on: few copies, and no 100 Continue before its time."""

import socket
from typing import Any

from gunicorn.http.body import Body, LengthReader


class Input:
    """The body of one request, as WSGI wants it.

    gunicorn's own ``Body`` copies a byte six times on its way. A body of known length comes
    straight from the socket here, once what gunicorn had read ahead is used up; its count of what
    is left is kept right. Chunked coding is left to gunicorn.

    :param expects: whether the client waits for ``100 Continue``; it gets it with the first read.
    """

    def __init__(self, body: Body, sock: socket.socket, *, expects: bool) -> None:
        self._body = body
        self._sock = sock
        self._expects = expects
        self._reader: Any = body.reader if isinstance(body.reader, LengthReader) else None

    def read(self, size: int | None = None) -> bytes:
        """Up to ``size`` bytes; b"" at the end of the body, or of what the client sends."""
        self._ask()
        if self._reader is None or size is None or size < 0:
            data: bytes = self._body.read(size)
            return data
        size = min(size, self._reader.length)
        if size == 0:
            return b""
        data = self._read_ahead(size) or self._sock.recv(size)
        self._reader.length -= len(data)
        return data

    def readline(self, size: int | None = None) -> bytes:
        """One line. Nothing in the gateway asks for lines, but WSGI promises them."""
        self._ask()
        line: bytes = self._body.readline(size)
        return line

    def _ask(self) -> None:
        if self._expects:
            self._expects = False
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _read_ahead(self, size: int) -> bytes:
        unreader = self._reader.unreader
        data: bytes = unreader.take_buffered()
        if len(data) > size:
            unreader.unread(data[size:])
        return data[:size]
