"""What a node's error answers mean for a client."""

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from minio.xml import findtext

from objects import exceptions
from objects.store.documents import MAX_DOCUMENT, NotADocument, read_document
from objects.store.errors import TimedOut, TransportError
from objects.store.response import NodeResponse
from problems.problem import Problem

#: strerror(ENOSPC).
_NO_SPACE = "no space left on device"
#: What a code of S3's looks like. It is written to the log and shown to clients.
_CODE = re.compile(r"[A-Za-z0-9.]{1,64}", re.ASCII)
#: No object has a size of more digits.
_SIZE = re.compile(r"[0-9]{1,19}", re.ASCII)

# The codes of S3's error documents, and MinIO's additions (X...).
_BY_CODE: dict[str, type[Problem]] = {
    "NoSuchKey": exceptions.ObjectNotFound,
    "NoSuchBucket": exceptions.BucketMissing,
    "PreconditionFailed": exceptions.PreconditionFailed,
    "ConditionalRequestConflict": exceptions.PreconditionFailed,
    "InvalidRange": exceptions.RangeNotSatisfiable,
    "BadDigest": exceptions.InvalidDigest,
    "InvalidDigest": exceptions.InvalidDigest,
    "EntityTooLarge": exceptions.TooLarge,
    "IncompleteBody": exceptions.IncompleteBody,
    "MetadataTooLarge": exceptions.InvalidMetadata,
    # versitygw takes 8 KiB of head.
    "RequestHeaderSectionTooLarge": exceptions.InvalidMetadata,
    **dict.fromkeys(
        (
            "AccessDenied",
            "AuthorizationHeaderMalformed",
            "InvalidAccessKeyId",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
        ),
        exceptions.NodeRefusedCredentials,
    ),
    **dict.fromkeys(
        # The last one is versitygw's.
        (
            "XMinioStorageFull",
            "StorageFull",
            "InsufficientStorage",
            "XMinioDiskFull",
            "QuotaExceeded",
        ),
        exceptions.NodeFull,
    ),
    **dict.fromkeys(
        (
            "RequestTimeout",
            "ServerBusy",
            "ServiceUnavailable",
            "SlowDown",
            "SlowDownRead",
            "SlowDownWrite",
            "TooManyRequests",
        ),
        exceptions.NodeBusy,
    ),
    **dict.fromkeys(
        # The last one is what MinIO says of requests that it breaks off when it stops.
        (
            "XMinioServerNotInitialized",
            "XMinioIAMNotInitialized",
            "XMinioBucketMetadataNotInitialized",
            "ServerNotInitialized",
            "XMinioBackendDown",
            "ClientDisconnected",
        ),
        exceptions.NodeUnavailable,
    ),
}
# Where the example of a problem speaks of numbers that the node does not tell.
_WORDS: dict[type[Problem], str] = {
    exceptions.TooLarge: "The object is larger than what the node that owns this id stores.",
    exceptions.IncompleteBody: "The node received less than was announced; nothing was stored.",
    exceptions.InvalidMetadata: "The node that owns this id does not store that much metadata.",
    exceptions.RangeNotSatisfiable: "The range asked for has no byte of the object.",
}
# For HEAD, and for what stands in front of a node and does not speak S3.
_BY_STATUS: dict[int, type[Problem]] = {
    403: exceptions.NodeRefusedCredentials,
    404: exceptions.ObjectNotFound,
    412: exceptions.PreconditionFailed,
    416: exceptions.RangeNotSatisfiable,
    429: exceptions.NodeBusy,
    # What MinIO answers on open connections while it stops; 503 also comes from a proxy whose
    # server is away (RFC 9110, section 15.6.4).
    499: exceptions.NodeUnavailable,
    503: exceptions.NodeUnavailable,
    507: exceptions.NodeFull,
}
# What a node that says that it is unavailable does; else it is starting.
_UNAVAILABLE = {"": "is stopping, or not ready yet", "ClientDisconnected": "is stopping"}


