"""The store: one node's bucket."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus, urlencode
from xml.etree import ElementTree as ET

from minio.xml import Element, SubElement, findall, findtext, getbytes

from nodes.node import Node
from objects.exceptions import BucketMissing, NodeError, ObjectNotFound, PreconditionFailed
from objects.payload import Parts, Payload, Whole
from objects.store import multipart
from objects.store.answers import NodeProblem, problem_of
from objects.store.client import Call, Limits, NodeClient
from objects.store.transport import Response, TransportError

logger = logging.getLogger("objgw.store")

#: The most bytes of a listing: 1,000 entries with the longest keys take less.
_LISTING_LIMIT = 8 * 2**20
_BUCKET_EXISTS = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}


@dataclass(frozen=True, slots=True)
class Upload:
    """What comes with a body.

    :ivar headers: stored with the object, or checked by the node.
    :ivar metadata: ``x-amz-meta-*`` fields, stored with the object.
    :ivar conditions: If-Match or If-None-Match.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored object.

    :ivar size: bytes.
    :ivar etag: the entity tag, with its quotes (RFC 9110 section 8.8.3).
    """

    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing.

    :ivar size: bytes.
    :ivar etag: the entity tag, with its quotes.
    :ivar last_modified: RFC 3339, in UTC.
    """

    key: str
    size: int
    etag: str
    last_modified: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a node's listing, in the order of the keys' bytes.

    :ivar truncated: whether there are more behind it.
    """

    entries: tuple[Entry, ...]
    truncated: bool


class Store:
    """Puts objects into one node's bucket and gets them out again.

    :param node: must have no obstacle.
    :raises NodeUnavailable: from the constructor, when it has one.
    """

    def __init__(self, node: Node, bucket: str, limits: Limits) -> None:
        self._client = NodeClient(node, limits)
        self._bucket = bucket
        self._has_bucket = False

    @property
    def node(self) -> Node:
        """The node that this is the store of."""
        return self._client.node

    def close(self) -> None:
        """End the connections that no request uses."""
        self._client.close()

    def get(self, key: str, headers: Mapping[str, str]) -> Response:
        """Ask for an object: one request, whose answer is to be closed.

        :param headers: Range and conditions, handed to the node as they are.
        :returns: the answer, with a status of 200, 206 or 304.
        :raises ObjectNotFound, PreconditionFailed, RangeNotSatisfiable: as the node says.
        :raises Problem: see `NodeClient.call` and `problem_of`.
        """
        return self._read("GET", key, headers)

    def head(self, key: str, headers: Mapping[str, str]) -> Response:
        """`get` without the body."""
        return self._read("HEAD", key, headers)

    def delete(self, key: str) -> None:
        """Remove an object, or do nothing when there is none."""
        try:
            self._answer(Call("DELETE", self._path(key))).close()
        except (ObjectNotFound, BucketMissing):
            return

    def put(self, key: str, payload: Payload, upload: Upload) -> Stored:
        """Store a body, whole or not at all.

        A body of known length becomes one request that streams. The node is asked whether it
        wants the body before a byte of it is read, so that a refusal (a condition, a missing
        bucket, a full disk) costs nothing and can be mended.

        :raises IncompleteBody, InvalidDigest, TooLarge, PreconditionFailed, NodeFull: nothing was
            stored then.
        :raises NodeUnavailable: see there for what ``repeatable`` says.
        """
        if not self._has_bucket:
            self.create_bucket()
        try:
            etag = self._put(key, payload, upload)
        except BucketMissing:
            # The node lost its disk since we last looked.
            self.create_bucket()
            if not payload.replayable:
                raise
            etag = self._put(key, payload, upload)
        except ObjectNotFound:
            # If-Match, and there is nothing to be replaced.
            raise PreconditionFailed from None
        return Stored(payload.sent, etag)

    def page(self, *, prefix: str, after: str, limit: int) -> Page:
        """List keys that start with ``prefix`` and come behind ``after``, with one request.

        :param limit: the most entries, 1 to 1,000.
        """
        query = urlencode(
            {
                "encoding-type": "url",
                "list-type": 2,
                "max-keys": limit,
                "prefix": prefix,
                "start-after": after,
            },
            quote_via=quote,
        )
        try:
            answer = self._answer(Call("GET", f"/{self._bucket}", query=query))
        except BucketMissing:
            return Page((), truncated=False)
        try:
            document = ET.fromstring(answer.read(_LISTING_LIMIT))  # noqa: S314  (a node is trusted)
        except (ET.ParseError, TransportError) as error:
            raise NodeError from error
        return Page(
            tuple(_entry(element) for element in findall(document, "Contents")),
            truncated=findtext(document, "IsTruncated") == "true",
        )

    def create_bucket(self) -> None:
        """Make the bucket, unless it is there."""
        body = b""
        if self.node.region != "us-east-1":
            root = Element("CreateBucketConfiguration")
            SubElement(root, "LocationConstraint", self.node.region)
            body = getbytes(root)
        call = Call("PUT", f"/{self._bucket}", body=body, length=len(body))
        answer = self._client.call(call)
        if answer.status == 409 and NodeProblem.of(answer).code in _BUCKET_EXISTS:
            self._has_bucket = True
            return
        if answer.status >= 300:
            raise problem_of(answer, self.node.name, f"PUT {call.path}")
        answer.close()
        self._has_bucket = True
        logger.info("node %s: bucket %s created", self.node.name, self._bucket)

    def check(self) -> None:
        """Ask the node whether it would serve us.

        :raises Problem: when it would not.
        """
        answer = self._client.call(Call("HEAD", f"/{self._bucket}"))
        # No bucket yet is fine: the first PUT makes it.
        if answer.status >= 300 and answer.status != 404:
            raise problem_of(answer, self.node.name, f"HEAD /{self._bucket}")
        answer.close()

    def _path(self, key: str) -> str:
        return f"/{self._bucket}/{key}"

    def _read(self, method: str, key: str, headers: Mapping[str, str]) -> Response:
        try:
            return self._answer(Call(method, self._path(key), headers=headers))
        except (ObjectNotFound, BucketMissing):
            raise ObjectNotFound(f"There is no object '{key}'.") from None

    def _put(self, key: str, payload: Payload, upload: Upload) -> str:
        if isinstance(payload, Parts) and payload.length is None:
            return multipart.upload(
                self._client,
                self._path(key),
                payload,
                headers=upload.headers,
                amz_headers=upload.metadata,
                conditions=upload.conditions,
            )
        call = Call(
            "PUT",
            self._path(key),
            headers={**upload.headers, **upload.conditions},
            amz_headers=upload.metadata,
            body=payload.data if isinstance(payload, Whole) else payload,
            length=payload.length,
            await_continue=bool(upload.conditions and payload.length),
            repeatable=not upload.conditions,
        )
        answer = self._answer(call)
        answer.close()
        return answer.headers.get("etag", "")

    def _answer(self, call: Call) -> Response:
        answer = self._client.call(call)
        if answer.status < 300 or answer.status == 304:
            return answer
        raise problem_of(answer, self.node.name, f"{call.method} {call.path}")


def _entry(element: ET.Element) -> Entry:
    return Entry(
        key=unquote_plus(findtext(element, "Key") or ""),
        size=int(findtext(element, "Size") or 0),
        etag=findtext(element, "ETag") or "",
        last_modified=findtext(element, "LastModified") or "",
    )
