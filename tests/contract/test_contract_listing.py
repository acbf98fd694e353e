"""GET /objects: all ids of all nodes in order, each once."""

import random
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote, urljoin

import pytest

from demo.harness.s3nodes import NodeProcess, running_nodes
from tests.contract.conftest import client_of
from tests.effort import effort
from tests.functional.conftest import RunGateway, RunNodes
from tests.functional.stored import BUCKET, id_owned_by, owner_of, s3_client
from tests.support.client import Answer, Client, random_id, request_head
from tests.support.servers import minio_or_skip

#: Objects of the long walk.
MANY = effort(10_000, 100_000)


def page(http: Client, query: str) -> Answer:
    answer = http.get(f"/objects{query}")
    assert answer.status == 200, answer
    return answer


def walk(http: Client, query: str) -> Iterator[list[str]]:
    """The ids, page by page, by following `next`; over one connection."""
    target: str | None = f"/objects{query}"
    seen = set()
    with http.wire() as wire:
        while target is not None:
            assert target not in seen, f"going round in circles at {target}"
            seen.add(target)
            wire.send(request_head("GET", target, close=False))
            answer = wire.answer()
            assert answer.status == 200, answer
            yield [entry["id"] for entry in answer.json["objects"]]
            following = answer.json["next"]
            target = urljoin(target, following) if following else None


def walked(http: Client, query: str) -> list[str]:
    return [object_id for ids in walk(http, query) for object_id in ids]


def put_into(process: NodeProcess, *keys: str) -> None:
    """Past the gateway."""
    with s3_client(process.node) as client:
        if not client.bucket_exists(BUCKET):
            client.make_bucket(BUCKET)
        for key in keys:
            client.put_object(BUCKET, key, BytesIO(b""), 0)


@pytest.fixture
def prefix() -> str:
    """What all ids of one test begin with."""
    return random_id(8)


def stored_ids(http: Client, prefix: str, count: int) -> list[str]:
    """So many new ids in the order of their bytes, shuffled on their way in."""
    ids: set[str] = set()
    while len(ids) < count:  # short ones come twice now and then
        ids.add(prefix + random_id(random.randint(1, 24)))
    for object_id in ids:
        assert http.put(object_id, object_id.encode()).status == 201
    return sorted(ids)


