"""Moving one object between two real nodes: what is kept, and what happens in between."""

import base64
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from email.header import decode_header

import pytest

from demo.harness.s3nodes import LocalNode, MinioServer, NodeProcess, S3Server, running_nodes
from objects.exceptions import NodeUnavailable, ObjectNotFound, PreconditionFailed
from objects.moving.one import Outcome, move
from objects.store import Found, NotProved, SourceChanged, Store, Upload, copy, copying, find
from objects.store.client import Limits
from objects.store.payload import Streamed, Whole
from objects.store.response import NodeResponse
from objects.store.servers import keeps_tags
from tests.support.client import random_id
from tests.support.layouts import discovered
from tests.support.servers import SharedServers, minio_or_skip, versitygw_or_skip

pytestmark = pytest.mark.minio

MIB = 2**20
#: The least that S3 takes for a part that is not the last.
PART = 5 * MIB
_buckets = itertools.count()


@dataclass
class Pair:
    """Two nodes, with a bucket of the test's own on each."""

    source: Store
    target: Store

    def put(
        self, body: bytes = b"old", *, at: Store | None = None, key: str = "", **more: object
    ) -> Found:
        key = key or random_id()
        store = at or self.source
        store.put(key, Whole(body), Upload(**more))  # type: ignore[arg-type]
        found = find(store, key)
        assert found is not None
        return found

    def put_in_parts(self, *parts: bytes, upload: Upload | None = None) -> Found:
        key = random_id()
        begun = self.source.begin_upload(key, upload or Upload(), amz_headers={})
        for part in parts:
            begun.send((part,), len(part))
        begun.complete({})
        found = find(self.source, key)
        assert found is not None
        return found


def store_of(node: LocalNode, bucket: str) -> Store:
    return Store(discovered(node), bucket, Limits(2, 10, 8))


#: What the source runs, and what the target does.
SERVERS: Mapping[str, Callable[[], S3Server]] = {
    "minio": minio_or_skip,
    "versitygw": versitygw_or_skip,
}


@pytest.fixture(
    params=[
        ("minio", "minio"),
        pytest.param(("minio", "versitygw"), marks=pytest.mark.versitygw),
        pytest.param(("versitygw", "minio"), marks=pytest.mark.versitygw),
    ],
    ids=" to ".join,
)
def pair(shared: SharedServers, request: pytest.FixtureRequest) -> Iterator[Pair]:
    source, target = (SERVERS[kind]() for kind in request.param)
    one, other = shared.nodes(source)[0], shared.nodes(target)[1]
    bucket = f"moving-{next(_buckets)}"
    stores = Pair(store_of(one.node, bucket), store_of(other.node, bucket))
    yield stores
    stores.source.close()
    stores.target.close()


def free(size: int) -> None:
    """A permit that is always given."""


def content(store: Store, key: str) -> tuple[bytes, Mapping[str, str], Mapping[str, str]]:
    """Bytes, header fields and metadata of an object."""
    with closing(store.get(key, {})) as answer:
        return b"".join(answer), answer.headers, answer.metadata


def assert_only_at(pair: Pair, found: Found, body: bytes) -> None:
    assert find(pair.source, found.key) is None
    assert find(pair.target, found.key) == found
    assert content(pair.target, found.key)[0] == body


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 8 * MIB, 8 * MIB + 1, 70 * MIB])
def test_it_arrives_whole(pair: Pair, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    found = pair.put(body)
    assert move(pair.source, pair.target, found, free) is Outcome.MOVED
    assert_only_at(pair, found, body)


def test_what_is_stored_with_it_goes_along(pair: Pair) -> None:
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Encoding": "identity",
        "Content-Language": "de",
        "Content-Disposition": 'attachment; filename="a b.txt"',
        "Cache-Control": "max-age=60",
        "Expires": "Thu, 01 Dec 2033 16:00:00 GMT",
    }
    found = pair.put(headers=headers, metadata={"colour": "dark red", "empty": "", "n-1": "1"})
    before = content(pair.source, found.key)
    move(pair.source, pair.target, found, free)
    _, fields, metadata = content(pair.target, found.key)
    assert metadata == before[2] == {"colour": "dark red", "empty": "", "n-1": "1"}
    assert {name: fields[name.lower()] for name in headers} == headers
    assert fields["etag"] == before[1]["etag"]


