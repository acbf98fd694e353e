"""The HTTP interface of objects. Parse, call, answer."""

import errno
import logging
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from objects import schema
from objects.body import RequestBody
from objects.conditions import for_put, refuse_all
from objects.dispatch import get_dispatcher
from objects.headers import metadata_of, stored_headers_of
from objects.identifiers import parse_id
from objects.listing import Listing
from objects.parameters import listing_parameters
from objects.payload import payload_of
from objects.reading import Reading, read
from objects.store import Response as NodeResponse
from objects.store import TransportError, Upload

logger = logging.getLogger("objgw.objects")


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

    @schema.get_object
    def get(self, request: Request, object_id: str) -> HttpResponseBase:
        return _response(_read(request, parse_id(object_id)))

    def head(self, request: Request, object_id: str) -> HttpResponseBase:
        return _response(_read(request, parse_id(object_id)))

    @schema.put_object
    def put(self, request: Request, object_id: str) -> HttpResponse:
        object_id = parse_id(object_id)
        plain = _plain(request)
        meta = plain.META
        upload = Upload(stored_headers_of(meta), metadata_of(meta), for_put(plain))
        body = RequestBody.of(meta, settings.OBJGW_MAX_OBJECT_SIZE)
        with closing(payload_of(body)) as payload:
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

    @schema.list_objects
    def get(self, request: Request) -> Response:
        query, partial = listing_parameters(request.query_params)
        listing = get_dispatcher().listing(query, partial=partial)
        return Response(_page(request, listing))


def _plain(request: Request) -> HttpRequest:
    """Django's own request: each look at DRF's goes through its ``__getattr__``."""
    plain: HttpRequest = request._request  # noqa: SLF001  (DRF has no public name for it)
    return plain


def _read(request: Request, object_id: str) -> Reading:
    plain = _plain(request)
    return get_dispatcher().on_owner(object_id, lambda store: read(store, object_id, plain))


def _response(reading: Reading) -> HttpResponseBase:
    if reading.answer is None:
        response = HttpResponse(b"", status=reading.status, headers=reading.headers)
        if "Content-Type" not in reading.headers:
            del response.headers["Content-Type"]
        return response
    body = NodeBody(reading.answer)
    return StreamingHttpResponse(body, status=reading.status, headers=reading.headers)


def _page(request: Request, listing: Listing) -> dict[str, object]:
    following = None
    if listing.following is not None:
        parameters = request.query_params.copy()
        parameters["after"] = listing.following
        following = request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")
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
    }


class NodeBody:
    """The body of a node's answer, for the WSGI server to send on.

    When the node breaks off, so must the connection to the client: a Content-Length was promised,
    and the bytes so far must not look like all.
    """

    def __init__(self, answer: NodeResponse) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._answer
        except TransportError as error:
            logger.warning("download cut short: %s", error)
            # The server takes this for a connection that is gone, and ends it.
            raise ConnectionResetError(errno.ECONNRESET, "the node broke off") from error

    def close(self) -> None:
        self._answer.close()
