"""The operations on objects in the OpenAPI document."""

import copy
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiRequest,
    OpenApiResponse,
    extend_schema,
)

from nodes.exceptions import MembershipIncomplete, MembershipUnknown, NoNodes
from objects import exceptions
from objects.http.headers import STORED
from objects.http.parameters import DEFAULT_LIMIT, MAX_KEY, MAX_LIMIT
from objects.identifiers import PATTERN, PREFIX_PATTERN
from objects.serializers import ListingSerializer, StoredSerializer
from problems.problem import (
    GatewayBusy,
    InternalError,
    NotAcceptable,
    UnknownCoding,
    UnsupportedMediaType,
)
from problems.schema import problem_responses

_PATH = "/object/{object_id}"
_TAG = "objects"
_BINARY = (200, "*/*")
_PARTIAL = (206, "*/*")

_ID = OpenApiParameter(
    "object_id",
    {"type": "string", "pattern": PATTERN},
    OpenApiParameter.PATH,
    description="1 to 32 ASCII letters and digits; case matters.",
)
_STAR_OR_STRONG_TAG = r'^(\*|"[!#-~]*")$'
_ETAG_EXAMPLE = '"d41d8cd98f00b204e9800998ecf8427e"'


def _header(
    name: str,
    description: str,
    *,
    response: bool | list[int | str] = False,
    pattern: str | None = None,
) -> OpenApiParameter:
    return OpenApiParameter(
        name,
        {"type": "string", "pattern": pattern} if pattern else str,
        OpenApiParameter.HEADER,
        description=description,
        response=response,
    )


_REQUEST_ID = [
    _header("X-Request-ID", "An id for this request, to be found again in the log."),
    _header("X-Request-ID", "The id of this request.", response=True),
]
_READ_PARAMETERS = [
    _ID,
    *_REQUEST_ID,
    _header("If-Match", "Only this version, else 412."),
    _header("If-None-Match", "Only another version than these, else 304."),
    _header("If-Modified-Since", "Only when changed since, else 304."),
    _header("If-Unmodified-Since", "Only when not changed since, else 412."),
    *(
        _header(name, "As stored.", response=[200, 206])
        for name in (*STORED[1:], "X-Object-Meta-*")
    ),
    _header("ETag", "The entity tag.", response=[200, 206, 304]),
    _header("Last-Modified", "When it was stored.", response=[200, 206, 304]),
    _header("Accept-Ranges", "bytes", response=[200, 206]),
]
_ROUTED = (
    GatewayBusy,
    MembershipUnknown,
    MembershipIncomplete,
    NoNodes,
    exceptions.LayoutUnknown,
    exceptions.LayoutChanging,
    exceptions.NodeUnavailable,
    exceptions.NodeBusy,
    exceptions.NodeTimeout,
    exceptions.NodeError,
    InternalError,
)
_READ_PROBLEMS = (
    exceptions.InvalidId,
    exceptions.ObjectNotFound,
    exceptions.PreconditionFailed,
    *_ROUTED,
)

