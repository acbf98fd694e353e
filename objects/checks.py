"""System checks of the settings about objects."""

import re
from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from objects.routing import ALIASES, router_class
from objects.store import PART_SIZE, get_trust, spool_share

# The rules for bucket names that every S3 server agrees on.
_BUCKET = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


@register()
def router(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: object,
) -> list[CheckMessage]:
    """The router exists."""
    try:
        router_class(settings.OBJGW_ROUTER)
    except ImportError as error:
        return [
            Error(
                f"OBJGW_ROUTER must be {', '.join(ALIASES)} or the dotted path of a router, "
                f"not '{settings.OBJGW_ROUTER}': {error}.",
                id="objgw.E004",
            )
        ]
    return []


@register()
def bucket(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: object,
) -> list[CheckMessage]:
    """The bucket's name is one that an S3 server takes."""
    if _BUCKET.fullmatch(settings.OBJGW_BUCKET):
        return []
    return [
        Error(
            "OBJGW_BUCKET must be 3 to 63 lower-case letters, digits and hyphens, with a letter "
            f"or digit at both ends, not '{settings.OBJGW_BUCKET}'.",
            id="objgw.E005",
        )
    ]


@register()
def spool(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: object,
) -> list[CheckMessage]:
    """A worker's share of the spool holds one part at least."""
    if spool_share() >= PART_SIZE:
        return []
    return [
        Error(
            f"OBJGW_SPOOL_SIZE must be at least {PART_SIZE // 2**20} MiB for each of "
            f"OBJGW_WORKERS, not {spool_share()} bytes for each.",
            id="objgw.E006",
        )
    ]


@register()
def node_authorities(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: object,
) -> list[CheckMessage]:
    """The file with the authorities that sign nodes' certificates can be read, if there is one."""
    if not settings.OBJGW_NODE_CA or (complaint := get_trust().complaint()) is None:
        return []
    return [
        Error(
            "OBJGW_NODE_CA must be the path of a PEM file with the certificates of the "
            f"authorities that sign the nodes'; {settings.OBJGW_NODE_CA} {complaint}.",
            id="objgw.E011",
        )
    ]
