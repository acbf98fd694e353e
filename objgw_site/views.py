"""The root page, the OpenAPI document, and the page to read and try it."""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils.encoding import force_bytes
from drf_spectacular.utils import extend_schema, extend_schema_field, inline_serializer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access import scopes
from access.permissions import may
from objects.exceptions import PreconditionFailed
from objects.http.conditions import conditions_of
from objects.http.links import relative
from objects.pages.renderers import PageRenderer
from objgw_site.negotiation import ByPreference
from objgw_site.status.page import reload_after, status_context
from problems.problem import InternalError, NotAcceptable
from problems.rendering import JSONRenderer
from problems.schema import problem_responses

#: Names of the paths that are linked from the root.
_LINKS = ("objects", "nodes", "livez", "readyz", "metrics", "schema", "docs")


@extend_schema_field({"type": "string", "format": "uri-reference"})
class _Reference(serializers.CharField):
    """A link, relative to the URL of the document."""


class RootView(APIView):
    """Links to everything: a document for programs, and the status page for browsers."""

    renderer_classes = [JSONRenderer, PageRenderer]
    content_negotiation_class = ByPreference
    required_scopes: scopes.ByMethod = {}

    @property
    def _tells_status(self) -> bool:
        return settings.OBJGW_STATUS_PAGE and may(self.request, scopes.NODES)

    @property
    def page_template(self) -> str:
        """What a browser gets."""
        return f"objgw_site/{'status' if self._tells_status else 'root'}.html"

    def page_context(self, document: Any) -> dict[str, object]:
        """What the page shows beside the document."""
        if not self._tells_status:
            return {}
        return status_context(reload_after(self.request.query_params.get("reload")))

    def get_view_name(self) -> str:
        return "objgw"

    @extend_schema(
        operation_id="root",
        summary="Links to everything",
        tags=["help"],
        responses={
            (200, JSONRenderer.media_type): inline_serializer(
                "Links",
                {
                    "object": serializers.CharField(
                        help_text="A URI template (RFC 6570), relative like the others."
                    ),
                    **{name: _Reference() for name in _LINKS},
                },
            ),
            (200, PageRenderer.media_type): str,
            **problem_responses(NotAcceptable, InternalError),
        },
    )
    def get(self, request: Request) -> Response:
        links = {name: relative(request.path, reverse(name)) for name in _LINKS}
        return Response({"object": "object/{id}", **links})


@dataclass(frozen=True, slots=True)
class SchemaDocument:
    """The OpenAPI document in one of its forms."""

    body: bytes
    etag: str


@cache
def schema_document(media_type: str) -> SchemaDocument:
    """The document as ``media_type``. It tells of the code alone, so it is made once."""
    generator: Any = SchemaView.generator_class()
    renderer = next(kind for kind in SchemaView.renderer_classes if kind.media_type == media_type)
    body = force_bytes(renderer().render(generator.get_schema(public=True), media_type, {}))
    if not body.endswith(b"\n"):
        body += b"\n"
    return SchemaDocument(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


class SchemaView(SpectacularAPIView):
    """The OpenAPI document, in YAML or JSON."""

    required_scopes: scopes.ByMethod = {}

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        renderer = request.accepted_renderer
        document = schema_document(renderer.media_type)
        headers = {"ETag": document.etag, "Cache-Control": "no-cache"}
        match conditions_of(request.META).outcome({"etag": document.etag}):
            case 304:
                response = HttpResponse(status=304, headers=headers)
                del response.headers["Content-Type"]
                return response
            case 412:
                raise PreconditionFailed
        headers["Content-Disposition"] = f'inline; filename="objgw.{renderer.format}"'
        return HttpResponse(document.body, content_type=renderer.media_type, headers=headers)


class DocsView(SpectacularSwaggerSplitView):
    """A page to read the OpenAPI document and try it."""

    required_scopes: scopes.ByMethod = {}
    template_name = "objgw_site/docs.html"

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        # The page's template would be filled with the description of the view, and cannot be.
        request.accepted_renderer = JSONRenderer()
        request.accepted_media_type = JSONRenderer.media_type
        return super().options(request, *args, **kwargs)
