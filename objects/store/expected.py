"""What answers of a node fit which request. Anything else is the node's error.

A status or a code that makes no sense for a request must not reach the client as if it did: a 304
to a PUT would look like an object that was stored.
"""

import re
from collections.abc import Callable, Mapping

from objects import exceptions
from objects.exceptions import NodeError
from objects.store.client import Call
from objects.store.response import NodeResponse
from problems.problem import Problem

_READ_CONDITIONS = frozenset(
    {"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"}
)
#: What only they can bring about who sent one of these fields, or a body.
_BY_FIELD: Mapping[type[Problem], frozenset[str]] = {
    exceptions.PreconditionFailed: _READ_CONDITIONS,
    exceptions.RangeNotSatisfiable: frozenset({"Range"}),
    exceptions.InvalidDigest: frozenset({"Content-MD5"}),
}
_BY_BODY = (exceptions.TooLarge, exceptions.IncompleteBody, exceptions.InvalidMetadata)
#: RFC 9110 section 14.4; no offset has more than 19 digits.
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.ASCII)
_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


_Asked = Mapping[str, str] | None
#: What keeps an answer from being used, to go on after its status; None when nothing does. The
#: answer has a status below 300, or 304; the header fields are those of the request.
Flaw = Callable[[NodeResponse, _Asked], str | None]


def flaw_of_object(answer: NodeResponse, asked: _Asked) -> str | None:
    """The `Flaw` of an answer to GET or HEAD."""
    asked = asked or {}
    if answer.status == 304:
        return None if not _READ_CONDITIONS.isdisjoint(asked) else "without a condition"
    if answer.length is None:
        return "without a Content-Length"
    if answer.status == 206 and "Range" in asked:
        # The last bytes of an empty object: there are no numbers for none.
        fits = answer.length == 0 or _is_part(answer, asked["Range"])
        return None if fits else "with another part than was asked for"
    return None if answer.status == 200 else "with that status"


def flaw_of_part(answer: NodeResponse, asked: _Asked) -> str | None:
    """The `Flaw` of an answer to GET with ``partNumber``."""
    if answer.length is None:
        return "without a Content-Length"
    if answer.status != 206:
        return "with that status"
    got = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
    if got is None or int(got[2]) - int(got[1]) + 1 != answer.length:
        return "without a Content-Range that fits"
    return None


def flaw_of_stored(answer: NodeResponse, asked: _Asked = None) -> str | None:
    """The `Flaw` of an answer to the PUT of an object or a part."""
    if answer.status != 200:
        return "with that status"
    return None if answer.headers.get("etag") else "without an ETag"


def flaw_of_deleted(answer: NodeResponse, asked: _Asked = None) -> str | None:
    """The `Flaw` of an answer to DELETE; some servers say 200."""
    return None if answer.status in (200, 204) else "with that status"


def flaw_of_document(answer: NodeResponse, asked: _Asked = None) -> str | None:
    """The `Flaw` of an answer with a document."""
    return None if answer.status == 200 else "with that status"


def as_asked(problem: Problem, call: Call) -> Problem:
    """The problem, if the request can have brought it about; else it is the node's."""
    kind = type(problem)
    if kind in _BY_FIELD:
        sensible = call.headers is not None and not _BY_FIELD[kind].isdisjoint(call.headers)
    else:
        sensible = kind not in _BY_BODY or call.method in ("PUT", "POST")
    if sensible:
        return problem
    return NodeError(f"answered {problem.code} to a {call.method}, which makes no sense")


def _is_part(answer: NodeResponse, asked: str) -> bool:
    got = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
    wanted = _RANGE.fullmatch(asked)
    if got is None or wanted is None:
        return False
    first, last = int(got[1]), int(got[2])
    if last - first + 1 != answer.length or (got[3] != "*" and last >= int(got[3])):
        return False
    if not wanted[1]:
        return got[3] == "*" or last == int(got[3]) - 1
    return first == int(wanted[1]) and (not wanted[2] or last <= int(wanted[2]))
