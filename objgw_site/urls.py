"""All paths of the gateway."""

from django.urls import include, path, re_path

from problems.views import NotFoundView

urlpatterns = [
    path("", include("objects.urls")),
    path("", include("nodes.urls")),
    re_path(r"(?s).*", NotFoundView.as_view()),
]

handler400 = "problems.handler.bad_request"
handler404 = "problems.handler.page_not_found"
handler500 = "problems.handler.server_error"
