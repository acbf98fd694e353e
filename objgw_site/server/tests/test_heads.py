"""Heads of requests: how large, how slow, and which versions and methods."""

import time
from collections.abc import Iterator
from statistics import median

import pytest
from gunicorn.config import Config

from objgw_site.server.tests.server import Client, Server, digest, request

LIMIT = 64 * 1024
FIELD = 8000


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server) as client:
        yield client


def head_of(size: int, method: str = "GET", *fields: str) -> str:
    """A head of exactly so many bytes."""
    missing = size - len(request(method, "/read", *fields))
    filling = []
    while missing:
        # "X: " and CRLF are 5; what is left must be none or enough for one more.
        length = min(FIELD, missing) if not 0 < missing - FIELD < 5 else missing - 5
        filling.append("X: " + "a" * (length - 5))
        missing -= length
    head = request(method, "/read", *fields, *filling)
    assert len(head) == size
    return head


class TestTheWhole:
    """Of request line, fields and trailers: 64 KiB."""

    def test_up_to_the_limit_is_taken(self, client: Client) -> None:
        client.send(head_of(LIMIT))
        assert client.answer().status == 200
        assert client.ask("GET", "/chunks").body == b"onetwo"

    def test_one_byte_more_is_refused(self, client: Client) -> None:
        client.send(head_of(LIMIT + 1))
        assert_too_large(client)

    def test_without_an_end_is_refused(self, client: Client) -> None:
        client.send("GET /read HTTP/1.1\r\n" + f"X: {'a' * FIELD}\r\n" * 9)
        assert_too_large(client)

    def test_trailers_count(self, client: Client) -> None:
        head = head_of(LIMIT - 100, "PUT", "Transfer-Encoding: chunked")
        client.send(head + "5\r\nhello\r\n0\r\nX: " + "a" * 90 + "\r\n\r\n")
        assert client.answer().json == digest(b"hello")
        client.send(head + "5\r\nhello\r\n0\r\nX: " + "a" * 100 + "\r\n\r\n")
        assert_too_large(client)

    def test_trailers_without_an_end_are_refused(self, client: Client) -> None:
        client.send(request("PUT", "/read", "Transfer-Encoding: chunked"))
        client.send("0\r\n" + f"X: {'a' * FIELD}\r\n" * 9)
        assert_too_large(client)


def assert_too_large(client: Client) -> None:
    answer = client.answer()
    assert (answer.status, answer.json["code"]) == (431, "header_fields_too_large")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "65,536" in answer.json["detail"]
    assert client.rest() == b""


class Drip:
    """A socket that has a request byte by byte."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self.times: list[float] = []

    def recv(self, _size: int) -> bytes:
        self.times.append(time.perf_counter())
        self._position += 1
        return self._data[self._position - 1 : self._position]


def test_a_byte_costs_the_same_behind_a_large_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a client that sends slowly keeps a core busy."""
    from gunicorn.http.parser import RequestParser

    import objgw_site.server.worker  # noqa: F401  (it makes the parser ours)

    monkeypatch.setattr("objgw_site.server.turns.await_readable", lambda _: None)
    drip = Drip(head_of(60 * 1024).encode())
    next(RequestParser(Config(), drip, ("127.0.0.1", 1)))
    costs = [later - earlier for earlier, later in zip(drip.times, drip.times[1:], strict=False)]
    assert len(costs) == 60 * 1024 - 1
    assert median(costs[-2000:]) < 5 * median(costs[1000:3000])


