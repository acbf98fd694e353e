"""HTTP/1.1 to the byte: what is sent is what is given, and nothing that comes back is overlooked.

A client library would hide a body behind a HEAD, a second Content-Length or an interim answer.
"""

import contextlib
import errno
import hashlib
import http.client
import json
import random
import socket
import ssl
import string
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

TIMEOUT = 60.0
_ALPHABET = string.ascii_letters + string.digits
_BLOCK = 2**20

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


class CutShort(ConnectionError):
    """The connection ended where more was due."""


@dataclass(frozen=True)
class Answer:
    """One response. Header fields in the order they came, body as it came."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def __getitem__(self, name: str) -> str | None:
        """The value of a field that may come once at most."""
        found = [value for field, value in self.fields if field.lower() == name.lower()]
        assert len(found) <= 1, f"{name} came {len(found)} times: {found}"
        return found[0] if found else None

    @property
    def names(self) -> set[str]:
        return {name.lower() for name, _ in self.fields}

    @property
    def headers(self) -> dict[str, str]:
        """All fields, by their names in lower case."""
        return {name.lower(): value for name, value in self.fields}

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem document."""
        assert self["Content-Type"] == "application/problem+json", self
        return str(self.json["code"])

    @property
    def text(self) -> str:
        """All that the client sees."""
        return f"{self.status} {self.fields} {self.body!r}"


