"""What is put comes back byte for byte, however it is sent."""

import hashlib

import pytest

from demo.harness.s3nodes import NodeProcess
from tests.functional.stored import BUCKET, owner_of, s3_client
from tests.support.bodies import BLOCK, Body
from tests.support.client import Client, random_id

pytestmark = pytest.mark.over_tls

KIB, MIB = 2**10, 2**20
# The edges are those of the gateway: in memory up to 64 KiB, chunked in parts of 8 MiB.
SIZES = {
    "0": 0,
    "1": 1,
    "64KiB-1": 64 * KIB - 1,
    "64KiB": 64 * KIB,
    "64KiB+1": 64 * KIB + 1,
    "5MiB+1": 5 * MIB + 1,
    "8MiB": 8 * MIB,
    "8MiB+1": 8 * MIB + 1,
    "17MiB": 17 * MIB,
    "100MiB": 100 * MIB,
}


def assert_roundtrip(api: Client, body: Body, *, chunked: bool) -> str:
    object_id = random_id()
    headers = {} if chunked else {"Content-Length": str(body.size)}
    put = api.request("PUT", f"/object/{object_id}", headers, body)
    assert put.status == 201, put
    assert put.json == {"id": object_id, "size": body.size, "etag": put.headers["etag"]}

    digest, size = hashlib.sha256(), 0
    with api.answering("GET", f"/object/{object_id}") as got:
        assert got.status == 200
        assert got.headers["Content-Length"] == str(body.size)
        assert got.headers["ETag"] == put.headers["etag"]
        while block := got.read(BLOCK):
            digest.update(block)
            size += len(block)
    assert size == body.size
    assert digest.hexdigest() == body.sha256

    head = api.request("HEAD", f"/object/{object_id}")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(body.size)
    assert head.headers["etag"] == put.headers["etag"]
    return object_id


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_roundtrip(api: Client, s3_nodes: list[NodeProcess], size: int, chunked: bool) -> None:
    body = Body(size, seed=size)
    object_id = assert_roundtrip(api, body, chunked=chunked)
    with s3_client(owner_of(object_id, s3_nodes).node) as node:
        assert node.stat_object(BUCKET, object_id).size == size


def test_a_put_replaces_the_object(api: Client) -> None:
    object_id = random_id()
    api.put(object_id, b"first, and longer")
    api.put(object_id, b"second")
    assert api.get_object(object_id).body == b"second"


def test_what_was_never_put_is_not_found(api: Client) -> None:
    object_id = random_id()
    answer = api.get_object(object_id)
    assert (answer.status, answer.code) == (404, "object_not_found")
    assert api.request("HEAD", f"/object/{object_id}").status == 404


def test_ids_differ_by_case(api: Client) -> None:
    upper, lower = "A" + (rest := random_id(10)), "a" + rest
    api.put(upper, b"upper")
    api.put(lower, b"lower")
    assert (api.get_object(upper).body, api.get_object(lower).body) == (b"upper", b"lower")
