"""Removing several objects of a real node with one request."""

import itertools
from collections.abc import Iterator

import pytest

from objects.store import Found, Store, Stretch, Upload, Whole, find, remove
from objects.store.removal import AT_ONCE
from tests.functional.test_moving_one import SERVERS, store_of
from tests.support.servers import SharedServers

pytestmark = pytest.mark.minio
_buckets = itertools.count()


@pytest.fixture(params=["minio", pytest.param("versitygw", marks=pytest.mark.versitygw)])
def store(shared: SharedServers, request: pytest.FixtureRequest) -> Iterator[Store]:
    node = shared.nodes(SERVERS[request.param]())[0].node
    made = store_of(node, f"removing-{next(_buckets)}")
    yield made
    made.close()


def put(store: Store, key: str, body: bytes = b"old") -> Found:
    store.put(key, Whole(body), Upload())
    found = find(store, key)
    assert found is not None
    return found


def keys_of(store: Store) -> list[str]:
    return [entry.key for entry in store.list(prefix="", after="", limit=1000).entries]


def test_they_are_gone_and_the_others_are_not(store: Store) -> None:
    for key in ("a", "b", "c", "d"):
        put(store, key)
    store.delete_several(["a", "c"])
    assert keys_of(store) == ["b", "d"]


def test_those_that_are_not_there_are_removed_already(store: Store) -> None:
    put(store, "a")
    store.delete_several(["a", "missing"])
    assert keys_of(store) == []
    store.delete_several(["a", "missing"])


def test_a_bucket_that_is_not_there_has_none(store: Store) -> None:
    store.delete_several(["a"])


def test_what_is_another_by_now_stays(store: Store) -> None:
    found = [put(store, f"k{number:03}") for number in range(AT_ONCE + 5)]
    changed = put(store, found[3].key, b"newer")
    removal = remove(store, found, lambda: None, Stretch("", len(found)))
    assert removal.changed == {changed.key}
    assert len(removal.removed) == len(found) - 1
    assert keys_of(store) == [changed.key]
    assert find(store, changed.key) == changed


def test_as_many_as_s3_takes(store: Store) -> None:
    store.create_bucket()
    store.delete_several([f"k{number:04}" for number in range(1000)])
