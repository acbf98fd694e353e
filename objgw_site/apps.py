from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "objgw_site"
    verbose_name = "objgw"

    def ready(self) -> None:
        from django import db
        from django.core.cache import close_caches
        from django.core.handlers.base import reset_urlconf
        from django.core.signals import request_finished, request_started

        from objgw_site import checks  # noqa: F401  (registers the system checks)

        # There is no database, no cache is used by requests, and all have the same URLs: nothing
        # needs to be tidied up for each request.
        request_started.disconnect(db.reset_queries)
        request_started.disconnect(db.close_old_connections)
        request_finished.disconnect(db.close_old_connections)
        request_finished.disconnect(close_caches)
        request_finished.disconnect(reset_urlconf)
