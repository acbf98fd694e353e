"""What stands for the whole session, for every folder of tests."""

from collections.abc import Iterator

import pytest

from tests.support.certificates import tls_transport
from tests.support.servers import PLAIN, SharedServers, Transport, shared_servers

__all__ = ["tls_transport"]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedServers]:
    """The nodes and gateways that tests may use but not change."""
    with shared_servers(tmp_path_factory.mktemp("shared")) as servers:
        yield servers


@pytest.fixture(scope="session")
def transport(request: pytest.FixtureRequest, tls_transport: Transport) -> Transport:
    """How clients reach the gateway. The tests of a module that is marked ``over_tls`` are done
    with TLS as well.
    """
    return tls_transport if getattr(request, "param", "http") == "https" else PLAIN


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "over_tls: done with plain HTTP and with TLS")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "transport" not in metafunc.fixturenames:
        return
    if any(metafunc.definition.iter_markers("over_tls")):
        metafunc.parametrize("transport", ["http", "https"], indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Once is enough over TLS: with MinIO, where the nodes may be moto as well."""
    left_out = [item for item in items if _is_tls_with_moto(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _is_tls_with_moto(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    given = {} if callspec is None else callspec.params
    return given.get("transport") == "https" and given.get("server") == "moto"
