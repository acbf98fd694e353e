"""WSGI applications that do less than the gateway: what the parts of it cost at the least.

Each runs as the gateway does, with its server, its settings and its nodes.
"""

from collections.abc import Iterable
from typing import Any

from benchmarks.cases import KIB, Case

#: The names of the applications.
FLOORS = ("alone", "bare")
_BODY = b"x" * KIB


def can(case: Case) -> bool:
    """Whether the applications know what a case asks for."""
    return case.method in ("GET", "PUT") and case.size == KIB and not case.missing


def alone(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answers by itself: what the server costs, before anything is done."""
    environ["wsgi.input"].read()
    status = "201 Created" if environ["REQUEST_METHOD"] == "PUT" else "200 OK"
    start_response(status, [("Content-Length", str(KIB))])
    return [_BODY]


def bare(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Asks the owner, without Django's and DRF's way from a request to a view and back.

    Knows what the benchmark's small bodies ask for, and nothing else: no errors, ranges,
    conditions, metadata or request ids.
    """
    # Not at the top, for `make bench` reads this module, too, and has no settings.
    from objects.http.body import RequestBody
    from objects.http.reading import ReadRequest
    from objects.service import get_service
    from objects.store import Upload

    _, folder, object_id = environ["PATH_INFO"].rpartition("/object/")
    if not folder:
        return alone(environ, start_response)
    if environ["REQUEST_METHOD"] == "PUT":
        stored = get_service().put(object_id, RequestBody.of(environ, KIB), Upload())
        start_response("201 Created", [("Content-Length", "0"), ("ETag", stored.etag)])
        return [b""]
    retrieved = get_service().get(object_id, ReadRequest())
    start_response("200 OK", list(retrieved.answer.headers.items()))
    return retrieved.body or ()
