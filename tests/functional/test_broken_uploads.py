"""A PUT whose client vanishes half-way leaves what was there before."""

from collections.abc import Callable

import pytest

from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import NodeProcess
from tests.functional.stored import keys_in_all
from tests.support.client import Client, Wire, random_id, request_head
from tests.support.waiting import eventually

pytestmark = pytest.mark.over_tls

MIB = 2**20
# Announced and sent, for each way that the gateway has of passing a body on.
HALVES = {
    "length, small": ("length", 50_000, 20_000),
    "length": ("length", 2 * MIB, MIB),
    "length, not one byte": ("length", 2 * MIB, 0),
    "chunked, small": ("chunked", 0, 20_000),
    "chunked": ("chunked", 0, MIB),
    "chunked, second part": ("chunked", 0, 9 * MIB),
    "chunked, within a chunk": ("torn chunk", 0, MIB),
}
OLD = b"what was there before"


def half_a_put(object_id: str, framing: str, announced: int, sent: int) -> bytes:
    """The bytes of a PUT that is yet to end. Its request id is the object's."""
    request = f"PUT /object/{object_id} HTTP/1.1\r\nHost: x\r\nX-Request-ID: {object_id}\r\n"
    if framing == "length":
        return f"{request}Content-Length: {announced}\r\n\r\n".encode() + b"n" * sent
    promised = sent + 1000 if framing == "torn chunk" else sent
    chunk = f"{promised:x}\r\n".encode() + b"n" * sent + (b"\r\n" if promised == sent else b"")
    return f"{request}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk


Vanish = Callable[[Wire, str, GatewayProcess], None]


def half_close(connection: Wire, _object_id: str, _gateway: GatewayProcess) -> None:
    connection.finish()
    answer = connection.answer("PUT")
    assert (answer.status, answer.code) == (400, "incomplete_body")


def break_off(connection: Wire, object_id: str, gateway: GatewayProcess) -> None:
    connection.reset()

    def noticed() -> bool:
        lines = gateway.log.read_text().splitlines()
        return any(f"[{object_id}]" in line and "incomplete_body" in line for line in lines)

    eventually(noticed, "the gateway logs the incomplete body")


@pytest.mark.parametrize("vanish", [half_close, break_off])
@pytest.mark.parametrize("old", [OLD, None], ids=["over an object", "new"])
@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES.keys())
def test_nothing_of_it_is_stored(
    api: Client,
    gateway: GatewayProcess,
    s3_nodes: list[NodeProcess],
    half: tuple[str, int, int],
    old: bytes | None,
    vanish: Vanish,
) -> None:
    object_id = random_id()
    if old is not None:
        assert api.put(object_id, old).status == 201
    before = keys_in_all(s3_nodes)
    with api.wire() as connection:
        # Of a client that is gone before its handshake is over, no request is known.
        connection.send(request_head("GET", "/livez", close=False))
        assert connection.answer().status == 200
        connection.send(half_a_put(object_id, *half))
        vanish(connection, object_id, gateway)
    answer = api.get_object(object_id)
    if old is None:
        assert (answer.status, answer.code) == (404, "object_not_found")
    else:
        assert (answer.status, answer.body) == (200, old)
    assert keys_in_all(s3_nodes) == before
