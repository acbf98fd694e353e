"""The base class of every error that a client may see.

Does not import Django: the server needs it before Django is there.
"""

from collections.abc import Mapping
from typing import ClassVar, Self


class Problem(Exception):
    """An error with its HTTP answer, as RFC 9457 problem details.

    A subclass is one row of the table of errors in docs/api.md: it fixes the status, the machine
    readable ``code`` and the ``title``; an instance adds what happened this time.

    :param detail: one or two sentences for a person: what is wrong, and what would be right.
    :param headers: further header fields of the answer.
    :param extensions: further members of the JSON document (RFC 9457 section 3.2).
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    #: Seconds after which a client may try again; sent as ``Retry-After`` when set.
    retry_after: ClassVar[int | None] = None
    #: What an answer looks like, for the OpenAPI document.
    example: ClassVar[str] = "The gateway failed in a way it did not expect; its log says how."
    #: What failed behind the gateway, such as "node NAME", and what only the log says of it.
    source: str = ""
    remark: str = ""

    def __init__(
        self,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **extensions: object,
    ) -> None:
        super().__init__(detail)
        self.detail = detail or self.example
        self.headers: dict[str, str] = dict(headers or {})
        if self.retry_after is not None:
            self.headers.setdefault("Retry-After", str(self.retry_after))
        self.extensions = extensions

    def noted(self, remark: str) -> Self:
        """The same problem, with a remark for the log."""
        self.remark = remark
        return self

    def document(self, request_id: str) -> dict[str, object]:
        """The JSON document of this problem for the request ``request_id``."""
        return {
            "type": f"urn:objgw:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
            **self.extensions,
        }


class InternalError(Problem):
    """Something that the gateway did not expect; the log has the traceback."""


class GatewayBusy(Problem):
    """The gateway itself is short of file descriptors; no node is to blame."""

    status = 503
    code = "gateway_busy"
    title = "Gateway busy"
    retry_after = 1
    example = "The gateway has as many files and connections open as it may have."


class BadRequest(Problem):
    status = 400
    code = "bad_request"
    title = "Bad request"
    example = "The request could not be understood."


class NotFound(Problem):
    status = 404
    code = "not_found"
    title = "Not found"
    example = "There is nothing at this path; GET / lists what there is."


class MethodNotAllowed(Problem):
    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"
    example = "POST is not allowed here; allowed: GET, HEAD."


class NotAcceptable(Problem):
    status = 406
    code = "not_acceptable"
    title = "Not acceptable"
    example = "This answer is available as application/json only."


class UnsupportedMediaType(Problem):
    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"
    example = "This path takes no body of that type."


class UnknownCoding(Problem):
    status = 501
    code = "unknown_transfer_coding"
    title = "Unknown transfer coding"
    example = "The only transfer coding that is taken is chunked, not 'gzip, chunked'."
