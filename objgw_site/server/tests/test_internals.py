"""What is relied on and not promised is there, in the versions that are installed."""

import inspect
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import socket as gevent_socket
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader

from objgw_site.server import handshake, head, internals, listener, log, response, worker
from objgw_site.server.tests.test_start import ROOT, run_gunicorn
from objgw_site.server.versions import REQUIRED, wrong_versions
from tests.support.certificates import Authority

OURS: dict[type, type] = {
    internals.GeventWorker: worker.Worker,
    internals.Request: head.Request,
    internals.Response: response.GatewayResponse,
    internals.StreamServer: listener.Listener,
    internals.SSLSocket: handshake.TlsSocket,
    internals.Logger: log.Logger,
}
#: What every class has.
COMMON = set(dir(type("Empty", (), {}))) | {"__annotations__"}
PACKAGE = Path(internals.__file__).parent


def name_of(value: object) -> str:
    return value.__name__ if isinstance(value, type) else str(value)


def replaced_by(ours: type, theirs: type) -> set[str]:
    return {name for name in vars(ours) if hasattr(theirs, name)} - COMMON


@pytest.mark.parametrize(("theirs", "ours"), OURS.items(), ids=name_of)
def test_what_is_replaced_is_listed(theirs: type, ours: type) -> None:
    assert replaced_by(ours, theirs) == set(internals.OVERRIDDEN[theirs])


@pytest.mark.parametrize(
    ("theirs", "name", "parameters"),
    [
        (theirs, name, parameters)
        for theirs, methods in internals.OVERRIDDEN.items()
        for name, (parameters, _) in methods.items()
        if parameters
    ],
    ids=name_of,
)
def test_what_is_replaced_takes_what_it_took(theirs: type, name: str, parameters: str) -> None:
    signature = inspect.signature(getattr(theirs, name))
    assert ", ".join(str(parameter) for parameter in signature.parameters.values()) == parameters


def a_request() -> Any:
    near, far = socket.socketpair()
    with near, far:
        far.send(b"GET /path?query HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\nnext")
        return internals.Request(Config(), SocketUnreader(near), ("127.0.0.1", 1))


def a_worker() -> Any:
    made = internals.GeventWorker(1, 1, [], None, 30, Config(), None)
    made.tmp.close()
    return made


MAKE: dict[type, Callable[[], Any]] = {
    internals.GeventWorker: a_worker,
    internals.Request: a_request,
    internals.Response: lambda: internals.Response(a_request(), None, Config()),
    internals.StreamServer: lambda: internals.StreamServer(("127.0.0.1", 0), handle=print),
    internals.Logger: lambda: internals.Logger(Config()),
}


@pytest.mark.parametrize("theirs", internals.ATTRIBUTES, ids=name_of)
def test_attributes_are_there(theirs: type) -> None:
    one = MAKE[theirs]()
    assert [name for name in internals.ATTRIBUTES[theirs] if not hasattr(one, name)] == []


class TestRequests:
    def test_are_read_as_ours(self) -> None:
        assert RequestParser.mesg_class is head.Request

    def test_say_whether_100_continue_is_expected(self) -> None:
        request = a_request()
        assert internals.take_expectation(request)
        assert not internals.take_expectation(request)

    def test_have_what_was_received_behind_them(self) -> None:
        request = a_request()
        reader = internals.reader_of(request.body)
        assert internals.is_counted(reader)
        assert internals.bytes_left(reader) == 0
        unreader = internals.unreader_of(reader)
        assert unreader is request.unreader
        assert internals.has_received(unreader)
        assert internals.take_received(unreader) == b"next"
        assert not internals.has_received(unreader)
        internals.give_back(unreader, b"more")
        assert unreader.read() == b"more"
        assert internals.socket_of(unreader).fileno() == -1

    def test_of_known_length_are_counted(self) -> None:
        reader = internals.LengthReader(SocketUnreader(None), 5)
        internals.count_read(reader, 2)
        assert internals.bytes_left(reader) == 3
        assert internals.reader_of(internals.Body(reader)) is reader


def test_settings_become_attributes() -> None:
    config = Config()
    config.set("keepalive", 7)
    assert "keepalive" not in vars(config)
    internals.keep_settings(config)
    assert vars(config)["keepalive"] == 7


