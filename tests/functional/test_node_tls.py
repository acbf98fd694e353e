"""Nodes with TLS: real ones, and what is said of those that nobody should trust."""

import datetime as dt
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from demo.harness.children import PROJECT_ROOT
from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import LocalNode, NodeProcess, prepare_nodes, start_nodes
from objects.tests.node_server import NodeServer, Peer, Script
from tests.functional.conftest import client_of
from tests.functional.stored import id_owned_by
from tests.functional.test_roundtrip import assert_roundtrip
from tests.support.bodies import Body
from tests.support.certificates import Authority, Certified
from tests.support.client import Client
from tests.support.servers import HOST, PLAIN, Transport, make_gateway, minio_or_skip

pytestmark = pytest.mark.minio

MIB = 2**20
#: What is wrong with a node's certificate, as OpenSSL says it.
TROUBLE = {
    "another name": "IP address mismatch, certificate is not valid for '127.0.0.1'",
    "another authority": "unable to get local issuer certificate",
    "expired": "certificate has expired",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def certified_for(trouble: str, authority: Authority, folder: Path) -> Certified:
    match trouble:
        case "another name":
            return authority.certify("192.0.2.1", file="another-name")
        case "another authority":
            return Authority(folder, "unknown").certify(HOST)
        case "expired":
            return authority.certify(HOST, valid=dt.timedelta(hours=-1), file="expired")
        case _:
            return authority.certify(HOST)


def with_certificate(process: NodeProcess, certified: Certified) -> NodeProcess:
    """The same node, yet to be started, with TLS."""
    node = replace(process.node, tls=True)
    node.certificates.mkdir(exist_ok=True)
    (node.certificates / "public.crt").write_bytes(certified.certificate.read_bytes())
    (node.certificates / "private.key").write_bytes(certified.key.read_bytes())
    return NodeProcess(node, process.server)


@pytest.fixture(scope="module")
def nodes(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[NodeProcess]]:
    """The first is as it should be; each other one has one trouble."""
    folder, server = tmp_path_factory.mktemp("nodes"), minio_or_skip()
    prepared = prepare_nodes(folder, 1 + len(TROUBLE))
    processes = [
        with_certificate(NodeProcess(node, server), certified_for(trouble, authority, node.folder))
        for node, trouble in zip(prepared, ["", *TROUBLE], strict=True)
    ]
    with ExitStack() as stack:
        for process in processes:
            stack.enter_context(process)
        start_nodes(processes)
        yield processes


@pytest.fixture(scope="module")
def tls_gateway(
    nodes: list[NodeProcess], authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    given = [process.node for process in nodes]
    log = tmp_path_factory.mktemp("gateway") / "log"
    with make_gateway(given, log, OBJGW_NODE_CA=str(authority.path)) as gateway:
        gateway.start(wait_for="/livez")
        yield gateway


@pytest.fixture
def client(tls_gateway: GatewayProcess) -> Client:
    return client_of(tls_gateway)


@pytest.mark.parametrize("over", ["http", "https"])
def test_what_is_put_comes_back(
    authority: Authority,
    nodes: list[NodeProcess],
    tls_transport: Transport,
    tmp_path: Path,
    over: str,
) -> None:
    """With TLS to the client as well, nobody waits for bytes that are decrypted already."""
    transport = PLAIN if over == "http" else tls_transport
    settings = {"OBJGW_NODE_CA": str(authority.path)}
    with make_gateway([nodes[0].node], tmp_path / "log", transport, **settings) as gateway:
        gateway.start()
        for size in (0, 100, 70_000, 17 * MIB + 1):
            for chunked in (False, True):
                assert_roundtrip(client_of(gateway), Body(size, seed=size), chunked=chunked)


def test_without_its_authority_none_is_trusted(nodes: list[NodeProcess], tmp_path: Path) -> None:
    with make_gateway([nodes[0].node], tmp_path / "log") as gateway:
        gateway.start(wait_for="/livez")
        answer = client_of(gateway).put("abc", b"x")
        assert (answer.status, answer.code) == (503, "node_unavailable")
        assert "its certificate is not trusted: " in answer.json["detail"]


def test_without_tls_it_is_told_what_is_missing(nodes: list[NodeProcess], tmp_path: Path) -> None:
    with make_gateway([replace(nodes[0].node, tls=False)], tmp_path / "log") as gateway:
        gateway.start(wait_for="/livez")
        answer = client_of(gateway).get_object("abc")
        assert (answer.status, answer.code) == (503, "node_unavailable")
        assert "cannot be reached: it wants TLS" in answer.json["detail"]


def dripping(certified: Certified, ended: threading.Event) -> Script:
    """A node whose answers are one record of TLS, of which a byte comes ten times a second."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certified.certificate, certified.key)

    def script(peer: Peer) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        while not ended.is_set():
            try:
                tls.do_handshake()
                peer.send(outgoing.read())
                assert tls.read(65536)
                break
            except ssl.SSLWantReadError:
                peer.send(outgoing.read())
                incoming.write(peer.some())
        tls.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " + b"x" * 4000 + b"\r\n\r\n")
        for byte in outgoing.read():
            if ended.wait(0.1):
                return
            peer.send(bytes([byte]))

    return script


def test_a_record_that_drips_has_no_more_time_than_an_answer(
    authority: Authority, tmp_path: Path
) -> None:
    ended = threading.Event()
    with NodeServer(dripping(authority.certify(HOST), ended)) as server:
        node = LocalNode("node", HOST, server.port, "key", "hush-hush", Path("none"), tls=True)
        settings = {"OBJGW_NODE_CA": str(authority.path), "OBJGW_READ_TIMEOUT": "1"}
        with make_gateway([node], tmp_path / "log", **settings) as gateway:
            gateway.start(wait_for="/livez")
            began = time.monotonic()
            answer = client_of(gateway).get_object("abc")
            # All of the record would take almost seven minutes.
            assert time.monotonic() - began < 30
            assert (answer.status, answer.code) == (504, "node_timeout")
        ended.set()


@pytest.mark.parametrize(("position", "trouble"), list(enumerate(TROUBLE, start=1)))
class TestANodeThatNobodyShouldTrust:
    def test_gets_nothing(
        self, nodes: list[NodeProcess], client: Client, position: int, trouble: str
    ) -> None:
        object_id = id_owned_by(nodes[position], nodes)
        got, put = client.get_object(object_id), client.put(object_id, b"x")
        assert (got.status, got.code) == (503, "node_unavailable")
        said = f"its certificate is not trusted: {TROUBLE[trouble]}"
        assert f"cannot be reached: {said}" in got.json["detail"]
        # Without most of the nodes, the layout cannot be known, either.
        assert put.status == 503
        assert "its certificate is not trusted: " in put.json["detail"]

    def test_is_named_where_operators_look(
        self,
        nodes: list[NodeProcess],
        tls_gateway: GatewayProcess,
        client: Client,
        position: int,
        trouble: str,
    ) -> None:
        said = f"its certificate is not trusted: {TROUBLE[trouble]}"
        (listed,) = [
            node for node in client.get("/nodes").json if node["name"] == nodes[position].name
        ]
        assert said in listed["reason"]
        page = client.request("GET", "/", {"Accept": "text/html"}).body.decode()
        assert said.replace("'", "&#x27;") in page
        assert said in shown_nodes(tls_gateway)


def shown_nodes(gateway: GatewayProcess) -> str:
    """What `shownodes` prints, its lines' ends taken out."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shownodes"],
        cwd=PROJECT_ROOT,
        env={**gateway.environment, "COLUMNS": "300"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return " ".join(done.stdout.split())
