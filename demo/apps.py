"""The demo: the gateway with S3 nodes of its own, on a machine without Docker."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Adds `manage.py demo`; it has no models and the production image leaves it out."""

    name = "demo"
