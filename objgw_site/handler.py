"""Django's WSGI handler without what this site has no use for."""

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpResponseBase


class Handler(WSGIHandler):
    """Answers a request as its base class does, but for three things: there is no script name
    (the gateway is the whole server), nobody listens for the start of a request, and no cookie is
    ever set. docs/performance.md has what that saves.
    """

    def __call__(self, environ: dict[str, Any], start_response: Any) -> HttpResponseBase:
        response = self.get_response(WSGIRequest(environ))
        start_response(
            f"{response.status_code} {response.reason_phrase}", list(response.headers.items())
        )
        return response
