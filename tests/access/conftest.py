"""Gateways that ask for tokens."""

from pathlib import Path

import pytest

from access.keyfile import write_keys
from access.keyset import ALGORITHMS, Key, KeySet
from access.tests.keys import new_key
from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import MotoServer
from tests.functional.conftest import client_of, run_gateway
from tests.support.client import Client
from tests.support.servers import SharedServers

__all__ = ["run_gateway"]

REVOKED = "revoked-one"


@pytest.fixture(scope="session")
def keys() -> dict[str, Key]:
    """One key of each algorithm."""
    return {algorithm: new_key(algorithm) for algorithm in ALGORITHMS}


@pytest.fixture(scope="session")
def keys_file(keys: dict[str, Key], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("access") / "keys.json"
    write_keys(path, KeySet(tuple(keys.values())), new=True)
    path.with_name("revoked").write_text(f"# tokens that count no more\n{REVOKED}\n")
    return path


@pytest.fixture(scope="session")
def closed(shared: SharedServers, keys_file: Path) -> GatewayProcess:
    """A gateway that asks for tokens."""
    return shared.gateway(
        MotoServer(),
        OBJGW_AUTH_KEYS=str(keys_file),
        OBJGW_AUTH_REVOKED=str(keys_file.with_name("revoked")),
        OBJGW_LOG_FORMAT="json",
    )


@pytest.fixture
def api(closed: GatewayProcess) -> Client:
    """A client of that gateway."""
    return client_of(closed)
