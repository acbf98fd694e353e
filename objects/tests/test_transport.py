"""HTTP to one node: a complete answer or an error, whatever the node does."""

import gc
import os
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import cast

import pytest

from objects.store import transport
from objects.store.errors import (
    BadAnswer,
    ConnectFailed,
    ConnectionLost,
    TimedOut,
    TransportError,
)
from objects.store.request import Request
from objects.store.response import CHUNK, MAX_HEAD, PIECE
from objects.store.transport import Connection, Pool, Tls
from objects.store.trust import Trust
from objects.tests.node_server import PATIENCE, NodeServer, Peer, Script, ok, says
from tests.support.certificates import Authority
from tests.support.waiting import eventually

GET = Request("GET", "/objects/abc", {"Host": "node"})
HEAD = Request("HEAD", "/objects/abc", {"Host": "node"})
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def put(length: int, *, await_continue: bool = True) -> Request:
    return Request("PUT", "/objects/abc", {"Host": "node"}, length, await_continue=await_continue)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True, params=["http", "https"])
def scheme(
    request: pytest.FixtureRequest, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Every test is done with each."""
    if request.param == "https":
        certified = authority.certify("127.0.0.1")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certified.certificate, certified.key)
        monkeypatch.setattr(NodeServer, "tls", context)
        trusted = Tls("127.0.0.1", Trust(str(authority.path)))
        monkeypatch.setattr(transport, "Pool", partial(Pool, tls=trusted))
    return str(request.param)


def pool_to(server: NodeServer, *, read_timeout: float = PATIENCE) -> Pool:
    return transport.Pool(
        "127.0.0.1", server.port, connect_timeout=PATIENCE, read_timeout=read_timeout
    )


class NeverAsked:
    """A body that nobody may ask for."""

    def __iter__(self) -> Iterator[bytes]:
        pytest.fail("the body was asked for")


def fetch(pool: Pool, request: Request = GET) -> bytes:
    return pool.exchange(request).read()


class TestTurns:
    """An event loop decides who goes on. The worker's tests have the real one."""

    def test_are_waited_for(self) -> None:
        waits: list[int] = []
        with NodeServer(says(ok(b"hello"))) as server, _closed(pool_to(server)) as pool:
            pool.wait = lambda sock: waits.append(sock.fileno())
            assert fetch(pool) == b"hello"
        assert waits
        assert -1 not in waits

    def test_that_do_not_come_in_time(self) -> None:
        def never(_sock: socket.socket) -> None:
            raise TimeoutError

        with NodeServer(says(ok(b"hello"))) as server, _closed(pool_to(server)) as pool:
            pool.wait = never
            with pytest.raises(TimedOut):
                fetch(pool)

    @pytest.mark.parametrize(("parsed", "size"), [(True, PIECE), (False, CHUNK)])
    def test_what_is_parsed_comes_in_small_pieces(self, parsed: bool, size: int) -> None:
        """From its head on: what came with that would not be waited for any more."""
        pool, sock = _over([b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(1000000)])
        request = replace(GET, parsed=parsed)
        for _ in Connection(pool, sock).exchange(request).pieces(2**20):
            pass
        assert cast("_Pieces", sock).largest == size


class TestAnswersThatAreWhole:
    @pytest.mark.parametrize(
        ("answer", "body"),
        [
            (ok(b"hello"), b"hello"),
            (ok(b""), b""),
            (CHUNKED + b"0\r\n\r\n", b""),
            (
                (
                    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                    b"5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: t\r\n\r\n"
                ),
                b"hello world",
            ),
            (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
            (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n", b""),
            (b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\n" + ok(b"x"), b"x"),
        ],
    )
    def test_arrive(self, answer: bytes, body: bytes) -> None:
        with NodeServer(says(answer)) as server:
            pool = pool_to(server)
            assert fetch(pool) == body
            pool.clear()

    def test_head_has_a_length_and_no_body(self) -> None:
        with NodeServer(
            says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", ok(b"next"))
        ) as server:
            pool = pool_to(server)
            answer = pool.exchange(HEAD)
            assert answer.headers["content-length"] == "5"
            assert answer.read() == b""
            assert fetch(pool) == b"next"
            pool.clear()
        assert server.accepted == 1

    def test_head_of_a_chunked_answer(self) -> None:
        chunked = CHUNKED
        with NodeServer(says(chunked, ok(b"next"))) as server:
            pool = pool_to(server)
            assert fetch(pool, HEAD) == b""
            assert fetch(pool) == b"next"
            pool.clear()

    def test_status_and_headers(self) -> None:
        answer = (
            b'HTTP/1.1 412 Precondition Failed\r\nETag: "a"\r\nX-A: one\r\nx-a: two\r\n'
            b"Content-Length: 0\r\n\r\n"
        )
        with NodeServer(says(answer)) as server, _closed(pool_to(server)) as pool:
            response = pool.exchange(GET)
            response.close()
        assert response.status == 412
        assert response.headers["etag"] == '"a"'
        assert response.headers["x-a"] == "one, two"

    def test_a_request_as_the_node_gets_it(self) -> None:
        seen: list[bytes] = []

        def script(peer: Peer) -> None:
            seen.append(peer.request() + peer.body(4))
            peer.send(ok())
            peer.until_hung_up()

        with NodeServer(script) as server, _closed(pool_to(server)) as pool:
            pool.exchange(put(4, await_continue=False), [b"data"]).close()
        assert seen == [
            b"PUT /objects/abc HTTP/1.1\r\nHost: node\r\nContent-Length: 4\r\n\r\ndata",
        ]

    @pytest.mark.parametrize(
        "answer",
        [
            ok(b"hello", "ETag: x"),
            CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            CONTINUE + ok(b"hello"),
        ],
        ids=["counted", "chunked", "after an interim answer"],
    )
    def test_split_anywhere(self, answer: bytes) -> None:
        for first in range(1, len(answer)):
            for second in (first, *range(first + 1, len(answer), 7)):
                pieces = [answer[:first], answer[first:second], answer[second:]]
                response = Connection(*_over(pieces)).exchange(GET)
                assert response.status == 200
                assert response.read() == b"hello", pieces

    def test_byte_by_byte(self) -> None:
        answer = ok(b"hello", "A: b")
        pieces = [answer[at : at + 1] for at in range(len(answer))]
        assert Connection(*_over(pieces)).exchange(GET).read() == b"hello"


class TestAnswersThatAreNot:
    def test_a_short_body_is_an_error_after_what_there_was(self) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
        with (
            NodeServer(says(answer, then_wait=False)) as server,
            closing(pool_to(server).exchange(GET)) as response,
        ):
            chunks = iter(response)
            assert next(chunks) == b"hello"
            with pytest.raises(ConnectionLost, match="5 bytes to come") as caught:
                next(chunks)
        assert caught.value.answered

    @pytest.mark.parametrize("rest", [b"", b"5\r\nhel", b"5\r\nhello\r\n", b"5\r\nhello\r\n0\r\n"])
    def test_a_chunked_body_without_its_end(self, rest: bytes) -> None:
        answer = CHUNKED + rest
        with (
            NodeServer(says(answer, then_wait=False)) as server,
            pytest.raises(ConnectionLost, match="chunked"),
        ):
            fetch(pool_to(server))

    def test_a_chunk_size_that_is_none(self) -> None:
        answer = CHUNKED + b"2\r\nhi\r\nxyz\r\n"
        with NodeServer(says(answer)) as server, pytest.raises(BadAnswer, match="not HTTP"):
            fetch(pool_to(server))

    def test_a_reset_in_the_middle(self) -> None:
        def script(peer: Peer) -> None:
            peer.request()
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            linger = b"\1\0\0\0\0\0\0\0"
            peer._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

        with NodeServer(script) as server, pytest.raises(ConnectionLost):
            fetch(pool_to(server))

    @pytest.mark.parametrize(
        ("sent", "answered"),
        [(b"", False), (b"HTTP/1.1 200 OK\r\nContent-", True), (b"HTTP/1.1 102 P\r\n\r\n", True)],
        ids=["nothing", "half a head", "an interim answer"],
    )
    def test_the_end_before_a_head(self, sent: bytes, answered: bool) -> None:
        with (
            NodeServer(says(sent, then_wait=False)) as server,
            pytest.raises(ConnectionLost) as caught,
        ):
            fetch(pool_to(server))
        assert caught.value.answered is answered

    def test_a_head_without_end(self) -> None:
        endless = b"HTTP/1.1 200 OK\r\nX: " + b"x" * (MAX_HEAD + CHUNK)
        with NodeServer(says(endless)) as server, pytest.raises(BadAnswer, match="head of more"):
            fetch(pool_to(server))

    @pytest.mark.parametrize(
        "answer",
        [
            b"\0\1\2\3 certainly not HTTP\r\n\r\n",
            b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"HTTP/1.1 banana\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
            b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        ],
    )
    def test_what_is_not_http_as_we_speak_it(self, answer: bytes) -> None:
        with NodeServer(says(answer)) as server, pytest.raises(BadAnswer, match="not HTTP"):
            fetch(pool_to(server))

    def test_an_answer_whose_end_is_not_marked(self) -> None:
        answer = b"HTTP/1.1 200 OK\r\n\r\nhello"
        with (
            NodeServer(says(answer, then_wait=False)) as server,
            pytest.raises(BadAnswer, match="how long"),
        ):
            fetch(pool_to(server))

    def test_a_coding_that_ends_with_the_connection(self) -> None:
        answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello"
        with (
            NodeServer(says(answer, then_wait=False)) as server,
            pytest.raises(TransportError),
        ):
            fetch(pool_to(server))

    def test_more_than_was_asked_for(self) -> None:
        with (
            NodeServer(says(ok(b"x" * 1001))) as server,
            _closed(pool_to(server)) as pool,
            pytest.raises(BadAnswer, match="1000"),
        ):
            pool.exchange(GET).read(limit=1000)

    @pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200", ok(b"hello")[:-1]])
    def test_silence(self, sent: bytes) -> None:
        started = time.monotonic()
        with NodeServer(says(sent)) as server, pytest.raises(TimedOut):
            fetch(pool_to(server, read_timeout=0.1))
        assert time.monotonic() - started < PATIENCE / 2

    def test_a_port_where_nobody_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        pool = Pool("127.0.0.1", port, connect_timeout=PATIENCE, read_timeout=PATIENCE)
        with pytest.raises(ConnectFailed, match="refused"):
            fetch(pool)

    def test_a_connection_attempt_without_an_answer(self) -> None:
        # A listener whose queue is full takes no further connection and refuses none.
        with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
            address = listener.getsockname()
            waiting = []
            try:
                for _ in range(8):
                    waiting.append(sock := socket.socket())
                    sock.setblocking(False)
                    sock.connect_ex(address)
                pool = Pool(*address, connect_timeout=0.1, read_timeout=PATIENCE)
                with pytest.raises(ConnectFailed, match=r"within 0\.1 s"):
                    fetch(pool)
            finally:
                for sock in waiting:
                    sock.close()


class TestBodiesOnRequest:
    def test_a_body_is_sent_once_the_node_asks(self) -> None:
        received: list[bytes] = []

        def script(peer: Peer) -> None:
            received.append(peer.request())
            peer.send(b"HTTP/1.1 102 Processing\r\n\r\n" + CONTINUE)
            received.append(peer.body(6))
            peer.send(ok())
            received.append(peer.request())
            peer.send(ok(b"kept"))
            peer.until_hung_up()

        with NodeServer(script) as server, _closed(pool_to(server)) as pool:
            pool.exchange(put(6), iter([b"abc", b"def"])).close()
            assert fetch(pool) == b"kept"
        assert b"\r\nExpect: 100-continue\r\n" in received[0]
        assert received[1] == b"abcdef"

    def test_bytes_wait_too(self) -> None:
        def script(peer: Peer) -> None:
            assert peer.request()
            assert peer._buffer == b""
            peer.send(CONTINUE)
            assert peer.body(3) == b"abc"
            peer.send(ok())
            peer.until_hung_up()

        with NodeServer(script) as server, _closed(pool_to(server)) as pool:
            pool.exchange(put(3), [b"abc"]).close()

    def test_a_refusal_costs_no_byte(self) -> None:
        rest: list[bytes] = []

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(b"HTTP/1.1 412 Precondition Failed\r\nContent-Length: 2\r\n\r\nno")
            rest.append(peer.until_hung_up())

        with NodeServer(script) as server, _closed(pool_to(server)) as pool:
            answer = pool.exchange(replace(put(6), repeatable=False), NeverAsked())
            assert answer.status == 412
            assert answer.read() == b"no"
        # The node may wait for the body all the same, so the connection is of no use any more.
        assert rest == [b""]

    def test_a_node_that_hangs_up_half_way_is_heard(self) -> None:
        def script(peer: Peer) -> None:
            peer.request()
            peer.send(CONTINUE)
            peer.body(1)
            peer.send(b"HTTP/1.1 507 Full\r\nContent-Length: 4\r\n\r\nfull")
            peer._socket.shutdown(socket.SHUT_RDWR)

        def endless() -> Iterator[bytes]:
            while True:
                yield b"x" * 65536

        with NodeServer(script) as server:
            answer = pool_to(server).exchange(replace(put(2**40), repeatable=False), endless())
            assert (answer.status, answer.read()) == (507, b"full")

    def test_an_early_answer_after_an_interim_one(self) -> None:
        pieces = [
            CONTINUE,
            b"HTTP/1.1 102 P\r\n\r\n",
            b"HTTP/1.1 507 F\r\nContent-Length: 0\r\n\r\n",
        ]
        connection = Connection(*_over(pieces, send_limit=1))
        assert connection.exchange(put(3), iter([b"abc"])).status == 507

    def test_after_continue_nothing_is_repeated(self) -> None:
        def script(peer: Peer) -> None:
            peer.request()
            peer.send(ok(b"first"))
            peer.request()
            peer.send(CONTINUE)
            peer.body(3)

        with NodeServer(script) as server:
            pool = pool_to(server)
            fetch(pool)
            with pytest.raises(ConnectionLost) as caught:
                pool.exchange(put(3), iter([b"abc"]))
        assert caught.value.answered
        assert server.accepted == 1

    def test_what_the_body_raises_passes_through_and_ends_the_connection(self) -> None:
        class ClientGone(Exception):
            pass

        def broken() -> Iterator[bytes]:
            yield b"abc"
            raise ClientGone

        received: list[bytes] = []

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(CONTINUE)
            received.append(peer.until_hung_up())

        with NodeServer(script) as server, pytest.raises(ClientGone):
            pool_to(server).exchange(put(6), broken())
        assert received == [b"abc"]


class TestKeptConnections:
    @pytest.mark.parametrize(
        "answer",
        [
            ok(b"hello"),
            ok(b""),
            b"HTTP/1.1 204 No Content\r\n\r\n",
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n",
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
            CHUNKED + b"2\r\nhi\r\n0\r\n\r\n",
        ],
    )
    def test_are_used_again(self, answer: bytes) -> None:
        with NodeServer(says(answer, answer, answer)) as server, _closed(pool_to(server)) as pool:
            for _ in range(3):
                fetch(pool)
        assert server.accepted == 1

    @pytest.mark.parametrize(
        "answer",
        [
            ok(b"hello", "Connection: close"),
            ok(b"", "Connection: Keep-Alive, Close"),
            b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
            b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
        ],
    )
    def test_not_when_the_node_says_so(self, answer: bytes) -> None:
        # It waits, so a second request on the same connection would not be answered.
        with NodeServer(says(answer)) as server:
            pool = pool_to(server, read_timeout=1.0)
            fetch(pool)
            fetch(pool)
        assert server.accepted == 2

    @pytest.mark.parametrize(
        "extra",
        [b"x", b"\r\nHTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", ok(b"another body")],
    )
    @pytest.mark.parametrize(
        "answer",
        [
            ok(b"hello"),
            CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
        ],
        ids=["counted", "chunked"],
    )
    def test_not_when_there_was_more_than_the_answer(self, answer: bytes, extra: bytes) -> None:
        with NodeServer(says(answer + extra)) as server, _closed(pool_to(server)) as pool:
            assert fetch(pool) == b"hello"
            assert fetch(pool) == b"hello"
        assert server.accepted == 2

    def test_not_when_more_comes_after_the_answer(self) -> None:
        """What is left in the socket's own buffer must not become the next answer."""
        sent = [False]

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(ok(b"x" * 2 * CHUNK) + ok(b"stale"))
            sent[0] = True
            peer.until_hung_up()

        with NodeServer(script, says(ok(b"fresh"))) as server, _closed(pool_to(server)) as pool:
            assert len(pool.exchange(GET).read(2**20)) == 2 * CHUNK
            eventually(lambda: sent[0], "the node has sent all of it", PATIENCE)
            assert fetch(pool) == b"fresh"

    def test_not_when_the_body_was_not_read_to_its_end(self) -> None:
        with NodeServer(says(ok(b"hello"))) as server, _closed(pool_to(server)) as pool:
            pool.exchange(GET).close()
            fetch(pool)
        assert server.accepted == 2

    def test_closing_twice_gives_back_once(self) -> None:
        with NodeServer(says(ok(b"hello"))) as server, _closed(pool_to(server)) as pool:
            answer = pool.exchange(GET)
            answer.read()
            answer.close()
            assert len(pool._idle) == 1

    def test_a_repeatable_request_is_sent_again_on_a_new_connection(self) -> None:
        with (
            NodeServer(_answers_once_then_hangs_up, says(ok(b"second"))) as server,
            _closed(pool_to(server)) as pool,
        ):
            assert fetch(pool) == b"first"
            assert fetch(pool) == b"second"
        assert server.accepted == 2

    def test_a_request_is_repeated_once_only(self) -> None:
        with NodeServer(_answers_once_then_hangs_up, says(b"", then_wait=False)) as server:
            pool = pool_to(server)
            fetch(pool)
            with pytest.raises(ConnectionLost):
                fetch(pool)
        assert server.accepted == 2

    def test_a_request_on_a_new_connection_is_not_repeated(self) -> None:
        with NodeServer(says(b"", then_wait=False)) as server, pytest.raises(ConnectionLost):
            fetch(pool_to(server))
        assert server.accepted == 1

    def test_what_cannot_be_repeated_is_an_error(self) -> None:
        with NodeServer(_answers_once_then_hangs_up) as server:
            pool = pool_to(server)
            fetch(pool)
            with pytest.raises(ConnectionLost) as caught:
                pool.exchange(replace(GET, repeatable=False))
        assert not caught.value.answered
        assert server.accepted == 1

    def test_a_request_that_has_an_interim_answer_is_not_repeated(self) -> None:
        def script(peer: Peer) -> None:
            peer.request()
            peer.send(ok(b"first"))
            peer.request()
            peer.send(b"HTTP/1.1 102 Processing\r\n\r\n")

        with NodeServer(script) as server:
            pool = pool_to(server)
            fetch(pool)
            with pytest.raises(ConnectionLost) as caught:
                fetch(pool)
        assert caught.value.answered
        assert server.accepted == 1

    def test_their_number_is_bounded(self) -> None:
        count = transport.MAX_IDLE + 6
        with NodeServer(says(ok(b"hello"))) as server, _closed(pool_to(server)) as pool:
            answers = [pool.exchange(GET) for _ in range(count)]
            for answer in answers:
                answer.read()
            assert server.accepted == count
            assert len(pool._idle) == transport.MAX_IDLE

    def test_an_old_one_is_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = 1000.0
        monkeypatch.setattr(transport, "time", SimpleNamespace(monotonic=lambda: now))
        with NodeServer(says(ok(b"a"), ok(b"b"))) as server, _closed(pool_to(server)) as pool:
            fetch(pool)
            now += transport.IDLE_LIFETIME
            assert fetch(pool) == b"b"
            assert server.accepted == 1
            now += transport.IDLE_LIFETIME + 0.001
            assert fetch(pool) == b"a"
            assert server.accepted == 2


class TestNothingIsLeftOpen:
    def test_after_a_thousand_aborted_bodies(self) -> None:
        before = _open_files()
        with NodeServer(says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")) as server:
            pool = pool_to(server)
            for number in range(1000):
                answer = pool.exchange(GET)
                if number % 2:
                    next(iter(answer))
                answer.close()
        assert _open_files() == before

    @pytest.mark.parametrize(
        "script",
        [says(b"", then_wait=False), says(b"junk\r\n\r\n"), says(ok()[:-3])],
        ids=["hung up", "not HTTP", "silent"],
    )
    def test_after_failures(self, script: Script) -> None:
        before = _open_files()
        with NodeServer(script) as server:
            for _ in range(10):
                with pytest.raises(TransportError):
                    fetch(pool_to(server, read_timeout=0.05))
        assert _open_files() == before


def _answers_once_then_hangs_up(peer: Peer) -> None:
    """As a node does whose own idle time is over at the moment of the second request."""
    peer.request()
    peer.send(ok(b"first"))
    peer.request()


def _open_files() -> int:
    gc.collect()  # what another test has left is no business of this one
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


class _closed:  # noqa: N801  (reads as contextlib.closing does)
    """Ends a pool's connections at the end, which the server's scripts wait for."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def __enter__(self) -> Pool:
        return self._pool

    def __exit__(self, *_: object) -> None:
        self._pool.clear()


class _Pieces:
    """A socket that gives exactly these pieces, one a call, and then the end.

    :ivar largest: the most bytes that were asked for at once.
    """

    def __init__(self, pieces: list[bytes], send_limit: int) -> None:
        self._pieces = [piece for piece in pieces if piece]
        self._sends = send_limit
        self.largest = 0

    def recv(self, size: int) -> bytes:
        self.largest = max(self.largest, size)
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if len(piece) > size:
            self._pieces.insert(0, piece[size:])
        return piece[:size]

    def sendall(self, data: bytes) -> None:
        if not self._sends:
            raise BrokenPipeError
        self._sends -= 1

    def settimeout(self, seconds: float) -> None:
        pass

    def close(self) -> None:
        self._pieces = []


def _over(pieces: list[bytes], send_limit: int = 100) -> tuple[Pool, socket.socket]:
    pool = Pool("127.0.0.1", 1, connect_timeout=1, read_timeout=1)
    return pool, cast("socket.socket", _Pieces(pieces, send_limit))
