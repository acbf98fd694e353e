"""The way in."""

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from problems.problem import InternalError, NotAcceptable
from problems.schema import problem_responses

#: Names of the paths that are linked from the root.
_LINKS = ("objects", "nodes", "livez", "readyz", "schema", "docs")


class RootView(APIView):
    """objgw stores objects on S3 nodes. PUT and GET /object/{id} is all you need to know."""

    def get_view_name(self) -> str:
        return "objgw"

    @extend_schema(
        operation_id="root",
        summary="Links to everything",
        tags=["help"],
        responses={
            200: inline_serializer(
                "Links",
                {
                    "object": serializers.CharField(help_text="A URI template (RFC 6570)."),
                    **{name: serializers.URLField() for name in _LINKS},
                },
            ),
            **problem_responses(NotAcceptable, InternalError),
        },
    )
    def get(self, request: Request) -> Response:
        links = {name: reverse(name, request=request) for name in _LINKS}
        return Response({"object": request.build_absolute_uri("/object/") + "{id}", **links})


class DocsView(SpectacularSwaggerView):
    """A page to read the OpenAPI document and try it."""

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        # The page's template would be filled with the description of the view, and cannot be.
        request.accepted_renderer = JSONRenderer()
        request.accepted_media_type = JSONRenderer.media_type
        return super().options(request, *args, **kwargs)
