"""Fixtures: real nodes whose layout changes, and gateways on them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import LocalNode, S3Server, running_nodes
from tests.support.client import Answer, Client
from tests.support.layouts import LayoutDriver
from tests.support.servers import make_gateway, minio_or_skip, versitygw_or_skip
from tests.support.waiting import eventually

#: Seconds; short, so that a change does not take long, and long enough for a machine that is busy.
LEASE = 2.0
SERVERS: Mapping[str, Callable[[], S3Server]] = {
    "minio": minio_or_skip,
    "versitygw": versitygw_or_skip,
}
#: For tests that are done with each.
each_server = pytest.mark.parametrize(
    "server",
    [
        pytest.param("minio", marks=pytest.mark.minio),
        pytest.param("versitygw", marks=pytest.mark.versitygw),
    ],
    indirect=True,
)


@dataclass
class Fleet:
    """Four nodes, and who changes their layout."""

    nodes: Sequence[LocalNode]
    driver: LayoutDriver
    run_gateway: Callable[..., GatewayProcess]

    def gateway(self, **settings: str) -> tuple[GatewayProcess, Client]:
        """Another gateway, and a client of it."""
        process = self.run_gateway(OBJGW_LAYOUT_LEASE=f"{LEASE:g}", **settings)
        return process, Client(process.host, process.port)

    def an_id(self, source: int | None, owner: int, *, nth: int = 0) -> str:
        """An id that goes from one node to another, or stays where it is, by their indices."""
        names = [node.name for node in self.driver.nodes]
        wanted = (None if source is None else names[source], names[owner])
        placement = self.driver.placement
        for number in range(10_000):
            object_id = f"id{number}"
            if (placement.source(object_id), placement.owner(object_id)) == wanted:
                if nth == 0:
                    return object_id
                nth -= 1
        raise AssertionError(f"no id goes from {source} to {owner}")


@pytest.fixture
def server(request: pytest.FixtureRequest) -> S3Server:
    """What the nodes run: MinIO, unless the test is done with others as well."""
    return SERVERS[getattr(request, "param", "minio")]()


@pytest.fixture
def fleet(tmp_path: Path, server: S3Server) -> Iterator[Fleet]:
    with ExitStack() as stack:
        nodes = stack.enter_context(running_nodes(tmp_path / "nodes", 4, server))

        def run(**settings: str) -> GatewayProcess:
            log = tmp_path / f"gateway-{len(list(tmp_path.glob('gateway-*')))}.log"
            process = make_gateway([node.node for node in nodes], log, **settings)
            stack.enter_context(process)
            process.start(timeout=60)
            return process

        driver = LayoutDriver(nodes, lease=LEASE)
        stack.callback(driver.close)
        yield Fleet([node.node for node in nodes], driver, run)


def layout_of(client: Client) -> Any:
    """What a gateway says of the layout that it acts by."""
    return client.request("GET", "/readyz").json["layout"]


def await_layout(client: Client, version: int) -> None:
    """Until a gateway with one worker acts by a version of the layout."""
    eventually(
        lambda: (layout_of(client) or {}).get("version") == version,
        f"the gateway acts by layout {version}",
    )


def assert_problem(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.json["code"]) == (status, code), answer
