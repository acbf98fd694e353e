"""The gateway's settings, and a path whose view fails with keys all around."""

import os
from typing import NoReturn

from django.core.cache import cache
from django.http import HttpRequest
from django.urls import include, path

from nodes.membership import CACHE_KEY, get_membership
from objgw_site.settings import *  # noqa: F403
from objgw_site.settings import OBJGW_NODES

ROOT_URLCONF = __name__


def fail(request: HttpRequest) -> NoReturn:
    node = get_membership().current().nodes[0]
    credentials = node.credentials
    assert credentials is not None
    snapshot = cache.get(CACHE_KEY)
    environment = dict(os.environ)
    wrapped = [(("deep",), {"in": [OBJGW_NODES]})]
    plain = credentials.secret_key
    torn = (" " * 60 + credentials.secret_key).encode() * 3
    authorization = f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/x, Signature=abcdef"
    container = ["PATH=/bin", "MINIO_ROOT_PASSWORD=not-known-yet", "MINIO_ROOT_USER=nor-this"]
    trimmed = "x" * 4090 + credentials.secret_key
    raise RuntimeError(
        f"{credentials.secret_key} of {node} {snapshot} "
        f"{len(environment)} {wrapped} {plain} {torn!r} {authorization} {container} {trimmed}"
    )


urlpatterns = [path("fail", fail), path("", include("objgw_site.urls"))]
