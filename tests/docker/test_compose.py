"""docker-compose.yml as a user runs it: three nodes, one gateway, objects that stay."""

from functools import partial

import pytest
from docker.models.containers import Container

from tests.docker.ids import ids_by_owner
from tests.docker.s3 import placement
from tests.docker.stack import NODE_NAMES, Stack
from tests.support.waiting import eventually

BROKEN_NODE = "tests/docker/broken-node.yml"

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


def is_healthy(container: Container) -> bool:
    container.reload()
    return bool(container.attrs["State"]["Health"]["Status"] == "healthy")


def statuses(stack: Stack, ids: list[str]) -> list[int]:
    return [stack.client.put(object_id, b"x").status for object_id in ids]


def test_an_object_goes_in_and_out_through_the_published_port(stack: Stack) -> None:
    assert stack.client.put("abc", b"hello").status == 201
    answer = stack.client.get_object("abc")
    assert (answer.status, answer.body) == (200, b"hello")


def test_shownodes_lists_the_three_nodes_that_docker_has(stack: Stack) -> None:
    execution = stack.gateway.execute("python", "manage.py", "shownodes")
    assert execution.status == 0, execution.output
    rows = stack.gateway.shownodes()["nodes"]
    assert [(row["index"], row["name"], row["state"], row["healthy"]) for row in rows] == [
        (index, name, "running", True) for index, name in enumerate(NODE_NAMES)
    ]
    assert [row["address"] for row in rows] == [f"{node.address}:9000" for node in stack.nodes]


def test_the_gateway_and_the_nodes_become_healthy(stack: Stack) -> None:
    for name in ["gateway", *NODE_NAMES]:
        eventually(partial(is_healthy, stack.container(name)), f"{name} is healthy", 60)
    outputs = [check["Output"] for check in stack.gateway.container.attrs["State"]["Health"]["Log"]]
    assert "/livez: 200" in outputs[-1]
    assert "/readyz: 200" in outputs[-1]


def test_objects_survive_down_and_up(stack: Stack) -> None:
    ids = ids_by_owner(3)
    for object_id in ids:
        assert stack.client.put(object_id, object_id.encode()).status == 201
    stack.compose("down")
    stack.up()
    assert [stack.client.get_object(object_id).body for object_id in ids] == [
        i.encode() for i in ids
    ]


def test_a_recreated_node_keeps_its_place_and_its_objects(stack: Stack) -> None:
    object_id = ids_by_owner(3)[1]
    assert stack.client.put(object_id, b"before").status == 201
    before = stack.container(NODE_NAMES[1]).id
    stack.compose("up", "-d", "--force-recreate", "--no-deps", NODE_NAMES[1])
    assert stack.container(NODE_NAMES[1]).id != before
    eventually(
        lambda: stack.client.get_object(object_id).status == 200, "the recreated node serves", 60
    )
    assert stack.client.get_object(object_id).body == b"before"
    assert stack.client.put(object_id, b"after").status == 201
    assert placement(stack.nodes)[object_id] == [NODE_NAMES[1]]
    stack.wait_healthy()


def test_a_broken_node_does_not_keep_the_gateway_down(stack: Stack) -> None:
    ids = ids_by_owner(3)
    stack.compose("down")
    try:
        stack.compose("-f", "docker-compose.yml", "-f", BROKEN_NODE, "up", "-d")
        stack.gateway.wait_ready()
        eventually(
            lambda: statuses(stack, ids) == [201, 503, 201], "all but its ids are served", 60
        )
    finally:
        stack.up()
    assert statuses(stack, ids) == [201, 201, 201]
