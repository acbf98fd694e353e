"""What applies to all tests.

With OBJGW_NO_SKIPS=1, as in CI, a run in which a test was skipped has failed.

A test that asks for an engine or a binary and finds none is skipped on a developer's machine. In
CI that would be a green run which has shown nothing.
"""

import os
import signal
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from hypothesis import HealthCheck, settings

from nodes.discovery import get_discovery
from nodes.membership import get_membership
from objects.routing import get_router
from objects.service import get_service
from objects.store import get_spool, get_stores, get_trust

# How fast a machine is that does something else as well says nothing about a property.
settings.register_profile("objgw", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("objgw")

# A shell without job control starts what ends with & deaf to Ctrl-C, and all of its children, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_SINGLETONS = (
    get_discovery,
    get_membership,
    get_router,
    get_spool,
    get_stores,
    get_trust,
    get_service,
)


@pytest.fixture(autouse=True)
def fresh_singletons() -> Iterator[None]:
    """What belongs to a process starts afresh for each test: nothing that one made with its
    settings is there for the next.
    """
    _forget()
    yield
    _forget()


def _forget() -> None:
    for singleton in _SINGLETONS:
        singleton.cache_clear()
    cache.clear()


def _skipped(config: pytest.Config) -> int:
    if os.environ.get("OBJGW_NO_SKIPS") != "1":
        return 0
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return 0 if reporter is None else len(reporter.stats.get("skipped", []))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.OK and _skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if skipped := _skipped(config):
        terminalreporter.section("skipped, and OBJGW_NO_SKIPS is set", red=True)
        terminalreporter.line(f"{skipped} skipped (listed below): the run has failed.", red=True)