@pytest.mark.parametrize("value", ["two  blanks", "é".encode().decode("latin-1")])
def test_metadata_that_another_client_stored_goes_along(pair: Pair, value: str) -> None:
    found = pair.put(metadata={"odd": value})
    before = content(pair.source, found.key)[2]
    move(pair.source, pair.target, found, free)
    there = content(pair.target, found.key)[2]
    assert decoded(there["odd"]) == decoded(before["odd"]) == value.encode("latin-1")


def decoded(value: str) -> bytes:
    """A value as it was stored: MinIO encodes what is not ASCII when it answers (RFC 2047)."""
    [(found, _)] = decode_header(value)
    return found if isinstance(found, bytes) else found.encode("latin-1")


@pytest.mark.parametrize(
    "parts",
    [(b"only one",), (b"a" * PART, b"b"), (b"a" * (PART + 1), b"b" * PART, b"c" * 70_000)],
    ids=["one", "two", "three, of different sizes"],
)
def test_parts_stay_as_they_are(pair: Pair, parts: tuple[bytes, ...]) -> None:
    stored = Upload({"Content-Type": "text/x"}, {"kind": "in parts"})
    found = pair.put_in_parts(*parts, upload=stored)
    assert found.etag.endswith(f'-{len(parts)}"')
    assert move(pair.source, pair.target, found, free) is Outcome.MOVED
    assert_only_at(pair, found, b"".join(parts))
    _, fields, metadata = content(pair.target, found.key)
    assert (fields["content-type"], metadata) == ("text/x", {"kind": "in parts"})
    for number, part in enumerate(parts, start=1):
        with closing(pair.target.get_part(found.key, number, {})) as answer:
            assert b"".join(answer) == part


class Killed(Exception):
    """What a test raises where a mover could end."""


def killed_at(call: int) -> Callable[[int], None]:
    """A permit that ends the mover when it is asked for this time."""
    calls = itertools.count(1)

    def permit(size: int) -> None:
        if next(calls) == call:
            raise Killed

    return permit


@pytest.mark.parametrize(
    "parts",
    [(b"a" * MIB,), (b"a" * 9 * MIB,), (b"a" * PART, b"b" * 1000)],
    ids=["whole", "cut", "parts"],
)
def test_killed_anywhere_the_next_run_finishes(pair: Pair, parts: tuple[bytes, ...]) -> None:
    ends = 0
    for call in itertools.count(1):
        found = pair.put(parts[0]) if len(parts) == 1 else pair.put_in_parts(*parts)
        try:
            move(pair.source, pair.target, found, killed_at(call))
        except Killed:
            ends += 1
            assert find(pair.source, found.key) == found
            assert find(pair.target, found.key) in (None, found)
            outcome = move(pair.source, pair.target, found, free)
            assert outcome in (Outcome.MOVED, Outcome.EQUAL)
            assert_only_at(pair, found, b"".join(parts))
        else:
            break
    # Before it began, before a body, within one, and with the copy made but the source there.
    assert ends >= 3, ends


def test_a_copy_that_was_made_already_is_proved_before_the_source_goes(pair: Pair) -> None:
    found = pair.put(b"the same")
    copy(pair.source, pair.target, found)
    assert move(pair.source, pair.target, found, free) is Outcome.EQUAL
    assert_only_at(pair, found, b"the same")


@pytest.mark.parametrize("size", [10, 3 * MIB])
def test_what_is_newer_at_the_target_stays(pair: Pair, size: int) -> None:
    found = pair.put(b"o" * size)
    newer = pair.put(b"n" * size, at=pair.target, key=found.key)
    assert move(pair.source, pair.target, found, free) is Outcome.NEWER
    assert find(pair.source, found.key) is None
    assert find(pair.target, found.key) == newer


def test_what_is_newer_wins_against_parts_that_are_on_their_way(pair: Pair) -> None:
    found = pair.put_in_parts(b"a" * PART, b"b" * PART)
    newer: list[Found] = []

    def overwrite_in_the_middle(size: int) -> None:
        if size and not newer:
            newer.append(pair.put(b"newer", at=pair.target, key=found.key))

    assert move(pair.source, pair.target, found, overwrite_in_the_middle) is Outcome.NEWER
    assert find(pair.target, found.key) == newer[0]
    assert find(pair.source, found.key) is None


def test_what_is_newer_wins_against_a_body_that_is_on_its_way(pair: Pair) -> None:
    found = pair.put(b"o" * 9 * MIB)
    newer: list[Found] = []

    def overwrite_in_the_middle(size: int) -> None:
        if size and not newer:
            newer.append(pair.put(b"newer", at=pair.target, key=found.key))

    assert move(pair.source, pair.target, found, overwrite_in_the_middle) is Outcome.NEWER
    assert find(pair.target, found.key) == newer[0]