get_object = extend_schema(
    operation_id="getObject",
    summary="Get an object",
    description="The bytes that were stored, or the part of them that Range asks for.",
    tags=[_TAG],
    parameters=[
        *_READ_PARAMETERS,
        _header("Range", "One range of bytes, as bytes=0-99, bytes=100- or bytes=-100."),
        _header("If-Range", "The range only of this version (ETag or date), else all."),
        _header("Content-Range", "Which bytes these are.", response=[206]),
    ],
    responses={
        _BINARY: OpenApiResponse(OpenApiTypes.BINARY, description="The object."),
        _PARTIAL: OpenApiResponse(OpenApiTypes.BINARY, description="The range."),
        304: OpenApiResponse(description="Not modified."),
        **problem_responses(*_READ_PROBLEMS, exceptions.RangeNotSatisfiable),
    },
)
put_object = extend_schema(
    operation_id="putObject",
    summary="Store an object",
    description=(
        "Stores the body, whole or not at all, in place of what was there. The header fields "
        f"{', '.join(STORED)} and X-Object-Meta-* are stored with it and given back."
    ),
    tags=[_TAG],
    parameters=[
        _ID,
        *_REQUEST_ID,
        _header(
            "Content-MD5",
            "The MD5 of the body (RFC 1864), verified before it is stored.",
            pattern="^[A-Za-z0-9+/]{21}[AQgw]==$",
        ),
        _header(
            "If-None-Match",
            "With *: only when there is no such object, else 412. Not together with If-Match.",
            pattern=_STAR_OR_STRONG_TAG,
        ),
        _header(
            "If-Match", "Only in place of this version, else 412.", pattern=_STAR_OR_STRONG_TAG
        ),
        *(_header(name, "Stored, and given back.") for name in STORED[1:]),
        _header("ETag", "The new entity tag.", response=[201]),
    ],
    request={
        "application/octet-stream": OpenApiRequest(OpenApiTypes.BINARY),
    },
    responses={
        201: OpenApiResponse(
            StoredSerializer,
            description="Stored.",
            examples=[
                OpenApiExample(
                    "stored",
                    value={"id": "abc", "size": 0, "etag": _ETAG_EXAMPLE},
                    response_only=True,
                )
            ],
        ),
        **problem_responses(
            exceptions.InvalidId,
            exceptions.InvalidDigest,
            exceptions.InvalidCondition,
            exceptions.InvalidMetadata,
            exceptions.PartialPut,
            exceptions.IncompleteBody,
            exceptions.LengthRequired,
            exceptions.PreconditionFailed,
            exceptions.TooLarge,
            UnsupportedMediaType,
            UnknownCoding,
            exceptions.NodeFull,
            exceptions.SpoolFull,
            exceptions.GatewayFull,
            *_ROUTED,
        ),
    },
)
delete_object = extend_schema(
    operation_id="deleteObject",
    summary="Delete an object",
    description="Afterwards there is no such object, whether there was one or not.",
    tags=[_TAG],
    parameters=[_ID, *_REQUEST_ID],
    responses={
        204: OpenApiResponse(description="Gone."),
        **problem_responses(exceptions.InvalidId, exceptions.InvalidCondition, *_ROUTED),
    },
)
list_objects = extend_schema(
    operation_id="listObjects",
    summary="List objects",
    description=(
        "One page of all objects, in the byte order of their ids. A page may be shorter than "
        "`limit` and still have a next one. Objects that are stored or deleted meanwhile may be "
        "in it or not; all others are listed once."
    ),
    tags=[_TAG],
    parameters=[
        *_REQUEST_ID,
        OpenApiParameter(
            "prefix",
            {"type": "string", "pattern": PREFIX_PATTERN},
            description="Only ids that start with this.",
        ),
        OpenApiParameter(
            "after",
            {"type": "string", "maxLength": MAX_KEY, "pattern": r"^[^\x00]*$"},
            description="Only ids that come behind this, which need not be one.",
        ),
        OpenApiParameter(
            "limit",
            {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_LIMIT,
                "default": DEFAULT_LIMIT,
            },
            description="The most objects on the page.",
        ),
        OpenApiParameter(
            "partial",
            {"type": "boolean", "default": False},
            description="Leave out nodes that cannot be listed, instead of failing.",
        ),
    ],
    responses={
        (200, "application/json"): OpenApiResponse(
            ListingSerializer,
            description="One page.",
            examples=[
                OpenApiExample(
                    "page",
                    value={
                        "objects": [
                            {
                                "id": "abc",
                                "size": 0,
                                "etag": _ETAG_EXAMPLE,
                                "last_modified": "2026-11-23T14:39:14.000Z",
                            }
                        ],
                        "next": "objects?limit=1&after=abc",
                        "missing_nodes": [],
                        "passed_over": 0,
                    },
                    response_only=True,
                )
            ],
        ),
        **problem_responses(exceptions.InvalidParameter, NotAcceptable, *_ROUTED),
    },
)


def add_head(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular, which leaves HEAD out: it is GET without a body,
    and without ranges.
    """
    operations = result["paths"][_PATH]
    head = copy.deepcopy(operations["get"])
    head |= {
        "operationId": "headObject",
        "summary": "Get an object's header fields",
        "description": "What GET would answer, without the body.",
    }
    head["parameters"] = [
        parameter
        for parameter in head["parameters"]
        if parameter["name"] not in ("Range", "If-Range")
    ]
    for status in ("206", "416"):
        head["responses"].pop(status, None)
    for response in head["responses"].values():
        response.pop("content", None)
    operations["head"] = head
    return result
