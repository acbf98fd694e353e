"""Fixtures, and the table at the end of the run."""

import itertools
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo.harness.s3nodes import MinioServer, NodeProcess, S3Server, running_nodes
from tests.faults.cluster import Cluster
from tests.faults.table import SHORT, Outcome, rendered
from tests.support.servers import Transport, minio_or_skip, versitygw_or_skip

_OUTCOMES = pytest.StashKey[list[Outcome]]()
_OUTCOME = pytest.StashKey[Outcome]()

RunCluster = Callable[..., Cluster]


@pytest.fixture(scope="session")
def minio() -> MinioServer:
    found = MinioServer.find()
    if found is None:
        pytest.skip("no minio binary here")
    return found


@pytest.fixture
def server(request: pytest.FixtureRequest) -> S3Server:
    """What the nodes run: MinIO, unless the test is done with others as well."""
    if getattr(request, "param", "minio") == "versitygw":
        return versitygw_or_skip()
    return minio_or_skip()


#: For tests that are done with each.
each_server = pytest.mark.parametrize(
    "server",
    ["minio", pytest.param("versitygw", marks=pytest.mark.versitygw)],
    indirect=True,
)


@pytest.fixture
def run_cluster(server: S3Server, tmp_path: Path, transport: Transport) -> Iterator[RunCluster]:
    """Starts nodes and a gateway: ``run_cluster(3, OBJGW_READ_TIMEOUT="1")``.

    With ``announced=False``, discovery does not answer yet.

    The snapshot lives long, unless told otherwise: what the gateway learns, it learns from faults.
    """
    numbers = itertools.count()
    with ExitStack() as stack:

        def run(count: int, *, announced: bool = True, **settings: str) -> Cluster:
            folder = tmp_path / f"cluster-{next(numbers)}"
            nodes: list[NodeProcess] = stack.enter_context(running_nodes(folder, count, server))
            cluster = Cluster.of(
                nodes, folder, transport, **{"OBJGW_SNAPSHOT_TTL": "3600", **settings}
            )
            stack.callback(lambda: print(cluster.gateway.log_tail(60)))
            stack.enter_context(cluster.gateway)
            if announced:
                cluster.announce()
                cluster.start_gateway()
            else:
                cluster.gateway.start(wait_for="/livez", timeout=60)
            return cluster

        yield run


@pytest.fixture
def outcome(request: pytest.FixtureRequest) -> Outcome:
    """The test's row in the table; named by the test's first line of documentation."""
    document = (request.function.__doc__ or request.node.name).strip().splitlines()[0].rstrip(".")
    parameters = getattr(request.node, "callspec", None)
    row = Outcome(document + (f": {parameters.id}" if parameters else ""))
    request.node.stash[_OUTCOME] = row
    request.config.stash.setdefault(_OUTCOMES, []).append(row)
    return row


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    long = [item for item in items if SHORT and item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    row = item.stash.get(_OUTCOME, None)
    if row is not None and report.when == "call":
        if report.passed:
            row.verdict = "holds"
        elif hasattr(report, "wasxfail"):
            row.verdict = "known bug"
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    outcomes = config.stash.get(_OUTCOMES, [])
    if outcomes:
        terminalreporter.section("faults")
        for line in rendered(outcomes):
            terminalreporter.line(line)