@pytest.mark.parametrize("limit", [1, 7, 59, 60, 61, 1000])
def test_pages_merge_all_nodes_in_order(
    http: Client, s3_nodes: list[NodeProcess], prefix: str, limit: int
) -> None:
    ids = stored_ids(http, prefix, 60)
    assert len({owner_of(object_id, s3_nodes).name for object_id in ids}) == 3
    pages = list(walk(http, f"?prefix={prefix}&limit={limit}"))
    assert [object_id for ids in pages for object_id in ids] == ids
    assert all(len(found) == limit for found in pages[: 60 // limit])


def test_an_entry_says_what_head_says(http: Client, prefix: str) -> None:
    put = http.put(prefix, b"0123456789")
    [entry] = page(http, f"?prefix={prefix}").json["objects"]
    assert entry["id"] == prefix
    assert entry["size"] == 10
    assert entry["etag"] == put["ETag"] == http.request("HEAD", f"/object/{prefix}")["ETag"]
    assert entry["last_modified"].endswith("Z")


def test_the_last_page_has_no_next(http: Client, prefix: str) -> None:
    stored_ids(http, prefix, 3)
    assert page(http, f"?prefix={prefix}").json["next"] is None
    nothing = page(http, f"?prefix={prefix}zzz").json
    assert nothing == {"objects": [], "next": None, "missing_nodes": [], "passed_over": 0}


def test_after_need_not_exist(http: Client, prefix: str) -> None:
    ids = stored_ids(http, prefix, 5)
    assert walked(http, f"?prefix={prefix}&after={ids[2]}") == ids[3:]
    assert walked(http, f"?prefix={prefix}&after={prefix}") == ids
    assert walked(http, f"?prefix={prefix}&after={prefix}zzzzz") == [
        object_id for object_id in ids if object_id > f"{prefix}zzzzz"
    ]


CONTROL = pytest.param(
    "%01", marks=pytest.mark.not_on_moto("it puts the character into XML, where it cannot be")
)


@pytest.mark.parametrize("after", ["0", "%20", "-", "~", "%C3%A9", CONTROL, "%7F", "a%20b%2Bc"])
def test_after_need_not_begin_with_the_prefix(http: Client, prefix: str, after: str) -> None:
    ids = stored_ids(http, prefix, 3)
    behind = unquote(after) < prefix
    assert walked(http, f"?prefix={prefix}&after={after}") == (ids if behind else [])


@pytest.mark.not_on_moto("it fails when objects are written while it lists")
def test_every_id_once_while_others_are_written(http: Client, prefix: str) -> None:
    ids = stored_ids(http, prefix, 60)
    done = threading.Event()
    failures: list[int] = []

    def write() -> None:
        fleeting: list[str] = []
        while not done.is_set():
            fleeting.append(prefix + random_id(10))
            failures.extend(
                answer.status for answer in (http.put(fleeting[-1], b"x"),) if answer.status != 201
            )
            if len(fleeting) > 5:
                http.request("DELETE", f"/object/{fleeting.pop(0)}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        walks = [walked(http, f"?prefix={prefix}&limit=4") for _ in range(3)]
    finally:
        done.set()
        writer.join()
    assert failures == []
    for found in walks:
        assert found == sorted(set(found))
        assert set(ids) <= set(found)
    assert any(len(found) > len(ids) for found in walks), "nothing was written meanwhile"


FOREIGN = ["{}-1", "{}.txt", "{}/folder/file", "{}_", "{} with blanks", "{}é", "{}" + "x" * 30]


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_keys_that_are_no_ids_are_passed_over(
    http: Client, s3_nodes: list[NodeProcess], prefix: str, limit: int
) -> None:
    ids = stored_ids(http, prefix, 5)
    for process in s3_nodes:
        put_into(process, *(key.format(prefix) for key in FOREIGN))
    assert walked(http, f"?prefix={prefix}&limit={limit}") == ids


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_objects_on_a_node_that_does_not_own_them_are_passed_over(
    http: Client, s3_nodes: list[NodeProcess], prefix: str, limit: int
) -> None:
    ids = stored_ids(http, prefix, 5)
    for process in s3_nodes:
        strays = [prefix + random_id(6) for _ in range(12)]
        put_into(process, *(key for key in strays if owner_of(key, s3_nodes) is not process))
        put_into(process, *(key for key in ids if owner_of(key, s3_nodes) is not process))
    assert walked(http, f"?prefix={prefix}&limit={limit}") == ids


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=1e2", "limit"),
        ("limit=%D9%A1", "limit"),
        ("prefix=a-b", "prefix"),
        ("prefix=a%00", "prefix"),
        ("prefix=" + "a" * 33, "prefix"),
        ("after=" + "a" * 1025, "after"),
        ("after=a%00", "after"),
        ("partial=maybe", "partial"),
        ("partial=", "partial"),
        ("page=2", "page"),
        ("Limit=2", "Limit"),
    ],
)
def test_bad_parameters_are_named(http: Client, query: str, parameter: str) -> None:
    answer = http.get(f"/objects?{query}")
    assert (answer.status, answer.code) == (400, "invalid_parameter")
    assert parameter in answer.json["detail"]


def test_a_node_that_is_down_is_named(run_nodes: RunNodes, run_gateway: RunGateway) -> None:
    nodes = run_nodes(3)
    http = client_of(run_gateway(nodes))
    ids = [id_owned_by(process, nodes) for process in nodes]
    for object_id in ids:
        assert http.put(object_id, b"x").status == 201
    dead, alive = nodes[1], (nodes[0], nodes[2])
    dead.kill()

    answer = http.get("/objects")
    assert (answer.status, answer.code) == (503, "node_unavailable")
    assert answer["Retry-After"] is not None
    assert answer.json["nodes"] == [dead.name]
    assert dead.name in answer.json["detail"]
    assert all(process.name not in answer.json["detail"] for process in alive)

    partial = page(http, "?partial=true").json
    assert [entry["id"] for entry in partial["objects"]] == sorted([ids[0], ids[2]])
    assert [missing["name"] for missing in partial["missing_nodes"]] == [dead.name]
    assert partial["missing_nodes"][0]["reason"]
    assert http.get("/objects?partial=false").status == 503


def clone(process: NodeProcess, key: str, copies: list[str]) -> None:
    """Make an object of a running MinIO node appear under further keys.

    On one drive MinIO keeps a small object in one file in a folder with the key's name, and the
    file does not hold the key. 100,000 objects take seconds this way, and minutes with PUT.
    """
    bucket = process.node.folder / "data" / BUCKET
    for copy in copies:
        (bucket / copy).mkdir()
        (bucket / copy / "xl.meta").hardlink_to(bucket / key / "xl.meta")


@pytest.mark.minio
@pytest.mark.timeout(600)
def test_a_walk_over_very_many_objects(tmp_path: Path, run_gateway: RunGateway) -> None:
    with running_nodes(tmp_path, 3, minio_or_skip()) as nodes:
        http = client_of(run_gateway(nodes))
        # One on each node at least, however few there are to be.
        ids = {id_owned_by(process, nodes) for process in nodes}
        while len(ids) < MANY:
            ids.add(random_id(16))
        owned: dict[str, list[str]] = {process.name: [] for process in nodes}
        for object_id in ids:
            owned[owner_of(object_id, nodes).name].append(object_id)
        for process in nodes:
            first, *others = owned[process.name]
            assert http.put(first, b"the same in all").status == 201
            clone(process, first, others)

        pages = list(walk(http, "?limit=1000"))
        expected = sorted(ids)
        assert [object_id for found in pages for object_id in found] == expected
        assert len(pages) == -(-len(expected) // 1000)
        assert http.get(f"/object/{random.choice(expected)}").body == b"the same in all"
