"""TLS towards clients: who is let in, what is shown, and what they hold who shake no hands."""

import hashlib
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from objgw_site.env import Environment
from objgw_site.server.machine import this_machine
from objgw_site.server.tests.server import PATIENCE, Client, Server, digest, request
from objgw_site.server.tests.test_start import ROOT, run, run_gunicorn
from objgw_site.server.tls import TlsError, load
from objgw_site.server.variables import read_variables
from tests.support.certificates import Authority, Certified
from tests.support.client import Wire
from tests.support.waiting import eventually

HOST = "127.0.0.1"
SLOTS = 4
MIB = 2**20


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def with_tls(authority: Authority, certified: Certified, **settings: str) -> Server:
    return Server(
        authority.trusting(), OBJGW_LOG_LEVEL="debug", **{**certified.settings, **settings}
    )


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[Server]:
    with with_tls(authority, authority.certify(HOST, file="shared")) as server:
        yield server


@pytest.fixture
def open_wires() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def tls_of(wire: Wire) -> ssl.SSLSocket:
    assert isinstance(wire.socket, ssl.SSLSocket)
    return wire.socket


def fingerprint_shown(server: Server) -> str:
    """That of the certificate that a new connection gets."""
    with Client(server) as client:
        der = tls_of(client).getpeercert(binary_form=True)
    assert der is not None
    return hashlib.sha256(der).digest().hex(":").upper()


def no_tracebacks(server: Server) -> bool:
    return not [line for line in server.log if "Traceback" in line]


