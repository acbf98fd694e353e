"""What the server does with connections, shown by a gunicorn process and plain sockets."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from objgw_site.server.tests.server import (
    PATIENCE,
    ROOT,
    Client,
    Server,
    digest,
    request,
    served,
    transport,
)
from tests.support.certificates import tls_transport
from tests.support.servers import Transport

__all__ = ["tls_transport", "transport"]


@pytest.fixture(scope="module")
def server(transport: Transport) -> Iterator[Server]:
    with served(transport) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server) as client:
        yield client


class TestContinue:
    def test_is_said_when_the_body_is_wanted(self, client: Client) -> None:
        client.send(request("PUT", "/read", "Content-Length: 5", "Expect: 100-continue"))
        assert client.answer().status == 100
        client.send(b"hello")
        assert client.answer().json == digest(b"hello")
        assert client.ask("GET", "/chunks").status == 200

    def test_is_said_before_a_chunked_body(self, client: Client) -> None:
        fields = ("Transfer-Encoding: chunked", "Expect: 100-continue")
        client.send(request("PUT", "/read", *fields))
        assert client.answer().status == 100
        client.send(b"5\r\nhello\r\n0\r\n\r\n")
        assert client.answer().json == digest(b"hello")

    def test_is_not_said_before_a_refusal(self, client: Client) -> None:
        client.send(request("PUT", "/refuse", "Content-Length: 5", "Expect: 100-continue"))
        answer = client.answer()
        assert answer.status == 403
        assert answer.headers["connection"] == "close"
        assert client.rest() == b""

    def test_is_not_said_to_who_does_not_ask(self, client: Client) -> None:
        assert client.ask("PUT", "/read", b"hello").status == 200


class TestRefusalsBeforeTheBody:
    @pytest.mark.parametrize(
        "framing", ["Content-Length: 1073741824", "Transfer-Encoding: chunked"]
    )
    def test_can_be_read_and_end_the_connection(self, client: Client, framing: str) -> None:
        client.send(request("PUT", "/refuse", framing))
        client.send(b"80000\r\n" + b"x" * 512 * 1024)
        answer = client.answer()
        assert (answer.status, answer.json) == (403, {"refused": True})
        assert answer.headers["connection"] == "close"
        assert client.rest() == b""

    def test_of_a_body_that_is_empty_keep_it(self, client: Client) -> None:
        assert client.ask("PUT", "/refuse", b"").headers["connection"] == "keep-alive"
        assert client.ask("GET", "/refuse").status == 403


class TestKeptConnections:
    def test_serve_one_request_after_the_other(self, client: Client) -> None:
        for _ in range(2):
            assert client.ask("GET", "/chunks").body == b"onetwo"
            assert client.ask("PUT", "/read", b"hello").json == digest(b"hello")
            assert client.ask("PUT", "/read", b"").json == digest(b"")
            assert client.ask("HEAD", "/read").headers["content-length"] != "0"
            client.send(request("PUT", "/read", "Transfer-Encoding: chunked"))
            client.send(b"5\r\nhello\r\n0\r\nA-Trailer: x\r\n\r\n")
            assert client.answer().json == digest(b"hello")

    def test_serve_requests_that_come_together(self, client: Client) -> None:
        put = request("PUT", "/read", "Content-Length: 5") + "hello"
        chunked = request("PUT", "/read", "Transfer-Encoding: chunked") + "3\r\nabc\r\n0\r\n\r\n"
        client.send(put + chunked + request("GET", "/chunks") + put)
        assert client.answer().json == digest(b"hello")
        assert client.answer().json == digest(b"abc")
        assert client.answer().body == b"onetwo"
        assert client.answer().json == digest(b"hello")

    def test_end_when_the_client_says_so(self, client: Client) -> None:
        answer = client.ask("GET", "/read", None, "Connection: close")
        assert answer.headers["connection"] == "close"
        assert client.rest() == b""

    def test_are_not_kept_for_http_1_0(self, client: Client) -> None:
        client.send("GET /read HTTP/1.0\r\n\r\n")
        assert client.answer().json == digest(b"")
        assert client.rest() == b""


@pytest.mark.parametrize("first", [0, 1, 1000, 300_000])
def test_a_body_arrives_whole_however_it_is_cut(client: Client, first: int) -> None:
    data = os.urandom(3 * 2**20 + 17)
    client.send(request("PUT", "/read", f"Content-Length: {len(data)}").encode() + data[:first])
    for start in range(first, len(data), 777_777):
        client.send(data[start : start + 777_777])
    assert client.answer().json == digest(data)
    assert client.ask("PUT", "/read", b"next").json == digest(b"next")


class TestWhatIsNoRequest:
    @pytest.mark.parametrize(
        ("sent", "status", "code"),
        [
            ("GARBAGE\r\n\r\n", 400, "invalid_request"),
            ("\x16\x03\x01\x02\r\n\r\n", 400, "invalid_request"),
            (request("GET", "/read", "no colon"), 400, "invalid_request"),
            (request("GET", "/read", "Content-Length: ten"), 400, "invalid_request"),
            (
                request("PUT", "/read", "Content-Length: 3", "Transfer-Encoding: chunked"),
                400,
                "invalid_request",
            ),
            (request("GET", "/" + "a" * 9000), 414, "uri_too_long"),
            (request("GET", "/read", "X: " + "a" * 9000), 431, "header_fields_too_large"),
            (
                request("GET", "/read", *(f"X-{number}: a" for number in range(101))),
                431,
                "header_fields_too_large",
            ),
            (request("PUT", "/read", "Expect: miracles"), 417, "expectation_failed"),
            (request("PUT", "/read", "Transfer-Encoding: brotli"), 501, "unknown_transfer_coding"),
        ],
    )
    def test_gets_a_problem_and_the_end(
        self, client: Client, sent: str, status: int, code: str
    ) -> None:
        client.send(sent)
        answer = client.answer()
        assert answer.status == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["connection"] == "close"
        assert (answer.json["status"], answer.json["code"]) == (status, code)
        assert answer.json["request_id"] == answer.headers["x-request-id"]
        assert client.rest() == b""

    def test_a_bug_of_the_application(self, client: Client, server: Server) -> None:
        answer = client.ask("GET", "/nowhere")
        assert (answer.status, answer.json["code"]) == (500, "internal_error")
        assert b"hush-hush" not in answer.body
        assert client.rest() == b""

    def test_the_limits_are_not_too_low(self, client: Client) -> None:
        fields = [f"X-{number}: a" for number in range(90)]
        assert client.ask("GET", "/read?" + "a" * 8000, None, *fields).status == 200
        assert client.ask("GET", "/read", None, "X: " + "a" * 8000).status == 200


class TestAnswersThatBreakOff:
    def test_a_counted_one_is_short(self, client: Client) -> None:
        client.send(request("GET", "/break"))
        head, _, body = client.rest().partition(b"\r\n\r\n")
        assert b"Content-Length: 1000" in head
        assert body == b"x" * 100

    def test_a_chunked_one_has_no_end(self, client: Client) -> None:
        client.send(request("GET", "/break-chunks"))
        head, _, body = client.rest().partition(b"\r\n\r\n")
        assert b"Transfer-Encoding: chunked" in head
        assert body == b"64\r\n" + b"x" * 100 + b"\r\n"


class TestSlowClients:
    def test_one_that_stops_sending_is_let_go(self, client: Client) -> None:
        client.send(request("PUT", "/read", "Content-Length: 10") + "abc")
        assert client.rest() == b""

    def test_one_that_takes_nothing_is_let_go(self, server: Server) -> None:
        with Client(server) as client:
            before = len(server.log)
            client.send(request("GET", "/large"))
            server.wait_for_line("client let go", since=before)
            assert len(client.rest()) < 64 * 2**20

    def test_one_that_stops_within_the_head_is_let_go(self, client: Client, server: Server) -> None:
        known = server.logged_so_far()
        client.send("GET /read HTTP/1.1\r\nHost: ob")
        assert client.rest() == b""
        until = server.logged_so_far()
        assert not [line for line in server.log[known:until] if "Traceback" in line]


@pytest.mark.parametrize("begun", ["", "GET /read HTTP/1.1\r\n"], ids=["nothing", "half a head"])
def test_a_connection_without_a_request_ends_after_a_while(
    transport: Transport, begun: str
) -> None:
    settings = {"GUNICORN_CMD_ARGS": "--keep-alive=1", "OBJGW_CLIENT_TIMEOUT": "3600"}
    with served(transport, **settings) as server, Client(server) as client:
        assert client.ask("GET", "/chunks").body == b"onetwo"
        client.send(begun)
        assert client.rest() == b""


#: Two greenlets; what the first waits for is there already. Then it waits for what never comes.
_WAITS = """
from gevent import monkey; monkey.patch_all()
import gevent, socket
from objgw_site.server.internals import await_readable
one, other = socket.socketpair()
other.send(b"x")
seen = []
gevent.spawn(seen.append, "other")
await_readable(one)
seen.append("waited")
print(", ".join(seen))
one.recv(1)
one.settimeout(0.01)
try:
    await_readable(one)
