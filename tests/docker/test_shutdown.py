"""SIGTERM, as `docker stop` sends it: running transfers finish, new ones are refused."""

import hashlib
import signal

import pytest

from tests.docker.bodies import BLOCK, Body
from tests.docker.conftest import MakeFleet
from tests.support.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

SIZE = 64 * BLOCK


def test_running_transfers_finish(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(1)
    gateway = fleet.start_gateway()
    gateway.wait_ready()
    client = gateway.client
    stored = Body(SIZE)
    assert (
        client.request("PUT", "/object/down", stored, {"Content-Length": str(SIZE)}).status == 201
    )

    with client.connection() as download, client.connection() as upload:
        download.request("GET", "/object/down")
        answer = download.getresponse()
        received = hashlib.sha256(answer.read(BLOCK))
        sent = Body(SIZE)
        blocks = iter(sent)
        upload.putrequest("PUT", "/object/up")
        upload.putheader("Content-Length", str(SIZE))
        upload.endheaders(next(blocks))

        gateway.container.kill(signal.SIGTERM)
        eventually(lambda: client.status_of("/livez") is None, "new requests are refused", 60)

        for block in blocks:
            upload.send(block)
        assert upload.getresponse().status == 201
        while block := answer.read(BLOCK):
            received.update(block)
        assert received.hexdigest() == stored.sent.hexdigest()

    assert gateway.container.wait(timeout=60)["StatusCode"] == 0
    second = fleet.start_gateway("second")
    second.wait_ready()
    assert second.client.digest("up") == (SIZE, sent.sent.hexdigest())