def refuses_connections(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False


class TestWhatIsSpoken:
    def test_http_1_1_only(self, server: Server, authority: Authority) -> None:
        tls = authority.trusting()
        tls.set_alpn_protocols(["h2", "http/1.1"])
        with Wire(HOST, server.port, PATIENCE, tls=tls) as wire:
            assert tls_of(wire).selected_alpn_protocol() == "http/1.1"

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_from_1_2_on(
        self, server: Server, authority: Authority, version: ssl.TLSVersion
    ) -> None:
        tls = authority.trusting()
        tls.minimum_version = tls.maximum_version = version
        with Wire(HOST, server.port, PATIENCE, tls=tls) as wire:
            wire.send(request("PUT", "/read", "Content-Length: 5").encode() + b"hello")
            assert wire.answer().json == digest(b"hello")

    def test_the_application_knows(self, server: Server) -> None:
        with Client(server) as client:
            assert client.ask("GET", "/scheme").json == {"scheme": "https"}

    def test_nothing_older(self, server: Server, authority: Authority) -> None:
        tls = authority.trusting()
        with pytest.warns(DeprecationWarning, match="deprecated"):
            tls.minimum_version = ssl.TLSVersion.TLSv1_1
        with pytest.warns(DeprecationWarning, match="deprecated"):
            tls.maximum_version = ssl.TLSVersion.TLSv1_1
        # Else OpenSSL does not even try.
        tls.set_ciphers("DEFAULT:@SECLEVEL=0")
        known = len(server.log)
        with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
            Wire(HOST, server.port, PATIENCE, tls=tls)
        server.wait_for_line("no TLS with 127.0.0.1: UNSUPPORTED_PROTOCOL", since=known)
        assert no_tracebacks(server)

    def test_the_end_is_said(self, server: Server, authority: Authority) -> None:
        """RFC 8446 section 6.1; without it, OpenSSL reports an error."""
        with Wire(HOST, server.port, PATIENCE) as wire:
            tls = authority.trusting().wrap_socket(
                wire.socket, server_hostname=HOST, suppress_ragged_eofs=False
            )
            with tls:
                tls.sendall(request("GET", "/chunks", "Connection: close").encode())
                while tls.recv(65536):
                    pass

    @pytest.mark.parametrize("first", ["GET", "PUT", "DELETE", "\x80"])
    def test_plain_http_is_told_so(self, server: Server, first: str) -> None:
        with Wire(HOST, server.port, PATIENCE) as wire:
            wire.send(
                f"{first} /chunks HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc".encode(
                    "latin-1"
                )
            )
            answer = wire.answer()
            assert (answer.status, answer.code) == (400, "invalid_request")
            assert "use https instead of http" in answer.json["detail"]
            assert wire.rest() == b""
        assert no_tracebacks(server)


HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


class TestHandshakes:
    """One that is not done yet holds no more than a request that has not come yet."""

    @pytest.mark.parametrize("begun", [b"", HELLO[:1], HELLO], ids=["nothing", "a byte", "a part"])
    def test_that_do_not_go_on_end_after_a_while(self, authority: Authority, begun: bytes) -> None:
        with (
            with_tls(
                authority,
                authority.certify(HOST, file="patient"),
                GUNICORN_CMD_ARGS="--keep-alive=1",
                OBJGW_CLIENT_TIMEOUT="3600",
            ) as server,
            Wire(HOST, server.port, PATIENCE) as wire,
        ):
            wire.send(begun)
            eventually(lambda: not wire.is_open(), "the connection ends", PATIENCE)
            server.wait_for_line("no TLS with 127.0.0.1", since=0)
            assert no_tracebacks(server)

    def test_that_go_silent_end_with_the_clients_timeout(self, server: Server) -> None:
        known = len(server.log)
        with Wire(HOST, server.port, PATIENCE) as wire:
            wire.send(HELLO)
            server.wait_for_line("no TLS with 127.0.0.1: it went silent", since=known)
            eventually(lambda: not wire.is_open(), "the connection ends", PATIENCE)

    def test_that_the_end_of_accepting_comes_upon_are_served(self, authority: Authority) -> None:
        with (
            with_tls(authority, authority.certify(HOST)) as server,
            Wire(HOST, server.port, PATIENCE) as wire,
        ):
            server.worker_pid()  # a connection from after that one was accepted, so it was, too
            os.kill(server.pid, signal.SIGTERM)
            eventually(lambda: refuses_connections(server.port), "no more is accepted", PATIENCE)
            wire.socket = authority.trusting().wrap_socket(wire.socket, server_hostname=HOST)
            wire.send(request("GET", "/chunks").encode())
            answer = wire.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert no_tracebacks(server)

    def test_make_room(self, authority: Authority, open_wires: ExitStack) -> None:
        with with_tls(
            authority,
            authority.certify(HOST, file="full"),
            OBJGW_WORKER_CONNECTIONS=str(SLOTS),
            OBJGW_CLIENT_TIMEOUT="3600",
        ) as server:
            silent = [
                open_wires.enter_context(Wire(HOST, server.port, PATIENCE)) for _ in range(100)
            ]
            for number, wire in enumerate(silent):
                if number % 2:
                    wire.send(HELLO)
            with Client(server) as client:
                assert client.ask("GET", "/chunks").body == b"onetwo"
            eventually(
                lambda: sum(wire.is_open() for wire in silent) <= SLOTS,
                "the silent ones are gone",
                PATIENCE,
            )
            assert no_tracebacks(server)

    @pytest.mark.parametrize(
        "sent",
        [
            b"\x16\x03\x01\x00\x05hello",
            b"\x16" + bytes(20_000),
            HELLO + bytes(508),
        ],
    )
    def test_that_are_none_end(self, server: Server, sent: bytes) -> None:
        known = len(server.log)
        with Wire(HOST, server.port, PATIENCE) as wire:
            wire.send(sent)
            wire.finish()
            wire.rest()
        server.wait_for_line("no TLS with 127.0.0.1", since=known)
        assert no_tracebacks(server)

    def test_of_clients_that_are_gone_say_nothing(self, server: Server) -> None:
        known = len(server.log)
        with Wire(HOST, server.port, PATIENCE) as wire:
            wire.send(HELLO)
            wire.reset()
        server.wait_for_line("no TLS with 127.0.0.1", since=known)
        assert no_tracebacks(server)

    def test_of_clients_that_do_not_trust_it(self, server: Server, tmp_path: Path) -> None:
        known = len(server.log)
        with pytest.raises(ssl.SSLCertVerificationError):
            Wire(HOST, server.port, PATIENCE, tls=Authority(tmp_path).trusting())
        server.wait_for_line("no TLS with 127.0.0.1: TLSV1_ALERT_UNKNOWN_CA", since=known)
        assert no_tracebacks(server)

    def test_what_breaks_later_ends_the_connection(self, server: Server) -> None:
        """Bytes between two records: the end of what can be understood."""
        known = len(server.log)
        with Client(server) as client:
            client.send(request("PUT", "/read", "Content-Length: 100"))
            socket.socket.send(client.socket, b"\x17\x03\x03\x00\x20" + bytes(32))
            with pytest.raises(ssl.SSLError, match="ALERT_BAD_RECORD_MAC"):
                client.rest()
        server.wait_for_line("a TLS connection broke", since=known)
        assert no_tracebacks(server)


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs the certificates of clients."""
    return Authority(tmp_path_factory.mktemp("clients"), "clients")


@pytest.fixture(scope="module")
def strict(authority: Authority, clients: Authority) -> Iterator[Server]:
    """Wants to see one."""
    certified = authority.certify(HOST, file="strict")
    with with_tls(authority, certified, OBJGW_TLS_CLIENT_CA=str(clients.path)) as server:
        yield server


def health_check(port: int) -> subprocess.CompletedProcess[str]:
    """What Docker runs in the container, whose start period is over: a worker serves."""
    with Wire(HOST, port, PATIENCE) as wire:
        wire.send(request("GET", "/chunks").encode())
        wire.answer()  # with TLS, that it wants TLS
    return subprocess.run(
        [sys.executable, "-I", "deploy/healthcheck.py"],
        cwd=ROOT,
        env={"OBJGW_BIND": f"{HOST}:{port}", "OBJGW_TLS_CERT": "/of/the/gateway"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


class TestTheImagesHealthCheck:
    def test_needs_no_authority(self, server: Server) -> None:
        checked = health_check(server.port)
        assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout
        assert "/livez: 200" in checked.stdout

    def test_needs_no_certificate(self, strict: Server) -> None:
        checked = health_check(strict.port)
        assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout
        assert checked.stdout.startswith("/livez: not told without a client's certificate")

    def test_tells_when_there_is_no_tls(self) -> None:
        with Server() as plain:
            assert health_check(plain.port).returncode == 1


def ask(port: int, tls: ssl.SSLContext) -> bytes:
    """With TLS 1.3, a client is through before the server has seen its certificate."""
    with Wire(HOST, port, PATIENCE, tls=tls) as wire:
        wire.send(request("GET", "/chunks", "Connection: close").encode())
        return wire.rest()


class TestClientCertificates:
    def test_the_right_one_is_let_in(
        self, strict: Server, authority: Authority, clients: Authority
    ) -> None:
        tls = authority.trusting(clients.certify("alice", file="alice"))
        assert b"onetwo" in ask(strict.port, tls).replace(b"\r\n3\r\n", b"")

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    @pytest.mark.parametrize(
        ("whose", "alert", "logged"),
        [
            (None, r"ALERT_(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)", "PEER_DID_NOT_RETURN"),
            ("server's", r"ALERT_UNKNOWN_CA", "CERTIFICATE_VERIFY_FAILED"),
        ],
        ids=["none", "another authority's"],
    )
    def test_others_are_told(
        self,
        strict: Server,
        authority: Authority,
        version: ssl.TLSVersion,
        whose: str | None,
        alert: str,
        logged: str,
    ) -> None:
        tls = authority.trusting(authority.certify("mallory", file="mallory") if whose else None)
        tls.maximum_version = version
        known = len(strict.log)
        with pytest.raises(ssl.SSLError, match=alert):
            ask(strict.port, tls)
        strict.wait_for_line(f"no TLS with 127.0.0.1: {logged}", since=known)
        assert no_tracebacks(strict)


class TestOnSighup:
    @pytest.fixture
    def certified(self, authority: Authority, tmp_path: Path) -> Certified:
        """The files of the server of one test."""
        return Certified(tmp_path / "a.pem", tmp_path / "a.key", "").replaced_with(
            authority.certify(HOST, file="first")
        )

    def test_new_connections_get_the_new_certificate_and_no_transfer_is_cut(
        self, authority: Authority, certified: Certified
    ) -> None:
        # The download is not read until the upload has ended, which may take a while.
        patient = {"OBJGW_CLIENT_TIMEOUT": "60", "OBJGW_GRACEFUL_TIMEOUT": "1"}
        with with_tls(authority, certified, **patient) as server:
            pid = server.worker_pid()
            with Client(server) as download, Client(server) as upload:
                download.send(request("GET", "/large", "Connection: close"))
                upload.send(request("PUT", "/read", f"Content-Length: {64 * MIB}"))
                upload.send(bytes(MIB))
                assert download.socket.recv(1) == b"H"
                assert fingerprint_shown(server) == certified.fingerprint
                second = authority.certify(HOST, file="second")
                certified.replaced_with(second)
                os.kill(server.pid, signal.SIGHUP)
                eventually(
                    lambda: fingerprint_shown(server) == second.fingerprint, "it is shown", PATIENCE
                )
                for _ in range(63):
                    upload.send(bytes(MIB))
                assert upload.answer().json["size"] == 64 * MIB
                response = b"H" + download.rest()
                assert response.startswith(b"HTTP/1.1 200 OK\r\n")
                assert response.endswith(b"x" * 64 * MIB)
            assert server.worker_pid() == pid
            assert any(second.fingerprint in line for line in server.log)

    def test_broken_files_change_nothing(self, authority: Authority, certified: Certified) -> None:
        with with_tls(authority, certified) as server:
            pid = server.worker_pid()
            good = certified.key.read_bytes()
            certified.key.write_bytes(b"nonsense")
            os.kill(server.pid, signal.SIGHUP)
            server.wait_for_line("the certificate stays as it was: OBJGW_TLS_KEY must be", since=0)
            assert fingerprint_shown(server) == certified.fingerprint
            # A worker that starts now has what the others have.
            os.kill(pid, signal.SIGKILL)
            server.wait_for_line("was sent SIGKILL", since=0)
            eventually(lambda: pid not in server.worker_pids(), "another worker", PATIENCE)
            assert fingerprint_shown(server) == certified.fingerprint
            known = len(server.log)
            certified.key.write_bytes(good)
            os.kill(server.pid, signal.SIGHUP)
            server.wait_for_line("new connections get the certificate", since=known)


@pytest.fixture(scope="module")
def files(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with good and bad ones."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("one", "other"):
        certified = authority.certify(HOST, file=name)
        (folder / f"{name}.pem").write_bytes(certified.certificate.read_bytes())
        (folder / f"{name}.key").write_bytes(certified.key.read_bytes())
    (folder / "encrypted.key").write_bytes(encrypted(folder / "one.key"))
    (folder / "torn.pem").write_bytes((folder / "one.pem").read_bytes().replace(b"\n", b"\n!", 3))
    (folder / "empty").write_bytes(b"")
    return folder


def encrypted(path: Path) -> bytes:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )


BAD = [
    ({"CERT": "one.pem"}, "OBJGW_TLS_KEY is missing: OBJGW_TLS_CERT is set"),
    ({"KEY": "one.key"}, "OBJGW_TLS_CERT is missing: OBJGW_TLS_KEY is set"),
    ({"CLIENT_CA": "one.pem"}, "OBJGW_TLS_CERT and OBJGW_TLS_KEY are missing"),
    ({"CERT": "none", "KEY": "one.key"}, "none cannot be read: No such file or directory"),
    ({"CERT": "one.key", "KEY": "one.key"}, "OBJGW_TLS_CERT must be the path of a PEM file"),
    ({"CERT": "torn.pem", "KEY": "one.key"}, "torn.pem holds none that can be read"),
    ({"CERT": "empty", "KEY": "one.key"}, "empty holds none that can be read"),
    ({"CERT": "one.pem", "KEY": "none"}, "none cannot be read: No such file or directory"),
    ({"CERT": "one.pem", "KEY": "one.pem"}, "one.pem holds none that can be read"),
    ({"CERT": "one.pem", "KEY": "other.key"}, "other.key holds the key of another one"),
    ({"CERT": "one.pem", "KEY": "encrypted.key"}, "encrypted.key is encrypted. `openssl pkey"),
    (
        {"CERT": "one.pem", "KEY": "one.key", "CLIENT_CA": "one.key"},
        "OBJGW_TLS_CLIENT_CA must be the path of a PEM file",
    ),
    ({"CERT": "one.pem", "KEY": "one.key", "CLIENT_CA": "none"}, "none cannot be read"),
]


def settings_of(files: Path, named: dict[str, str]) -> dict[str, str]:
    return {f"OBJGW_TLS_{name}": str(files / file) for name, file in named.items()}


class TestFilesThatCannotBeUsed:
    @pytest.mark.parametrize(("bad", "complaint"), BAD, ids=[complaint for _, complaint in BAD])
    def test_are_named(
        self,
        files: Path,
        bad: dict[str, str],
        complaint: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for name, value in settings_of(files, bad).items():
            monkeypatch.setenv(name, value)
        environment = Environment()
        found = read_variables(environment, this_machine()).tls
        said = " ".join(environment.problems)
        if found is not None:
            with pytest.raises(TlsError) as error:
                load(found)
            said = str(error.value)
        assert complaint in said
        assert said.startswith("OBJGW_TLS_")

    @pytest.mark.parametrize("position", [0, 9, 10])
    def test_keep_the_server_from_starting(self, files: Path, position: int) -> None:
        bad, complaint = BAD[position]
        found = run_gunicorn(**settings_of(files, bad))
        assert found.returncode != 0
        assert "objgw does not start: OBJGW_TLS_" in found.stderr
        assert found.stderr.count(complaint) == 1
        assert "Traceback" not in found.stderr

    @pytest.mark.parametrize("position", [0, 9, 10])
    def test_are_what_check_complains_of(self, files: Path, position: int) -> None:
        bad, complaint = BAD[position]
        found = run("manage.py", "check", **settings_of(files, bad))
        assert found.returncode == 1
        assert complaint in found.stderr
        assert "Traceback" not in found.stderr


def test_good_files_pass(files: Path) -> None:
    good = {"CERT": "one.pem", "KEY": "one.key", "CLIENT_CA": "other.pem"}
    assert run("manage.py", "check", **settings_of(files, good)).returncode == 0
