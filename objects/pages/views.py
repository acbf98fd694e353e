"""The views of the pages, in development: the API's own, and what a browser needs beside it."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse, QueryDict
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access import scopes
from access.grant import Grant
from access.permissions import grant_of, may, refuse_id
from objects.http.body import RequestBody
from objects.http.links import relative
from objects.http.reading import ReadRequest
from objects.identifiers import is_id, parse_id
from objects.pages.forms import UploadForm, field_of
from objects.pages.renderers import PageRenderer
from objects.serializers import StoredSerializer
from objects.service import get_service
from objects.store import Stored, Upload
from objects.views import ObjectsView, ObjectView
from problems.handler import log
from problems.problem import BadRequest, Problem
from problems.rendering import JSONRenderer

_RENDERERS: list[type[BaseRenderer]] = [JSONRenderer, PageRenderer]
#: What happened on the page before, in a link to the next one. Parameters of the pages alone.
_DELETED = "deleted"
_STORED = "stored"
#: Header fields that say nothing of this object, and its size, which the page tells by itself.
_UNTOLD = frozenset(
    {"Accept-Ranges", "Content-Length", "Content-Security-Policy", "X-Content-Type-Options"}
)


def _is_page(request: Request) -> bool:
    return isinstance(request.accepted_renderer, PageRenderer)


def _see_other(reference: str) -> HttpResponse:
    """A redirect after which a reload repeats nothing (RFC 9110 section 15.4.4)."""
    return HttpResponse(status=303, headers={"Location": reference})


@extend_schema_view(post=extend_schema(exclude=True))
class ObjectsPage(ObjectsView):
    """The listing as a table, and a form to upload a file."""

    renderer_classes = _RENDERERS
    parser_classes = [MultiPartParser]
    required_scopes = {**scopes.reading(scopes.LIST), "POST": scopes.WRITE}
    page_template = "objects/objects.html"

    def get_view_name(self) -> str:
        return "Objects"

    def parameters(self, request: Request) -> QueryDict:
        parameters = super().parameters(request)
        if _is_page(request) and _DELETED in parameters:
            parameters = parameters.copy()
            del parameters[_DELETED]
        return parameters

    def page_context(self, data: Any) -> dict[str, Any]:
        parameters = self.parameters(self.request)
        deleted = self.request.query_params.get(_DELETED, "")
        first = parameters.copy()
        first.pop("after", None)
        return {
            "first": f"objects?{first.urlencode()}",
            "form": getattr(self, "form", None) or UploadForm(),
            "parameters": parameters,
            "narrowed": bool(parameters.get("prefix") or parameters.get("after")),
            "deleted": deleted if is_id(deleted) else None,
        }

    def post(self, request: Request) -> Response | HttpResponse:
        """Store what the form has. A page shows problems in the form, so that nothing that was
        typed is lost; a program gets them as always, with the field that they are about.
        """
        self.form = UploadForm(request.POST, request.FILES)
        try:
            stored = _upload(self.form, grant_of(request))
        except Problem as problem:
            if field := field_of(problem):
                problem.extensions["field"] = field
            if not _is_page(request):
                raise
            return self._form_again(request, problem)
        page = relative(request.path, reverse("object-page", args=[stored.key]))
        if _is_page(request):
            return _see_other(f"{page}?{_STORED}")
        return Response(
            {**StoredSerializer.document(stored), "page": page},
            status=201,
            headers={"Location": page},
        )

    def _form_again(self, request: Request, problem: Problem) -> Response:
        log(problem, problem, request)
        if not self.form.errors:
            self.form.refuse(problem)
        try:
            # Who may store need not be allowed to look.
            listing = self.get(request).data if may(request, scopes.LIST) else None
        except Problem:
            # The form is what counts here, and the reason may be the same.
            listing = None
        return Response(listing, status=problem.status, headers=problem.headers)


def _upload(form: UploadForm, grant: Grant | None) -> Stored:
    """Store what a form has.

    :param grant: what the request's token allows.
    :raises Problem: for what is wrong with it, too.
    """
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        if field == "id" and "id" in form.data:
            parse_id(form.data["id"].strip())
        raise BadRequest(f"{field}: {errors[0]}", field=field)
    object_id, file = form.cleaned_data["id"], form.cleaned_data["file"]
    refuse_id(grant, object_id)
    body = RequestBody(file, file.size, settings.OBJGW_MAX_OBJECT_SIZE)
    upload = Upload({"Content-Type": file.content_type or "application/octet-stream"})
    return get_service().put(object_id, body, upload)


@extend_schema(exclude=True)
class ObjectPage(APIView):
    """One object: its header fields, a link to its bytes, and a button to delete it."""

    renderer_classes = _RENDERERS
    parser_classes = [FormParser]
    required_scopes = {
        **scopes.reading(scopes.READ),
        "POST": scopes.DELETE,
        "DELETE": scopes.DELETE,
    }
    page_template = "objects/object.html"

    def get_view_name(self) -> str:
        return "Object"

    def page_context(self, data: Any) -> dict[str, Any]:
        size = int(data["headers"]["Content-Length"])
        return {
            "title": data["id"],
            "size": size,
            "exactly": f"{size:,}",
            "stored_headers": [
                (name, value) for name, value in data["headers"].items() if name not in _UNTOLD
            ],
            "stored": _STORED in self.request.query_params,
        }

    def get(self, request: Request, object_id: str) -> Response:
        object_id = parse_id(object_id)
        retrieved = get_service().get(object_id, ReadRequest(head=True))
        return Response(
            {
                "id": object_id,
                "download": relative(request.path, reverse("object", args=[object_id])),
                "headers": retrieved.answer.headers,
                "all_objects": relative(request.path, reverse("objects")),
            }
        )

    def post(self, request: Request, object_id: str) -> HttpResponse:
        """What the button does, because a form in a browser cannot DELETE."""
        if request.POST.get("action") != "delete":
            raise BadRequest("The only action here is delete.")
        self.delete(request, object_id)
        listing = relative(request.path, reverse("objects"))
        return _see_other(f"{listing}?{_DELETED}={object_id}")

    def delete(self, request: Request, object_id: str) -> Response:
        object_id = parse_id(object_id)
        get_service().delete(object_id)
        return Response(status=204)


class ObjectBytes(ObjectView):
    """The API's own view, with pages for its problems: a link in a page may lead there."""

    renderer_classes = _RENDERERS
    #: Set by DRF's own `initial`, which `ObjectView` does without.
    format_kwarg = None

    def get_view_name(self) -> str:
        return "Object"

    def handle_exception(self, exc: Exception) -> Response:
        request = self.request
        negotiated = self.perform_content_negotiation(request, force=True)
        request.accepted_renderer, request.accepted_media_type = negotiated
        return super().handle_exception(exc)
