"""The answer for paths that lead nowhere."""

from rest_framework.request import Request
from rest_framework.views import APIView

from problems.problem import NotFound


class NotFoundView(APIView):
    """Any method, any path: 404."""

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        raise NotFound(f"There is nothing at {request.path}; GET / lists what there is.")
