"""Each id lives on one node, the one that MD5 modulo says, whichever gateway is asked."""

from collections import Counter

import pytest

from tests.docker.conftest import MakeFleet
from tests.docker.fleet import GatewayContainer, start_gateway
from tests.docker.ids import random_ids
from tests.docker.s3 import S3Node, expected_placement, placement
from tests.docker.stack import Stack
from tests.support.client import Client

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


def put_all(client: Client, ids: list[str]) -> None:
    for object_id in ids:
        answer = client.put(object_id, object_id.encode())
        assert answer.status == 201, answer.text


def assert_all_read(client: Client, ids: list[str]) -> None:
    assert [client.get_object(object_id).body for object_id in ids] == [i.encode() for i in ids]


def assert_placed(ids: list[str], nodes: list[S3Node]) -> None:
    found = placement(nodes)
    here = {object_id: found.get(object_id) for object_id in ids}
    assert here == expected_placement(ids, nodes)
    count = Counter(names[0] for names in found.values())
    assert set(count) == {node.name for node in nodes}, count


def assert_gateways_agree(
    first: GatewayContainer, second: GatewayContainer, nodes: list[S3Node]
) -> None:
    ids = random_ids(300)
    put_all(first.client, ids)
    assert_placed(ids, nodes)
    second.wait_ready()
    assert_all_read(second.client, ids)
    # Written by the second, so that a disagreement of theirs shows as a second copy.
    put_all(second.client, ids)
    assert_placed(ids, nodes)
    second.container.restart(timeout=5)
    second.wait_ready()
    assert_all_read(second.client, ids)


def test_300_ids_are_where_md5_says(stack: Stack) -> None:
    second = start_gateway(stack.engine, stack.image, stack.network, "objgw-itest-second")
    try:
        assert_gateways_agree(stack.gateway, second, stack.nodes)
    finally:
        second.container.remove(force=True)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_300_ids_are_where_md5_says_with_any_number_of_nodes(
    make_fleet: MakeFleet, count: int
) -> None:
    fleet = make_fleet(count)
    first = fleet.start_gateway("first")
    first.wait_ready()
    assert_gateways_agree(first, fleet.start_gateway("second"), fleet.nodes)


def test_nodes_on_another_network_are_none_of_its_business(make_fleet: MakeFleet) -> None:
    """They are on the same daemon, and their names match too (rule 3)."""
    ours, theirs = make_fleet(2), make_fleet(1)
    for fleet in (ours, theirs):
        gateway = fleet.start_gateway()
        gateway.wait_ready()
        assert {row["name"] for row in gateway.shownodes()["nodes"]} == {
            node.name for node in fleet.nodes
        }