def test_a_deleted_object_stays_deleted(pair: Pair) -> None:
    found = pair.put(b"old")
    tombstone = pair.put(b"a tombstone", at=pair.target, key=found.key)
    assert move(pair.source, pair.target, found, free) is Outcome.NEWER
    assert find(pair.target, found.key) == tombstone
    assert find(pair.source, found.key) is None


def test_a_source_that_is_another_one_now_is_left(pair: Pair) -> None:
    found = pair.put(b"listed")
    now = pair.put(b"another", key=found.key)
    assert move(pair.source, pair.target, found, free) is Outcome.CHANGED
    assert find(pair.source, found.key) == now
    assert find(pair.target, found.key) is None


def test_a_source_that_changes_while_it_is_copied_is_not_removed(pair: Pair) -> None:
    found = pair.put(b"o" * 9 * MIB)
    changed: list[Found] = []

    def change_in_the_middle(size: int) -> None:
        if size and not changed:
            changed.append(pair.put(b"another", key=found.key))

    assert move(pair.source, pair.target, found, change_in_the_middle) is Outcome.CHANGED
    assert find(pair.source, found.key) == changed[0]


def test_a_source_that_is_gone_is_no_failure(pair: Pair) -> None:
    found = pair.put()
    pair.source.delete(found.key)
    assert move(pair.source, pair.target, found, free) is Outcome.GONE
    assert find(pair.target, found.key) is None


@pytest.mark.parametrize("size", [100, 100_000, 9 * MIB])
def test_what_the_source_lost_meanwhile_is_not_copied_any_more(
    pair: Pair, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "FRESH", -1.0)
    found = pair.put(b"o" * size)
    lost: list[int] = []

    def lose_it(size: int) -> None:
        if not lost and size:
            pair.source.delete(found.key)
            lost.append(size)

    with pytest.raises(SourceChanged):
        copy(pair.source, pair.target, found, throttle=lose_it)
    assert find(pair.target, found.key) is None


def test_two_at_once_move_it_once(pair: Pair) -> None:
    found = pair.put(b"o" * 9 * MIB)
    outcomes: list[Outcome] = []

    def other_one_in_the_middle(size: int) -> None:
        if size and not outcomes:
            outcomes.append(move(pair.source, pair.target, found, free))

    outcomes.append(move(pair.source, pair.target, found, other_one_in_the_middle))
    assert outcomes[0] is Outcome.MOVED
    assert outcomes[1] is Outcome.GONE
    assert_only_at(pair, found, b"o" * 9 * MIB)


def test_what_is_on_its_way_keeps_no_reader_waiting(pair: Pair) -> None:
    found = pair.put(b"o" * 9 * MIB)
    seen = []

    def look_in_the_middle(size: int) -> None:
        seen.append(find(pair.target, found.key))

    move(pair.source, pair.target, found, look_in_the_middle)
    # From before the first piece to before the removal of the source.
    assert len(seen) > 4
    assert seen == [None] * (len(seen) - 1) + [found]


def test_no_body_stops_for_long_on_its_way_to_minio(pair: Pair) -> None:
    found = pair.put(b"o" * 20 * MIB)
    open_while_waiting = []

    def wait(size: int) -> None:
        if size:
            open_while_waiting.append(pair.target.in_flight)

    assert move(pair.source, pair.target, found, wait, paced=True) is Outcome.MOVED
    # versitygw bears it, and would give an object in parts another tag.
    expected = 0 if keeps_tags(pair.target.server) else 1
    assert open_while_waiting[:2] == [expected, expected]
    assert_only_at(pair, found, b"o" * 20 * MIB)


