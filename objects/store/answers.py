"""What a node's error answers mean for a client."""

import logging
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from minio.xml import findtext

from objects import exceptions
from objects.store.transport import Response
from problems.problem import Problem

logger = logging.getLogger("objgw.store")

#: strerror(ENOSPC).
_NO_SPACE = "no space left on device"

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
        ("XMinioStorageFull", "StorageFull", "InsufficientStorage", "XMinioDiskFull"),
        exceptions.NodeFull,
    ),
    **dict.fromkeys(
        ("SlowDown", "SlowDownRead", "SlowDownWrite", "ServiceUnavailable", "RequestTimeout"),
        exceptions.NodeBusy,
    ),
    **dict.fromkeys(
        ("XMinioServerNotInitialized", "ServerNotInitialized", "XMinioBackendDown"),
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
    507: exceptions.NodeFull,
}


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
    def of(cls, response: Response) -> "NodeProblem":
        """Read an error answer to its end, and close it."""
        body = response.read()
        # An answer to HEAD has no body for it.
        from_header = response.headers.get("x-minio-error-code", "")
        if from_header or not body:
            return cls(from_header)
        try:
            document = ET.fromstring(body)  # noqa: S314  (a node is trusted)
        except ET.ParseError:
            return cls("")
        size = findtext(document, "ActualObjectSize") or ""
        return cls(
            findtext(document, "Code") or "",
            int(size) if size.isdecimal() else None,
            findtext(document, "Message") or "",
        )


def problem_of(response: Response, node: str, what: str) -> Problem:
    """The problem that a node's error answer is for the client.

    :param node: the node's name.
    :param what: the request, for the log: method and path.
    """
    found = NodeProblem.of(response)
    code = found.code
    kind = _BY_CODE.get(code) if code else _BY_STATUS.get(response.status)
    problem: Problem
    if kind is exceptions.NodeUnavailable:
        problem = exceptions.NodeUnavailable("The node that owns this id is starting.")
    elif kind is exceptions.RangeNotSatisfiable and found.size is not None:
        problem = exceptions.RangeNotSatisfiable.of(found.size)
    elif code == "InternalError" and _NO_SPACE in found.message:
        # What MinIO says when it finds out in the middle of writing.
        problem = exceptions.NodeFull()
    elif kind is not None:
        problem = kind(_WORDS.get(kind, ""))
    else:
        problem = exceptions.NodeError(
            f"The node that owns this id answered {response.status} {code}".rstrip()
            + "; the gateway's log names it."
        )
    if problem.status >= 500 and kind is not exceptions.BucketMissing:
        logger.warning(
            "node %s answered %d %s to %s (request %s)",
            node,
            response.status,
            code or "without a code",
            what,
            response.headers.get("x-amz-request-id", "unknown"),
        )
    return problem
