"""Django's WSGI handler without the parts that this site does not need."""

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpResponseBase

from objgw_site.fields import completed


class Request(WSGIRequest):
    """A request whose Content-Type says what the body is, and whose host is as it came.

    Django would decode the query as the type's ``charset`` says, and fail where that cannot be
    read. A query is UTF-8 (RFC 3986 section 2.5), whatever the body is.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        """Called by the constructor; sets what the base class's own does, but no ``encoding``."""
        self.content_type = meta.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        self.content_params = {}

    def get_host(self) -> str:
        """The Host field as it came; it was checked before any view (`objgw_site.hosts`).

        Django's own would refuse a name with an underscore, in the middle of a view.
        """
        host: str | None = self.META.get("HTTP_HOST")
        return super().get_host() if host is None else host


class Handler(WSGIHandler):
    """Answers a request as its base class does, but for five things: there is no script name
    (the gateway is the whole server), nobody listens for the start of a request, no cookie is
    ever set, a request is a `Request`, and every answer gets the header fields of
    `objgw_site.fields`. docs/performance-history.md has what the first three
    save.
    """

    def __call__(self, environ: dict[str, Any], start_response: Any) -> HttpResponseBase:
        response = self.get_response(Request(environ))
        # Not `items()`, which takes 2 us. Relied on: `_store` maps the name in lower case to the
        # name and the value (django.utils.datastructures.CaseInsensitiveMapping).
        given = response.headers._store  # noqa: SLF001
        start_response(
            f"{response.status_code} {response.reason_phrase}",
            completed(response.status_code, given),
        )
        return response
