"""Which ids there are, and that nothing else reaches a node."""

import pytest

from demo.harness.s3nodes import NodeProcess
from tests.functional.stored import keys_in_all
from tests.support.client import Answer, Client, random_id

INVALID = {
    "33 characters": b"a" * 33,
    "hyphen": b"a-b",
    "slash": b"a/b",
    "encoded slash": b"a%2Fb",
    "trailing slash": b"a/",
    "umlaut": b"%C3%A4",
    "latin-1": b"%E4",
    "line feed": b"a%0A",
    "line feed first": b"%0Aa",
    "NUL": b"a%00",
    "space": b"a%20b",
    "plus": b"a+b",
    "dots": b"..",
    "encoded dots": b"%2E%2E%2Fb",
    "full-width letter": b"%EF%BD%81",
    "arabic digit": b"%D9%A1",
    "percent": b"a%",
}


def asked(api: Client, request_line: bytes, body: bytes = b"") -> Answer:
    """The answer to a request line as given."""
    fields = f"Host: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    method = request_line.split()[0].decode()
    return api.raw(request_line + b" HTTP/1.1\r\n" + fields + body, method)


@pytest.mark.parametrize("object_id", ["a", "0", "aB3" + "x" * 29, "A" * 32, "9" * 32])
def test_valid(api: Client, object_id: str) -> None:
    body = random_id().encode()
    assert asked(api, f"PUT /object/{object_id}".encode(), body).status == 201
    assert asked(api, f"GET /object/{object_id}".encode()).body == body


@pytest.mark.parametrize("method", ["PUT", "GET", "HEAD"])
@pytest.mark.parametrize("object_id", INVALID.values(), ids=INVALID.keys())
def test_invalid(api: Client, s3_nodes: list[NodeProcess], method: str, object_id: bytes) -> None:
    before = keys_in_all(s3_nodes)
    answer = asked(api, method.encode() + b" /object/" + object_id, b"never to be stored")
    assert answer.status == 400
    if method != "HEAD":
        assert answer.code == "invalid_id"
    assert keys_in_all(s3_nodes) == before


@pytest.mark.parametrize("method", [b"PUT", b"GET"])
def test_bytes_that_no_path_may_contain(
    api: Client, s3_nodes: list[NodeProcess], method: bytes
) -> None:
    before = keys_in_all(s3_nodes)
    # The server refuses the request line, long before anybody looks for an id in it.
    answer = asked(api, method + " /object/ä".encode(), b"never to be stored")
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert keys_in_all(s3_nodes) == before


def test_no_id_and_no_slash(api: Client, s3_nodes: list[NodeProcess]) -> None:
    before = keys_in_all(s3_nodes)
    for method in (b"PUT", b"GET"):
        answer = asked(api, method + b" /object", b"never to be stored")
        assert (answer.status, answer.code) == (404, "not_found")
    assert keys_in_all(s3_nodes) == before


def test_the_index_takes_no_object(api: Client, s3_nodes: list[NodeProcess]) -> None:
    before = keys_in_all(s3_nodes)
    answer = asked(api, b"PUT /object/", b"never to be stored")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert keys_in_all(s3_nodes) == before
