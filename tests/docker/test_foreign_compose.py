"""A compose file that knows nothing of ours: the socket, a shared network, and names that match."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.docker.ids import ids_by_owner
from tests.docker.stack import Stack, free_port
from tests.docker.uploads import put_in_the_end
from tests.support.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

PROJECT = "objgw-itest-foreign"
FILE = "tests/docker/foreign.yml"


@pytest.fixture
def foreign(running_stack: Stack) -> Iterator[Stack]:
    port = free_port()
    variables = {
        "OBJGW_PORT": str(port),
        "COMPOSE_PROJECT_NAME": PROJECT,
        "GATEWAY_IMAGE": running_stack.image,
    }
    stack = replace(running_stack, port=port, environment=running_stack.environment | variables)
    try:
        stack.compose("-f", FILE, "up", "-d")
        yield stack
    finally:
        stack.compose("-f", FILE, "logs", "--tail", "30")
        stack.compose("-f", FILE, "down", "--volumes", "--timeout", "5")


def test_the_nodes_are_found_under_the_names_that_compose_makes(foreign: Stack) -> None:
    client = foreign.client
    eventually(client.is_ready, "the gateway is ready", 60)
    ids = ids_by_owner(2)
    put_in_the_end(client, ids)
    for object_id in ids:
        assert client.get_object(object_id).body == object_id.encode()
    found = [node["name"] for node in client.request("GET", "/nodes").json]
    separators = {name.removeprefix(PROJECT)[0] for name in found}
    assert separators in ({"_"}, {"-"})  # Compose 1 or 2
    [separator] = separators
    assert found == [
        f"{PROJECT}{separator}amazin-object-storage-node-{number}{separator}1" for number in (1, 2)
    ]
