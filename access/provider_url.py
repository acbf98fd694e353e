"""Where keys may be fetched from.

The settings import this module, so Django must not be imported here.
"""

import ipaddress
from urllib.parse import urlsplit


def is_provider_url(text: str) -> bool:
    """Whether keys that come from there are the provider's: nobody in between can change them."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
