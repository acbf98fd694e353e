"""The names under which a stack's gateway is reached, without any configuration."""

import http.client

import pytest

from tests.docker.stack import NODE_NAMES, Stack

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


def status_from_a_node(stack: Stack, *arguments: str) -> str:
    """What curl gets in a container on the gateway's network."""
    command = ["curl", "-s", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}", *arguments]
    found = stack.container(NODE_NAMES[0]).exec_run(command)
    assert isinstance(found.output, bytes)
    return found.output.decode()


def test_by_service_and_container_name(stack: Stack) -> None:
    for name in ("gateway", stack.gateway.container.name):
        assert status_from_a_node(stack, f"http://{name}:3000/livez") == "200", name


def test_by_the_name_of_the_host(stack: Stack) -> None:
    """Docker Desktop has this name in every container; elsewhere it is given to one."""
    there = f"host.docker.internal:3000:{_address(stack)}"
    url = "http://host.docker.internal:3000/livez"
    assert status_from_a_node(stack, "--resolve", there, url) == "200"


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_from_the_host(stack: Stack, name: str) -> None:
    connection = http.client.HTTPConnection(name, stack.port, timeout=10)
    connection.request("GET", "/livez")
    assert connection.getresponse().status == 200
    connection.close()


def test_by_a_name_that_anybody_may_register(stack: Stack) -> None:
    there = f"evil.example:3000:{_address(stack)}"
    url = "http://evil.example:3000/livez"
    assert status_from_a_node(stack, "--resolve", there, url) == "421"


def _address(stack: Stack) -> str:
    container = stack.gateway.container
    container.reload()
    networks = container.attrs["NetworkSettings"]["Networks"]
    return str(next(iter(networks.values()))["IPAddress"])
