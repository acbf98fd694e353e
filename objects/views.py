"""PUT, GET and HEAD of one object."""

import errno
import logging
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from objects.body import RequestBody
from objects.dispatch import get_dispatcher
from objects.headers import conditions_of, response_headers, stored_headers_of
from objects.identifiers import parse_id
from objects.payload import payload_of
from objects.store import Response as NodeResponse
from objects.store import TransportError, Upload

logger = logging.getLogger("objgw.objects")


class IgnoreAccept(BaseContentNegotiation):
    """An object is what it is: a client that stores or reads one takes any type."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return None

    def select_renderer(
        self,
        request: Request,
        renderers: Any,
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        return JSONRenderer(), JSONRenderer.media_type


class ObjectView(APIView):
    """One object: its bytes, stored on the node that owns its id."""

    content_negotiation_class = IgnoreAccept

    def get(self, request: Request, object_id: str) -> HttpResponseBase:
        object_id = parse_id(object_id)
        answer = get_dispatcher().on_owner(object_id, lambda store: store.get(object_id, {}))
        headers = response_headers(answer.headers)
        if int(headers["Content-Length"]) == 0:
            answer.close()
            return HttpResponse(b"", status=answer.status, headers=headers)
        return StreamingHttpResponse(NodeBody(answer), status=answer.status, headers=headers)

    def head(self, request: Request, object_id: str) -> HttpResponseBase:
        object_id = parse_id(object_id)
        answer = get_dispatcher().on_owner(object_id, lambda store: store.head(object_id, {}))
        answer.close()
        return HttpResponse(b"", status=answer.status, headers=response_headers(answer.headers))

    def put(self, request: Request, object_id: str) -> Response:
        object_id = parse_id(object_id)
        body = RequestBody.of(request.META, settings.OBJGW_MAX_OBJECT_SIZE)
        upload = Upload(stored_headers_of(request.headers), {}, conditions_of(request.headers))
        with closing(payload_of(body)) as payload:
            stored = get_dispatcher().on_owner(
                object_id,
                lambda store: store.put(object_id, payload, upload),
                lambda: payload.replayable,
            )
        return Response(
            {"id": object_id, "size": stored.size, "etag": stored.etag},
            status=201,
            headers={"ETag": stored.etag},
        )


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
            # The servers take this for a connection that is gone, and end it without an answer.
            raise ConnectionResetError(errno.ECONNRESET, "the node broke off") from error

    def close(self) -> None:
        self._answer.close()
