"""What a node's answer may cost: time, bytes, turns of the event loop."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from objects.store.documents import NotADocument, read_document
from objects.store.errors import BadAnswer, TimedOut
from objects.store.request import Request
from objects.store.response import CHUNK, MAX_FIELDS, MAX_HEAD, PIECE, Response
from objects.store.transport import MAX_INTERIM, Pool
from objects.tests.node_server import PATIENCE, NodeServer, Peer, Script, ok, says

GET = Request("GET", "/objects/abc", {"Host": "node"})
SHORT = 0.3
#: That of a listing of about 1,000 entries.
LIMIT = 2**22 + 2**16


@pytest.fixture
def turns() -> list[int]:
    """One entry for each time that the event loop may let others go on."""
    return []


@pytest.fixture
def pool_to(turns: list[int]) -> Iterator[Callable[..., Pool]]:
    pools: list[Pool] = []

    def make(server: NodeServer, read_timeout: float = PATIENCE) -> Pool:
        pools.append(
            Pool(
                "127.0.0.1",
                server.port,
                connect_timeout=PATIENCE,
                read_timeout=read_timeout,
                wait=lambda sock: turns.append(sock.fileno()),
            )
        )
        return pools[-1]

    yield make
    for pool in pools:
        pool.clear()


def get(pool: Pool) -> Response:
    return pool.exchange(GET, repeatable=False)


def dripping(first: bytes, drop: bytes) -> Script:
    """A drop well before the read timeout, for as long as anybody listens."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(first)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            peer.send(drop)
            time.sleep(SHORT / 10)

    return script


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nA: ", b"a"),
        (b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 200 OK\r\nA: ", b"a"),
        (b"HTTP/1.1 102 P\r\n\r\n", b"HTTP/1.1 102"),
    ],
    ids=["head", "head behind an interim one", "interim"],
)
def test_a_head_that_drips_ends_at_the_read_timeout(
    pool_to: Callable[..., Pool], first: bytes, drop: bytes
) -> None:
    with NodeServer(dripping(first, drop)) as server, pytest.raises(TimedOut):
        get(pool_to(server, SHORT))


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 404 No\r\nContent-Length: 60000\r\n\r\n",
        b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\nff;",
    ],
    ids=["counted", "chunked"],
)
def test_so_does_a_document(pool_to: Callable[..., Pool], first: bytes) -> None:
    with NodeServer(dripping(first, b"a")) as server, pytest.raises(TimedOut):
        get(pool_to(server, SHORT)).read()


def test_a_body_may_take_longer(pool_to: Callable[..., Pool]) -> None:
    """An object is as long as it is; only silence is bounded, also behind a head that dripped."""

    def script(peer: Peer) -> None:
        peer.request()
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n":
            peer.send(bytes([byte]))
        for _ in range(30):
            time.sleep(SHORT / 10)
            peer.send(b"x")
        peer.request()
        time.sleep(SHORT * 2 / 3)
        peer.send(ok(b"late"))
        peer.until_hung_up()

    with NodeServer(script) as server:
        pool = pool_to(server, SHORT)
        with closing(get(pool)) as answer:
            assert b"".join(answer) == b"x" * 30
        # The deadline was of that answer, and not of the connection.
        assert get(pool).read() == b"late"
        pool.clear()


def test_interim_answers_are_counted(pool_to: Callable[..., Pool]) -> None:
    interim = b"HTTP/1.1 102 Processing\r\n\r\n"
    with NodeServer(says(interim * (MAX_INTERIM - 1) + ok(b"x"))) as server:
        pool = pool_to(server)
        assert get(pool).read() == b"x"
        pool.clear()
    with (
        NodeServer(says(interim * MAX_INTERIM + ok(b"x"))) as server,
        pytest.raises(BadAnswer, match="no final one"),
    ):
        get(pool_to(server))


def test_so_are_fields(pool_to: Callable[..., Pool]) -> None:
    few = ["A: " + "b" * 200] * (MAX_FIELDS - 2)
    with NodeServer(says(ok(b"x", *few), ok(b"x", *few[:90], *["a: b"] * MAX_FIELDS))) as server:
        pool = pool_to(server)
        assert get(pool).read() == b"x"
        with pytest.raises(BadAnswer, match="more than 256 header fields"):
            get(pool)


