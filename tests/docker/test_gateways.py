"""A gateway is never a node, on a real engine, with real image labels."""

import pytest

from tests.docker.conftest import MakeFleet
from tests.docker.ids import ids_by_owner
from tests.support.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


def test_gateways_that_are_named_like_nodes_are_none(make_fleet: MakeFleet) -> None:
    """As a gateway's service with that name has it, scaled to two."""
    fleet = make_fleet(2)
    names = [node.name for node in fleet.nodes]
    gateways = [
        fleet.start_gateway(
            f"amazin-object-storage-node-gateway-{number}",
            environment={"OBJGW_EXPECTED_NODES": "2"},
        )
        for number in (1, 2)
    ]
    for gateway in gateways:
        gateway.wait_ready()
        assert [node["name"] for node in gateway.shownodes()["nodes"]] == names
        report = gateway.client.request("GET", "/readyz").json
        assert (report["nodes"], report["serving"], report["not_serving"]) == (2, 2, [])
    for object_id in ids_by_owner(2):
        assert gateways[0].client.put(object_id, b"x").status == 201
        assert gateways[1].client.get_object(object_id).body == b"x"


def test_what_exposes_other_ports_and_gets_no_keys_is_no_node(make_fleet: MakeFleet) -> None:
    """Running or stopped, as an exporter beside a node."""
    fleet = make_fleet(2)
    names = [node.name for node in fleet.nodes]
    exporter = fleet.start_exporter()
    gateway = fleet.start_gateway()
    gateway.wait_ready()
    assert [node["name"] for node in gateway.shownodes()["nodes"]] == names
    exporter.stop(timeout=1)
    assert [node["name"] for node in gateway.shownodes()["nodes"]] == names


def test_with_every_node_stopped_it_is_not_ready_and_healthy_still(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(1)
    gateway = fleet.start_gateway()
    gateway.wait_ready()
    fleet.container(fleet.nodes[0]).stop(timeout=5)
    readiness = gateway.client.request("GET", "/readyz")
    while readiness.status == 200:  # until Docker's event has come; the test has a timeout
        readiness = gateway.client.request("GET", "/readyz")
    assert (readiness.status, readiness.json["code"]) == (503, "no_node_serves")
    assert readiness.json["serving"] == 0

    def says_that_it_is_not_ready() -> bool:
        checked = gateway.execute("python", "-I", "deploy/healthcheck.py")
        assert checked.status == 0, checked.output
        return "/readyz: 503" in checked.output

    # The other worker may answer, to which the event is still to come.
    eventually(says_that_it_is_not_ready, "each worker knows it", 15)
