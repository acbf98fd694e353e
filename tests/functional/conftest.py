"""Fixtures: real nodes, real gateways under gunicorn, all local processes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import LocalNode, MotoServer, NodeProcess, S3Server, running_nodes
from tests.support.client import Client
from tests.support.servers import SharedServers, Transport, make_gateway, minio_or_skip

RunGateway = Callable[..., GatewayProcess]
RunNodes = Callable[[int], list[NodeProcess]]


def client_of(gateway: GatewayProcess) -> Client:
    return Client(gateway.host, gateway.port, tls=gateway.tls)


@pytest.fixture(scope="session", params=["moto", pytest.param("minio", marks=pytest.mark.minio)])
def server(request: pytest.FixtureRequest) -> S3Server:
    """The program that the nodes run: every test is done with each."""
    return MotoServer() if request.param == "moto" else minio_or_skip()


@pytest.fixture(scope="session")
def s3_nodes(server: S3Server, shared: SharedServers) -> list[NodeProcess]:
    """Three nodes for all tests that leave them as they are."""
    return shared.nodes(server)


@pytest.fixture(scope="session")
def gateway(server: S3Server, shared: SharedServers, transport: Transport) -> GatewayProcess:
    """A gateway on these nodes, of two workers: either of them answers."""
    return shared.gateway(server, transport, OBJGW_WORKERS="2")


@pytest.fixture
def api(gateway: GatewayProcess) -> Client:
    """A client of that gateway."""
    if not gateway.running:
        pytest.fail(gateway.death_notice())
    return client_of(gateway)


@pytest.fixture
def run_nodes(server: S3Server, tmp_path: Path) -> Iterator[RunNodes]:
    """Starts nodes of the test's own, to be stopped, frozen or moved at will."""
    with ExitStack() as stack:

        def run(count: int) -> list[NodeProcess]:
            return stack.enter_context(running_nodes(tmp_path / f"{count}-nodes", count, server))

        yield run


@pytest.fixture
def run_gateway(tmp_path: Path, transport: Transport) -> Iterator[RunGateway]:
    """Starts further gateways: `run_gateway(nodes, wait_for="/livez", OBJGW_READ_TIMEOUT="1")`."""
    with ExitStack() as stack:

        def run(
            nodes: Sequence[NodeProcess | LocalNode], *, wait_for: str = "/readyz", **settings: str
        ) -> GatewayProcess:
            log = tmp_path / f"gateway-{len(list(tmp_path.glob('gateway-*')))}.log"
            given = [node.node if isinstance(node, NodeProcess) else node for node in nodes]
            process = stack.enter_context(make_gateway(given, log, transport, **settings))
            process.start(wait_for=wait_for)
            return process

        yield run
