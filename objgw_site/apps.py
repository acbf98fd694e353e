from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "objgw_site"
    verbose_name = "objgw"

    def ready(self) -> None:
        from objgw_site import checks  # noqa: F401  (registers the system checks)
