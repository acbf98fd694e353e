"""System checks of the settings about nodes."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from nodes.discovery import ALIASES, discovery_class, get_discovery


@register()
def discovery(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: object,
) -> list[CheckMessage]:
    """The discovery backend exists and can work with its options."""
    try:
        discovery_class(settings.OBJGW_DISCOVERY)
    except ImportError as error:
        return [
            Error(
                f"OBJGW_DISCOVERY must be one of {', '.join(ALIASES)} or the dotted path of a "
                f"discovery backend, not '{settings.OBJGW_DISCOVERY}': {error}.",
                id="objgw.E002",
            )
        ]
    return [Error(problem, id="objgw.E003") for problem in get_discovery().check()]
