"""From an exception to its problem+json answer, for DRF views and for Django itself."""

import logging
from collections.abc import Mapping

from django.core.exceptions import BadRequest as DjangoBadRequest
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions as drf
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.response import Response

from problems import request_id
from problems.problem import (
    BadRequest,
    InternalError,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    Problem,
    UnsupportedMediaType,
)

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
        case DjangoBadRequest() | SuspiciousOperation():
            return BadRequest()
        case _:
            return InternalError()


def log(problem: Problem, exc: BaseException) -> None:
    """Say in the log what an operator wants to know: nothing of client errors but at debug."""
    if isinstance(problem, InternalError):
        logger.error("unexpected %s", type(exc).__name__, exc_info=exc)
    elif problem.status >= 500:
        logger.warning("%d %s: %s", problem.status, problem.code, problem.detail)
    else:
        logger.debug("%d %s: %s", problem.status, problem.code, problem.detail)


def exception_handler(exc: Exception, context: dict[str, object]) -> HttpResponse:
    """DRF's ``EXCEPTION_HANDLER``: answer any exception of a view with a problem document."""
    problem = as_problem(exc)
    log(problem, exc)
    headers = dict(problem.headers)
    if isinstance(problem, MethodNotAllowed):
        view = context["view"]
        headers["Allow"] = ", ".join(getattr(view, "allowed_methods", []))
    renderer = getattr(context["request"], "accepted_renderer", None)
    if isinstance(renderer, BrowsableAPIRenderer):
        document = problem.document(request_id.current())
        return Response(document, status=problem.status, headers=headers)
    # Whatever the view answers with otherwise (YAML, a page): a problem is JSON.
    return _answer(problem, headers)


def problem_response(problem: Problem) -> HttpResponse:
    """A problem document outside of DRF."""
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
