"""Copying an object from one node to another, as a stream, and proving that it arrived.

What is kept: the bytes, the header fields that a node stores, the client's metadata and the entity
tag. S3 makes the tag of an object of several parts from the MD5 of each (``MD5-N``), so it goes
over in parts of the same sizes. What changes is Last-Modified.

MinIO (RELEASE.2025-09-07) keeps an object locked, for readers as well, from the start of a
conditional PUT until its body is there, and for writers while it is read. So large objects are read
in pieces, each at full speed, and go over in pieces, with the condition judged at the end; which
tag they are to have, MinIO takes from a field of its replication. Other servers take none, and keep
nobody waiting: they get the pieces in one request, as long as S3 allows that.
"""

import base64
import hashlib
import re
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

from objects.exceptions import (
    InvalidDigest,
)
from objects.store.multipart import MultipartUpload
from objects.store.payload import PART_SIZE, SMALL, Payload, Streamed, Whole
from objects.store.pieces import (
    Found,
    Joined,
    Piece,
    Received,
    SourceChanged,
    Throttle,
    TooSlow,
    cut,
    find,
    named,
    opened,
    stored_fields,
)
from objects.store.response import NodeResponse
from objects.store.servers import MOST_AT_ONCE, keeps_tags
from objects.store.store import Store, Upload

#: The entity tag of an object of several parts ends with their number.
_SEVERAL = re.compile(r'"[^"]*-([1-9][0-9]{0,4})"', re.ASCII)
_MD5 = re.compile(r'"([0-9a-f]{32})"', re.ASCII)
#: Seconds; the shortest lease of a layout. When all of a node's objects have moved, everybody waits
#: for a lease, so no copy of something that was there is still on its way then.
FRESH = 1.0
_ONLY_IF_NEW = {"If-None-Match": "*"}
_KEEP_TAG = "x-minio-source-etag"


class NotProved(Exception):
    """What the target has is not what was sent to it; the text says which object, and where."""


def copy(
    source: Store,
    target: Store,
    found: Found,
    *,
    throttle: Throttle = lambda size: None,
) -> str:
    """Copy an object to a node that has nothing under its key, and prove that it arrived.

    The memory that this takes does not depend on the object's size. The copy comes into being only
    within `FRESH` of when the source was seen to have the object.

    :param found: what the source has, as it was found or listed there.
    :returns: the entity tag of the copy.
    :raises SourceChanged: when the source has something else under that key now, or nothing, or it
        could not be looked at in time.
    :raises PreconditionFailed: when the target has something under the key; it stays as it is.
    :raises NotProved: when what the target stored is not what the source has.
    :raises Problem: its ``source`` names the node that has it.
    """
    several = _SEVERAL.fullmatch(found.etag)
    if several:
        pieces = [Piece(number) for number in range(1, int(several[1]) + 1)]
        return _in_parts(source, target, found, pieces, throttle)
    if found.size <= PART_SIZE:
        try:
            return _whole(source, target, found, throttle)
        except TooSlow:
            if found.size <= SMALL:
                raise SourceChanged(found.key) from None
    with named(target):
        server = target.server
    if found.size <= MOST_AT_ONCE and not keeps_tags(server):
        return _at_once(source, target, found, throttle)
    return _in_parts(source, target, found, cut(found.size), throttle, keep_tag=True)


def _whole(source: Store, target: Store, found: Found, throttle: Throttle) -> str:
    etag = _checked(target, found, lambda md5: _sent(source, target, found, md5, throttle))
    throttle(found.size)
    return etag


def _at_once(source: Store, target: Store, found: Found, throttle: Throttle) -> str:
    return _checked(target, found, lambda md5: _joined(source, target, found, md5, throttle))


def _checked(target: Store, found: Found, send: Callable[[bytes | None], tuple[str, bytes]]) -> str:
    """Send an object in one request, and again if its tag is none that the target can check.

    :param send: takes the MD5 that the target is to check; returns the tag of what was stored and
        the MD5 of what was sent.
    """
    # The target checks it before it stores anything, so a copy that differs never exists.
    tag = _MD5.fullmatch(found.etag)
    expected = bytes.fromhex(tag[1]) if tag else None
    try:
        etag, sent = send(expected)
    except _Differs as error:
        if error.sent == expected:
            raise NotProved(
                f"{target.node.name} received {found.key} otherwise than it was sent"
            ) from None
        # The tag is no MD5. What was read twice the same is what the source has.
        etag, sent = send(error.sent)
    if not etag == found.etag == f'"{sent.hex()}"':
        _compare(target, replace(found, etag=etag), [Piece()], [sent])
    return etag


def _sent(
    source: Store, target: Store, found: Found, md5: bytes | None, throttle: Throttle
) -> tuple[str, bytes]:
    until = time.monotonic() + FRESH
    with opened(source, found, Piece()) as answer:
        if answer.length != found.size:
            raise SourceChanged(found.key)
        body = Received(source, answer, throttle, until=until)
        payload: Payload = Streamed(body)
        if found.size <= SMALL:
            payload = Whole(b"".join(payload))
        etag = _stored(target, found, answer, payload, md5, body)
    return etag, body.md5.digest()


