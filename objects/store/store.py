"""The store: one node's bucket."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType
from urllib.parse import quote, urlencode

from minio.xml import Element, SubElement, getbytes

from nodes.news import get_news
from nodes.node import Node
from objects.exceptions import (
    BucketMissing,
    NodeBusy,
    NodeError,
    ObjectNotFound,
    OwnerProblem,
    PreconditionFailed,
)
from objects.store import multipart
from objects.store.answers import (
    NodeProblem,
    document_of,
    problem_named,
    problem_of,
    unreadable,
    unusable,
)
from objects.store.client import Call, Limits, NodeClient
from objects.store.deletion import deletion_bytes, deletion_of, flaw_of_deletion
from objects.store.documents import NotADocument
from objects.store.entries import NodeListing, listing_bytes, listing_of
from objects.store.errors import TransportError
from objects.store.expected import (
    Flaw,
    as_asked,
    flaw_of_deleted,
    flaw_of_document,
    flaw_of_object,
    flaw_of_part,
    flaw_of_stored,
)
from objects.store.metadata import amz_fields, metadata_in
from objects.store.payload import Parts, Payload
from objects.store.response import NodeResponse
from objects.store.servers import in_terms_of, judges
from objects.store.transport import Wait
from objects.store.trust import SYSTEM, Trust
from telemetry.metrics import NodeMetrics

_BUCKET_EXISTS = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}
#: How often an object may change under our hands before a PUT is given up.
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Upload:
    """What comes with a body.

    :ivar headers: stored with the object, or checked by the node.
    :ivar metadata: the client's own, names in lower case; stored with the object.
    :ivar conditions: If-Match or If-None-Match.
    :ivar hasty: that a small body is sent before the node has said that it wants it, though there
        are conditions: a round trip less, but what gets lost then cannot be repeated.
    :raises InvalidMetadata: from the constructor, for more than a node stores.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: InitVar[Mapping[str, str]] = MappingProxyType({})
    conditions: Mapping[str, str] = field(default_factory=dict)
    hasty: bool = False
    amz_headers: Mapping[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self, metadata: Mapping[str, str]) -> None:
        if metadata:
            object.__setattr__(self, "amz_headers", amz_fields(metadata))

    def under(self, conditions: Mapping[str, str]) -> "Upload":
        """The same under other conditions."""
        upload = Upload(self.headers, conditions=conditions)
        object.__setattr__(upload, "amz_headers", self.amz_headers)
        return upload


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored object.

    :ivar size: bytes.
    :ivar etag: the entity tag, with its quotes (RFC 9110 section 8.8.3).
    """

    key: str
    size: int
    etag: str


class Store:
    """Puts objects into one node's bucket and gets them out again.

    :param wait: see `Pool`.
    :param metrics: see `NodeClient`.
    :ivar encrypts: whether the node is known to encrypt what it stores.
    :raises NodeUnavailable: from the constructor, for a node that discovery says is down.
    """

    def __init__(
        self,
        node: Node,
        bucket: str,
        limits: Limits,
        *,
        wait: Wait | None = None,
        trust: Trust = SYSTEM,
        metrics: NodeMetrics | None = None,
    ) -> None:
        self._client = NodeClient(node, limits, wait=wait, trust=trust, metrics=metrics)
        self._bucket = bucket
        self._has_bucket = False
        self._server = ""
        self.encrypts = False

    @property
    def node(self) -> Node:
        """The node that this is the store of."""
        return self._client.node

    @property
    def server(self) -> str:
        """What the node's server calls itself, "" for nothing. The node is asked at first."""
        if not self._has_bucket:
            self.create_bucket()
        return self._server

    @property
    def in_flight(self) -> int:
        """Requests to the node whose answer is not complete."""
        return self._client.in_flight

    @property
    def waiting(self) -> int:
        """Those that wait for the node to say something."""
        return self._client.waiting

    def close(self) -> None:
        """End the connections that no request uses."""
        self._client.close()

    def get(self, key: str, headers: Mapping[str, str], *, head: bool = False) -> NodeResponse:
        """Ask for an object: one request, whose answer is to be closed.

        :param headers: Range and conditions, handed to the node as they are.
        :param head: ask for all but the body.
        :returns: the answer, with a status of 200, 206 or 304.
        :raises ObjectNotFound, PreconditionFailed, RangeNotSatisfiable: as the node says.
        :raises Problem: see `NodeClient.call` and `problem_of`.
        """
        call = Call("HEAD" if head else "GET", f"/{self._bucket}/{key}", headers=headers)
        try:
            answer = self._answer(call, flaw_of_object)
        except (ObjectNotFound, BucketMissing):
            raise ObjectNotFound(f"There is no object '{key}'.") from None
        answer.metadata = metadata_in(answer.headers)
        unwanted = headers.get("If-None-Match", "*")
        if answer.status == 304 and unwanted != "*":
            # RFC 9110 section 15.4.5; versitygw leaves it out.
            answer.headers.setdefault("etag", unwanted)
        return answer

    def get_part(self, key: str, number: int, headers: Mapping[str, str]) -> NodeResponse:
        """As `get`, for one part of an object, as it was uploaded.

        :param number: the first part is 1.
        :returns: the answer, with a status of 206.
        """
        path = f"/{self._bucket}/{key}"
        answer = self._answer(
            Call("GET", path, query=f"partNumber={number}", headers=headers), flaw_of_part
        )
        answer.metadata = metadata_in(answer.headers)
        return answer

    def begin_upload(
        self, key: str, upload: Upload, *, amz_headers: Mapping[str, str]
    ) -> multipart.MultipartUpload:
        """Begin an object of several parts, to be completed or aborted by the caller.

        :param upload: its conditions are for the completion, and are looked at now as well.
        :param amz_headers: further fields to be signed.
        :raises PreconditionFailed: when there is no use in sending a part.
        """
        if not self._has_bucket:
            self.create_bucket()
        return multipart.MultipartUpload(
            self._client,
            f"/{self._bucket}/{key}",
            {**upload.headers, **upload.conditions},
            {**upload.amz_headers, **amz_headers},
        )

    def delete(self, key: str) -> None:
        """Remove an object, or do nothing when there is none."""
        try:
            self._answer(Call("DELETE", f"/{self._bucket}/{key}"), flaw_of_deleted).close()
        except (ObjectNotFound, BucketMissing):
            return

    def delete_several(self, keys: Sequence[str]) -> None:
        """Remove objects with one request; of those that are not there, nothing is left to do.

        :param keys: 1 to 1,000.
        :raises NodeError: when the node does not say of each that it is removed. Some may be.
        """
        document = deletion_of(keys)
        md5 = hashlib.md5(document, usedforsecurity=False).digest()
        call = Call(
            "POST",
            f"/{self._bucket}",
            query="delete=",
            headers={"Content-MD5": base64.b64encode(md5).decode()},
            body=(document,),
            length=len(document),
        )
        what = f"POST {call.path}?delete"
        try:
            answer = self._answer(call, flaw_of_document)
        except BucketMissing:
            return
        try:
            flaw = flaw_of_deletion(
                document_of(answer, what, limit=deletion_bytes(len(keys))), keys
            )
        except NotADocument as error:
            raise unreadable(error, what) from error
        if flaw:
            raise NodeError(f"answered {flaw}")

    def put(self, key: str, payload: Payload, upload: Upload) -> Stored:
        """Store a body, whole or not at all.

        A body of known length becomes one request that streams. The node is asked whether it
        wants the body before a byte of it is read, so that a refusal (a condition, a missing
        bucket, a full disk) costs nothing and can be mended.

        :raises IncompleteBody, InvalidDigest, TooLarge, PreconditionFailed, NodeFull: nothing was
            stored then.
        :raises OwnerProblem: see there for what ``repeatable`` says.
        """
        try:
            if judges(self.server, upload.conditions):
                etag = self._put_anew(key, payload, upload)
            else:
                etag = self._put_over_seen(key, payload, upload)
        except OwnerProblem as problem:
            problem.repeatable = problem.repeatable and payload.repeatable
            raise
        return Stored(key, payload.sent, etag)

    def list(self, *, prefix: str, after: str, limit: int) -> NodeListing:
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
        call = Call("GET", f"/{self._bucket}", query=query, parsed=True)
        try:
            answer = self._answer(call, flaw_of_document)
        except BucketMissing:
            return NodeListing((), truncated=False)
        except ObjectNotFound:
            raise NodeError("answered 404 to a listing") from None
        what = f"GET {call.path}"
        document = document_of(answer, what, limit=listing_bytes(limit))
        try:
            return listing_of(document, prefix=prefix, after=after, limit=limit)
        except NotADocument as error:
            raise unreadable(error, what) from error

    def create_bucket(self) -> None:
        """Make the bucket, unless it is there."""
        document = b""
        if self.node.region != "us-east-1":
            root = Element("CreateBucketConfiguration")
            SubElement(root, "LocationConstraint", self.node.region)
            document = getbytes(root)
        call = Call("PUT", f"/{self._bucket}", body=(document,), length=len(document))
        what = f"PUT {call.path}"
        answer = self._client.call(call)
        self._server = answer.headers.get("server", "")
        if answer.status >= 300:
            try:
                found = NodeProblem.of(answer)
            except TransportError as error:
                raise unreadable(error, what) from error
            if answer.status == 409 and found.code in _BUCKET_EXISTS:
                self._has_bucket = True
                return
            problem = as_asked(problem_named(found, answer, what), call)
            raise NodeError if problem.status < 500 else problem
        answer.close()
        self._has_bucket = True
        get_news().happened(f"node {self.node.name}: bucket {self._bucket} created")

    def check(self) -> None:
        """Ask the node whether it would serve us.

        :raises Problem: when it would not.
        """
        answer = self._client.call(Call("HEAD", f"/{self._bucket}"))
        # No bucket yet is fine: the first PUT makes it.
        if answer.status >= 300 and answer.status != 404:
            raise problem_of(answer, f"HEAD /{self._bucket}")
        answer.close()

    def _put_over_seen(self, key: str, payload: Payload, upload: Upload) -> str:
        """Store under conditions that the node does not judge, by those that it does."""
        for _ in range(_TRIES):
            conditions = in_terms_of(self._tag(key), upload.conditions)
            try:
                return self._put_anew(key, payload, upload.under(conditions))
            except PreconditionFailed:
                if not payload.repeatable:
                    break
        raise NodeBusy("was written to by somebody else at the same time; nothing was stored")

    def _tag(self, key: str) -> str:
        """The entity tag of what is there, "" for nothing."""
        try:
            answer = self.get(key, {}, head=True)
        except ObjectNotFound:
            return ""
        answer.close()
        return answer.headers.get("etag", "")

    def _put_anew(self, key: str, payload: Payload, upload: Upload) -> str:
        """Store, in a bucket that is made if the node has lost it."""
        try:
            try:
                return self._put(key, payload, upload)
            except BucketMissing:
                # The node lost its disk since we last looked.
                self.create_bucket()
                if not payload.repeatable:
                    raise
                return self._put(key, payload, upload)
        except ObjectNotFound:
            if "If-Match" not in upload.conditions:
                raise NodeError("answered 404 to a PUT") from None
            # There is nothing to be replaced.
            raise PreconditionFailed from None

    def _put(self, key: str, payload: Payload, upload: Upload) -> str:
        path = f"/{self._bucket}/{key}"
        if isinstance(payload, Parts) and payload.length is None:
            return multipart.upload(
                self._client,
                path,
                payload,
                headers=upload.headers,
                amz_headers=upload.amz_headers,
                conditions=upload.conditions,
            )
        call = Call(
            "PUT",
            path,
            headers={**upload.headers, **upload.conditions},
            amz_headers=upload.amz_headers,
            body=payload,
            length=payload.length,
            await_continue=payload.streamed
            or bool(upload.conditions and payload.length and not upload.hasty),
            repeatable=not upload.conditions,
        )
        answer = self._answer(call, flaw_of_stored)
        answer.close()
        return answer.headers["etag"]

    def _answer(self, call: Call, flaw_of: Flaw) -> NodeResponse:
        answer = self._client.call(call)
        if answer.status < 300 or answer.status == 304:
            flaw = flaw_of(answer, call.headers)
            if flaw is None:
                return answer
            answer.close()
            raise unusable(answer, flaw, f"{call.method} {call.path}")
        raise as_asked(problem_of(answer, f"{call.method} {call.path}"), call)
