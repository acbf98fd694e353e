"""From a view's answer to a page.

Apart from the views, for DRF reads this module while it is being imported.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer

from objects.http.links import relative

_ANY = "objects/any.html"
_PROBLEM = "objects/problem.html"


class PageRenderer(BrowsableAPIRenderer):
    """A page with the document that a program would get, shown for people.

    A view may say with which template (`page_template`), and add to its context (`page_context`,
    a function of the document). Without it, documents are shown as what they are: tables and
    lists. A problem document is a page of its own.
    """

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> str:
        view = (renderer_context or {})["view"]
        is_problem = isinstance(data, dict) and data.keys() >= {"code", "detail", "status"}
        self.template = _PROBLEM if is_problem else getattr(view, "page_template", _ANY)
        page: str = super().render(data, accepted_media_type, renderer_context)
        return page

    def get_context(
        self, data: Any, accepted_media_type: str | None, renderer_context: Mapping[str, Any]
    ) -> dict[str, Any]:
        view, request = renderer_context["view"], renderer_context["request"]
        response = renderer_context["response"]
        context: dict[str, Any] = {
            "data": data,
            "title": self.get_name(view),
            "here": request.path,
            "browsable": settings.DEBUG,
            # Where links begin: the way from this page up to that at "/".
            "up": relative(request.path, "/"),
            # The answer to HEAD is that to GET, down to its length.
            "method": "GET" if request.method == "HEAD" else request.method,
            "path": request.get_full_path(),
            "status": f"{response.status_code} {HTTPStatus(response.status_code).phrase}",
            "json": self.get_content(
                JSONRenderer(), data, JSONRenderer.media_type, dict(renderer_context)
            ),
        }
        if self.template == _ANY:
            context |= _tables(data)
        elif self.template != _PROBLEM:
            context |= getattr(view, "page_context", lambda _: {})(data)
        return context


def _tables(document: Any) -> dict[str, Any]:
    """A document as names and values, or as the columns and rows of a table."""
    if not isinstance(document, list):
        return {"items": [(name, _in_words(value)) for name, value in document.items()]}
    return {
        "columns": list(document[0]) if document else [],
        "rows": [[(name, _in_words(value)) for name, value in entry.items()] for entry in document],
    }


def _in_words(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
