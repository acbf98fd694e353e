"""What breaks, what the gateway answers then, and that it recovers by itself."""

import time

import pytest

from tests.docker.conftest import MakeFleet
from tests.docker.fleet import GatewayContainer
from tests.docker.ids import ids_by_owner, random_ids
from tests.docker.s3 import owner_of
from tests.docker.stack import NODE_NAMES, Stack
from tests.docker.uploads import put_in_the_end
from tests.support.client import Answer, Client
from tests.support.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


def assert_problem(answer: Answer, status: int, code: str, *, retry: bool) -> None:
    assert (answer.status, answer.json["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["detail"]
    if retry:
        assert int(answer.headers["retry-after"]) >= 1


def put_all(client: Client, ids: list[str]) -> None:
    assert {client.put(object_id, object_id.encode()).status for object_id in ids} == {201}


def assert_read(client: Client, ids: list[str]) -> None:
    assert [client.get_object(object_id).body for object_id in ids] == [i.encode() for i in ids]


def test_a_stopped_node_takes_only_its_own_ids_with_it(stack: Stack) -> None:
    ids = random_ids(30)
    put_all(stack.client, ids)
    stopped = NODE_NAMES[1]
    lost = [object_id for object_id in ids if owner_of(object_id, 3) == 1]
    kept = [object_id for object_id in ids if owner_of(object_id, 3) != 1]
    assert lost
    with stack.stopped(stopped):
        for object_id in lost:
            assert_problem(stack.client.get_object(object_id), 503, "node_unavailable", retry=True)
            assert_problem(stack.client.put(object_id, b"x"), 503, "node_unavailable", retry=True)
        assert_read(stack.client, kept)
        put_all(stack.client, kept)
        assert stack.client.status_of("/readyz") == 200
        execution = stack.gateway.execute("python", "manage.py", "shownodes")
        assert execution.status == 1
        assert f"1 of 3 nodes cannot serve: {stopped}" in execution.output
    assert_read(stack.client, ids)


def seconds_to_503(client: Client, object_id: str) -> float:
    began = time.monotonic()
    assert client.get_object(object_id).status == 503
    return time.monotonic() - began


def test_ids_of_a_stopped_node_fail_fast(stack: Stack) -> None:
    object_id = ids_by_owner(3)[0]
    with stack.stopped(NODE_NAMES[0]):
        # Of several, for a busy machine may hold up any one of them.
        assert min(seconds_to_503(stack.client, object_id) for _ in range(10)) < 1


def states(gateway: GatewayContainer) -> list[str]:
    return [node["state"] for node in gateway.client.request("GET", "/nodes").json]


def test_a_paused_node_is_down_at_once_and_then_answers_again(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(2)
    # Without a hurry: only Docker's events bring the news, and a request that waited for the node
    # would be seen.
    gateway = fleet.start_gateway(environment={"OBJGW_SNAPSHOT_TTL": "3600", "OBJGW_WORKERS": "1"})
    gateway.wait_ready()
    ids = ids_by_owner(2)
    put_all(gateway.client, ids)
    paused = fleet.container(fleet.nodes[0])
    paused.pause()
    try:
        eventually(lambda: states(gateway) == ["paused", "running"], "Docker's event has come", 10)
        assert min(seconds_to_503(gateway.client, ids[0]) for _ in range(10)) < 1
        assert_problem(gateway.client.get_object(ids[0]), 503, "node_unavailable", retry=True)
        assert "paused" in gateway.client.get_object(ids[0]).json["detail"]
        assert_read(gateway.client, [ids[1]])
    finally:
        paused.unpause()
    eventually(
        lambda: gateway.client.get_object(ids[0]).status == 200, "the node answers again", 30
    )
    assert_read(gateway.client, ids)


def test_without_nodes_it_waits_for_one(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(0)
    gateway = fleet.start_gateway(environment={"OBJGW_WORKERS": "1"})
    assert_problem(gateway.client.get_object("abc"), 503, "no_nodes", retry=True)
    assert gateway.client.status_of("/readyz") == 503
    fleet.add_nodes(1)
    gateway.wait_ready()
    put_in_the_end(gateway.client, ["abc"])
    assert_read(gateway.client, ["abc"])


def test_with_a_node_missing_no_id_is_sent_to_the_wrong_one(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(1)
    gateway = fleet.start_gateway(environment={"OBJGW_EXPECTED_NODES": "2", "OBJGW_WORKERS": "1"})
    assert_problem(gateway.client.put("abc", b"x"), 503, "membership_incomplete", retry=True)
    assert gateway.client.status_of("/readyz") == 503
    assert fleet.nodes[0].stored_ids() == set()
    fleet.start_node(2).wait()
    gateway.wait_ready()
    ids = ids_by_owner(2)
    put_in_the_end(gateway.client, ids)
    assert_read(gateway.client, ids)


def test_wrong_credentials_are_a_problem_until_mended(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(1)
    volume = fleet.create_volume()
    keys = ("ournode", "its-real-password")
    wrong = fleet.start_node(2, keys=keys, announced="not-its-password", volume=volume)
    wrong.wait()
    gateway = fleet.start_gateway()
    gateway.wait_ready()
    healthy_id, object_id = ids_by_owner(2)

    assert_problem(gateway.client.put(object_id, b"x"), 502, "node_error", retry=False)
    assert_problem(gateway.client.get_object(object_id), 502, "node_error", retry=False)
    put_all(gateway.client, [healthy_id])
    rows = {row["name"]: row for row in gateway.shownodes()["nodes"]}
    assert not rows[wrong.name]["healthy"]
    assert rows[wrong.name]["reason"]

    fleet.remove_node(wrong)
    fleet.start_node(2, keys=keys, volume=volume).wait()
    eventually(lambda: gateway.client.put(object_id, b"x").status == 201, "mended", 60)
    assert gateway.client.get_object(object_id).body == b"x"


def test_docker_not_there_at_start(make_fleet: MakeFleet) -> None:
    """And when it comes, its socket belongs to a group that nobody could foresee."""
    fleet = make_fleet(2)
    volume = fleet.create_volume()
    gateway = fleet.start_gateway_on_forwarder(volume)
    for _ in range(3):
        assert_problem(gateway.client.get_object("abc"), 503, "membership_unknown", retry=True)
    readiness = gateway.client.request("GET", "/readyz")
    assert (readiness.status, readiness.json["code"]) == (503, "membership_unknown")
    execution = gateway.execute("python", "manage.py", "shownodes")
    assert execution.status == 1
    assert len(execution.output.strip().splitlines()) == 1, execution.output
    assert "Docker does not answer" in execution.output

    forwarder = fleet.start_forwarder(volume, group=4242)
    gateway.wait_ready()
    ids = ids_by_owner(2)
    put_all(gateway.client, ids)
    assert_read(gateway.client, ids)

    forwarder.stop(timeout=1)
    eventually(
        lambda: gateway.client.request("GET", "/readyz").json["status"] == "stale",
        "the snapshot is called stale",
        60,
    )
    assert gateway.client.status_of("/readyz") == 200
    assert_read(gateway.client, ids)