def test_a_head_that_comes_at_once_is_measured_too(pool_to: Callable[..., Pool]) -> None:
    with (
        NodeServer(says(ok(b"x", "A: " + "b" * MAX_HEAD))) as server,
        pytest.raises(BadAnswer, match="head of more"),
    ):
        get(pool_to(server))


def test_trailers_are_not_header_fields(pool_to: Callable[..., Pool]) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nETag: b\r\n\r\n"
    with NodeServer(says(chunked)) as server:
        pool = pool_to(server)
        answer = get(pool)
        assert answer.read() == b"x"
        assert "etag" not in answer.headers
        pool.clear()


def test_chunks_of_one_byte_are_read(pool_to: Callable[..., Pool]) -> None:
    body = b"1\r\nx\r\n" * MAX_HEAD + b"0\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    with NodeServer(says(answer)) as server:
        pool = pool_to(server)
        assert get(pool).read() == b"x" * MAX_HEAD
        pool.clear()


def document_from(pool: Pool, limit: int) -> str:
    return read_document(get(pool), limit=limit).tag


ENTRY = b"<Contents><Key>" + b"a" * 200 + b"</Key><Size>5</Size><ETag>e</ETag></Contents>"


@pytest.mark.parametrize("coding", ["counted", "chunked"])
def test_others_go_on_between_the_pieces_of_a_document(
    pool_to: Callable[..., Pool], turns: list[int], coding: str
) -> None:
    body = b"<r>" + ENTRY * (2**20 // len(ENTRY) - 1) + b"</r>"
    whole = ok(body)
    if coding == "chunked":
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        whole = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with NodeServer(says(whole, then_wait=False)) as server:
        pool = pool_to(server)
        assert document_from(pool, LIMIT) == "r"
        pool.clear()
    # What came with the head is there already.
    assert len(turns) >= (len(body) - CHUNK) // PIECE


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<r>" + b"<a/>" * 2**20 + b"</r>", "too many tags"),
        (b"<a>" * 2**20, "too many tags"),
        (b"<r>" + b"<!---->" * 2**19 + b"</r>", "too many tags"),
        (b"<r " + b"".join(b"a%d='' " % number for number in range(2**18)) + b"/>", "too few tags"),
        (b"<r><!--" + b"x" * 2**21 + b"--></r>", "too few tags"),
        (b"<r>" + b"&#65;" * 2**19 + b"</r>", "too few tags"),
        (b"<!DOCTYPE r [<!ENTITY a 'b'>]><r>&a;</r>", "a document type"),
        (b"<!DOCTYPE r SYSTEM 'file:///etc/passwd'><r/>", "a document type"),
        (b"<r>", "not XML"),
        (b"<r/><r/>", "not XML"),
        (b"<?xml version='1.0' encoding='utf-7'?><r/>", "not XML"),
        (b"<?xml version='1.0' encoding='hieroglyphs'?><r/>", "not XML"),
        (b"<r>\xff</r>", "not XML"),
        (b"", "not XML"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else value,
)
def test_what_is_no_document_of_s3(
    pool_to: Callable[..., Pool], turns: list[int], body: bytes, why: str
) -> None:
    with (
        NodeServer(says(ok(body), then_wait=False)) as server,
        pytest.raises(NotADocument, match=why),
    ):
        document_from(pool_to(server), LIMIT)
    # It is found out long before the end.
    assert len(turns) <= 200


def test_a_document_that_says_it_is_too_long_is_not_read(
    pool_to: Callable[..., Pool], turns: list[int]
) -> None:
    with NodeServer(says(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n")) as server:
        pool = pool_to(server)
        answer = get(pool)
        before = len(turns)
        with pytest.raises(BadAnswer, match="more than 8000 bytes"):
            read_document(answer, limit=8000)
        assert len(turns) == before
        assert not pool._idle


def test_a_timeout_is_not_negative(pool_to: Callable[..., Pool]) -> None:
    """A deadline that is over leaves what has arrived to be read, and waits no more."""
    with NodeServer(says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")) as server:
        connection = get(pool_to(server))._connection
        with pytest.raises(TimedOut):
            connection.receive(1, time.monotonic() - 5)
        connection.release(reusable=False)
