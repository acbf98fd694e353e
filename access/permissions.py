"""DRF's permission class, which goes by the scopes that a view requires."""

from typing import Any, cast

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from access.grant import Grant, is_prefix
from access.problems import (
    IdNotAllowed,
    InsufficientScope,
    InvalidLink,
    TokenRequired,
    wants_page,
)


def grant_of(request: Request) -> Grant | None:
    """What the request's token or link allows; None where everybody may do everything."""
    return cast("Grant | None", request.user) if request.authenticators else None


class ScopePermission(BasePermission):
    """Asks for the scope that the view names for the method (``required_scopes``), and that an id
    in the path be one of those that the token is about. Some token is needed for any method but
    OPTIONS, which tells of the API alone.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        method = request.method or ""
        if method == "OPTIONS":
            return True
        grant = cast("Grant | None", request.user)
        if grant is None:
            raise TokenRequired(browser=wants_page(request.META))
        scope = view.required_scopes.get(method)
        if scope is not None and scope not in grant.scopes:
            if grant.link is not None:
                raise InvalidLink(f"The link is not good for {method}.")
            raise InsufficientScope.lacking(scope)
        # Whether it is an id is for the view to say.
        if (object_id := view.kwargs.get("object_id")) is not None and is_prefix(object_id):
            refuse_id(grant, object_id)
        return True


def may(request: Request, scope: str) -> bool:
    """Whether the request's token has a scope; everybody's has where there are none."""
    grant = grant_of(request)
    return not request.authenticators or (grant is not None and scope in grant.scopes)


def refuse_id(grant: Grant | None, object_id: str) -> None:
    """
    :raises IdNotAllowed: when the token is about other ids.
    """
    if grant is None or grant.covers(object_id):
        return
    prefixes = " or ".join(grant.prefixes or ())
    raise IdNotAllowed(
        f"The token does not allow this id: its ids begin with {prefixes}."
        if prefixes
        else "The token does not allow any id."
    )
