"""Bodies with chunked coding: what is taken, and what is refused (RFC 9112 section 7.1)."""

import os
from collections.abc import Iterator

import pytest

from objgw_site.server.tests.server import Client, Server, digest, request

HEAD = request("PUT", "/read", "Transfer-Encoding: chunked").encode()
END = b"0\r\n\r\n"
#: gunicorn's own bound for a line.
LINE = 8190


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server) as client:
        yield client


def coded(data: bytes, size: int, extension: bytes = b"") -> bytes:
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)


@pytest.mark.parametrize("size", [1, 2, 7, 1000, 8192, 65536, 300_000, 2**20])
@pytest.mark.parametrize("cut", [1, 3, 8192, 100_000])
def test_a_body_arrives_whole_however_it_is_chunked_and_cut(
    client: Client, size: int, cut: int
) -> None:
    data = os.urandom(min(size * 50 + 17, 1_500_000) if cut > 100 else min(size * 5 + 3, 3000))
    sent = HEAD + coded(data, size) + END
    for start in range(0, len(sent), cut):
        client.send(sent[start : start + cut])
    assert client.answer().json == digest(data)
    assert client.ask("PUT", "/read", b"next").json == digest(b"next")


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b"0\r\n\r\n", b""),
        (b"00000\r\n\r\n", b""),
        (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
        (b"000000000000000a\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
        (b"5;name\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b'5 ; a=b;c="d\\"; e" ;f\r\nhello\r\n0;g=h\r\n\r\n', b"hello"),
        (b"5\r\nhello\r\n0\r\nX-Trailer: a\r\nY-Trailer: b\r\n\r\n", b"hello"),
    ],
)
@pytest.mark.parametrize("together", [True, False], ids=["at once", "byte by byte"])
def test_what_is_right(client: Client, body: bytes, data: bytes, together: bool) -> None:
    pieces = [HEAD + body] if together else [bytes([byte]) for byte in HEAD + body]
    for piece in pieces:
        client.send(piece)
    assert client.answer().json == digest(data)
    # What is behind it is the next request.
    assert client.ask("GET", "/chunks").body == b"onetwo"


@pytest.mark.parametrize(
    "body",
    [
        b"5\nhello\n0\n\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhelloX0\r\n\r\n",
        b"5\r\nhell\r\n0\r\n\r\n",
        b"5\r\nhello world\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"5_0\r\nhello\r\n0\r\n\r\n",
        b"\r\nhello\r\n0\r\n\r\n",
        b";a\r\nhello\r\n0\r\n\r\n",
        b"5;\r\nhello\r\n0\r\n\r\n",
        b"5;a=\r\nhello\r\n0\r\n\r\n",
        b"5;a\nb\r\nhello\r\n0\r\n\r\n",
        b"5;a\rb\r\nhello\r\n0\r\n\r\n",
        b"5;\x00\r\nhello\r\n0\r\n\r\n",
        b"\xb5\r\nhello\r\n0\r\n\r\n",
        b"five\r\nhello\r\n0\r\n\r\n",
        b"10000000000000000\r\nhello\r\n0\r\n\r\n",
        b"5;" + b"a" * LINE + b"\r\nhello\r\n0\r\n\r\n",
        b"5" * LINE + b"\r\nhello\r\n0\r\n\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\nContent-Length: 5\r\n\r\n",
        b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"0\r\nHost: other\r\n\r\n",
        b"0\r\nX: a\nY: b\r\n\r\n",
        b"0\r\nX: a\r\n folded\r\n\r\n",
        b"0\r\nX : a\r\n\r\n",
        b"0\r\n\n",
    ],
)
def test_what_is_wrong_is_refused(client: Client, body: bytes) -> None:
    """With a problem, and nothing behind it is taken for a request."""
    client.send(HEAD + body + request("GET", "/chunks").encode() * 3)
    answer = client.answer()
    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    assert answer.headers["connection"] == "close"
    assert client.rest() == b""


class TestOverhead:
    """At most 16 KiB more than 16 bytes and twice the data of each chunk, as Go's server has it."""

    EXTENSION = b";a" * 200

    def test_over_it_is_refused(self, client: Client) -> None:
        client.send(HEAD + coded(b"x" * 1000, 1, self.EXTENSION))
        answer = client.answer()
        assert (answer.status, answer.json["code"]) == (400, "invalid_request")
        assert "overhead" in answer.json["detail"]
        assert client.rest() == b""

    def test_under_it_is_taken(self, client: Client) -> None:
        # 405 bytes a chunk that are no data, of which 18 are free.
        data = b"x" * (16 * 1024 // (405 - 18))
        client.send(HEAD + coded(data, 1, self.EXTENSION) + END)
        assert client.answer().json == digest(data)

    def test_data_makes_up_for_it(self, client: Client) -> None:
        data = b"x" * 200_000
        client.send(HEAD + coded(data, 200, self.EXTENSION) + END)
        assert client.answer().json == digest(data)

    def test_one_byte_a_chunk_is_taken(self, client: Client) -> None:
        data = os.urandom(50_000)
        client.send(HEAD + coded(data, 1) + END)
        assert client.answer().json == digest(data)


def test_a_body_that_breaks_off_is_no_bug_of_the_client(client: Client, server: Server) -> None:
    known = server.logged_so_far()
    client.send(HEAD + b"5\r\nhel")
    client.finish()
    client.rest()
    until = server.logged_so_far()
    assert not [line for line in server.log[known:until] if "Traceback" in line]
