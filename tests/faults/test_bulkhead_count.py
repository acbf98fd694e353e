"""The count of requests that wait for a node is right at every moment, failures included."""

import socket
import threading
from collections.abc import Iterator

import pytest

from nodes.node import Credentials, Node, NodeState
from objects.exceptions import NodeTimeout
from objects.store.client import Call, Limits, NodeClient


@pytest.fixture
def silent() -> Iterator[Node]:
    """A node that asks for the body, and then neither reads nor says anything."""
    done = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            done.wait(60)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        yield Node("silent", "127.0.0.1", port, NodeState.RUNNING, Credentials("k", "s"))
        done.set()
        thread.join()


def test_a_failed_transfer_is_counted_out_before_the_failure_is_raised(silent: Node) -> None:
    assert silent.host is not None
    client = NodeClient(silent, Limits(connect_timeout=1, read_timeout=0.2, concurrency=2))

    def body() -> Iterator[bytes]:
        while True:
            yield bytes(2**20)

    call = Call("PUT", "/objects/a", body=body(), length=2**40, await_continue=True)
    with pytest.raises(NodeTimeout) as raised:
        client.call(call)
    # The exception holds on to its frames, and they to the body.
    assert raised.value.__traceback__ is not None
    assert client._bulkhead._waiting == 0
