"""Real nodes, a real gateway: what is read, written and listed in each state of a change."""

import pytest

from objects.layout import State
from tests.layout.conftest import Fleet, assert_problem, await_layout
from tests.support.client import Client

pytestmark = pytest.mark.minio

LARGE = b"0123456789" * 20_000


def listed(client: Client) -> list[str]:
    return [entry["id"] for entry in client.request("GET", "/objects").json["objects"]]


def test_a_change_from_the_beginning_to_the_end(fleet: Fleet) -> None:
    driver = fleet.driver
    driver.adopt(3)
    _, client = fleet.gateway()
    await_layout(client, 1)
    layout = driver.layout
    driver.layout = layout.changed("rendezvous", layout.members)
    moves = [fleet.an_id(0, 1, nth=number) for number in range(7)]
    stays = fleet.an_id(None, 2)
    driver.layout = layout
    for object_id in (*moves, stays):
        assert client.put_object(object_id, b"old").status == 201
    etag = client.get_object(stays).headers["etag"]
    assert driver.holders(moves[0]) == [driver.nodes[0].name]

    driver.begin([0, 1, 2], "rendezvous")
    await_layout(client, 2)
    assert client.get_object(moves[0]).body == b"old"
    assert_problem(client.put_object(moves[0], b"new"), 503, "layout_changing")
    assert_problem(client.put_object(moves[0], LARGE), 503, "layout_changing")
    assert_problem(client.delete_object(moves[0]), 503, "layout_changing")
    assert client.put_object(stays, b"new").status == 201
    assert listed(client) == sorted([*moves, stays])

    driver.advance(State.MOVING)
    await_layout(client, 3)
    overwritten, large, deleted, again, matched, created, plain = moves
    assert client.get_object(overwritten).body == b"old"
    assert client.put_object(overwritten, b"new").status == 201
    assert client.put_object(large, LARGE).status == 201
    assert client.delete_object(deleted).status == 204
    assert client.get_object(deleted).status == 404
    assert client.head_object(deleted).status == 404
    assert client.delete_object(again).status == 204
    assert client.put_object(again, b"again", {"If-None-Match": "*"}).status == 201
    assert client.put_object(matched, b"no", {"If-Match": '"00000000"'}).status == 412
    assert client.put_object(matched, b"matched", {"If-Match": etag}).status == 201
    assert client.put_object(created, b"no", {"If-None-Match": "*"}).status == 412
    assert client.get_object(created, {"Range": "bytes=1-2"}).body == b"ld"
    expected = {
        overwritten: b"new",
        large: LARGE,
        again: b"again",
        matched: b"matched",
        created: b"old",
        plain: b"old",
        stays: b"new",
    }

    def assert_all_there() -> None:
        assert {each: client.get_object(each).body for each in expected} == expected
        assert listed(client) == sorted(expected)
        assert client.get_object(deleted).status == 404

    assert_all_there()
    assert driver.move_all() == len(moves)
    assert_all_there()

    driver.advance(State.SETTLING)
    await_layout(client, 4)
    assert_all_there()
    driver.advance(State.CLEANING)
    await_layout(client, 5)
    assert_all_there()
    assert_problem(client.put_object(deleted, b"new"), 503, "layout_changing")
    assert client.put_object(created, b"newer").status == 201
    expected[created] = b"newer"
    driver.clean()
    assert client.put_object(deleted, b"back", {"If-None-Match": "*"}).status == 201
    assert client.delete_object(deleted).status == 204
    driver.advance(State.STABLE)
    await_layout(client, 6)
    assert_all_there()
    for object_id in moves:
        there = [] if object_id == deleted else [driver.nodes[1].name]
        assert driver.holders(object_id) == there


def test_a_member_that_is_away_keeps_its_ids(fleet: Fleet) -> None:
    fleet.driver.adopt(3)
    _, client = fleet.gateway()
    away = [node for node in fleet.driver.nodes if node.name != fleet.driver.nodes[1].name]
    gone = make_static(away)
    _, lacking = fleet.gateway(OBJGW_NODES=gone)
    object_id, other = fleet.an_id(None, 1), fleet.an_id(None, 0)
    assert client.put_object(object_id, b"there").status == 201
    answer = lacking.get_object(object_id)
    assert_problem(answer, 503, "node_unavailable")
    assert "the layout names it" in answer.json["detail"]
    assert lacking.put_object(other, b"data").status == 201
    assert [(node["role"], node["state"]) for node in lacking.request("GET", "/nodes").json] == [
        ("member", "assumed"),
        ("member", "missing"),
        ("member", "assumed"),
        ("unassigned", "assumed"),
    ]


def make_static(nodes: object) -> str:
    """OBJGW_NODES for these nodes alone."""
    return ",".join(
        f"http://{node.credentials.access_key}:{node.credentials.secret_key}"
        f"@{node.address}#{node.name}"
        for node in nodes  # type: ignore[attr-defined]
    )
