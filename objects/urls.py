from django.conf import settings
from django.urls import path, register_converter
from django.urls.converters import StringConverter

from objects.pages.index import IndexView
from objects.views import ObjectsView, ObjectView


class AnyTextConverter(StringConverter):
    """Anything at all: what is not an id gets an answer that says what an id is."""

    regex = r"[\s\S]+"


register_converter(AnyTextConverter, "any")

if settings.DEBUG:
    from objects.pages.views import ObjectBytes, ObjectPage, ObjectsPage

    urlpatterns = [
        path("object/<any:object_id>", ObjectBytes.as_view(), name="object"),
        path("object/", IndexView.as_view(), name="index"),
        path("objects", ObjectsPage.as_view(), name="objects"),
        path("objects/<str:object_id>", ObjectPage.as_view(), name="object-page"),
    ]
else:
    urlpatterns = [
        path("object/<any:object_id>", ObjectView.as_view(), name="object"),
        path("object/", IndexView.as_view(), name="index"),
        path("objects", ObjectsView.as_view(), name="objects"),
    ]
