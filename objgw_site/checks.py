"""System checks: the environment variables have valid values."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import WARNING, CheckMessage, Error, register

from objgw_site.server.tls import TlsError, get_certificates


@register()
def environment(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: object,
) -> list[CheckMessage]:
    """One error for each environment variable whose value could not be read."""
    return [Error(text, id="objgw.E001") for text in settings.ENVIRONMENT_PROBLEMS]


@register()
def unknown_variables(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: object,
) -> list[CheckMessage]:
    """One warning for each environment variable that looks like a setting and is none."""
    return [CheckMessage(WARNING, text, id="objgw.W001") for text in settings.UNKNOWN_VARIABLES]


@register()
def certificate(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: object,
) -> list[CheckMessage]:
    """The certificate and its key can be used. A worker has them from the master already."""
    try:
        get_certificates()
    except TlsError as error:
        return [Error(str(error), id="objgw.E010")]
    return []
