"""Gateways and nodes for tests: those of one test, and those that stand for the whole session."""

import os
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.harness.children import ChildProcess, stop_children
from demo.harness.gateway import GatewayProcess, gateway_environment
from demo.harness.ports import free_port
from demo.harness.s3nodes import (
    LocalNode,
    MinioServer,
    NodeProcess,
    S3Server,
    VersityServer,
    prepare_nodes,
    start_nodes,
)

HOST = "127.0.0.1"
# Of whoever runs the tests, and nothing to the gateways in them.
_FOREIGN = ("OBJGW_", "DJANGO_", "DOCKER_", "WEB_CONCURRENCY", "GUNICORN_")

_DEFAULTS = {"OBJGW_LOG_LEVEL": "debug", "OBJGW_LOG_FORMAT": "console", "OBJGW_WORKERS": "1"}


def minio_or_skip() -> MinioServer:
    minio = MinioServer.find()
    if minio is None:
        pytest.skip("no minio binary here")
    return minio


def versitygw_or_skip() -> VersityServer:
    versitygw = VersityServer.find()
    if versitygw is None:
        pytest.skip("no versitygw binary here")
    return versitygw


def clean_environ() -> dict[str, str]:
    """This process's environment, without what would configure a gateway."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}


@dataclass(frozen=True)
class Transport:
    """Plain HTTP, or TLS, between clients and a gateway.

    :ivar settings: the gateway's.
    :ivar tls: the clients'; None for plain HTTP.
    """

    settings: dict[str, str]
    tls: ssl.SSLContext | None


PLAIN = Transport({}, None)


def make_gateway(
    nodes: Sequence[LocalNode], log: Path, transport: Transport = PLAIN, /, **settings: str
) -> GatewayProcess:
    """A gateway that is yet to be started. It logs everything.

    It has one worker, each of which takes a second of a processor to start, unless the test is
    about several: ``OBJGW_WORKERS="2"``.
    """
    environment = gateway_environment(nodes, environ={**clean_environ(), **_DEFAULTS})
    return GatewayProcess(
        HOST,
        free_port(HOST),
        environment={**environment, **transport.settings, **settings},
        log=log,
        tls=transport.tls,
    )


class SharedServers:
    """Nodes and gateways for tests that leave them as they are.

    Each is started when it is asked for first, and runs until the end of the session. A fixture
    with parameters could not do that: pytest ends its value whenever the parameter changes.
    """

    COUNT = 3

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._nodes: dict[str, list[NodeProcess]] = {}
        self._gateways: dict[tuple[str, frozenset[tuple[str, str]]], GatewayProcess] = {}

    def nodes(self, server: S3Server) -> list[NodeProcess]:
        """Three nodes that run this program."""
        if server.kind not in self._nodes:
            folder = self._folder / server.kind
            nodes = [NodeProcess(node, server) for node in prepare_nodes(folder, self.COUNT)]
            self._nodes[server.kind] = nodes
            start_nodes(nodes)
        return self._nodes[server.kind]

    def gateway(
        self, server: S3Server, transport: Transport = PLAIN, /, **settings: str
    ) -> GatewayProcess:
        """The gateway on these nodes that has these settings."""
        key = (server.kind, frozenset((transport.settings | settings).items()))
        if key not in self._gateways:
            nodes = [process.node for process in self.nodes(server)]
            log = self._folder / f"gateway-{len(self._gateways)}.log"
            self._gateways[key] = make_gateway(nodes, log, transport, **settings)
            self._gateways[key].start()
        return self._gateways[key]

    def stop(self) -> None:
        """End them all, the gateways first."""
        gateways: list[ChildProcess] = [*self._gateways.values()]
        stop_children(gateways)
        stop_children([process for nodes in self._nodes.values() for process in nodes])


@contextmanager
def shared_servers(folder: Path) -> Iterator[SharedServers]:
    """Servers that stand as long as the block lasts."""
    servers = SharedServers(folder)
    try:
        yield servers
    finally:
        servers.stop()
