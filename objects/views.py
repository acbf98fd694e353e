"""The HTTP interface of objects. Parse, call, answer."""

import errno
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NoReturn

from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    QueryDict,
    StreamingHttpResponse,
)
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from objects import schema
from objects.body import RequestBody
from objects.conditions import for_put, refuse_all
from objects.dispatch import get_dispatcher
from objects.headers import metadata_of, stored_headers_of
from objects.identifiers import is_id, parse_id
from objects.index import ListingRenderer
from objects.links import relative
from objects.listing import Listing
from objects.parameters import listing_parameters
from objects.payload import payload_of
from objects.reading import Reading, read
from objects.spool import get_spool
from objects.store import Response as NodeResponse
from objects.store import TransportError, Upload
from problems.failures import get_failures
from problems.handler import request_line
from problems.problem import MethodNotAllowed
from problems.rendering import JSONRenderer


class ObjectView(APIView):
    """One object: its bytes, on the node that owns its id."""

    renderer_classes = [JSONRenderer]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # A request that refers to itself would stay, with all that hangs on it, until the garbage
        # collector comes by.
        request.parser_context.clear()
        # An object is what it is: whoever stores or reads one takes any type. And there is nobody
        # to be authenticated, permitted or throttled.
        request.accepted_renderer = JSONRenderer()
        request.accepted_media_type = JSONRenderer.media_type

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Allow, where it is asked for; no answer varies."""
        return super().default_response_headers if self.request.method == "OPTIONS" else {}

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> NoReturn:
        if request.method == "POST":
            object_id = kwargs["object_id"]
            path = f"/object/{object_id if is_id(object_id) else '{id}'}"
            raise MethodNotAllowed(
                f"POST is not allowed here: an object is stored by PUT {path}, with its bytes as "
                "the body (curl -T FILE)."
            )
        raise exceptions.MethodNotAllowed(request.method)

    @schema.get_object
    def get(self, request: Request, object_id: str) -> HttpResponseBase:
        return _response(_read(request, parse_id(object_id)), request)

    def head(self, request: Request, object_id: str) -> HttpResponseBase:
        return _response(_read(request, parse_id(object_id)), request)

    @schema.put_object
    def put(self, request: Request, object_id: str) -> HttpResponse:
        object_id = parse_id(object_id)
        plain = _plain(request)
        meta = plain.META
        upload = Upload(stored_headers_of(meta), metadata_of(meta), for_put(plain))
        body = RequestBody.of(meta, settings.OBJGW_MAX_OBJECT_SIZE)
        with closing(payload_of(body, get_spool())) as payload:
            stored = get_dispatcher().on_owner(
                object_id,
                lambda store: store.put(object_id, payload, upload),
                lambda: payload.replayable,
            )
        # Not DRF's response, which refers to itself as well, and takes 8 % of the whole request.
        return HttpResponse(
            JSONRenderer().render({"id": object_id, "size": stored.size, "etag": stored.etag}),
            status=201,
            content_type=JSONRenderer.media_type,
            headers={"ETag": stored.etag},
        )

    @schema.delete_object
    def delete(self, request: Request, object_id: str) -> Response:
        object_id = parse_id(object_id)
        refuse_all(_plain(request))
        get_dispatcher().on_owner(object_id, lambda store: store.delete(object_id))
        return Response(status=204)


class ObjectsView(APIView):
    """All objects, page by page, in the order of their ids."""

    renderer_classes = [JSONRenderer, ListingRenderer]

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        # The page shows a listing, and cannot show the description of the view.
        request.accepted_renderer = JSONRenderer()
        request.accepted_media_type = JSONRenderer.media_type
        return super().options(request, *args, **kwargs)

    @schema.list_objects
    def get(self, request: Request) -> Response:
        parameters = self.parameters(request)
        query, partial = listing_parameters(parameters)
        listing = get_dispatcher().listing(query, partial=partial)
        return Response(_page(request.path, parameters, listing))

    def parameters(self, request: Request) -> QueryDict:
        """What of the query is about the listing: all of it."""
        return request.query_params


def _plain(request: Request) -> HttpRequest:
    """Django's own request: each look at DRF's goes through its ``__getattr__``."""
    plain: HttpRequest = request._request  # noqa: SLF001  (DRF has no public name for it)
    return plain


def _read(request: Request, object_id: str) -> Reading:
    plain = _plain(request)
    return get_dispatcher().on_owner(object_id, lambda store: read(store, object_id, plain))


def _response(reading: Reading, request: Request) -> HttpResponseBase:
    if reading.answer is None:
        response = HttpResponse(b"", status=reading.status, headers=reading.headers)
        if "Content-Type" not in reading.headers:
            del response.headers["Content-Type"]
        return response
    body = NodeBody(reading.answer, _plain(request))
    return StreamingHttpResponse(body, status=reading.status, headers=reading.headers)


def _page(path: str, parameters: QueryDict, listing: Listing) -> dict[str, object]:
    following = None
    if listing.following is not None:
        parameters = parameters.copy()
        parameters["after"] = listing.following
        following = relative(path, f"{path}?{parameters.urlencode()}")
    return {
        "objects": [
            {
                "id": entry.key,
                "size": entry.size,
                "etag": entry.etag,
                "last_modified": entry.last_modified,
            }
            for entry in listing.entries
        ],
        "next": following,
        "missing_nodes": [
            {"name": missing.name, "reason": missing.reason} for missing in listing.missing
        ],
        "passed_over": listing.passed_over,
    }


class NodeBody:
    """The body of a node's answer, for the WSGI server to send on.

    When the node breaks off, so must the connection to the client: a Content-Length was promised,
    and the bytes so far must not look like all.
    """

    def __init__(self, answer: NodeResponse, request: HttpRequest) -> None:
        self._answer = answer
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._answer
        except TransportError as error:
            get_failures().report(
                f"node {self._answer.node}",
                "download cut short",
                request_line(self._request),
                str(error),
            )
            # The server takes this for a connection that is gone, and ends it.
            raise ConnectionResetError(errno.ECONNRESET, "the node broke off") from error

    def close(self) -> None:
        self._answer.close()
