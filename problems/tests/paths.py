"""Paths that fail in every way there is."""

from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, re_path
from rest_framework import exceptions as drf
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from problems.problem import Problem
from problems.views import NotFoundView


class Teapot(Problem):
    status = 418
    code = "teapot"
    title = "Teapot"
    retry_after = 7
    example = "It is a teapot."


RAISED: dict[str, Exception] = {
    "teapot": Teapot("Short and stout.", headers={"X-Spout": "here"}, handle="there"),
    "http404": Http404("internal detail"),
    "not-found": drf.NotFound(),
    "media-type": drf.UnsupportedMediaType("text/x"),
    "parse": drf.ParseError("no JSON"),
    "suspicious": SuspiciousOperation("internal detail"),
    "bug": KeyError("hush-hush"),
}


class RaisingView(APIView):
    def get(self, request: Request, kind: str) -> Response:
        raise RAISED[kind]


class FineView(APIView):
    def get(self, request: Request) -> Response:
        return Response({"fine": True})

    def delete(self, request: Request) -> Response:
        return Response(status=204)


def plain(request: HttpRequest, kind: str) -> HttpResponse:
    """Outside of DRF."""
    raise RAISED[kind]


urlpatterns = [
    path("fine", FineView.as_view()),
    path("raise/<kind>", RaisingView.as_view()),
    path("plain/<kind>", plain),
    re_path(r"(?s)^caught/.*", NotFoundView.as_view()),
]

handler400 = "problems.handler.bad_request"
handler404 = "problems.handler.page_not_found"
handler500 = "problems.handler.server_error"
