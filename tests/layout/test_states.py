"""Real nodes, a real gateway: what is read, written and listed in each state of a change."""

import pytest

from demo.harness.s3nodes import nodes_setting
from objects.layout import State
from tests.layout.conftest import Fleet, assert_problem, await_layout, each_server
from tests.support.client import Client

LARGE = b"0123456789" * 20_000


def listed(client: Client) -> list[str]:
    return [entry["id"] for entry in client.request("GET", "/objects").json["objects"]]


@each_server
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
        assert client.put(object_id, b"old").status == 201
    etag = client.get_object(stays).headers["etag"]
    assert driver.holders(moves[0]) == [driver.nodes[0].name]

    driver.begin([0, 1, 2], "rendezvous")
    await_layout(client, 2)
    assert client.get_object(moves[0]).body == b"old"
    assert_problem(client.put(moves[0], b"new"), 503, "layout_changing")
    assert_problem(client.put(moves[0], LARGE), 503, "layout_changing")
    assert_problem(client.request("DELETE", f"/object/{moves[0]}"), 503, "layout_changing")
    assert client.put(stays, b"new").status == 201
    assert listed(client) == sorted([*moves, stays])

    driver.advance(State.MOVING)
    await_layout(client, 3)
    overwritten, large, deleted, again, matched, created, plain = moves
    assert client.get_object(overwritten).body == b"old"
    assert client.put(overwritten, b"new").status == 201
    assert client.put(large, LARGE).status == 201
    assert client.request("DELETE", f"/object/{deleted}").status == 204
    assert client.get_object(deleted).status == 404
    assert client.request("HEAD", f"/object/{deleted}").status == 404
    assert client.request("DELETE", f"/object/{again}").status == 204
    assert client.put(again, b"again", If_None_Match="*").status == 201
    assert client.put(matched, b"no", If_Match='"00000000"').status == 412
    assert client.put(matched, b"matched", If_Match=etag).status == 201
    assert client.put(created, b"no", If_None_Match="*").status == 412
    assert client.get(f"/object/{created}", Range="bytes=1-2").body == b"ld"
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
    assert_problem(client.put(deleted, b"new"), 503, "layout_changing")
    assert client.put(created, b"newer").status == 201
    expected[created] = b"newer"
    driver.clean()
    assert client.put(deleted, b"back", If_None_Match="*").status == 201
    assert client.request("DELETE", f"/object/{deleted}").status == 204
    driver.advance(State.STABLE)
    await_layout(client, 6)
    assert_all_there()
    for object_id in moves:
        there = [] if object_id == deleted else [driver.nodes[1].name]
        assert driver.holders(object_id) == there


@pytest.mark.minio
def test_a_member_that_is_away_keeps_its_ids(fleet: Fleet) -> None:
    fleet.driver.adopt(3)
    _, client = fleet.gateway()
    first, _, third, fourth = fleet.nodes
    _, lacking = fleet.gateway(OBJGW_NODES=nodes_setting([first, third, fourth]))
    object_id, other = fleet.an_id(None, 1), fleet.an_id(None, 0)
    assert client.put(object_id, b"there").status == 201
    answer = lacking.get_object(object_id)
    assert_problem(answer, 503, "node_unavailable")
    assert "the layout names it" in answer.json["detail"]
    assert lacking.put(other, b"data").status == 201
    assert [(node["role"], node["state"]) for node in lacking.get("/nodes").json] == [
        ("member", "assumed"),
        ("member", "missing"),
        ("member", "assumed"),
        ("unassigned", "assumed"),
    ]


@pytest.mark.minio
def test_a_node_that_is_no_member_gets_nothing(fleet: Fleet) -> None:
    fleet.driver.adopt(3)
    _, client = fleet.gateway()
    for number in range(30):
        assert client.put(f"id{number}", b"data").status == 201
    assert list(fleet.driver.entries(fleet.driver.nodes[3].name)) == []
    listing = client.get("/objects").json
    assert len(listing["objects"]) == 30
    assert (listing["next"], listing["passed_over"]) == (None, 0)
