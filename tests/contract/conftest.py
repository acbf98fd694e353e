"""Fixtures: as in tests/functional, each test against moto nodes, MinIO and versitygw."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import MotoServer, S3Server
from tests.functional.conftest import gateway, run_gateway, run_nodes, s3_nodes
from tests.support.client import Answer, Client, random_id
from tests.support.servers import minio_or_skip, versitygw_or_skip

__all__ = ["gateway", "run_gateway", "run_nodes", "s3_nodes"]

_SERVERS: Mapping[str, Callable[[], S3Server]] = {
    "moto": MotoServer,
    "minio": minio_or_skip,
    "versitygw": versitygw_or_skip,
}


@pytest.fixture(
    scope="session",
    params=[
        "moto",
        pytest.param("minio", marks=pytest.mark.minio),
        pytest.param("versitygw", marks=pytest.mark.versitygw),
    ],
)
def server(request: pytest.FixtureRequest) -> S3Server:
    """The program that the nodes run."""
    return _SERVERS[request.param]()


def client_of(process: GatewayProcess) -> Client:
    return Client(process.host, process.port, tls=process.tls)


@pytest.fixture(scope="session")
def http(gateway: GatewayProcess) -> Client:
    return client_of(gateway)


@dataclass(frozen=True)
class Stored:
    """An object that was stored before the tests, and that they leave as it is."""

    path: str
    body: bytes
    etag: str
    last_modified: str
    headers: Answer


TEN = b"0123456789"
TEN_HEADERS = {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Language": "de",
    "Content-Disposition": 'attachment; filename="ten.txt"',
    "Cache-Control": "max-age=60",
    "X-Object-Meta-Colour": "blue",
}


def store(http: Client, body: bytes, headers: dict[str, str]) -> Stored:
    path = f"/object/{random_id()}"
    assert http.request("PUT", path, headers, body).status == 201
    head = http.request("HEAD", path)
    etag, last_modified = head["ETag"], head["Last-Modified"]
    assert etag
    assert last_modified
    return Stored(path, body, etag, last_modified, head)


@pytest.fixture(scope="session")
def ten(http: Client) -> Stored:
    """Ten bytes with all header fields that are stored, but for a coding."""
    return store(http, TEN, TEN_HEADERS)


@pytest.fixture(scope="session")
def empty(http: Client) -> Stored:
    return store(http, b"", {"Content-Type": "text/plain"})


#: Modules that do not depend on what the nodes run, or take long: versitygw is left out of them.
_NOT_ABOUT_SERVERS = {
    "test_cors",
    "test_cross_origin",
    "test_framing",
    "test_hostile_nodes",
    "test_hosts",
    "test_index",
    "test_links",
    "test_odd_requests",
    "test_protocol",
    "test_root_page",
    "test_schema",
    "test_schema_caching",
}


def pytest_configure(config: pytest.Config) -> None:
    for server in ("moto", "versitygw"):
        config.addinivalue_line(
            "markers", f"not_on_{server}(why): {server} deviates here; see why, or docs/nodes.md"
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a server cannot show. A skip would be a failure in CI, and rightly so."""
    left_out = [item for item in items if _shows_nothing(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _shows_nothing(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return False
    server = item.callspec.params.get("server")
    if item.get_closest_marker(f"not_on_{server}"):
        return True
    return server == "versitygw" and item.path.stem in _NOT_ABOUT_SERVERS
