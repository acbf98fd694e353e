from django.urls import path

from nodes.views import LivezView, ReadyzView

urlpatterns = [
    path("livez", LivezView.as_view(), name="livez"),
    path("readyz", ReadyzView.as_view(), name="readyz"),
]