class TestBeginnings:
    def test_byte_by_byte(self, client: Client) -> None:
        for byte in request("GET", "/headers", "X-Real: yes"):
            client.send(byte)
        assert client.answer().json["HTTP_X_REAL"] == "yes"

    @pytest.mark.parametrize("cut", [1, 2, 20, 40])
    def test_an_empty_line_before_it(self, client: Client, cut: int) -> None:
        """RFC 9112 section 2.2."""
        sent = "\r\n" + request("GET", "/chunks")
        client.send(sent[:cut])
        client.send(sent[cut:])
        assert client.answer().body == b"onetwo"

    @pytest.mark.parametrize(
        "begun",
        [
            "GARBAGE\r\n",
            "\r\n\r\n",
            "GET /read HTTP/1.1\n",
            "GET /read HTTP/1.1\r\nHost: a\n",
            "GET /read\r\n",
        ],
    )
    def test_what_cannot_become_a_request_is_refused_at_once(
        self, client: Client, begun: str
    ) -> None:
        client.send(begun)
        answer = client.answer()
        assert (answer.status, answer.json["code"]) == (400, "invalid_request")
        assert client.rest() == b""

    def test_a_request_line_without_end_is_refused(self, client: Client) -> None:
        client.send("GET /" + "a" * 9000)
        answer = client.answer()
        assert (answer.status, answer.json["code"]) == (414, "uri_too_long")


class TestVersions:
    @pytest.mark.parametrize("version", ["1.1", "1.2", "1.9", "1.0"])
    def test_of_the_first_are_answered_as_1_1(self, client: Client, version: str) -> None:
        """RFC 9110 section 2.5: the highest that the server conforms to."""
        client.send(f"GET /chunks HTTP/{version}\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert client.rest().startswith(b"HTTP/1.1 200 OK\r\n")

    def test_higher_minor_ones_may_use_what_1_1_has(self, client: Client) -> None:
        for _ in range(2):
            client.send(request("PUT", "/read", "Transfer-Encoding: chunked").replace("1.1", "1.2"))
            client.send("5\r\nhello\r\n0\r\n\r\n")
            assert client.answer().json == digest(b"hello")

    @pytest.mark.parametrize("version", ["0.9", "2.0", "3.0", "9.9"])
    @pytest.mark.parametrize("line", ["GET /chunks", "PRI *"])
    def test_others_are_refused(self, client: Client, line: str, version: str) -> None:
        client.send(f"{line} HTTP/{version}\r\nHost: a\r\n\r\n")
        answer = client.answer()
        assert (answer.status, answer.json["code"]) == (505, "http_version_not_supported")
        assert f"HTTP/{version}" in answer.json["detail"]
        assert client.rest() == b""

    @pytest.mark.parametrize("version", ["HTTP/1", "HTTP/1.10", "HTTP/11.1", "http/1.1", "HTTP/x"])
    def test_what_is_none_is_no_request(self, client: Client, version: str) -> None:
        client.send(f"GET /chunks {version}\r\nHost: a\r\n\r\n")
        answer = client.answer()
        assert (answer.status, answer.json["code"]) == (400, "invalid_request")


class TestMethods:
    @pytest.mark.parametrize("method", ["BREW", "get", "Get", "M-SEARCH", "X", "A" * 40])
    def test_that_nobody_knows_are_refused(self, client: Client, method: str) -> None:
        client.send(request(method, "/chunks"))
        answer = client.answer()
        assert (answer.status, answer.json["code"]) == (501, "method_not_implemented")
        assert method in answer.json["detail"]
        assert client.rest() == b""

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "OPTIONS", "PATCH", "TRACE"])
    def test_of_the_standard_are_for_the_application(self, client: Client, method: str) -> None:
        assert client.ask(method, "/chunks").status == 200

    @pytest.mark.parametrize("method", ["G@T", "G\0T", "(GET)", "G\xcbT"])
    def test_what_is_none_is_no_request(self, client: Client, method: str) -> None:
        client.send(request(method, "/chunks"))
        answer = client.answer()
        assert (answer.status, answer.json["code"]) == (400, "invalid_request")


def test_problems_of_the_server_end_their_line(client: Client) -> None:
    client.send("GARBAGE\r\n\r\n")
    assert client.answer().body.endswith(b"}\n")
