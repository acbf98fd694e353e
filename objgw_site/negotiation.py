"""Which representation of an answer a client gets."""

from collections.abc import Iterable

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class ByPreference(DefaultContentNegotiation):
    """Goes by the weights in Accept (RFC 9110 section 12.5.1), which DRF leaves out.

    Among what is liked as well, the first renderer of the view wins.
    """

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderers = list(renderers)
        try:
            preferred = request.get_preferred_type([renderer.media_type for renderer in renderers])
        except ValueError:
            # A parameter that cannot be read; DRF takes such a type for one that matches nothing.
            preferred = None
        liked = [renderer for renderer in renderers if renderer.media_type == preferred]
        found: tuple[BaseRenderer, str] = super().select_renderer(
            request, liked or renderers, format_suffix
        )
        return found
