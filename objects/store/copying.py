"""Copying an object from one node to another, as a stream, and proving that it arrived.

What is kept: the bytes, the header fields that a node stores, the client's metadata and the entity
tag. S3 makes the tag of an object of several parts from the MD5 of each (``MD5-N``), so it goes
over in parts of the same sizes. What changes is Last-Modified.

MinIO (RELEASE.2025-09-07) keeps an object locked, for readers as well, from the start of a
conditional PUT until its body is there, and for writers while it is read. So large objects are read
in pieces, each at full speed, and go over in pieces, with the condition judged at the end; which
tag they are to have, MinIO takes from a field of its replication. Other servers take none, and keep
nobody waiting: they get the pieces in one request, as long as S3 allows that.

Either way the target makes the MD5 of what it receives, and it is that of the source: whoever
copies makes none, unless the object was stored in parts, has more than S3 takes in one, or is to
go slowly.
"""

import base64
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from objects.exceptions import InvalidDigest
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
    new_md5,
    opened,
    size_and_md5,
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
    paced: bool = False,
) -> str:
    """Copy an object to a node that has nothing under its key, and prove that it arrived.

    The memory that this takes does not depend on the object's size. The copy comes into being only
    within `FRESH` of when the source was seen to have the object.

    :param found: what the source has, as it was found or listed there.
    :param paced: whether the throttle may wait for long. MinIO gives up a request whose body stops
        for 30 s, so the copy is not sent in one then.
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
    try:
        return _large(source, target, found, throttle, paced)
    except _Encrypts:
        target.encrypts = True
        return _large(source, target, found, throttle, paced)


class _Encrypts(Exception):
    """The target encrypts what it stores, as was not known: it must not be given a tag. MinIO
    answers 500 to who reads such an object.
    """


def _large(source: Store, target: Store, found: Found, throttle: Throttle, paced: bool) -> str:
    with named(target):
        keeps = keeps_tags(target.server)
    if found.size > MOST_AT_ONCE or (keeps and paced):
        return _in_parts(source, target, found, cut(found.size), throttle, keep_tag=True)
    return (_in_one_part if keeps else _at_once)(source, target, found, throttle)


def _whole(source: Store, target: Store, found: Found, throttle: Throttle) -> str:
    def send(md5: bytes) -> str:
        until = time.monotonic() + FRESH
        with opened(source, found, Piece()) as answer:
            if answer.length != found.size:
                raise SourceChanged(found.key)
            payload: Payload = Streamed(Received(source, answer, throttle, until=until))
            if found.size <= SMALL:
                payload = Whole(b"".join(payload))
            return _stored(target, found, answer, payload, md5)

    etag = _checked(source, target, found, send)
    throttle(found.size)
    return etag


def _at_once(source: Store, target: Store, found: Found, throttle: Throttle) -> str:
    def send(md5: bytes) -> str:
        with closing(Joined(source, found, throttle)) as body:
            payload = Streamed(body)
            payload.permit = partial(_look_again, source, found)
            return _stored(target, found, body.first, payload, md5)

    return _checked(source, target, found, send)


def _checked(source: Store, target: Store, found: Found, send: Callable[[bytes], str]) -> str:
    """Send an object at once, and again if its tag is none that the target can check.

    :param send: takes the MD5 that the target is to check before it stores anything, so a copy that
        differs never exists; returns the tag of what was stored.
    """
    tag = _MD5.fullmatch(found.etag)
    expected = bytes.fromhex(tag[1]) if tag else _md5_of(source, found)
    try:
        etag = send(expected)
    except InvalidDigest:
        # The tag is no MD5, as with some kinds of encryption, or something else arrived.
        actual = _md5_of(source, found)
        if actual == expected:
            raise _not_received(target, found) from None
        expected = actual
        etag = send(expected)
    if etag != found.etag:
        _compare(target, replace(found, etag=etag), [Piece()], [expected])
    return etag


def _stored(target: Store, found: Found, answer: NodeResponse, payload: Payload, md5: bytes) -> str:
    """Store what comes from the source, if there is nothing yet, and return the tag.

    :raises InvalidDigest: when the target received something else than has this MD5.
    """
    checksum = {"Content-MD5": base64.b64encode(md5).decode()}
    fields = {**stored_fields(answer), **checksum}
    upload = Upload(fields, answer.metadata, _ONLY_IF_NEW, hasty=True)
    with named(target):
        return target.put(found.key, payload, upload).etag


def _in_one_part(source: Store, target: Store, found: Found, throttle: Throttle) -> str:
    def send(md5: bytes) -> str:
        with closing(Joined(source, found, throttle)) as body:
            begun = _begun(target, found, body.first, keep_tag=True)
            with _aborting(begun):
                with named(target):
                    begun.send(Streamed(body), found.size, md5=md5)
                if begun.encrypted and not target.encrypts:
                    raise _Encrypts
                _look_again(source, found)
                with named(target):
                    return begun.complete(_ONLY_IF_NEW)

    return _checked(source, target, found, send)


def _begun(target: Store, found: Found, first: NodeResponse, *, keep_tag: bool) -> MultipartUpload:
    """An upload in parts of an object, with what comes with it in this answer of the source."""
    upload = Upload(stored_fields(first), first.metadata, _ONLY_IF_NEW)
    keep_tag = keep_tag and not target.encrypts
    tag = {_KEEP_TAG: found.etag.strip('"')} if keep_tag else {}
    with named(target):
        return target.begin_upload(found.key, upload, amz_headers=tag)


@contextmanager
def _aborting(begun: MultipartUpload) -> Iterator[None]:
    """Takes it back when it fails."""
    try:
        yield
    except BaseException:  # also Ctrl-C: parts that nobody completes take room
        begun.abort()
        raise


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
        begun = _begun(target, found, first, keep_tag=keep_tag)
        sent = _Sent(source, target, found, begun, throttle, whole=keep_tag)
        with _aborting(begun):
            sent.send(first)
    with _aborting(begun):
        for piece in pieces[1:]:
            throttle(sent.size)
            with opened(source, found, piece) as answer:
                sent.send(answer)
        throttle(sent.size)
        if sent.tag() != found.etag:
            # It is no MD5. What was read twice the same is what the source has.
            _compare(source, found, pieces, sent.digests)
        _look_again(source, found)
        with named(target):
            etag = begun.complete(_ONLY_IF_NEW)
    if not (sent.proved and etag == found.etag):
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

    :ivar whole: whether the tag is that of all bytes together.
    :ivar proved: whether the target says of each that it has what was sent.
    :ivar size: bytes of the last one.
    """

    source: Store
    target: Store
    found: Found
    upload: MultipartUpload
    throttle: Throttle
    whole: bool
    digests: list[bytes] = field(default_factory=list)
    proved: bool = True
    size: int = 0

    def __post_init__(self) -> None:
        self._all = new_md5()

    def send(self, answer: NodeResponse) -> None:
        """Send a part."""
        md5 = new_md5()
        # MD5 is most of what a copy costs this process, so it is not made for nothing.
        body = Received(self.source, answer, self.throttle, md5, *([self._all] * self.whole))
        with named(self.target):
            etag = self.upload.send(Streamed(body), answer.length or 0)
        self.size = body.received
        self.digests.append(md5.digest())
        if self.whole and self.upload.encrypted and not self.target.encrypts:
            raise _Encrypts
        if etag != _quoted(md5.digest()):
            if not self.upload.encrypted:
                raise _not_received(self.target, self.found)
            self.proved = False

    def tag(self) -> str:
        """The entity tag that says what was sent."""
        if self.whole:
            return _quoted(self._all.digest())
        whole = new_md5(b"".join(self.digests))
        return f'"{whole.hexdigest()}-{len(self.digests)}"'


def _compare(store: Store, found: Found, pieces: Sequence[Piece], digests: Sequence[bytes]) -> None:
    """Read an object again and compare it with what was sent.

    :raises NotProved: when it differs.
    """
    total = 0
    for piece, expected in zip(pieces, digests, strict=True):
        try:
            size, md5 = size_and_md5(store, found, piece)
        except SourceChanged:
            raise NotProved(f"{found.key} on {store.node.name} is another already") from None
        total += size
        if md5 != expected:
            raise NotProved(f"{found.key} on {store.node.name} differs from what was sent")
    if total != found.size:
        raise NotProved(f"{found.key} on {store.node.name} has {total} of {found.size} bytes")


def _md5_of(source: Store, found: Found) -> bytes:
    """That of all bytes, which are read for it."""
    return size_and_md5(source, found, Piece())[1]


def _quoted(md5: bytes) -> str:
    return f'"{md5.hex()}"'


def _not_received(target: Store, found: Found) -> NotProved:
    return NotProved(f"{target.node.name} received {found.key} otherwise than it was sent")
