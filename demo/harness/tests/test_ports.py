"""Which ports are free."""

import socket
from collections.abc import Iterator

import pytest

from demo.harness import ports


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_port_with_a_listener_is_in_use(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    assert ports.port_in_use("127.0.0.1", port)
    assert ports.localhost_in_use(port)
    listener.close()
    assert not ports.port_in_use("127.0.0.1", port)


def test_a_port_whose_last_connection_lingers_is_free(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    client = socket.create_connection(("127.0.0.1", port))
    served, _ = listener.accept()
    served.close()  # closing first leaves this end in TIME_WAIT
    client.close()
    listener.close()
    assert not ports.port_in_use("127.0.0.1", port)


def test_localhost_is_also_the_ipv6_one() -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listener:
        port = listener.getsockname()[1]
        assert not ports.port_in_use("127.0.0.1", port)
        assert ports.localhost_in_use(port)


def test_an_address_of_another_machine_is_an_error() -> None:
    with pytest.raises(OSError, match="assign"):
        ports.port_in_use("192.0.2.1", 3000)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.1.1"])
def test_a_free_port_can_be_listened_on(host: str) -> None:
    with socket.create_server((host, ports.free_port(host))) as server:
        assert server.getsockname()[0] == host


def test_loopback() -> None:
    assert ports.is_loopback("127.0.0.1")
    assert ports.is_loopback("127.9.8.7")
    assert not ports.is_loopback("0.0.0.0")  # noqa: S104  (all addresses, on purpose)
    assert not ports.is_loopback("localhost")
