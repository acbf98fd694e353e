"""What the layout rests on, on real nodes: conditions are judged in one step with storing.

docs/layout.md says where. Nothing is ever removed on a condition, for MinIO ignores those of a
DELETE; that is a matter of the protocol, and no server is asked for it.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from threading import Barrier

import pytest

from demo.harness.s3nodes import S3Server
from objects.exceptions import NodeError, PreconditionFailed
from objects.store import Store, Upload, Whole
from objects.store.client import Limits
from objects.store.multipart import MultipartUpload
from tests.effort import effort
from tests.layout.conftest import each_server
from tests.support.client import random_id
from tests.support.layouts import discovered
from tests.support.servers import SharedServers
from tests.support.waiting import eventually

pytestmark = each_server

WRITERS = 16


@pytest.fixture
def store(shared: SharedServers, server: S3Server) -> Iterator[Store]:
    node = shared.nodes(server)[0].node
    with closing(Store(discovered(node), "rules", Limits(5, 30, WRITERS))) as store:
        store.create_bucket()
        yield store


def content(store: Store, key: str) -> tuple[bytes, str]:
    """Bytes and entity tag."""
    with closing(store.get(key, {})) as answer:
        return b"".join(answer), answer.headers["etag"]


def at_once(write: Callable[[int], bool]) -> list[int]:
    """The numbers of those who won, of many who begin in the same moment."""
    start = Barrier(WRITERS)

    def one(number: int) -> bool:
        start.wait(30)
        return write(number)

    with ThreadPoolExecutor(WRITERS) as pool:
        return [number for number, first in enumerate(pool.map(one, range(WRITERS))) if first]


def body(number: int) -> bytes:
    return b"of writer %d" % number


def begun_upload(store: Store, key: str) -> MultipartUpload:
    """An upload; versitygw answers 500 to some of many that begin one of a new key at once."""

    def begun() -> list[MultipartUpload]:
        with suppress(NodeError):
            return [store.begin_upload(key, Upload(), amz_headers={})]
        return []

    return eventually(begun, "the upload begins")[0]


def in_parts(store: Store, key: str, number: int, conditions: Mapping[str, str]) -> None:
    begun = begun_upload(store, key)
    try:
        begun.send((body(number),), len(body(number)))
        begun.complete(conditions)
    except BaseException:  # also a failed assertion: parts take room
        begun.abort()
        raise


def won(store: Store, key: str, number: int, conditions: Mapping[str, str]) -> bool:
    """Whether one could write: as a PUT, or, every third one, in parts."""
    try:
        if number % 3 == 2:
            in_parts(store, key, number, conditions)
        else:
            store.put(key, Whole(body(number)), Upload(conditions=conditions))
    except PreconditionFailed:
        return False
    return True


def contest(store: Store, key: str, conditions: Mapping[str, str]) -> None:
    winners = at_once(lambda number: won(store, key, number, conditions))
    assert len(winners) == 1
    assert content(store, key)[0] == body(winners[0])


def test_of_many_who_create_exactly_one_wins(store: Store) -> None:
    for _ in range(effort(20, 100)):
        contest(store, random_id(), {"If-None-Match": "*"})


def test_of_many_who_replace_a_version_exactly_one_wins(store: Store) -> None:
    for _ in range(effort(20, 100)):
        key = random_id()
        etag = store.put(key, Whole(b"old"), Upload()).etag
        contest(store, key, {"If-Match": etag})


def test_no_step_of_a_counter_is_lost(store: Store) -> None:
    """Each reads, adds one, and writes under the condition that what it read is there, as those
    who change a layout do: a tag that is newer than the bytes that come with it would show.
    """
    key = random_id()
    store.put(key, Whole(b"0"), Upload())

    def step() -> bool:
        found, etag = content(store, key)
        following = Whole(b"%d" % (int(found) + 1))
        try:
            store.put(key, following, Upload(conditions={"If-Match": etag}))
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as pool:
        steps = sum(pool.map(lambda _: step(), range(WRITERS * effort(10, 40))))
    assert int(content(store, key)[0]) == steps > 0