@dataclass(frozen=True, slots=True)
class NodeProblem:
    """What a node's error document says.

    :ivar code: S3's code, "" when there is none.
    :ivar size: bytes of the object, where the error is about its size.
    :ivar message: S3's words for it.
    """

    code: str
    size: int | None = None
    message: str = ""

    @classmethod
    def of(cls, response: NodeResponse) -> "NodeProblem":
        """Read an error answer to its end, and close it.

        :raises TransportError: when it breaks off, or has no end.
        """
        # An answer to HEAD has no body for it.
        if from_header := response.headers.get("x-minio-error-code", ""):
            response.read()
            return cls(_code(from_header))
        try:
            return cls.named_by(read_document(response))
        except NotADocument:
            return cls("")

    @classmethod
    def named_by(cls, document: ET.Element) -> "NodeProblem":
        """What an error document says; it may come with a 200, when an error came late."""
        size = findtext(document, "ActualObjectSize") or ""
        return cls(
            _code(findtext(document, "Code") or ""),
            int(size) if _SIZE.fullmatch(size) else None,
            findtext(document, "Message") or "",
        )


def _code(text: str) -> str:
    return text if _CODE.fullmatch(text) else ""


def document_of(
    response: NodeResponse,
    what: str,
    *,
    limit: int = MAX_DOCUMENT,
    within: float | None = None,
) -> ET.Element:
    """The document of an answer, which is closed then.

    :param what: the request, for the log: method and path.
    :param limit, within: see `read_document`.
    :raises NodeTimeout: when it does not come to its end in time.
    :raises NodeError: for anything else that keeps it from being read.
    """
    try:
        return read_document(response, limit=limit, within=within)
    except (NotADocument, TransportError) as error:
        raise unreadable(error, what) from error


def unreadable(error: NotADocument | TransportError, what: str) -> Problem:
    """The problem that an answer is which cannot be read; the log has the reason."""
    problem: Problem = exceptions.NodeError()
    if isinstance(error, TimedOut):
        problem = exceptions.NodeTimeout("did not come to the end of its answer in time")
    return problem.noted(f"the answer to {what} is of no use: {error}")


def unusable(response: NodeResponse, flaw: str, what: str) -> Problem:
    """The problem that an answer is which is complete, and not what was asked for.

    :param flaw: what is wrong with it, to go on after its status.
    """
    return exceptions.NodeError(
        f"answered {response.status} {flaw}, which is of no use here"
    ).noted(f"the answer to {what}")


def problem_of(response: NodeResponse, what: str) -> Problem:
    """The problem that a node's error answer is for the client. The answer is closed.

    :param what: the request, for the log: method and path.
    """
    try:
        found = NodeProblem.of(response)
    except TransportError as error:
        return unreadable(error, what)
    return problem_named(found, response, what)


def problem_named(found: NodeProblem, response: NodeResponse, what: str) -> Problem:
    """`problem_of` for an answer that was read already."""
    code = found.code
    kind = _BY_CODE.get(code) if code else _BY_STATUS.get(response.status)
    problem: Problem
    if kind is exceptions.NodeUnavailable:
        problem = exceptions.NodeUnavailable(_UNAVAILABLE.get(code, "is starting"))
    elif kind is exceptions.RangeNotSatisfiable and found.size is not None:
        problem = exceptions.RangeNotSatisfiable.of(found.size)
    elif code == "InternalError" and _NO_SPACE in found.message:
        # What MinIO says when it finds out in the middle of writing.
        problem = exceptions.NodeFull()
    elif kind is not None:
        problem = kind(_WORDS.get(kind, ""))
    else:
        problem = exceptions.NodeError(
            f"answered {response.status} {code}".rstrip() + "; the gateway's log names it"
        )
    if problem.status >= 500 and kind is not exceptions.BucketMissing:
        problem.remark = (
            f"the node answered {response.status} {code or 'without a code'} to {what}, "
            f"request {response.headers.get('x-amz-request-id', 'unknown')}"
        )
    return problem