except TimeoutError:
    print("in time")
"""


class TestTurns:
    """Connections that always have a request ready do not keep others from being served."""

    REQUESTS = 400

    def test_go_for_answers_of_nodes_too(self, client: Client) -> None:
        """And nobody waits there for what its client owes (shares.py): that would take places of
        the node's bulkhead from the others.
        """
        assert json.loads(client.ask("GET", "/waits").body) == {"in the event loop": True}

    def test_are_waited_for_even_when_there_is_something_to_read(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", _WAITS], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert (done.stdout, done.stderr) == ("other, waited\nin time\n", "")

    @pytest.mark.parametrize(
        "padding",
        [
            pytest.param("", id="many requests in one packet"),
            # gunicorn reads 8 KiB at once: the next request is not read yet when one is answered.
            pytest.param("x" * 8100, id="one request in one read"),
        ],
    )
    def test_are_taken(self, server: Server, client: Client, padding: str) -> None:
        wanted = request("GET", "/turn", f"X-Padding: {padding}").encode()
        if padding:
            wanted = request(
                "GET", "/turn", f"X-Padding: {padding}{'x' * (8192 - len(wanted))}"
            ).encode()
            assert len(wanted) == 8192
        with Client(server) as other:
            for one in (client, other):
                one.ask("GET", "/read")  # so that nothing but answers is still to come
            # It only sends, and nobody reads before it has ended: two threads at once would break
            # an SSLSocket. The answers are few enough to wait in the kernel.
            sender = threading.Thread(target=client.send, args=(wanted * self.REQUESTS,))
            sender.start()
            assert select.select([client.socket], [], [], PATIENCE)[0], "no answer has come"
            other.send(request("GET", "/turn"))
            sent = time.monotonic()
            at = other.answer().json["at"]
            sender.join()
            others = [client.answer().json["at"] for _ in range(self.REQUESTS)]
        assert sent < others[-1], "it asked when all the others had been answered"
        assert sum(sent < answered < at for answered in others) < self.REQUESTS / 10


def test_header_names_that_look_like_others_are_dropped_and_named(client: Client) -> None:
    answer = client.ask("GET", "/headers", None, "X-Real: yes", "X_Real: no", "X_Other: no")
    assert answer.json == {"HTTP_X_REAL": "yes", "dropped": ["X_REAL", "X_OTHER"]}
    assert client.ask("GET", "/headers").json == {"dropped": None}
