"""All paths of the gateway."""

from django.urls import include, path, re_path

from objgw_site.views import DocsView, RootView, SchemaView
from problems.views import NotFoundView

urlpatterns = [
    path("", include("objects.urls")),
    path("", include("objgw_site.status.urls")),
    path("", RootView.as_view(), name="root"),
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs", DocsView.as_view(url="schema", url_self="docs"), name="docs"),
    re_path("", NotFoundView.as_view()),
]

handler400 = "problems.handler.bad_request"
handler404 = "problems.handler.page_not_found"
handler500 = "problems.handler.server_error"
