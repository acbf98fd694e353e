"""A client of the gateway: plain HTTP, so that a test says exactly what goes over the wire."""

import contextlib
import hashlib
import http.client
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

BLOCK = 2**20


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """All that the client sees."""
        return f"{self.status} {self.headers} {self.body!r}"


def _headers(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


@dataclass(frozen=True)
class GatewayClient:
    host: str
    port: int
    timeout: float = 60

    @contextlib.contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        with contextlib.closing(connection):
            yield connection

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """An iterable without a Content-Length in the headers goes out chunked."""
        with self.connection() as connection:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, _headers(response), response.read())

    def put(self, object_id: str, body: bytes) -> Answer:
        return self.request("PUT", f"/object/{object_id}", body)

    def get(self, object_id: str) -> Answer:
        return self.request("GET", f"/object/{object_id}")

    def digest(self, object_id: str) -> tuple[int, str]:
        """Size and SHA-256 of an object, received in blocks."""
        digest, size = hashlib.sha256(), 0
        with self.connection() as connection:
            connection.request("GET", f"/object/{object_id}")
            response = connection.getresponse()
            assert response.status == http.client.OK, response.read(BLOCK)
            while block := response.read(BLOCK):
                digest.update(block)
                size += len(block)
        return size, digest.hexdigest()

    def status_of(self, path: str) -> int | None:
        """The status that a GET gives, None while nobody listens."""
        try:
            return self.request("GET", path).status
        except (OSError, http.client.HTTPException):
            return None

    def is_ready(self) -> bool:
        return self.status_of("/readyz") == http.client.OK
