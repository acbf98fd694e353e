"""Removing several objects with one request: what is sent, and which answers count."""

import base64
import hashlib
import re
from contextlib import closing
from xml.etree import ElementTree as ET

import pytest

from objects.exceptions import InvalidDigest, NodeError, NodeTimeout, NodeUnavailable
from objects.store import Store
from objects.store.client import Limits
from objects.store.deletion import deletion_of
from objects.tests.membership_of import node
from objects.tests.node_server import NodeServer, Peer, ok
from objects.tests.scripted_s3 import document
from problems.problem import Problem

KEYS = ["a", "b"]
DELETED = "<Deleted><Key>{}</Key></Deleted>"
BOTH = DELETED.format("a") + DELETED.format("b")


class Asked:
    """A node that gives one answer to a request with a body.

    :ivar head, body: of the request.
    """

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self.head = ""
        self.body = b""

    def __call__(self, peer: Peer) -> None:
        self.head = peer.request().decode("latin-1")
        length = re.search(r"Content-Length: (\d+)", self.head)
        assert length
        self.body = peer.body(int(length[1]))
        if self._answer:
            peer.send(self._answer)
            peer.until_hung_up()


def delete(answer: bytes) -> Asked:
    """Have the keys removed by a node that gives this answer; the node, for what it was asked."""
    asked = Asked(answer)
    with (
        NodeServer(asked) as server,
        closing(Store(node("one", "127.0.0.1", server.port), "objects", Limits(2, 1, 8))) as store,
    ):
        store.delete_several(KEYS)
    return asked


def test_the_document_names_each_key() -> None:
    keys = ["a", "~objgw/x", "a&b <c>"]
    root = ET.fromstring(deletion_of(keys))  # noqa: S314  (made here)
    assert root.tag.endswith("Delete")
    names = [element.text for element in root.iter() if element.tag.endswith("Key")]
    assert names == keys


def test_the_request_is_what_s3_asks_for() -> None:
    asked = delete(ok(document("DeleteResult", BOTH)))
    assert asked.head.startswith("POST /objects?delete= HTTP/1.1\r\n")
    md5 = base64.b64encode(hashlib.md5(asked.body, usedforsecurity=False).digest()).decode()
    assert f"\r\nContent-MD5: {md5}\r\n" in asked.head
    assert asked.body == deletion_of(KEYS)


def test_a_bucket_that_is_not_there_has_none_of_them() -> None:
    missing = document("Error", "<Code>NoSuchBucket</Code>")
    head = f"HTTP/1.1 404 Not Found\r\nContent-Length: {len(missing)}\r\n\r\n".encode()
    delete(head + missing)


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (
            ok(
                document(
                    "DeleteResult",
                    DELETED.format("a") + "<Error><Key>b</Key><Code>InternalError</Code></Error>",
                )
            ),
            NodeError,
            "answered InternalError to the removal of b",
        ),
        (
            ok(document("DeleteResult", DELETED.format("a"))),
            NodeError,
            "answered nothing to the removal of b",
        ),
        (ok(document("DeleteResult")), NodeError, "answered nothing to the removal of a"),
        (ok(document("ListBucketResult")), NodeError, ""),
        (ok(b"removed!"), NodeError, ""),
        (ok(b""), NodeError, ""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", NodeError, "answered 204"),
        (b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n", NodeError, "answered 501"),
        (
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n"
            % len(bad := document("Error", "<Code>BadDigest</Code>"))
            + bad,
            InvalidDigest,
            "",
        ),
        (ok(document("DeleteResult", BOTH))[:-5], NodeTimeout, ""),
        (b"", NodeUnavailable, ""),
    ],
    ids=[
        "one failed",
        "one left out",
        "all left out",
        "another document",
        "no XML",
        "no document",
        "204",
        "501",
        "damaged on the way",
        "no end",
        "hung up",
    ],
)
def test_no_other_answer_counts(answer: bytes, kind: type[Problem], said: str) -> None:
    with pytest.raises(kind) as failure:
        delete(answer)
    assert said in f"{failure.value.detail} {getattr(failure.value, 'predicate', '')}"