def test_a_tag_that_is_no_digest_is_proved_by_reading_twice(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = replace(pair.put(b"o" * 100_000), etag='"00000000000000000000000000000000"')
    get = Store.get
    monkeypatch.setattr(Store, "get", lambda self, key, headers, **more: get(self, key, {}, **more))
    etag = copy(pair.source, pair.target, found)
    there = find(pair.target, found.key)
    assert there is not None
    assert (there.etag, there.size) == (etag, 100_000)


#: One body, or those of parts, for each way in which an object goes over.
each_way = pytest.mark.parametrize(
    "parts",
    [(b"as it is",), (b"s" * MIB,), (b"o" * 9 * MIB,), (b"m" * 17 * MIB,), (b"a" * PART, b"b")],
    ids=["in memory", "as a stream", "in pieces", "in more than goes at once", "in parts"],
)


@pytest.fixture
def little_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 takes 16 MiB in one request, not 5 GiB."""
    monkeypatch.setattr(copying, "MOST_AT_ONCE", 16 * MIB)


def spoilt(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The first byte is another one."""
    first = next(chunks)
    yield bytes([(first[0] + 1) % 256]) + first[1:]
    yield from chunks


class SpoiltWhole(Whole):
    """What arrives otherwise than it was sent."""

    def __iter__(self) -> Iterator[bytes]:
        return spoilt(super().__iter__())


class SpoiltStream(Streamed):
    """As `SpoiltWhole`."""

    def __iter__(self) -> Iterator[bytes]:
        return spoilt(super().__iter__())


@each_way
@pytest.mark.usefixtures("little_at_once")
def test_what_arrives_otherwise_than_it_was_sent_is_never_stored(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, parts: tuple[bytes, ...]
) -> None:
    found = pair.put(parts[0]) if len(parts) == 1 else pair.put_in_parts(*parts)
    monkeypatch.setattr(copying, "Whole", SpoiltWhole)
    monkeypatch.setattr(copying, "Streamed", SpoiltStream)
    with pytest.raises(NotProved, match=f"received {found.key} otherwise than it was sent"):
        move(pair.source, pair.target, found, free)
    assert find(pair.source, found.key) == found
    assert find(pair.target, found.key) is None


@each_way
@pytest.mark.usefixtures("little_at_once")
def test_what_is_read_otherwise_than_it_is_there_is_never_stored(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, parts: tuple[bytes, ...]
) -> None:
    found = pair.put(parts[0]) if len(parts) == 1 else pair.put_in_parts(*parts)
    read = NodeResponse.__iter__
    bodies = itertools.count()

    def spoil_the_first(answer: NodeResponse) -> Iterator[bytes]:
        whole = answer.length == 0 or next(bodies)
        return read(answer) if whole else spoilt(read(answer))

    monkeypatch.setattr(NodeResponse, "__iter__", spoil_the_first)
    with pytest.raises(NotProved, match=found.key):
        move(pair.source, pair.target, found, free)
    assert find(pair.source, found.key) == found
    assert find(pair.target, found.key) is None


class EncryptingMinio(MinioServer):
    """Stores everything encrypted, so that entity tags are no MD5s."""

    def environment(self, node: LocalNode) -> dict[str, str]:
        key = base64.b64encode(bytes(32)).decode()
        encrypts = {"MINIO_KMS_SECRET_KEY": f"key:{key}", "MINIO_KMS_AUTO_ENCRYPTION": "on"}
        return super().environment(node) | encrypts


@pytest.fixture(scope="module")
def encrypting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    server = EncryptingMinio(minio_or_skip().binary)
    with running_nodes(tmp_path_factory.mktemp("encrypting"), 1, server) as (node,):
        yield node


@each_way
@pytest.mark.usefixtures("little_at_once")
def test_nodes_that_encrypt(
    encrypting: NodeProcess,
    shared: SharedServers,
    parts: tuple[bytes, ...],
) -> None:
    plain = store_of(shared.nodes(minio_or_skip())[0].node, "encrypted")
    other = store_of(encrypting.node, "encrypted")
    body = b"".join(parts)
    with closing(plain), closing(other):
        for pair in (Pair(plain, other), Pair(other, plain)):
            found = pair.put(parts[0]) if len(parts) == 1 else pair.put_in_parts(*parts)
            assert move(pair.source, pair.target, found, free) is Outcome.MOVED
            assert find(pair.source, found.key) is None
            assert content(pair.target, found.key)[0] == body


def test_the_node_that_failed_is_named(pair: Pair) -> None:
    found = pair.put()
    gone = Store(replace(pair.target.node, port=1), "objects", Limits(1, 1, 1))
    with pytest.raises(NodeUnavailable) as caught:
        move(pair.source, gone, found, free)
    assert caught.value.source == f"node {gone.node.name}"
    with pytest.raises(NodeUnavailable) as caught:
        move(gone, pair.source, found, free)
    assert caught.value.source == f"node {gone.node.name}"
    assert find(pair.source, found.key) == found


def test_copies_are_of_what_was_found_and_replace_nothing(pair: Pair) -> None:
    found = pair.put()
    with pytest.raises(SourceChanged):
        copy(pair.source, pair.target, replace(found, etag='"another"'))
    pair.put(b"there", at=pair.target, key=found.key)
    with pytest.raises(PreconditionFailed):
        copy(pair.source, pair.target, found)
    with pytest.raises(ObjectNotFound):
        pair.target.get(random_id(), {})
