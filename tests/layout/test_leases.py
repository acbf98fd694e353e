"""Gateways that were asleep, uploads that straddle a change, and adoption."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.harness.gateway import GatewayProcess
from objects.layout import LAYOUT_KEY, State
from tests.layout.conftest import Fleet, assert_problem, await_layout, layout_of
from tests.support.client import request_head
from tests.support.waiting import eventually

pytestmark = pytest.mark.minio

BODY = b"0123456789" * 20_000


@contextmanager
def asleep(gateway: GatewayProcess) -> Iterator[None]:
    """The gateway's worker stands still for as long as the block lasts."""
    (worker,) = gateway.worker_pids()
    os.kill(worker, signal.SIGSTOP)
    eventually(lambda: _state(worker) == "T", "it is stopped")
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_gateway_that_slept_does_not_serve_by_an_old_layout(fleet: Fleet) -> None:
    driver = fleet.driver
    driver.adopt(3)
    sleeper, client = fleet.gateway()
    _, other = fleet.gateway()
    await_layout(client, 1)
    await_layout(other, 1)
    before = driver.layout
    driver.layout = before.changed("rendezvous", before.members)
    moved, written, deleted = (fleet.an_id(0, 1, nth=number) for number in range(3))
    driver.layout = before
    for object_id in (moved, written, deleted):
        assert client.put(object_id, b"old").status == 201
    with asleep(sleeper), client.wire() as one, client.wire() as two, client.wire() as three:
        # The kernel takes the connections, and the requests.
        one.send(request_head("GET", f"/object/{moved}"))
        two.send(request_head("PUT", f"/object/{written}", length=4) + b"late")
        three.send(request_head("GET", f"/object/{deleted}"))
        driver.begin([0, 1, 2], "rendezvous")
        driver.advance(State.MOVING)
        await_layout(other, 3)
        assert other.request("DELETE", f"/object/{deleted}").status == 204
        driver.move_all()
        driver.advance(State.SETTLING)
        driver.advance(State.CLEANING)
        driver.clean()
        driver.advance(State.STABLE)
        await_layout(other, 6)
        os.kill(sleeper.worker_pids()[0], signal.SIGCONT)
        answers = [wire.answer() for wire in (one, two, three)]
    assert (answers[0].status, answers[0].body) == (200, b"old")
    assert answers[1].status == 201
    assert answers[2].status == 404
    assert other.get_object(written).body == b"late"
    assert driver.holders(written) == [driver.nodes[1].name]


@pytest.mark.parametrize("framing", ["length", "chunked", "in parts"])
def test_an_upload_that_straddles_a_change_stores_nothing(fleet: Fleet, framing: str) -> None:
    driver = fleet.driver
    driver.adopt(3)
    _, client = fleet.gateway()
    await_layout(client, 1)
    before = driver.layout
    driver.layout = before.changed("rendezvous", before.members)
    moves, stays = fleet.an_id(0, 1), fleet.an_id(None, 0)
    driver.layout = before
    body = BODY * 45 if framing == "in parts" else BODY
    with client.wire() as straddling, client.wire() as going_on:
        for wire, object_id in ((straddling, moves), (going_on, stays)):
            if framing == "length":
                wire.send(request_head("PUT", f"/object/{object_id}", length=len(body)))
                wire.send(body[:-1])
            else:
                fields = {"Transfer-Encoding": "chunked"}
                wire.send(request_head("PUT", f"/object/{object_id}", fields))
                wire.send(b"%x\r\n%b" % (len(body), body[:-1]))
        driver.begin([0, 1, 2], "rendezvous")
        driver.advance(State.MOVING)
        await_layout(client, 3)
        for wire in (straddling, going_on):
            wire.send(body[-1:] if framing == "length" else body[-1:] + b"\r\n0\r\n\r\n")
        if framing == "chunked":
            # Of a small one nothing was sent to any node yet, so it can go to the right one.
            assert straddling.answer("PUT").status == 201
        else:
            assert_problem(straddling.answer("PUT"), 503, "layout_changing")
        assert going_on.answer("PUT").status == 201
    owner = [driver.nodes[1].name] if framing == "chunked" else []
    assert driver.holders(moves) == owner
    assert driver.holders(stays) == [driver.nodes[0].name]


def test_gateways_adopt_the_nodes_that_are_expected_once(fleet: Fleet) -> None:
    three = fleet.nodes[:3]
    settings = {"OBJGW_EXPECTED_NODES": "3", "OBJGW_WORKERS": "2", "OBJGW_ROUTER": "rendezvous"}
    setting = ",".join(node.setting for node in three)
    _, one = fleet.gateway(OBJGW_NODES=setting, **settings)
    _, other = fleet.gateway(OBJGW_NODES=setting, **settings)
    for client in (one, other):
        await_layout(client, 1)
    expected = {"version": 1, "state": "stable", "router": "rendezvous", "backlog": None}
    assert layout_of(one) == expected
    copies = {fleet.driver.copies.read(node).layout for node in fleet.driver.nodes[:3]}
    assert len(copies) == 1
    # One more changes nothing for anybody.
    _, third = fleet.gateway(**settings)
    await_layout(third, 1)
    assert [node["role"] for node in third.get("/nodes").json][3] == "unassigned"
    assert third.put("abc", b"data").status == 201
    assert one.get_object("abc").body == b"data"
    keys = {LAYOUT_KEY}
    assert not keys & {entry["id"] for entry in one.get("/objects").json["objects"]}


def test_without_a_number_nothing_is_adopted_and_adoption_is_seen(fleet: Fleet) -> None:
    _, client = fleet.gateway()
    assert layout_of(client) is None
    assert client.put("abc", b"data").status == 201
    fleet.driver.adopt(4)
    await_layout(client, 1)
    assert client.get_object("abc").body == b"data"
