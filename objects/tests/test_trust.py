"""Which nodes are believed, what is said of the others, and how long a handshake may take."""

import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django import Settings

from objects.store.errors import ConnectFailed
from objects.store.request import Request
from objects.store.transport import Pool, Tls
from objects.store.trust import Trust
from objects.tests.node_server import PATIENCE, NodeServer, Peer, ok, says
from tests.support.certificates import Authority, Certified

HOST = "127.0.0.1"
GET = Request("GET", "/objects/abc", {"Host": "node"})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def shows(certified: Certified) -> NodeServer:
    """A node with this certificate."""
    server = NodeServer(says(ok(b"hello")))
    server.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.tls.load_cert_chain(certified.certificate, certified.key)
    return server


@contextmanager
def pool_to(
    port: int, name: str, authority: Authority, connect_timeout: float = PATIENCE
) -> Iterator[Pool]:
    pool = Pool(
        HOST,
        port,
        connect_timeout=connect_timeout,
        read_timeout=PATIENCE,
        tls=Tls(name, Trust(str(authority.path))),
    )
    try:
        yield pool
    finally:
        pool.clear()


def refusal(server: NodeServer, name: str, authority: Authority) -> str:
    with (
        server,
        pool_to(server.port, name, authority) as pool,
        pytest.raises(ConnectFailed) as error,
    ):
        pool.exchange(GET)
    return str(error.value)


@pytest.mark.parametrize("name", ["node-1", "project_node_1", "a.b.example", HOST])
def test_who_has_the_right_name_is_believed(authority: Authority, name: str) -> None:
    with (
        shows(authority.certify("another", name)) as server,
        pool_to(server.port, name, authority) as pool,
    ):
        assert pool.exchange(GET).read() == b"hello"


class TestWhoIsNotBelieved:
    def test_has_another_name(self, authority: Authority) -> None:
        said = refusal(shows(authority.certify("node-2")), "node-1", authority)
        assert said == (
            "its certificate is not trusted: Hostname mismatch, certificate is not valid for "
            "'node-1'"
        )

    def test_has_no_name_but_an_address(self, authority: Authority) -> None:
        said = refusal(shows(authority.certify("192.0.2.1")), HOST, authority)
        assert said.startswith("its certificate is not trusted: IP address mismatch")

    def test_is_of_another_authority(self, authority: Authority, tmp_path: Path) -> None:
        certified = Authority(tmp_path).certify("node-1")
        said = refusal(shows(certified), "node-1", authority)
        assert said.startswith("its certificate is not trusted: ")

    def test_is_of_the_past(self, authority: Authority) -> None:
        certified = authority.certify("node-1", valid=dt.timedelta(hours=-1))
        said = refusal(shows(certified), "node-1", authority)
        assert said == "its certificate is not trusted: certificate has expired"

    def test_speaks_plain_http(self, authority: Authority) -> None:
        def says_so(peer: Peer) -> None:
            peer.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

        assert refusal(NodeServer(says_so), "node-1", authority) == "it does not speak TLS"

    def test_hangs_up(self, authority: Authority) -> None:
        said = refusal(NodeServer(lambda _peer: None), "node-1", authority)
        assert said in ("it hung up during the TLS handshake", "Connection reset by peer")

    @pytest.mark.parametrize("name", ["a" * 64, ".node"])
    def test_has_a_name_that_none_can_have(self, authority: Authority, name: str) -> None:
        said = refusal(shows(authority.certify("node-1")), name, authority)
        assert said == f"no certificate can have the name {name!r}"


class TestHandshakes:
    @pytest.mark.parametrize("drips", [False, True])
    def test_have_to_be_over_in_time(self, authority: Authority, drips: bool) -> None:
        """Also when the node always sends a little."""
        ended = threading.Event()

        def never_ends(peer: Peer) -> None:
            # The head of a record that is longer than what comes.
            peer.send(b"\x16\x03\x03\x40\x00")
            while drips and not ended.wait(0.05):
                peer.send(b"\x02")
            ended.wait(PATIENCE)

        with (
            NodeServer(never_ends) as server,
            pool_to(server.port, "node-1", authority, connect_timeout=0.3) as pool,
        ):
            began = time.monotonic()
            with pytest.raises(ConnectFailed, match="the TLS handshake took too long"):
                pool.exchange(GET)
            assert time.monotonic() - began < PATIENCE / 2
            ended.set()


class TestTurns:
    def test_are_not_waited_for_where_tls_has_decrypted_something(
        self, authority: Authority
    ) -> None:
        """A record has more than is read at once, and nothing is to come behind it."""
        body = bytes(16_000)
        server = shows(authority.certify("node-1"))
        server._scripts = (says(ok(body)),)
        waits: list[int] = []

        def wait(sock: socket.socket) -> None:
            assert isinstance(sock, ssl.SSLSocket)
            waits.append(sock.pending())

        with server:
            pool = Pool(
                HOST,
                server.port,
                connect_timeout=PATIENCE,
                read_timeout=PATIENCE,
                wait=wait,
                tls=Tls("node-1", Trust(str(authority.path))),
            )
            with closing(pool.exchange(GET)) as answer:
                assert b"".join(answer.pieces(2**20)) == body
            pool.clear()
        assert set(waits) == {0}


class TestTheFile:
    @pytest.mark.parametrize(
        ("content", "complaint"),
        [
            (None, "ca.pem cannot be read: No such file or directory"),
            ("nonsense", "ca.pem holds none that can be read"),
        ],
    )
    def test_that_cannot_be_used_is_named(
        self, settings: Settings, tmp_path: Path, content: str | None, complaint: str
    ) -> None:
        path = tmp_path / "ca.pem"
        if content is not None:
            path.write_text(content)
        settings.OBJGW_NODE_CA = str(path)
        with pytest.raises(SystemCheckError) as error:
            call_command("check")
        assert "OBJGW_NODE_CA must be the path of a PEM file" in str(error.value)
        assert complaint in str(error.value)

    def test_that_can_be_used(self, authority: Authority) -> None:
        assert Trust(str(authority.path)).complaint() is None
