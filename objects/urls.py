from django.urls import re_path

from objects.views import ObjectView

urlpatterns = [
    # Anything at all: what is not an id gets an answer that says what an id is.
    re_path(r"(?s)^object/(?P<object_id>.+)\Z", ObjectView.as_view(), name="object"),
]
