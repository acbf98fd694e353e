"""HTTP/1.1 to the byte: what is sent is what is given, and nothing that comes back is overlooked.

A client library would hide a body behind a HEAD, a second Content-Length or an interim answer.
"""

import contextlib
import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

TIMEOUT = 60.0


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
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem document."""
        assert self["Content-Type"] == "application/problem+json", self
        return str(self.json["code"])


class Wire:
    """One TCP connection to the gateway."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=TIMEOUT)
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def finish(self) -> None:
        """No more will be sent."""
        self._socket.shutdown(socket.SHUT_WR)

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

    def rest(self) -> bytes:
        """All that still comes, until the gateway ends the connection."""
        while self._more():
            pass
        rest, self._buffer = self._buffer, b""
        return rest

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
        body = b""
        while size := int(self._until(b"\r\n"), 16):
            body += self._exactly(size)
            assert self._exactly(2) == b"\r\n"
        assert self._until(b"\r\n") == b""
        return body

    def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            assert self._more(), f"the connection ended behind {self._buffer!r}"
        found, _, self._buffer = self._buffer.partition(end)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            assert self._more(), f"the connection ended {size - len(self._buffer)} bytes too early"
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _more(self) -> bool:
        try:
            data = self._socket.recv(65536)
        except ConnectionResetError:
            return False
        self._buffer += data
        return bool(data)


@dataclass(frozen=True)
class Client:
    """Sends one request a connection."""

    host: str
    port: int

    def wire(self) -> Wire:
        return Wire(self.host, self.port)

    def raw(self, request: bytes, method: str = "GET") -> Answer:
        """The answer to these bytes, behind which nothing may come.

        It may come before all of them were taken (RFC 9112 section 9.6).
        """
        with self.wire() as wire:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                wire.send(request)
            answer = wire.answer(method)
            with contextlib.suppress(OSError):
                wire.finish()
            rest = wire.rest()
        assert rest == b"", f"behind the answer {answer} came {rest!r}"
        return answer

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
    ) -> Answer:
        head = request_head(method, target, headers, None if body is None else len(body))
        return self.raw(head + (body or b""), method)

    def get(self, target: str, **headers: str) -> Answer:
        return self.request("GET", target, _hyphens(headers))

    def put(self, object_id: str, body: bytes, **headers: str) -> Answer:
        return self.request("PUT", f"/object/{object_id}", _hyphens(headers), body)

    def put_chunked(
        self, object_id: str, body: bytes, *, chunk: int = 65536, **headers: str
    ) -> Answer:
        head = request_head(
            "PUT", f"/object/{object_id}", {**_hyphens(headers), "Transfer-Encoding": "chunked"}
        )
        return self.raw(head + chunked(body, chunk), "PUT")


def request_head(
    method: str,
    target: str,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
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


def chunked(body: bytes, chunk: int = 65536) -> bytes:
    pieces = [body[start : start + chunk] for start in range(0, len(body), chunk)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def _hyphens(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