class TestSockets:
    def test_of_gevent_are_plain_ones_beneath(self) -> None:
        with gevent_socket.socket() as sock:
            assert internals.plain_socket(sock).fileno() == sock.fileno()
            assert not internals.waits_to_receive(sock)
            assert not internals.waits_to_send(sock)

    def test_wait_in_the_event_loop(self) -> None:
        one, other = gevent_socket.socketpair()
        with one, other:
            one.settimeout(0.01)
            with pytest.raises(TimeoutError):
                internals.await_readable(one)
            other.send(b"x")
            internals.await_readable(one)
            internals.await_turn(one)

    def test_are_accepted_at_once_when_asked(self) -> None:
        seen: list[Any] = []

        class Server(internals.StreamServer):
            def do_read(self) -> Any:
                seen.append(self)

        server = Server(("127.0.0.1", 0), handle=print, spawn=2)
        internals.accept_now(server)
        assert not seen
        server.start()
        internals.stop_accepting(server)
        internals.stop_accepting(server)
        internals.accept_now(server)
        assert len(seen) == 1
        internals.start_accepting(server)
        server.close()
        internals.start_accepting(server)


class TestTls:
    @pytest.fixture
    @staticmethod
    def ends(tmp_path: Path) -> Iterator[tuple[Any, ssl.SSLObject, Any, ssl.MemoryBIO]]:
        """The server's end, the client's TLS, the client's end, and what its TLS reads from."""
        authority = Authority(tmp_path)
        certified = authority.certify("127.0.0.1")
        # The standard library's, as the master's is.
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certified.certificate, certified.key)
        near, far = gevent_socket.socketpair()
        near.settimeout(10)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = authority.trusting().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        server = internals.tls_socket(internals.SSLSocket, near, context)
        with server, far:
            assert near.fileno() == -1
            assert server.gettimeout() == 10
            shaking = gevent.spawn(server.do_handshake)
            while not client_is_through(client):
                if data := outgoing.read():
                    far.sendall(data)
                incoming.write(far.recv(65536))
            far.sendall(outgoing.read())
            shaking.get(timeout=10)
            yield server, client, far, incoming

    def test_takes_the_standard_librarys_context(self, ends: Any) -> None:
        server, client, far, incoming = ends
        assert internals.plain_socket(server).fileno() == server.fileno()
        assert not internals.waits_to_receive(server)
        server.sendall(b"hello")
        incoming.write(far.recv(65536))
        assert received(client) == b"hello"

    def test_is_ended_without_waiting(self, ends: Any) -> None:
        server, client, far, incoming = ends
        internals.say_tls_ends(server)
        incoming.write(far.recv(65536))
        assert received(client) == b""
        # It stays open, and a second time says nothing.
        internals.say_tls_ends(server)
        server.shutdown(socket.SHUT_WR)
        internals.say_tls_ends(server)
        assert far.recv(65536) == b""


def client_is_through(client: ssl.SSLObject) -> bool:
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def received(client: ssl.SSLObject) -> bytes:
    """b"" for the end that was said."""
    try:
        return client.read()
    except ssl.SSLZeroReturnError:
        return b""


def test_the_master_does_what_it_is_told_on_sighup() -> None:
    """`Arbiter.run` asks the instance for it by name, and calls it without anything."""
    assert list(inspect.signature(Arbiter.handle_hup).parameters) == ["self"]
    assert 'getattr(self, "handle_%s" % signame, None)' in inspect.getsource(Arbiter.run)
    arbiter, done = object.__new__(Arbiter), list[str]()
    internals.reload_with(arbiter, lambda: done.append("reloaded"))
    arbiter.handle_hup()
    assert done == ["reloaded"]


def test_no_other_module_uses_them() -> None:
    private = re.compile(r"\b(?:from|import) gunicorn|from gevent\.(?!socket import wait_read$)")
    found = [
        f"{path.name}: {line.strip()}"
        for path in PACKAGE.glob("*.py")
        if path.name != "internals.py"
        for line in path.read_text().splitlines()
        if private.search(line) or ("SLF001" in line and path.name != "handler.py")
    ]
    assert found == []


class TestVersions:
    def test_that_are_installed_fit(self) -> None:
        assert list(wrong_versions()) == []

    def test_are_those_of_the_requirements(self) -> None:
        lines = (ROOT / "requirements" / "production.in").read_text().splitlines()
        for name, required in REQUIRED.items():
            assert {f"{name}{required}", f"{name}[gevent]{required}"} & set(lines)

    @pytest.mark.parametrize(("name", "version"), [("gunicorn", "26.1.0"), ("gevent", "27.1")])
    def test_of_another_kind_keep_the_server_from_starting(
        self, tmp_path: Path, name: str, version: str
    ) -> None:
        metadata = tmp_path / f"{name}-{version}.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        found = run_gunicorn(PYTHONPATH=str(tmp_path))
        assert found.returncode != 0
        assert f"objgw does not start: {name} {version} is installed, and >=" in found.stderr
        assert "requirements/production.txt" in found.stderr
        assert "Traceback" not in found.stderr
