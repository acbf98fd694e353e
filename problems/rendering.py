"""The JSON format of every answer of this site."""

from collections.abc import Mapping
from typing import Any

from rest_framework import renderers


class JSONRenderer(renderers.JSONRenderer):
    """DRF's, with a line end behind it: without one, a shell's prompt sticks to the answer."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The document, as UTF-8; b"" for None."""
        document: bytes = super().render(data, accepted_media_type, renderer_context)
        return document + b"\n" if document else document
