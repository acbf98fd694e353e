from django.urls import path

from objgw_site.status.metrics import MetricsView
from objgw_site.status.views import LivezView, NodesView, ReadyzView

urlpatterns = [
    path("nodes", NodesView.as_view(), name="nodes"),
    path("livez", LivezView.as_view(), name="livez"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("readyz", ReadyzView.as_view(), name="readyz"),
]
