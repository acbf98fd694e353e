"""The stack on Docker Swarm: whichever task fills a node's place, its ids are its own."""

import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import docker
import pytest

from nodes.node import Node, NodeState
from objects.routing import ModuloRouter
from tests.docker.stack import Stack
from tests.docker.swarm import SwarmStack, deployed, join_swarm
from tests.support.client import Client, random_id
from tests.support.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

COUNT = 300


@pytest.fixture(scope="module")
def swarm_stack(
    engine: docker.DockerClient, running_stack: Stack, images: Mapping[str, str]
) -> Iterator[SwarmStack]:
    environment = {
        **os.environ,
        "OBJGW_IMAGE": running_stack.image,
        "OBJGW_NODE_IMAGE": images["OBJGW_NODE_IMAGE"],
        "OBJGW_PORT": "0",  # each gateway on a port of its own: both are on this machine
        "OBJGW_GATEWAYS_PER_MACHINE": "2",
        "OBJGW_EXPECTED_NODES": "3",
    }
    join_swarm(engine)
    with deployed(engine, environment) as stack:
        stack.wait_for_gateways(2)
        yield stack


@pytest.fixture(scope="module")
def ids(swarm_stack: SwarmStack) -> list[str]:
    """Objects that are stored through one gateway; each holds its id."""
    client = swarm_stack.gateways()[0].client
    found = [random_id() for _ in range(COUNT)]
    for object_id in found:
        # Not at once: a gateway is ready as soon as one node serves, and each worker looks itself.
        eventually(
            lambda: client.put(object_id, object_id.encode()).status == 201,  # noqa: B023
            f"{object_id} is stored",
            60,
        )
    return found


def slot_of(stack: SwarmStack, object_id: str, slots: int = 3) -> int:
    """The documented rule."""
    nodes = [
        Node(stack.node_name(slot), None, 9000, NodeState.UNKNOWN) for slot in range(1, slots + 1)
    ]
    return nodes.index(ModuloRouter().owner(object_id, nodes)) + 1


def statuses(client: Client, ids: Sequence[str]) -> dict[str, int]:
    found = {}
    for object_id in ids:
        answer = client.get_object(object_id)
        assert answer.status != 200 or answer.body == object_id.encode()
        found[object_id] = answer.status
    return found


def await_news(client: Client, ids: Sequence[str]) -> None:
    """Wait until all workers of a gateway know the nodes as they are, after what a test before did
    to them.
    """
    eventually(lambda: set(statuses(client, ids).values()) == {200}, "all objects are there", 120)
    since = time.time()

    def oldest_snapshot() -> float:
        found = re.search(
            r"^objgw_snapshot_timestamp_seconds (\S+)$",
            client.get("/metrics").body.decode(),
            re.MULTILINE,
        )
        assert found is not None
        return float(found[1])

    eventually(lambda: oldest_snapshot() > since, "each worker has looked at the nodes", 60)


def meanwhile(
    stack: SwarmStack, ids: Sequence[str], disturb: Callable[[], None]
) -> dict[str, Counter[int]]:
    """What each id was answered with, again and again, until all are there after a disturbance."""
    clients = [gateway.client for gateway in stack.gateways()]
    for client in clients:
        await_news(client, ids)
    seen: dict[str, Counter[int]] = {object_id: Counter() for object_id in ids}
    disturbed = threading.Event()

    def disturbing() -> None:
        disturb()
        disturbed.set()

    thread = threading.Thread(target=disturbing)
    thread.start()

    def all_there() -> bool:
        over = disturbed.is_set()
        rounds = [statuses(client, ids) for client in clients]
        for found in rounds:
            for object_id, status in found.items():
                seen[object_id][status] += 1
        return over and all(set(found.values()) == {200} for found in rounds)

    try:
        eventually(all_there, "all objects are there again", 180)
    finally:
        thread.join()
    return seen


def test_both_gateways_have_all_objects(swarm_stack: SwarmStack, ids: list[str]) -> None:
    gateways = swarm_stack.gateways()
    assert len(gateways) == 2
    for gateway in gateways:
        eventually(
            lambda: set(statuses(gateway.client, ids).values()) == {200},  # noqa: B023
            "it has all objects",
            60,
        )
        nodes = gateway.shownodes()["nodes"]
        assert [node["name"] for node in nodes] == [swarm_stack.node_name(n) for n in (1, 2, 3)]
    assert {slot_of(swarm_stack, object_id) for object_id in ids} == {1, 2, 3}


def test_a_removed_container_takes_only_its_own_ids_with_it_and_they_come_back(
    swarm_stack: SwarmStack, ids: list[str]
) -> None:
    old = swarm_stack.container(2)

    def replaced() -> bool:
        name = f"{swarm_stack.node_name(2)}."
        found = swarm_stack.containers().items()
        return any(id_ != old.id and text.startswith(name) for id_, text in found)

    def disturb() -> None:
        old.remove(force=True)
        eventually(replaced, "Swarm has started another container", 90)

    seen = meanwhile(swarm_stack, ids, disturb)
    for object_id, found in seen.items():
        allowed = {200, 503, 504} if slot_of(swarm_stack, object_id) == 2 else {200}
        assert found.keys() <= allowed, object_id
    assert any(503 in found for found in seen.values())


def test_a_rolling_update_of_the_nodes(swarm_stack: SwarmStack, ids: list[str]) -> None:
    before = swarm_stack.containers().keys()

    def renewed() -> bool:
        found = swarm_stack.containers().keys()
        return len(found) == 3 and not before & found

    def disturb() -> None:
        swarm_stack.update("--force", "--update-delay", "1s")
        eventually(renewed, "all three were replaced", 150)

    seen = meanwhile(swarm_stack, ids, disturb)
    assert {status for found in seen.values() for status in found} <= {200, 503, 504}


def test_scaled_down_no_object_is_said_to_be_none(swarm_stack: SwarmStack, ids: list[str]) -> None:
    gateway = swarm_stack.gateways()[0]
    gone = [object_id for object_id in ids if slot_of(swarm_stack, object_id) == 3]

    def seen() -> set[int]:
        return set(statuses(gateway.client, gone[:20]).values())

    def scaled_down() -> bool:
        found = seen()
        assert found <= {200, 503, 504}
        return found == {503}

    swarm_stack.update("--replicas", "2")
    try:
        eventually(scaled_down, "the objects of the third node are out of reach", 60)
        assert 404 not in statuses(gateway.client, ids).values()
    finally:
        swarm_stack.update("--replicas", "3")
    eventually(lambda: seen() == {200}, "they are back", 120)
