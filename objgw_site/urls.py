"""All paths of the gateway."""

from django.urls import path, re_path

from objects.urls import urlpatterns as object_paths
from objgw_site.status.urls import urlpatterns as status_paths
from objgw_site.views import DocsView, RootView, SchemaView
from problems.views import NotFoundView

# Without `include`, which makes another resolver for each request to go through.
urlpatterns = [
    *object_paths,
    *status_paths,
    path("", RootView.as_view(), name="root"),
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs", DocsView.as_view(url="schema", url_self="docs"), name="docs"),
    re_path("", NotFoundView.as_view()),
]

handler400 = "problems.handler.bad_request"
handler404 = "problems.handler.page_not_found"
handler500 = "problems.handler.server_error"
