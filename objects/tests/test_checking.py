"""Checking a node: what each fault comes to, and that no probe is left."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from nodes.node import Credentials, Node, NodeState
from objects.checking import PREFIX, STEPS, NodeCheck, check_nodes
from objects.identifiers import is_id
from objects.tests.membership_of import node, stopped
from objects.tests.node_server import Peer, ok
from objects.tests.scripted_s3 import ScriptedS3, document

SIZE = 5
ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


class Bucket(ScriptedS3):
    """A node that keeps what is written, and lists it with what others left there."""

    def __init__(self, **odd: bytes) -> None:
        super().__init__()
        self.instead = odd
        self.kept: dict[str, bytes] = {}
        self.left: dict[str, datetime] = {}

    def _play(self, peer: Peer) -> None:
        while head := peer.request().decode("latin-1"):
            method, target, _ = head.split(" ", 2)
            key = target.partition("?")[0].removeprefix("/objects").removeprefix("/")
            kind = method.lower() if key else {"PUT": "create bucket", "GET": "list"}[method]
            self.seen.append(kind)
            if kind == "put":
                self.kept[key] = peer.body(SIZE)
            if kind == "delete" and kind not in self.instead:
                self.kept.pop(key, None)
                self.left.pop(key, None)
            peer.send(self.instead.get(kind) or self._answer(kind, key))

    def _answer(self, kind: str, key: str) -> bytes:
        etag = 'ETag: "0123456789abcdef0123456789abcdef"'
        match kind:
            case "get":
                return ok(self.kept[key], etag)
            case "put":
                return ok(b"", etag)
            case "list":
                now = datetime.now(UTC)
                keys = {**self.left, **dict.fromkeys(self.kept, now)}
                lines = "".join(
                    f"<Contents><Key>{key}</Key><Size>{SIZE}</Size><ETag>e</ETag><LastModified>"
                    f"{keys[key]:%Y-%m-%dT%H:%M:%S.000Z}</LastModified></Contents>"
                    for key in sorted(keys)
                )
                return ok(document("ListBucketResult", f"<IsTruncated>false</IsTruncated>{lines}"))
            case "delete":
                return b"HTTP/1.1 204 No Content\r\n\r\n"
            case _:
                return ok()


def check(bucket: Bucket, timeout: float = 5.0) -> NodeCheck:
    with bucket.serve() as server:
        member = Node(
            "n", "127.0.0.1", server.port, NodeState.RUNNING, Credentials("key", "secret")
        )
        [found] = check_nodes([member], SIZE, timeout)
    return found


def test_a_node_that_works() -> None:
    bucket = Bucket()
    found = check(bucket)
    assert found.works
    assert tuple(found.seconds) == STEPS
    assert all(seconds > 0 for seconds in found.seconds.values())
    assert bucket.seen == ["create bucket", "put", "get", "list", "delete"]
    assert (bucket.kept, found.left) == ({}, None)


def test_the_key_is_no_object_id() -> None:
    bucket = Bucket(delete=ERROR)
    left = check(bucket).left
    assert left is not None
    assert list(bucket.kept) == [left]
    assert left.startswith(PREFIX)
    assert not is_id(left)


@pytest.mark.parametrize(
    ("step", "kind", "answer", "reason"),
    [
        ("write", "put", ERROR, "500"),
        ("read", "get", ERROR, "500"),
        ("read", "get", ok(b"other", 'ETag: "e"'), "other bytes than were written"),
        ("list", "list", ERROR, "500"),
        (
            "list",
            "list",
            ok(document("ListBucketResult", "<IsTruncated>false</IsTruncated>")),
            "does not list what was written",
        ),
    ],
)
def test_a_step_that_fails(step: str, kind: str, answer: bytes, reason: str) -> None:
    bucket = Bucket(**{kind: answer})
    found = check(bucket)
    assert not found.works
    assert reason in found.failures[step]
    assert (bucket.kept, found.left) == ({}, None)


def test_a_probe_that_cannot_be_deleted_is_named() -> None:
    bucket = Bucket(delete=ERROR)
    found = check(bucket)
    assert "500" in found.failures["delete"]
    assert list(bucket.kept) == [found.left]


def test_what_a_check_that_was_killed_left_behind_is_removed() -> None:
    bucket = Bucket()
    old, young = f"{PREFIX}0", f"{PREFIX}1"
    bucket.left = {old: datetime.now(UTC) - timedelta(hours=1), young: datetime.now(UTC)}
    assert check(bucket).works
    assert list(bucket.left) == [young]


def test_nodes_that_cannot_be_asked(settings: Settings) -> None:
    settings.OBJGW_CONNECT_TIMEOUT = 0.5
    down = stopped(node())
    unreachable = Node("u", "127.0.0.1", 1, NodeState.RUNNING, Credentials("key", "secret"))
    one, other = check_nodes([down, unreachable], SIZE, 0.5)
    assert one.failures == {"connect": "it is down: its container is exited"}
    assert "cannot be reached" in other.failures["write"]
    # Nothing can have been written.
    assert other.left is None


def test_no_nodes() -> None:
    assert check_nodes([], SIZE, 1.0) == []
