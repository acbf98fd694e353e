"""The problems that the server itself answers with, before a request reaches the application."""

from dataclasses import dataclass

from objgw_site.server.internals import errors
from problems.problem import Problem, UnknownCoding

#: The most bytes of a request's line, fields and trailers together.
HEAD_LIMIT = 64 * 1024


class InvalidRequest(Problem):
    """What a client sent is not a request of HTTP/1 (RFC 9112)."""

    status = 400
    code = "invalid_request"
    title = "Invalid request"


class HeadTooLarge(InvalidRequest):
    status = 431
    code = "header_fields_too_large"
    title = "Request header fields too large"
    example = (
        f"A request may have {HEAD_LIMIT:,} bytes of request line, header fields and trailers, and "
        "100 fields of 8,190 bytes each."
    )


class TargetTooLong(InvalidRequest):
    status = 414
    code = "uri_too_long"
    title = "URI too long"


class ExpectationFailed(InvalidRequest):
    status = 417
    code = "expectation_failed"
    title = "Expectation failed"


class TooManyConnections(Problem):
    """All slots of the worker have a request."""

    status = 503
    code = "too_many_connections"
    title = "Too many connections"
    retry_after = 1
    example = "All connections that the gateway serves at once are busy."


class TooManyConnectionsOfClient(Problem):
    """RFC 6585 section 4."""

    status = 429
    code = "too_many_connections_of_client"
    title = "Too many connections of one client"
    retry_after = 1
    example = "2000 connections from your address are busy, the most for one client."


@dataclass(frozen=True, slots=True)
class RequestLine:
    """What the access log says of a request that was refused for its first line.

    :ivar uri: the target as it came, "" when there is none.
    """

    method: str
    uri: str

    @classmethod
    def of(cls, line: bytes) -> "RequestLine":
        method, _, rest = line.decode("latin-1").partition(" ")
        return cls(method, rest.rpartition(" ")[0])


class MethodNotImplemented(Problem):
    """RFC 9110 section 15.6.2."""

    req: RequestLine | None = None

    status = 501
    code = "method_not_implemented"
    title = "Method not implemented"


class VersionNotSupported(Problem):
    """RFC 9110 section 15.6.6."""

    req: RequestLine | None = None

    status = 505
    code = "http_version_not_supported"
    title = "HTTP version not supported"


PROBLEMS: tuple[tuple[type[Exception], type[Problem]], ...] = (
    (errors.LimitRequestLine, TargetTooLong),
    (errors.ExpectationFailed, ExpectationFailed),
    (errors.UnsupportedTransferCoding, UnknownCoding),
    (errors.ParseException, InvalidRequest),
)


def problem_of(error: BaseException) -> Problem | None:
    """The problem that stands for an error in reading a request; None for any other error."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, errors.LimitRequestHeaders):
        return HeadTooLarge()
    kind = next((kind for known, kind in PROBLEMS if isinstance(error, known)), None)
    return None if kind is None else kind(f"The request could not be understood: {error}.")
