"""What belongs to a process starts afresh for each test."""

from collections.abc import Iterator

import pytest

from nodes.discovery import get_discovery
from nodes.membership import get_membership
from objects.routing import get_router
from objects.service import get_service
from objects.store import get_stores


def _forget() -> None:
    for singleton in (get_discovery, get_membership, get_router, get_stores, get_service):
        singleton.cache_clear()


@pytest.fixture(autouse=True)
def fresh_singletons() -> Iterator[None]:
    """Nothing that a test made with its settings is there for the next one."""
    _forget()
    yield
    _forget()
