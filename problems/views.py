"""The answer for paths that do not exist."""

from collections.abc import Sequence

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.views import APIView

from problems.problem import NotFound


class NotFoundView(APIView):
    """Any method, any path: 404."""

    #: Whoever asks: that nothing is there is no secret.
    authentication_classes: Sequence[type[BaseAuthentication]] = ()
    #: Set by DRF's own `initial`; without it, it cannot be decided which form the answer takes.
    format_kwarg = None

    @property
    def default_response_headers(self) -> dict[str, str]:
        """No Allow: nothing is here, so no method is allowed either."""
        return {}

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        raise NotFound(f"There is nothing at {request.path}; GET / lists what there is.")