def _joined(
    source: Store, target: Store, found: Found, md5: bytes | None, throttle: Throttle
) -> tuple[str, bytes]:
    with closing(Joined(source, found, throttle)) as body:
        payload = Streamed(body)
        payload.permit = partial(_look_again, source, found)
        etag = _stored(target, found, body.first, payload, md5, body)
    return etag, body.md5.digest()


def _stored(
    target: Store,
    found: Found,
    answer: NodeResponse,
    payload: Payload,
    md5: bytes | None,
    body: Received | Joined,
) -> str:
    """Store what comes from the source, if there is nothing yet, and return the tag.

    :raises _Differs: when the target received something else than has this MD5.
    """
    checksum = {"Content-MD5": base64.b64encode(md5).decode()} if md5 else {}
    fields = {**stored_fields(answer), **checksum}
    upload = Upload(fields, answer.metadata, _ONLY_IF_NEW, hasty=True)
    with named(target):
        try:
            return target.put(found.key, payload, upload).etag
        except InvalidDigest:
            raise _Differs(body.md5.digest()) from None


def _in_parts(
    source: Store,
    target: Store,
    found: Found,
    pieces: Sequence[Piece],
    throttle: Throttle,
    *,
    keep_tag: bool = False,
) -> str:
    with opened(source, found, pieces[0]) as first:
        upload = Upload(stored_fields(first), first.metadata, _ONLY_IF_NEW)
        tag = {_KEEP_TAG: found.etag.strip('"')} if keep_tag else {}
        with named(target):
            begun = target.begin_upload(found.key, upload, amz_headers=tag)
        sent = _Sent(source, target, begun, throttle, whole=keep_tag)
        try:
            sent.send(first)
        except BaseException:  # also Ctrl-C: parts that nobody completes take room
            begun.abort()
            raise
    try:
        for piece in pieces[1:]:
            throttle(sent.size)
            with opened(source, found, piece) as answer:
                sent.send(answer)
        throttle(sent.size)
        _look_again(source, found)
        with named(target):
            etag = begun.complete(_ONLY_IF_NEW)
    except BaseException:  # as above
        begun.abort()
        raise
    if not (sent.proved and etag == found.etag == sent.tag()):
        # A tag that is no MD5, as with some kinds of encryption, proves nothing.
        parts = [Piece(number) for number in range(1, len(pieces) + 1)]
        _compare(target, replace(found, etag=etag), parts, sent.digests)
    return etag


def _look_again(source: Store, found: Found) -> None:
    """Just before a copy comes into being.

    :raises SourceChanged: when the source does not have the object any more, or did not say so in
        time.
    """
    until = time.monotonic() + FRESH
    if find(source, found.key) != found or time.monotonic() > until:
        raise SourceChanged(found.key)


@dataclass
class _Sent:
    """The parts of an upload so far.

    :ivar whole: whether the tag is that of all bytes together. MD5 is most of what a copy costs
        this process, so it is not made for nothing.
    :ivar size: bytes of the last one.
    """

    source: Store
    target: Store
    upload: MultipartUpload
    throttle: Throttle
    whole: bool
    digests: list[bytes] = field(default_factory=list)
    proved: bool = True
    size: int = 0

    def __post_init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)

    def send(self, answer: NodeResponse) -> None:
        """Send a part."""
        further = [self._md5] if self.whole else []
        body = Received(self.source, answer, self.throttle, *further)
        with named(self.target):
            etag = self.upload.send(Streamed(body), answer.length or 0)
        self.size = body.received
        self.digests.append(body.md5.digest())
        self.proved = self.proved and etag == f'"{body.md5.hexdigest()}"'

    def tag(self) -> str:
        """The entity tag that says what was sent."""
        if self.whole:
            return f'"{self._md5.hexdigest()}"'
        whole = hashlib.md5(b"".join(self.digests), usedforsecurity=False)
        return f'"{whole.hexdigest()}-{len(self.digests)}"'


def _compare(
    target: Store, copied: Found, pieces: Sequence[Piece], digests: Sequence[bytes]
) -> None:
    """Read a copy back and compare it with what was sent.

    :raises NotProved: when it differs.
    """
    size = 0
    for piece, expected in zip(pieces, digests, strict=True):
        try:
            with opened(target, copied, piece) as answer:
                body = Received(target, answer)
                for _ in Streamed(body):
                    pass
        except SourceChanged:
            raise NotProved(f"{copied.key} on {target.node.name} is another already") from None
        size += body.received
        if body.md5.digest() != expected:
            raise NotProved(f"{copied.key} on {target.node.name} differs from what was sent")
    if size != copied.size:
        raise NotProved(f"{copied.key} on {target.node.name} has {size} of {copied.size} bytes")


class _Differs(Exception):
    """The target found another MD5 than was announced.

    :ivar sent: that of what was sent.
    """

    def __init__(self, sent: bytes) -> None:
        super().__init__(sent)
        self.sent = sent
