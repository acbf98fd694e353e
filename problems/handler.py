"""From an exception to its problem+json answer, for DRF views and for Django itself."""

import errno
import logging
from collections.abc import Mapping
from typing import Any, cast

from django.core.exceptions import BadRequest as DjangoBadRequest
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions as drf
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.response import Response

from problems import request_id
from problems.failures import get_failures
from problems.problem import (
    BadRequest,
    GatewayBusy,
    InternalError,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    Problem,
    UnsupportedMediaType,
)
from problems.rendering import JSONRenderer
from telemetry.access import shown
from telemetry.exchange import note_problem

MEDIA_TYPE = "application/problem+json"

logger = logging.getLogger("objgw.problems")


def as_problem(exc: Exception) -> Problem:
    """The problem that stands for ``exc``; anything unknown becomes an `InternalError`."""
    match exc:
        case Problem():
            return exc
        case Http404() | drf.NotFound():
            return NotFound()
        case drf.MethodNotAllowed():
            return MethodNotAllowed(str(exc.detail))
        case drf.NotAcceptable():
            return NotAcceptable()
        case drf.UnsupportedMediaType():
            return UnsupportedMediaType(str(exc.detail))
        case drf.APIException(status_code=400):
            return BadRequest(str(exc.detail))
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            return GatewayBusy()
        case DjangoBadRequest() | SuspiciousOperation():
            return BadRequest()
        case _:
            return InternalError()


def log(problem: Problem, exc: BaseException, request: HttpRequest | None = None) -> None:
    """Say in the log what an operator wants to know: nothing of client errors but at debug."""
    if isinstance(problem, InternalError):
        logger.error("%s: unexpected %s", request_line(request), type(exc).__name__, exc_info=exc)
    elif problem.status >= 500:
        get_failures().report(
            problem.source or "the gateway",
            f"{problem.status} {problem.code}",
            request_line(request),
            f"{problem.detail} ({problem.remark})" if problem.remark else problem.detail,
        )
    elif logger.isEnabledFor(logging.DEBUG):
        logger.debug(
            "%s: %d %s: %s", request_line(request), problem.status, problem.code, problem.detail
        )


def request_line(request: HttpRequest | None) -> str:
    """Method and target of a request, as they may be logged."""
    if request is None:
        return "a request"
    return f"{request.method} {shown(request.get_full_path())}"


def exception_handler(exc: Exception, context: dict[str, object]) -> HttpResponse:
    """DRF's ``EXCEPTION_HANDLER``: answer any exception of a view with a problem document."""
    problem = as_problem(exc)
    request = cast("HttpRequest", context["request"])
    log(problem, exc, request)
    note_problem(problem.code)
    headers = dict(problem.headers)
    if isinstance(problem, MethodNotAllowed):
        view = context["view"]
        headers["Allow"] = ", ".join(getattr(view, "allowed_methods", []))
    if isinstance(_renderer(context["view"], request), BrowsableAPIRenderer):
        document = problem.document(request_id.current())
        return Response(document, status=problem.status, headers=headers)
    # Whatever the view answers with otherwise (YAML, a page): a problem is JSON.
    return _answer(problem, headers)


def _renderer(view: Any, request: Any) -> Any:
    """What the view would answer with, also when the exception came before that was decided."""
    if (renderer := getattr(request, "accepted_renderer", None)) is not None:
        return renderer
    return view.perform_content_negotiation(request, force=True)[0]


def problem_response(problem: Problem) -> HttpResponse:
    """A problem document outside of DRF."""
    note_problem(problem.code)
    return _answer(problem, problem.headers)


def _answer(problem: Problem, headers: Mapping[str, str]) -> HttpResponse:
    return HttpResponse(
        JSONRenderer().render(problem.document(request_id.current())),
        status=problem.status,
        content_type=MEDIA_TYPE,
        headers=dict(headers),
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler400``."""
    return problem_response(as_problem(exception))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler404``."""
    return problem_response(NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's ``handler500``; Django itself logs the traceback."""
    return problem_response(InternalError())
