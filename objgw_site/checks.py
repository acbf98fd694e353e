"""System check: what the environment holds could be read."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def environment(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: object,
) -> list[CheckMessage]:
    """One error for each environment variable whose value could not be read."""
    return [Error(text, id="objgw.E001") for text in settings.ENVIRONMENT_PROBLEMS]
