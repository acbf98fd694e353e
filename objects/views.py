"""The HTTP interface of objects: parse the request, call the service, answer."""

import errno
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from django.conf import settings
from django.http import (
    HttpResponse,
    HttpResponseBase,
    QueryDict,
    StreamingHttpResponse,
)
from django.utils.http import content_disposition_header
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access import scopes
from access.permissions import grant_of
from objects import schema
from objects.http.body import RequestBody
from objects.http.conditions import for_put, refuse_all
from objects.http.headers import metadata_of, stored_headers_of
from objects.http.links import relative
from objects.http.parameters import listing_query
from objects.http.reading import ReadRequest
from objects.identifiers import is_id, parse_id
from objects.listing import Listing, list_within
from objects.pages.index import ListingRenderer
from objects.retrieval import Retrieved
from objects.serializers import ListingSerializer, StoredSerializer
from objects.service import get_service
from objects.store import NodeResponse, TransportError, Upload
from problems.failures import get_failures
from problems.handler import request_line
from problems.problem import MethodNotAllowed, UnsupportedMediaType
from problems.rendering import JSONRenderer
from telemetry.exchange import note_problem


class ObjectView(APIView):
    """One object: its bytes, on the node that owns its id.

    Two things are not DRF's own way, for what they cost. The figures are CPU time on top of the
    220 us that a GET of 1 KiB takes from the WSGI call to the last byte, without any socket
    (``python -m benchmarks.application --drf``).
    """

    renderer_classes = [JSONRenderer]
    required_scopes = {
        **scopes.reading(scopes.READ),
        "PUT": scopes.WRITE,
        "DELETE": scopes.DELETE,
    }

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # A request that refers to itself would stay, with all that hangs on it, until the garbage
        # collector comes by.
        request.parser_context.clear()
        # An object has the type that it was stored with, whatever Accept says, and there is nobody
        # to throttle. DRF's own way takes 90 us more.
        request.accepted_renderer = JSONRenderer()
        request.accepted_media_type = JSONRenderer.media_type
        if request.authenticators:
            from access.admission import admit

            admit(request, self, kwargs["object_id"])

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Allow, where it is asked for; no answer varies with a field of the request."""
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
        retrieved = get_service().get(parse_id(object_id), ReadRequest.of(request.META))
        response = object_response(retrieved, request)
        if (grant := grant_of(request)) is not None and grant.link is not None:
            name_file(response, grant.link.file_name)
        return response

    def head(self, request: Request, object_id: str) -> HttpResponseBase:
        return self.get(request, object_id)

    @schema.put_object
    def put(self, request: Request, object_id: str) -> HttpResponse:
        object_id, meta = parse_id(object_id), request.META
        upload = Upload(stored_headers_of(meta), metadata_of(meta), for_put(meta))
        body = RequestBody.of(meta, self._most_bytes(request))
        stored = get_service().put(object_id, body, upload)
        # Not DRF's response, which refers to itself as well, and takes 60 us more.
        return HttpResponse(
            JSONRenderer().render(StoredSerializer.document(stored)),
            status=201,
            content_type=JSONRenderer.media_type,
            headers={"ETag": stored.etag},
        )

    def _most_bytes(self, request: Request) -> int:
        """How large the body may be.

        :raises UnsupportedMediaType: when the link is for another kind of body.
        """
        most: int = settings.OBJGW_MAX_OBJECT_SIZE
        grant = grant_of(request)
        if grant is None or (link := grant.link) is None:
            return most
        if link.content_type and request.META.get("CONTENT_TYPE", "") != link.content_type:
            raise UnsupportedMediaType(
                f"With this link the body must have the Content-Type {link.content_type}."
            )
        return most if link.max_size is None else min(most, link.max_size)

    @schema.delete_object
    def delete(self, request: Request, object_id: str) -> Response:
        object_id = parse_id(object_id)
        refuse_all(request.META)
        get_service().delete(object_id)
        return Response(status=204)


class ObjectsView(APIView):
    """All objects, page by page, in the order of their ids."""

    renderer_classes = [JSONRenderer, ListingRenderer]
    required_scopes = scopes.reading(scopes.LIST)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        # The page shows a listing, and cannot show the description of the view.
        request.accepted_renderer = JSONRenderer()
        request.accepted_media_type = JSONRenderer.media_type
        return super().options(request, *args, **kwargs)

    @schema.list_objects
    def get(self, request: Request) -> Response:
        parameters = self.parameters(request)
        query, grant = listing_query(parameters), grant_of(request)
        within = (query.prefix,) if grant is None else grant.within(query.prefix)
        listing = list_within(get_service().list, query, within)
        return Response(listing_document(request.path, parameters, listing))

    def parameters(self, request: Request) -> QueryDict:
        """What of the query is about the listing: all of it."""
        return request.query_params


def object_response(retrieved: Retrieved, request: Request) -> HttpResponseBase:
    """The response to a GET or HEAD."""
    answer = retrieved.answer
    if retrieved.body is not None:
        body = NodeBody(retrieved.body, request)
        return StreamingHttpResponse(body, status=answer.status, headers=answer.headers)
    response = HttpResponse(b"", status=answer.status, headers=answer.headers)
    if "Content-Type" not in answer.headers:
        del response.headers["Content-Type"]
    return response


def name_file(response: HttpResponseBase, file_name: str) -> None:
    """Have a browser save the object under this name; "" for as it was stored."""
    disposition = content_disposition_header(as_attachment=True, filename=file_name)
    if file_name and disposition:
        response.headers["Content-Disposition"] = disposition


def listing_document(path: str, parameters: QueryDict, listing: Listing) -> Mapping[str, Any]:
    """One page of a listing.

    :param path: of the request, to which the link to the next page is relative.
    :param parameters: of the request.
    """
    following = None
    if listing.following is not None:
        parameters = parameters.copy()
        parameters["after"] = listing.following
        following = relative(path, f"{path}?{parameters.urlencode()}")
    page = {
        "objects": listing.entries,
        "next": following,
        "missing_nodes": listing.missing,
        "passed_over": listing.passed_over,
    }
    return ListingSerializer(page).data


class NodeBody:
    """The body of a node's answer, for the WSGI server to send on.

    When the node breaks off, so must the connection to the client: a Content-Length was promised,
    and the bytes so far must not look like all.
    """

    def __init__(self, answer: NodeResponse, request: Request) -> None:
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
            note_problem("download_cut_short")
            raise ConnectionResetError(errno.ECONNRESET, "the node broke off") from error

    def close(self) -> None:
        self._answer.close()
