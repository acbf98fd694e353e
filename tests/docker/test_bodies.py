"""Bodies of any size and framing come back byte for byte, and are never held whole."""

import uuid

import pytest

from tests.docker.ids import random_ids
from tests.docker.memory import peaks, reset_peaks
from tests.docker.stack import Stack
from tests.support.bodies import Body
from tests.support.client import Answer, Client
from tests.support.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

KIB, MIB, GIB = 2**10, 2**20, 2**30
MOST_GROWTH_KILOBYTES = 20 * KIB
FRAMINGS = pytest.mark.parametrize("framing", ["length", "chunked"])


def send(client: Client, object_id: str, body: Body, framing: str) -> Answer:
    headers = {"Content-Length": str(body.size)} if framing == "length" else {}
    return client.request("PUT", f"/object/{object_id}", headers, body)


def assert_round_trip(client: Client, size: int, framing: str) -> None:
    [object_id] = random_ids(1)
    body = Body(size)
    answer = send(client, object_id, body, framing)
    assert answer.status == 201, answer.text
    assert answer.json["size"] == size
    assert client.digest(object_id) == (size, body.sha256)


@FRAMINGS
@pytest.mark.parametrize("size", [0, 1, 64 * KIB - 1, 5 * MIB + 1, 100 * MIB])
def test_a_body_comes_back_byte_for_byte(stack: Stack, size: int, framing: str) -> None:
    assert_round_trip(stack.client, size, framing)


@FRAMINGS
def test_a_gibibyte_passes_without_filling_memory(stack: Stack, framing: str) -> None:
    for _ in range(8):  # so that no worker counts what it imports or opens for its first request
        assert_round_trip(stack.client, 5 * MIB + 1, framing)
    before = reset_peaks(stack.gateway)

    assert_round_trip(stack.client, GIB, framing)

    after = peaks(stack.gateway)
    assert after.keys() == before.keys()
    growth = {process: after[process] - before[process] for process in before}
    print(f"growth in KiB by worker: {growth}")
    assert max(growth.values()) < MOST_GROWTH_KILOBYTES, growth


def vanish_half_way(stack: Stack, object_id: str, framing: str) -> None:
    """Send the first half of a PUT, reset the connection, wait for the gateway to notice."""
    request_id = uuid.uuid4().hex
    size, half = 32 * MIB, 16 * MIB
    chunked = framing == "chunked"
    heading = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    with stack.client.wire() as connection:
        connection.send(
            f"PUT /object/{object_id} HTTP/1.1\r\nHost: gateway\r\n"
            f"X-Request-ID: {request_id}\r\n{heading}\r\n\r\n".encode()
        )
        for block in Body(half):
            size_line = b"%x\r\n" % len(block) if chunked else b""
            connection.send(size_line + block + (b"\r\n" if size_line else b""))
        connection.reset()
    eventually(
        lambda: (
            f'"{request_id}","event":"PUT /object/{object_id}: 400 incomplete_body'
            in stack.gateway.logs()
        ),
        "the gateway notices that the client is gone",
        60,
    )


@FRAMINGS
def test_a_client_that_vanishes_leaves_the_old_object(stack: Stack, framing: str) -> None:
    [object_id] = random_ids(1)
    assert stack.client.put(object_id, b"old").status == 201
    vanish_half_way(stack, object_id, framing)
    assert stack.client.get_object(object_id).body == b"old"


@FRAMINGS
def test_a_client_that_vanishes_leaves_no_object_where_none_was(stack: Stack, framing: str) -> None:
    [object_id] = random_ids(1)
    vanish_half_way(stack, object_id, framing)
    assert stack.client.get_object(object_id).status == 404
    for node in stack.nodes:
        assert object_id not in node.stored_ids()
        assert not node.has_unfinished_upload(object_id)
