"""Each id lives on one node, the one that MD5 modulo says, whichever gateway is asked."""

from collections.abc import Iterable

import pytest

from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import NodeProcess
from tests.functional.conftest import RunGateway, RunNodes, client_of
from tests.functional.stored import BUCKET, keys_in_all, owner_of
from tests.support.client import random_id


def new_ids(count: int = 300) -> list[str]:
    return [random_id(1 + number % 32) for number in range(count)]


def put_all(gateway: GatewayProcess, ids: Iterable[str]) -> None:
    client = client_of(gateway)
    for object_id in ids:
        assert client.put(object_id, object_id.encode()).status == 201


def assert_all_readable(gateway: GatewayProcess, ids: Iterable[str]) -> None:
    client = client_of(gateway)
    for object_id in ids:
        answer = client.get_object(object_id)
        assert (answer.status, answer.body) == (200, object_id.encode())


def expected_places(
    ids: Iterable[str], nodes: list[NodeProcess]
) -> dict[str, set[tuple[str, str]]]:
    places: dict[str, set[tuple[str, str]]] = {process.node.name: set() for process in nodes}
    for object_id in ids:
        places[owner_of(object_id, nodes).node.name].add((BUCKET, object_id))
    return places


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_300_ids_are_exactly_where_md5_says(
    run_nodes: RunNodes, run_gateway: RunGateway, count: int
) -> None:
    nodes = run_nodes(count)
    ids = new_ids()
    put_all(run_gateway(nodes), ids)
    found = keys_in_all(nodes)
    assert found == expected_places(ids, nodes)
    assert all(found.values()), "a node got none of 300 ids"


def test_a_second_gateway_and_a_restarted_one_agree(
    run_nodes: RunNodes, run_gateway: RunGateway
) -> None:
    nodes = run_nodes(3)
    ids = new_ids()
    first, second = run_gateway(nodes), run_gateway(list(reversed(nodes)))
    put_all(first, ids[:150])
    put_all(second, ids[150:])
    assert_all_readable(second, ids)
    first.stop()
    first.start()
    assert_all_readable(first, ids)
    put_all(first, ids)  # a disagreement would leave second copies
    assert keys_in_all(nodes) == expected_places(ids, nodes)