class Wire:
    """One TCP connection.

    :param source: the address of this end, where it matters.
    :param tls: speaks TLS with it, whose certificate must be of ``host``; None for plain HTTP.
    """

    def __init__(
        self,
        host: str,
        port: int,
        timeout: float = TIMEOUT,
        source: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        own = None if source is None else (source, 0)
        self.socket = socket.create_connection((host, port), timeout, own)
        self._buffer = bytearray()
        if tls is not None:
            try:
                self.socket = tls.wrap_socket(self.socket, server_hostname=host)
            except BaseException:  # an open socket would be a warning in some other test
                self.socket.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """
        :raises BrokenPipeError, ConnectionResetError: when the other side has ended it.
        """
        try:
            self.socket.sendall(data)
        except ssl.SSLEOFError as error:
            raise BrokenPipeError(errno.EPIPE, "the TLS connection has ended") from error

    def finish(self) -> None:
        """No more will be sent."""
        # Not that of TLS, which would not read any more either.
        socket.socket.shutdown(self.socket, socket.SHUT_WR)

    def is_open(self) -> bool:
        """Whether the other side has not ended the connection, as far as can be seen."""
        timeout = self.socket.gettimeout()
        self.socket.setblocking(False)
        try:
            data = self.socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except ConnectionResetError:
            return False
        finally:
            self.socket.settimeout(timeout)
        self._buffer += data
        return bool(data)

    def reset(self) -> None:
        """End the connection with RST, as when a client's machine is gone."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def answer(self, method: str = "GET") -> Answer:
        """The next answer, interim ones included (RFC 9112 section 6.3)."""
        status, fields = self._head()
        lower = {name.lower(): value for name, value in fields}
        if method == "HEAD" or status < 200 or status in (204, 304):
            return Answer(status, fields, b"")
        if "transfer-encoding" in lower:
            assert lower["transfer-encoding"] == "chunked"
            assert "content-length" not in lower
            return Answer(status, fields, self._chunks())
        return Answer(status, fields, self._exactly(int(lower["content-length"])))

    def response(self, method: str = "GET") -> http.client.HTTPResponse:
        """The head of the next answer that is not an interim one; the body is yet to be read."""
        assert not self._buffer
        response = http.client.HTTPResponse(self.socket, method=method)
        response.begin()
        return response

    def rest(self) -> bytes:
        """All that still comes, until the other side ends the connection."""
        while self._more():
            pass
        return self._taken(len(self._buffer))

    def _head(self) -> tuple[int, tuple[tuple[str, str], ...]]:
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, *_ = lines[0].split(" ", 2)
        assert version in ("HTTP/1.1", "HTTP/1.0"), lines[0]
        fields = []
        for line in lines[1:]:
            name, separator, value = line.partition(":")
            assert separator, f"not a header field: {line!r}"
            assert name == name.strip(), f"not a field name: {line!r}"
            fields.append((name, value.strip()))
        return int(status), tuple(fields)

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := int(self._until(b"\r\n"), 16):
            body += self._exactly(size)
            assert self._exactly(2) == b"\r\n"
        assert self._until(b"\r\n") == b""
        return bytes(body)

    def _until(self, end: bytes) -> bytes:
        while (position := self._buffer.find(end)) < 0:
            if not self._more():
                raise CutShort(f"the connection ended behind {bytes(self._buffer)!r}")
        return self._taken(position + len(end)).removesuffix(end)

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self._more():
                missing = size - len(self._buffer)
                raise CutShort(f"the connection ended {missing} bytes too early")
        return self._taken(size)

    def _taken(self, size: int) -> bytes:
        found = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return found

    def _more(self) -> bool:
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self._buffer += data
        return bool(data)


@dataclass(frozen=True)
class Client:
    """Sends one request a connection."""

    host: str
    port: int
    timeout: float = TIMEOUT
    tls: ssl.SSLContext | None = None

    def wire(self) -> Wire:
        return Wire(self.host, self.port, self.timeout, tls=self.tls)

    def raw(self, request: bytes, method: str = "GET") -> Answer:
        """The answer to these bytes, behind which nothing may come."""
        return self._asked([request], method)

    def request(
        self,
        method: str,
        target: str,
        headers: Headers = (),
        body: bytes | Iterable[bytes] | None = None,
    ) -> Answer:
        """A body in pieces goes out chunked, unless the header fields have a Content-Length."""
        return self._asked(request_pieces(method, target, headers, body), method)

    def _asked(self, pieces: Iterable[bytes], method: str) -> Answer:
        """It may be answered before all of it was taken (RFC 9112 section 9.6)."""
        with self.wire() as wire:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for piece in pieces:
                    wire.send(piece)
            answer = wire.answer(method)
            with contextlib.suppress(OSError):
                wire.finish()
            rest = wire.rest()
        assert rest == b"", f"behind the answer {answer} came {rest!r}"
        return answer

    @contextlib.contextmanager
    def answering(self, method: str, target: str) -> Iterator[http.client.HTTPResponse]:
        """The response, its body not read yet."""
        with self.wire() as wire:
            wire.send(request_head(method, target))
            with wire.response(method) as response:
                yield response

    def get(self, target: str, **headers: str) -> Answer:
        return self.request("GET", target, _hyphens(headers))

    def get_object(self, object_id: str) -> Answer:
        return self.get(f"/object/{object_id}")

    def put(self, object_id: str, body: bytes | Iterable[bytes], **headers: str) -> Answer:
        return self.request("PUT", f"/object/{object_id}", _hyphens(headers), body)

    def put_chunked(
        self, object_id: str, body: bytes, *, chunk: int = 65536, **headers: str
    ) -> Answer:
        head = request_head(
            "PUT", f"/object/{object_id}", {**_hyphens(headers), "Transfer-Encoding": "chunked"}
        )
        return self.raw(head + chunked(body, chunk), "PUT")

    def digest(self, object_id: str) -> tuple[int, str]:
        """Size and SHA-256 of an object, received in blocks."""
        digest, size = hashlib.sha256(), 0
        with self.answering("GET", f"/object/{object_id}") as response:
            assert response.status == http.client.OK, response.read(_BLOCK)
            while block := response.read(_BLOCK):
                digest.update(block)
                size += len(block)
        return size, digest.hexdigest()

    def status_of(self, target: str) -> int | None:
        """The status that a GET gives, None while nobody listens."""
        try:
            return self.get(target).status
        except OSError:
            return None

    def is_ready(self) -> bool:
        return self.status_of("/readyz") == http.client.OK


def request_head(
    method: str,
    target: str,
    headers: Headers = (),
    length: int | None = None,
    *,
    close: bool = True,
) -> bytes:
    """A request's head, its Host and framing included."""
    given = list(headers.items() if isinstance(headers, Mapping) else headers)
    if all(name.lower() != "host" for name, _ in given):
        given.insert(0, ("Host", "gateway"))
    if length is not None:
        given.append(("Content-Length", str(length)))
    if close:
        given.append(("Connection", "close"))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def request_pieces(
    method: str, target: str, headers: Headers, body: bytes | Iterable[bytes] | None
) -> Iterator[bytes]:
    """A request as it is sent, the head first."""
    if body is None or isinstance(body, bytes):
        length = None if body is None else len(body)
        yield request_head(method, target, headers, length) + (body or b"")
        return
    given = list(headers.items() if isinstance(headers, Mapping) else headers)
    if any(name.lower() == "content-length" for name, _ in given):
        yield request_head(method, target, given)
        yield from body
        return
    yield request_head(method, target, [*given, ("Transfer-Encoding", "chunked")])
    for piece in body:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def chunked(body: bytes, chunk: int = 65536) -> bytes:
    """A whole body in the chunked coding (RFC 9112 section 7.1)."""
    pieces = [body[start : start + chunk] for start in range(0, len(body), chunk)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def random_id(length: int = 20) -> str:
    """An id that no test has used."""
    return "".join(random.choices(_ALPHABET, k=length))


def _hyphens(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
