"""A client of the gateway that sends exactly what it is told, to the byte."""

import contextlib
import hashlib
import http.client
import json
import random
import socket
import string
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

BLOCK = 256 * 1024
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem document."""
        assert self.headers["content-type"] == "application/problem+json", self
        return str(self.json["code"])


class Body:
    """`size` bytes that differ from block to block, made anew at each iteration."""

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


@dataclass(frozen=True)
class GatewayClient:
    """One connection a request."""

    host: str
    port: int
    timeout: float = 60.0

    @contextlib.contextmanager
    def answering(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        """The response, its body not read yet. A body without a Content-Length goes chunked."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=dict(headers or {}))
            with connection.getresponse() as response:
                yield response

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        with self.answering(method, path, body, headers) as response:
            return Answer(response.status, _headers(response), response.read())

    def put(self, object_id: str, body: bytes | Iterable[bytes], **headers: str) -> Answer:
        return self.request("PUT", f"/object/{object_id}", body, headers)

    def get(self, object_id: str) -> Answer:
        return self.request("GET", f"/object/{object_id}")

    def raw(self, request_line: bytes, body: bytes = b"") -> Answer:
        """The answer to a request line as given, no client library in between."""
        with self.connect() as connection:
            length = f"Host: {self.host}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            connection.sendall(request_line + b" HTTP/1.1\r\n" + length + body)
            return receive(connection, request_line.split()[0].decode())

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=self.timeout)


def receive(connection: socket.socket, method: str) -> Answer:
    """The answer that comes over a connection. To HEAD there is no body, whatever the headers."""
    with http.client.HTTPResponse(connection, method=method) as response:
        response.begin()
        return Answer(response.status, _headers(response), response.read())


def reset(connection: socket.socket) -> None:
    """End a connection with RST, as when a client's machine is gone."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def random_id(length: int = 20) -> str:
    return "".join(random.choices(_ALPHABET, k=length))


def _headers(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}
