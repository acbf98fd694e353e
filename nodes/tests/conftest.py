"""What belongs to a process starts afresh for each test."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from nodes.discovery import get_discovery
from nodes.membership import get_membership


def _forget() -> None:
    get_discovery.cache_clear()
    get_membership.cache_clear()
    cache.clear()


@pytest.fixture(autouse=True)
def fresh_singletons() -> Iterator[None]:
    """Nothing that a test made with its settings is there for the next one."""
    _forget()
    yield
    _forget()
