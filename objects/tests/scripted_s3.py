"""A small S3 node that behaves, but for the one answer that a test takes from it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from objects.layout import LAYOUT_KEY
from objects.tests.node_server import NodeServer, Peer, Script, ok

BUCKET = "objects"
ETAG = 'ETag: "0123456789abcdef0123456789abcdef"'


def document(root: str, inner: str = "") -> bytes:
    """One of S3's documents."""
    xmlns = "http://s3.amazonaws.com/doc/2006-03-01/"
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f'{head}<{root} xmlns="{xmlns}">{inner}</{root}>'.encode()


GOOD: Mapping[str, bytes] = {
    "create bucket": ok(),
    "probe": ok(),
    "layout": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "list": ok(document("ListBucketResult", "<IsTruncated>false</IsTruncated>")),
    "get": ok(b"hello", ETAG),
    "head": ok(b"hello", ETAG)[: -len(b"hello")],
    "put": ok(b"", ETAG),
    "delete": b"HTTP/1.1 204 No Content\r\n\r\n",
    "begin": ok(document("InitiateMultipartUploadResult", "<UploadId>abc</UploadId>")),
    "part": ok(b"", ETAG),
    "complete": ok(document("CompleteMultipartUploadResult", "<ETag>&#34;a-2&#34;</ETag>")),
    "abort": b"HTTP/1.1 204 No Content\r\n\r\n",
}


@dataclass(frozen=True)
class Then:
    """An answer after which the node keeps the connection, and says no more."""

    answer: bytes


@dataclass
class ScriptedS3:
    """What a node answers to each kind of request (see `GOOD`).

    Behind an answer that is not one of `GOOD` it ends the connection.

    :ivar odd: the answers that are other than good: bytes, `Then`, or what plays on by itself.
    :ivar seen: the kinds of the requests that came, in their order. Those for the layout come by
        themselves, and are left out.
    :ivar answered: the kinds of those that have their whole answer.
    """

    odd: dict[str, bytes | Then | Script] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)

    def serve(self) -> NodeServer:
        return NodeServer(self._play)

    def _play(self, peer: Peer) -> None:
        while head := peer.request().decode("latin-1"):
            kind = kind_of(head)
            if kind != "layout":
                self.seen.append(kind)
            _take_body(peer, head)
            answer = self.odd.get(kind, GOOD[kind])
            if callable(answer):
                answer(peer)
                return
            peer.send(answer.answer if isinstance(answer, Then) else answer)
            if kind != "layout":
                self.answered.append(kind)
            if isinstance(answer, Then):
                peer.until_hung_up()
            if kind in self.odd:
                return


def kind_of(head: str) -> str:
    """Which of S3's operations a request is."""
    method, target, _ = head.split(" ", 2)
    path, _, query = target.partition("?")
    if path == f"/{BUCKET}":
        return {"PUT": "create bucket", "HEAD": "probe", "GET": "list"}[method]
    if path == f"/{BUCKET}/{LAYOUT_KEY}":
        return "layout"
    if query.startswith("uploads"):
        return "begin"
    if query.startswith("partNumber"):
        return "part"
    if query:
        return {"POST": "complete", "DELETE": "abort"}[method]
    return method.lower()


def _take_body(peer: Peer, head: str) -> None:
    length = re.search(r"\r\ncontent-length: (\d+)\r\n", head, re.IGNORECASE)
    if "\r\nExpect: 100-continue\r\n" in head:
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    peer.body(int(length[1]) if length else 0)
