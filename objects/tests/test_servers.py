"""Conditions that a server does not judge become some that it does."""

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from nodes.node import Credentials, Node, NodeState
from objects.exceptions import NodeBusy, PreconditionFailed
from objects.http.body import RequestBody
from objects.store import Payload, Store, Upload, Whole, payload_of
from objects.store.client import Limits
from objects.store.payload import SMALL
from objects.store.servers import in_terms_of, judges
from objects.store.spool import Spool
from objects.tests.node_server import NodeServer, Peer, ok

ANY = {"If-Match": "*"}
UNLESS = {"If-None-Match": '"t"'}


@pytest.mark.parametrize("conditions", [{}, {"If-Match": '"t"'}, {"If-None-Match": "*"}])
@pytest.mark.parametrize("server", ["MinIO", "VERSITYGW", "nginx", ""])
def test_what_all_judge(server: str, conditions: dict[str, str]) -> None:
    assert judges(server, conditions)


@pytest.mark.parametrize("conditions", [ANY, UNLESS])
def test_what_only_minio_is_known_to_judge(conditions: dict[str, str]) -> None:
    assert judges("MinIO", conditions)
    assert not any(judges(server, conditions) for server in ("VERSITYGW", "nginx", ""))


@pytest.mark.parametrize(
    ("etag", "conditions", "meant"),
    [
        ('"t"', ANY, {"If-Match": '"t"'}),
        ("", ANY, None),
        ('"t"', UNLESS, None),
        ('"u"', UNLESS, {"If-Match": '"u"'}),
        ("", UNLESS, {"If-None-Match": "*"}),
    ],
)
def test_what_is_asked_in_their_place(
    etag: str, conditions: dict[str, str], meant: dict[str, str] | None
) -> None:
    if meant is None:
        with pytest.raises(PreconditionFailed):
            in_terms_of(etag, conditions)
    else:
        assert in_terms_of(etag, conditions) == meant


FAILED = b"HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n"


class Busy:
    """A node like versitygw, with one object that others write to just before our PUT."""

    def __init__(self, writes: int) -> None:
        self.writes = writes
        self.version = 0
        self.stored: list[bytes] = []

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(b"%d" % self.version, usedforsecurity=False).hexdigest()}"'

    def play(self, peer: Peer) -> None:
        while head := peer.request().decode("latin-1"):
            method, target, _ = head.split(" ", 2)
            if target == "/objects":
                peer.send(ok(b"", "Server: VERSITYGW"))
            elif method == "HEAD":
                peer.send(ok(b"", f"ETag: {self.etag}"))
            else:
                self._put(peer, head)

    def _put(self, peer: Peer, head: str) -> None:
        if "Expect: 100-continue" in head:
            peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        body = peer.body(int(length[1]) if length else 0)
        if self.writes > 0:
            self.writes -= 1
            self.version += 1
        if f"If-Match: {self.etag}" not in head:
            peer.send(FAILED)
            return
        self.stored.append(body)
        peer.send(ok(b"", f"ETag: {self.etag}"))


@contextmanager
def store_of(busy: Busy) -> Iterator[Store]:
    with NodeServer(busy.play) as server:
        keys = Credentials("key", "secret")
        node = Node("n", "127.0.0.1", server.port, NodeState.RUNNING, keys)
        with closing(Store(node, "objects", Limits(5, 5, 5))) as store:
            yield store


def streamed() -> Payload:
    size = SMALL + 1
    return payload_of(RequestBody(io.BytesIO(b"x" * size), size, size), Spool(0))


def test_a_small_body_goes_over_whatever_is_there() -> None:
    busy = Busy(writes=3)
    with store_of(busy) as store:
        store.put("a", Whole(b"ours"), Upload(conditions=ANY))
    assert busy.stored == [b"ours"]


def test_it_is_given_up_when_the_others_do_not_stop() -> None:
    busy = Busy(writes=1000)
    with store_of(busy) as store, pytest.raises(NodeBusy, match="at the same time"):
        store.put("a", Whole(b"ours"), Upload(conditions=ANY))
    assert busy.stored == []


def test_a_body_that_is_gone_is_not_sent_again() -> None:
    busy = Busy(writes=1)
    with store_of(busy) as store, pytest.raises(NodeBusy) as caught:
        store.put("a", streamed(), Upload(conditions=ANY))
    assert not caught.value.repeatable
    assert busy.stored == []


def test_a_304_has_the_tag_that_was_asked_about() -> None:
    unchanged = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n"

    def play(peer: Peer) -> None:
        while peer.request():
            peer.send(unchanged)

    with NodeServer(play) as server:
        keys = Credentials("key", "secret")
        node = Node("n", "127.0.0.1", server.port, NodeState.RUNNING, keys)
        with closing(Store(node, "objects", Limits(5, 5, 5))) as store:
            answer = store.get("a", {"If-None-Match": '"t"'})
            answer.close()
            assert (answer.status, answer.headers["etag"]) == (304, '"t"')
            answer = store.get("a", {"If-None-Match": "*"})
            answer.close()
            assert "etag" not in answer.headers
