"""How the pages of the browsable API look. Loaded in development only.

Apart from the views in objects.browsable, for DRF reads this while it is being imported.
"""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request


class PageRenderer(BrowsableAPIRenderer):
    """A page of this site rather than of DRF's."""

    template = "objects/page.html"

    def get_breadcrumbs(self, request: Request) -> list[tuple[str, str]]:
        # "/objects/", on the way to the page of an object, leads nowhere.
        crumbs: list[tuple[str, str]] = super().get_breadcrumbs(request)
        return [(name, url) for name, url in crumbs if url == "/" or not url.endswith("/")]

    def get_raw_data_form(self, data: Any, view: Any, method: str, request: Request) -> None:
        """None: what these pages take is a file, in a form."""


class ListingRenderer(PageRenderer):
    """The listing, with a link to each object's page."""

    def get_content(
        self,
        renderer: Any,
        data: Any,
        accepted_media_type: str | None,
        renderer_context: Mapping[str, Any],
    ) -> str:
        if isinstance(data, dict) and "objects" in data:
            request: Request = renderer_context["request"]
            objects = [
                {**entry, "page": page_url(request, entry["id"])} for entry in data["objects"]
            ]
            data = {**data, "objects": objects}
        content: str = super().get_content(renderer, data, accepted_media_type, renderer_context)
        return content


def page_url(request: Request, object_id: str) -> str:
    """Where the page about an object is."""
    return request.build_absolute_uri(reverse("object-page", args=[object_id]))
