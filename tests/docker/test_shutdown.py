"""SIGTERM, as `docker stop` sends it: running transfers finish, new ones are refused."""

import hashlib
import signal

import pytest

from tests.docker.conftest import MakeFleet
from tests.support.bodies import BLOCK, Body
from tests.support.client import request_head
from tests.support.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

SIZE = 64 * 2**20


def test_running_transfers_finish(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(1)
    gateway = fleet.start_gateway()
    gateway.wait_ready()
    client = gateway.client
    stored = Body(SIZE)
    assert client.put("down", stored, Content_Length=str(SIZE)).status == 201

    with client.answering("GET", "/object/down") as download, client.wire() as upload:
        received = hashlib.sha256(download.read(BLOCK))
        sent = Body(SIZE, seed=1)
        blocks = iter(sent)
        upload.send(request_head("PUT", "/object/up", {}, SIZE))
        upload.send(next(blocks))

        gateway.container.kill(signal.SIGTERM)
        eventually(lambda: client.status_of("/livez") is None, "new requests are refused", 60)

        for block in blocks:
            upload.send(block)
        assert upload.answer("PUT").status == 201
        while block := download.read(BLOCK):
            received.update(block)
        assert received.hexdigest() == stored.sha256

    assert gateway.container.wait(timeout=60)["StatusCode"] == 0
    second = fleet.start_gateway("second")
    second.wait_ready()
    assert second.client.digest("up") == (SIZE, sent.sha256)
