"""What failures of a node are called."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from nodes.node import Credentials, Node, NodeState
from objects.exceptions import NodeBusy, NodeError, NodeTimeout, NodeUnavailable
from objects.store.client import Call, Limits, NodeClient
from objects.tests.membership_of import stopped
from objects.tests.node_server import PATIENCE, NodeServer, Peer, ok, says

GET = Call("GET", "/objects/abc")


def client_of(server: NodeServer, *, read_timeout: float = PATIENCE, places: int = 4) -> NodeClient:
    node = Node("n", "127.0.0.1", server.port, NodeState.RUNNING, Credentials("key", "hush-hush"))
    return NodeClient(node, Limits(PATIENCE, read_timeout, places))


def test_a_request_is_signed_and_its_answer_handed_on() -> None:
    heads: list[bytes] = []

    def script(peer: Peer) -> None:
        heads.append(peer.request())
        peer.send(ok(b"hello"))
        peer.until_hung_up()

    with NodeServer(script) as server:
        client = client_of(server)
        answer = client.call(Call("GET", "/objects/abc", "a=b", headers={"Range": "bytes=0-1"}))
        assert answer.read() == b"hello"
        client.close()
        address = f"127.0.0.1:{server.port}"
    assert heads[0].startswith(b"GET /objects/abc?a=b HTTP/1.1\r\n")
    assert f"\r\nHost: {address}\r\n".encode() in heads[0]
    assert b"\r\nAuthorization: AWS4-HMAC-SHA256 Credential=key/" in heads[0]
    assert b"\r\nRange: bytes=0-1\r\n" in heads[0]
    assert b"hush-hush" not in heads[0]


def test_nobody_listens() -> None:
    with NodeServer(says()) as server:
        client = client_of(server)
    with pytest.raises(NodeUnavailable, match=r"cannot be reached: .*refused") as caught:
        client.call(GET)
    assert caught.value.repeatable


@pytest.mark.parametrize(
    ("sent", "call", "repeatable"),
    [
        (b"", GET, True),
        (b"", Call("POST", "/o", repeatable=False), False),
        (b"HTTP/1.1 200", GET, False),
        (
            b"",
            Call("PUT", "/o", body=iter([b"x"]), length=1, await_continue=True, repeatable=False),
            True,
        ),
        (
            b"HTTP/1.1 100 Continue\r\n\r\n",
            Call("PUT", "/o", body=iter([b"x"]), length=1, await_continue=True),
            False,
        ),
    ],
    ids=["unanswered", "unrepeatable", "half answered", "body not begun", "body begun"],
)
def test_the_node_hangs_up(sent: bytes, call: Call, repeatable: bool) -> None:
    with (
        NodeServer(says(sent, then_wait=False)) as server,
        pytest.raises(NodeUnavailable, match="hung up") as caught,
    ):
        client_of(server).call(call)
    assert caught.value.repeatable is repeatable


def test_not_http() -> None:
    with NodeServer(says(b"hello there\r\n\r\n")) as server, pytest.raises(NodeError):
        client_of(server).call(GET)


def test_a_node_with_an_obstacle() -> None:
    node = Node("n", "127.0.0.1", 1, NodeState.RUNNING, Credentials("key", "secret"))
    with pytest.raises(NodeUnavailable, match="exited") as caught:
        NodeClient(stopped(node), Limits(1, 1, 1))
    # So that a snapshot in which it had not started yet is doubted, and not believed.
    assert caught.value.repeatable


def test_a_silent_node_gets_one_request_at_a_time_until_it_answers() -> None:
    release = threading.Event()
    second_waits = threading.Event()

    def silent(peer: Peer) -> None:
        peer.request()
        peer.until_hung_up()

    def late(peer: Peer) -> None:
        peer.request()
        second_waits.set()
        assert release.wait(PATIENCE)
        peer.send(ok(b"back"))
        peer.request()
        peer.send(ok(b"fine"))
        peer.until_hung_up()

    with NodeServer(silent, late) as server:
        impatient = client_of(server, read_timeout=0.1)
        with pytest.raises(NodeTimeout, match=r"within 0\.1 s"):
            impatient.call(GET)
        patient = client_of(server)
        patient._bulkhead = impatient._bulkhead
        with ThreadPoolExecutor(1) as pool:
            finding_out = pool.submit(lambda: patient.call(GET).read())
            assert second_waits.wait(PATIENCE)
            with pytest.raises(NodeBusy):
                patient.call(GET)
            release.set()
            assert finding_out.result(PATIENCE) == b"back"
        assert patient.call(GET).read() == b"fine"
        patient.close()


def test_a_request_whose_body_is_on_its_way_holds_no_place() -> None:
    """A slow client must not keep others from a healthy node."""

    def takes_a_body(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        peer.body(2)
        peer.send(ok())
        peer.until_hung_up()

    with NodeServer(takes_a_body, says(ok(b"meanwhile"))) as server:
        client = client_of(server, places=1)
        meanwhile: list[bytes] = []

        def body() -> Iterator[bytes]:
            meanwhile.append(client.call(GET).read())
            yield b"ab"

        client.call(Call("PUT", "/o", body=body(), length=2, await_continue=True)).close()
        client.close()
    assert meanwhile == [b"meanwhile"]


def test_each_failure_gives_the_place_back() -> None:
    with NodeServer(says(b"", then_wait=False)) as server:
        client = client_of(server, places=1)
        for _ in range(3):
            with pytest.raises(NodeUnavailable):
                client.call(GET)
    # Nobody listens any more.
    for _ in range(3):
        with pytest.raises(NodeUnavailable):
            client.call(GET)
