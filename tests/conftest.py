"""What stands for the whole session, for every folder of tests."""

from collections.abc import Iterator

import pytest

from tests.support.servers import SharedServers, shared_servers


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedServers]:
    """The nodes and gateways that tests may use but not change."""
    with shared_servers(tmp_path_factory.mktemp("shared")) as servers:
        yield servers
