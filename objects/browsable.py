"""Pages for people, in development: DRF's browsable API over the objects."""

from django.conf import settings
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from objects.body import RequestBody
from objects.dispatch import get_dispatcher
from objects.headers import response_headers
from objects.identifiers import parse_id
from objects.pages import ListingRenderer, page_url
from objects.payload import Streamed
from objects.serializers import UploadSerializer
from objects.store import Upload
from objects.views import ObjectsView


@extend_schema_view(post=extend_schema(exclude=True))
class ObjectsPage(ObjectsView):
    """All objects, page by page. The form below uploads a file."""

    renderer_classes = [JSONRenderer, ListingRenderer]
    parser_classes = [MultiPartParser]
    serializer_class = UploadSerializer

    def get_view_name(self) -> str:
        return "Objects"

    def post(self, request: Request) -> Response:
        form = UploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        object_id, file = form.validated_data["id"], form.validated_data["file"]
        body = RequestBody(file, file.size, settings.OBJGW_MAX_OBJECT_SIZE)
        upload = Upload({"Content-Type": file.content_type or "application/octet-stream"})
        payload = Streamed(body)
        stored = get_dispatcher().on_owner(
            object_id,
            lambda store: store.put(object_id, payload, upload),
            lambda: payload.replayable,
        )
        page = page_url(request, object_id)
        return Response(
            {"id": object_id, "size": stored.size, "etag": stored.etag, "page": page},
            status=201,
            headers={"Location": page},
        )


@extend_schema(exclude=True)
class ObjectPage(APIView):
    """One object: its header fields, a link to its bytes, and a button to delete it."""

    def get_view_name(self) -> str:
        return "Object"

    def get(self, request: Request, object_id: str) -> Response:
        object_id = parse_id(object_id)
        answer = get_dispatcher().on_owner(object_id, lambda store: store.head(object_id, {}))
        answer.close()
        return Response(
            {
                "id": object_id,
                "download": request.build_absolute_uri(reverse("object", args=[object_id])),
                "headers": response_headers(answer.headers),
                "all_objects": request.build_absolute_uri(reverse("objects")),
            }
        )

    def delete(self, request: Request, object_id: str) -> Response:
        object_id = parse_id(object_id)
        get_dispatcher().on_owner(object_id, lambda store: store.delete(object_id))
        return Response(status=204)
