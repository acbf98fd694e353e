"""A fast path for the busiest views: tokens that were verified before are remembered.

DRF's own way, from its authentication classes to its permission classes, takes four times as long,
and is used for all other requests.
"""

from typing import Any

from rest_framework.request import Request

from access.grant import is_prefix
from access.permissions import refuse_id
from access.verifier import get_verifier
from telemetry.exchange import note_subject


def admit(request: Request, view: Any, object_id: str) -> None:
    """Let a request in.

    :param view: has ``required_scopes``, see `ScopePermission`.
    :param object_id: that the path names.
    :raises Problem: as the authentication and permission classes do.
    """
    meta = request.META
    field = meta.get("HTTP_AUTHORIZATION")
    # A link is in the query.
    if field and not meta.get("QUERY_STRING"):
        grant = get_verifier().remembered(field)
        if grant is not None and view.required_scopes.get(request.method) in grant.scopes:
            # Whether it is an id is for the view to say.
            if grant.prefixes is not None and is_prefix(object_id):
                refuse_id(grant, object_id)
            request.user = grant  # type: ignore[assignment]  # as `BearerAuthentication` does
            note_subject(grant.subject, grant.token_id)
            return
    view.check_permissions(request)
