"""How many connections a worker takes in one turn of its event loop, shown by a real socket."""

import socket
from contextlib import ExitStack

import gevent
import pytest

from objgw_site.server.listener import Listener, listen_queue


def queued(stack: ExitStack, count: int) -> socket.socket:
    """A socket that listens, with so many connections in its queue."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=256))
    for _ in range(count):
        stack.enter_context(socket.create_connection(listener.getsockname()))
    assert listen_queue(listener) == count
    return listener


@pytest.mark.parametrize(("count", "least", "most"), [(1, 1, 1), (12, 1, 1), (100, 20, 50)])
def test_a_turn(count: int, least: int, most: int) -> None:
    """A few are left to the other worker; of many, our share is taken."""
    with ExitStack() as stack:
        sock = queued(stack, count)
        taken: list[object] = []
        server = Listener(
            gevent.socket.socket(fileno=sock.detach()),
            handle=lambda client, address: taken.append(stack.enter_context(client)),
            workers=2,
            make_room=lambda: False,
        )
        stack.callback(server.stop)
        server.init_socket()
        server._do_read()
        assert least <= count - listen_queue(server.socket) <= most
        server.start()
        while len(taken) < count:
            gevent.sleep(0.001)
        assert listen_queue(server.socket) == 0


def test_a_socket_without_a_queue_to_be_known() -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        assert listen_queue(sock) == 0
