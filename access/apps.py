from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "access"

    def ready(self) -> None:
        from django.conf import settings

        from access import checks  # noqa: F401  (registers the system checks)

        # Nothing of this is loaded by a gateway that asks nobody for a token.
        if settings.OBJGW_AUTH:
            from access import schema  # noqa: F401  (registers what the schema says of tokens)
