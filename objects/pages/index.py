"""Plain HTML lists of objects, for browsers and for programs that follow links."""

import errno
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from access import scopes
from access.permissions import grant_of
from objects.http.parameters import MAX_LIMIT, ListingQuery
from objects.listing import Listing, list_within
from objects.service import get_service
from problems.problem import Problem
from problems.rendering import JSONRenderer

logger = logging.getLogger("objgw.objects")

_TYPE = "text/html; charset=utf-8"
_HEAD = (
    '<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
    "<title>Objects</title>\n"
    "<style>body{font-family:sans-serif}th,td{padding-right:1em;text-align:left}"
    "td:first-child{overflow-wrap:anywhere}html{background:Canvas;color:CanvasText}</style>\n"
    "<main>\n<h1>Objects</h1>\n<table>\n<tr><th>id<th>bytes<th>stored\n"
)


class ListingRenderer(BaseRenderer):
    """One page of `/objects`, with a link to the next."""

    media_type = "text/html"
    format = "html"
    charset = "utf-8"

    def render(
        self,
        data: Mapping[str, Any],
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> str:
        rows = (
            _row(f"object/{entry['id']}", entry["id"], entry["size"], entry["last_modified"])
            for entry in data["objects"]
        )
        missing = "".join(
            f"<p>Not listed: {escape(node['name'])}, {escape(node['reason'])}\n"
            for node in data["missing_nodes"]
        )
        following = data["next"]
        link = f'<p><a rel="next" href="{escape(following)}">more</a>\n' if following else ""
        passed_over = _passed_over(data["passed_over"])
        return f"{_HEAD}{''.join(rows)}</table>\n{missing}{passed_over}{link}</main>\n</html>\n"


class IndexView(APIView):
    """All objects on one page, as the index of a folder: what rclone and `wget -r` can walk.

    It is sent as the nodes are listed, so it takes no memory, however long it gets.
    """

    renderer_classes = [JSONRenderer]
    required_scopes = scopes.reading(scopes.LIST)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # HTML is all that there is, and rclone does not say what it accepts.
        request.accepted_renderer = JSONRenderer()
        request.accepted_media_type = JSONRenderer.media_type
        if request.authenticators:
            self.check_permissions(request)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponseBase:
        grant = grant_of(request)
        prefixes = ("",) if grant is None else grant.within("")
        first = _page("", prefixes)
        index = _index(first, prefixes)
        return StreamingHttpResponse(index, content_type=_TYPE, headers=_HEADERS)

    def head(self, request: HttpRequest) -> HttpResponseBase:
        # Streamed, because its length is not known.
        return StreamingHttpResponse((), content_type=_TYPE, headers=_HEADERS)


_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
}


def _page(after: str, prefixes: Sequence[str]) -> Listing:
    query = ListingQuery(after=after, limit=MAX_LIMIT)
    return list_within(get_service().list, query, prefixes)


def _index(listing: Listing, prefixes: Sequence[str]) -> Iterator[bytes]:
    """The index from its first page on.

    :raises ConnectionResetError: when a node cannot be listed any more: the connection ends, and
        the part that was sent is not taken for all.
    """
    yield _HEAD.encode()
    passed_over = 0
    while True:
        passed_over += listing.passed_over
        yield "".join(_rows(listing)).encode()
        if listing.following is None:
            break
        try:
            listing = _page(listing.following, prefixes)
        except Problem as problem:
            logger.warning("index cut short: %s", problem.detail)
            # The server takes this for a connection that is gone, and ends it.
            raise ConnectionResetError(errno.ECONNRESET, "a node cannot be listed") from problem
    yield f"</table>\n{_passed_over(passed_over)}</main>\n</html>\n".encode()


def _rows(listing: Listing) -> Iterable[str]:
    return (
        _row(entry.key, entry.key, entry.size, entry.last_modified) for entry in listing.entries
    )


def _row(url: str, object_id: str, size: int, stored: str) -> str:
    # Ids are letters and digits; the time is what the node says.
    return f'<tr><td><a href="{url}">{object_id}</a><td>{size}<td>{escape(stored)}\n'


def _passed_over(count: int) -> str:
    if not count:
        return ""
    keys = "1 key is" if count == 1 else f"{count} keys are"
    return f"<p>{keys} not listed here: no object id, or on a node that does not own it.\n"
