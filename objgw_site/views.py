"""The way in."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from problems.problem import InternalError, NotAcceptable
from problems.schema import problem_responses


class RootView(APIView):
    """objgw stores objects on S3 nodes. PUT and GET /object/{id} is all you need to know."""

    def get_view_name(self) -> str:
        return "objgw"

    @extend_schema(
        operation_id="root",
        summary="Links to everything",
        tags=["help"],
        responses={
            200: OpenApiTypes.OBJECT,
            **problem_responses(NotAcceptable, InternalError),
        },
    )
    def get(self, request: Request) -> Response:
        links = {
            name: reverse(name, request=request)
            for name in ("objects", "nodes", "livez", "readyz", "schema", "docs")
        }
        return Response({"object": request.build_absolute_uri("/object/") + "{id}", **links})
