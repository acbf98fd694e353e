"""What a store says of a failed PUT: whether the same request can be sent again."""

import io
import socket

import pytest

from nodes.node import Credentials, Node, NodeState
from objects.exceptions import NodeRefusedCredentials, NodeUnavailable
from objects.http.body import RequestBody
from objects.store import Store, Upload, payload_of
from objects.store.client import Limits
from objects.store.payload import SMALL, Payload
from objects.store.spool import Spool
from objects.tests.node_server import NodeServer, Peer

REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"


def payload(size: int) -> Payload:
    return payload_of(RequestBody(io.BytesIO(b"x" * size), size, size), Spool(0))


def store_at(port: int) -> Store:
    node = Node("n", "127.0.0.1", port, NodeState.RUNNING, Credentials("key", "secret"))
    return Store(node, "objects", Limits(5, 5, 5))


@pytest.fixture
def dead() -> Store:
    """The store of a node that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return store_at(listener.getsockname()[1])


@pytest.mark.parametrize("size", [1, SMALL + 1])
def test_a_node_that_cannot_be_reached_has_taken_nothing(dead: Store, size: int) -> None:
    with pytest.raises(NodeUnavailable) as caught:
        dead.put("a", payload(size), Upload())
    assert caught.value.repeatable


def test_what_was_taken_from_the_client_cannot_be_taken_again(dead: Store) -> None:
    begun = payload(SMALL + 1)
    next(iter(begun))
    with pytest.raises(NodeUnavailable) as caught:
        dead.put("a", begun, Upload())
    assert not caught.value.repeatable


def test_nor_after_a_node_has_refused_a_body_that_it_asked_for() -> None:
    def takes_the_body_first(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")  # the bucket
        peer.request()
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        peer.body(SMALL + 1)
        peer.send(REFUSAL)
        peer.until_hung_up()

    with NodeServer(takes_the_body_first) as server:
        store = store_at(server.port)
        with pytest.raises(NodeRefusedCredentials) as caught:
            store.put("a", payload(SMALL + 1), Upload())
        store.close()
    assert NodeRefusedCredentials.repeatable
    assert not caught.value.repeatable
