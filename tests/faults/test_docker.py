"""The Docker daemon as the source of truth: its events, its absence, its silence, a herd."""

import itertools
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo.harness.ports import free_port
from tests.faults.cluster import Gateway, seen
from tests.faults.daemon import (
    NAME,
    Fleet,
    PrivateDaemon,
    docker_gateway,
    private_daemon,
    signal_daemon,
)
from tests.faults.procfs import connections
from tests.faults.table import Outcome, cases
from tests.faults.turnstile import Turnstile
from tests.support.servers import HOST
from tests.support.waiting import seconds_until

pytestmark = [pytest.mark.faults, pytest.mark.docker, pytest.mark.timeout(900)]

RunGateway = Callable[..., Gateway]
#: The promise is one second; this is for a machine that has other things to do.
SLACK = 10.0
HERD = 200
#: None of the herd is told that the node is busy.
PLENTY = {"OBJGW_NODE_CONCURRENCY": str(HERD)}
OLD = b"what was there before"


@pytest.fixture(scope="module")
def daemon() -> Iterator[PrivateDaemon]:
    with private_daemon() as found:
        yield found


@pytest.fixture
def fleet(daemon: PrivateDaemon) -> Iterator[Fleet]:
    with daemon.engine() as engine:
        found = Fleet(daemon, engine)
        try:
            yield found
        finally:
            daemon.resume()
            if not daemon.running:
                daemon.start()
            found.clear()


@pytest.fixture
def run_gateway(daemon: PrivateDaemon, tmp_path: Path) -> Iterator[RunGateway]:
    numbers = itertools.count()
    with ExitStack() as stack:

        def run(*, url: str = daemon.url, knowing: bool = True, **settings: str) -> Gateway:
            log = tmp_path / f"gateway-{next(numbers)}.log"
            gateway = docker_gateway(free_port(HOST), log, url, **settings)
            stack.callback(lambda: print(gateway.log_tail(60)))
            stack.enter_context(gateway)
            if knowing:
                gateway.start_knowing(f"{NAME}-1")
            else:
                gateway.start(wait_for="/livez", timeout=60)
            return gateway

        yield run


def states(gateway: Gateway) -> dict[str, str]:
    """Name to state, as the gateway has them."""
    answer = gateway.client.request("GET", "/nodes")
    return {row["name"]: row["state"] for row in answer.json} if answer.status == 200 else {}


def test_events(fleet: Fleet, run_gateway: RunGateway, outcome: Outcome) -> None:
    """Node's container stopped, started, killed, paused, renamed, removed: Docker's events"""
    one, two = fleet.name(1), fleet.name(2)
    container = fleet.add(1)
    # Nothing but an event can bring news within the hour.
    gateway = run_gateway(OBJGW_SNAPSHOT_TTL="3600", OBJGW_WORKERS="1")
    delays: dict[str, float] = {}

    def within_a_second(change: str, news: str, act: Callable[[], object]) -> None:
        before = gateway.logged().count(news)
        act()
        delays[change] = seconds_until(
            lambda: gateway.logged().count(news) > before, f"{change}: {news}", seconds=SLACK
        )

    within_a_second("stop", f"{one}: exited", container.stop)
    within_a_second("start", f"{one}: running", container.start)
    within_a_second("die", f"{one}: exited", container.kill)
    within_a_second("start again", f"{one}: running", container.start)
    within_a_second("pause", f"{one}: paused", container.pause)
    within_a_second("unpause", f"{one}: running", container.unpause)
    within_a_second("another one", f"{two}: running", lambda: fleet.add(2, wait=False))
    second = fleet.containers[-1]
    gone = "nodes are gone: "
    within_a_second("rename", f"{gone}{two}", lambda: second.rename(fleet.name(3)))
    within_a_second("destroy", f"{gone}{fleet.name(3)}", lambda: second.remove(force=True))
    assert states(gateway) == {one: "running"}
    slowest = max(delays, key=lambda change: delays[change])
    outcome.recovery = delays[slowest]
    outcome.saw(f"the membership follows each; slowest: {slowest}")


@pytest.mark.long
def test_container_restarted_on_another_address(
    fleet: Fleet, run_gateway: RunGateway, outcome: Outcome
) -> None:
    """Node's container restarted on another address"""
    container = fleet.add(1)
    gateway = run_gateway(OBJGW_SNAPSHOT_TTL="3600")
    assert gateway.client.put("abc", OLD).status == 201
    before = fleet.node(container).address
    container.stop(timeout=10)
    fleet.occupy()
    answers: set[str] = set()
    container.start()
    began = time.monotonic()

    def read() -> bool:
        answer = gateway.client.get_object("abc")
        answers.add(seen(answer))
        return answer.body == OLD

    seconds_until(lambda: all(read() for _ in range(8)), "the object is read again")
    outcome.recovery = time.monotonic() - began
    assert fleet.node(container).address != before
    assert answers <= {"200", "503 node_unavailable"}, answers
    outcome.saw("503 node_unavailable until MinIO serves, then 200")


def all_ready(gateway: Gateway, status: str) -> bool:
    return all(gateway.readiness()[1]["status"] == status for _ in range(8))


@pytest.mark.parametrize(
    "how", cases({"stopped": signal.SIGTERM, "killed": signal.SIGKILL}, "stopped")
)
def test_daemon_away_and_back(
    fleet: Fleet, run_gateway: RunGateway, outcome: Outcome, how: signal.Signals
) -> None:
    """Docker daemon away, then back"""
    container = fleet.add(1)
    gateway = run_gateway(OBJGW_SNAPSHOT_TTL="5")
    assert gateway.client.put("abc", OLD).status == 201
    signal_daemon(fleet.daemon, how)
    seconds_until(lambda: not fleet.daemon.running, "the daemon has ended")
    seconds_until(
        lambda: all_ready(gateway, "stale"), "every worker says that its snapshot is stale"
    )
    assert gateway.readiness()[0] == 200
    assert gateway.client.get_object("abc").body == OLD
    assert gateway.client.put("abc", OLD).status == 201
    assert "serving from the snapshot of" in gateway.logged()
    outcome.saw("nothing: 200 and 201 from the last snapshot")
    fleet.daemon.start()
    outcome.recovery = seconds_until(
        lambda: all_ready(gateway, "ready"), "every worker is ready again"
    )
    # Its events are listened to again: the news comes sooner than the snapshot's time is up.
    container.stop(timeout=10)
    seconds_until(
        lambda: all(states(gateway) == {fleet.name(1): "exited"} for _ in range(8)),
        "every worker has the node's state",
        seconds=SLACK,
    )


@pytest.mark.long
def test_daemon_absent_at_start(fleet: Fleet, run_gateway: RunGateway, outcome: Outcome) -> None:
    """Docker daemon absent at the gateway's start"""
    fleet.add(1)
    signal_daemon(fleet.daemon, signal.SIGTERM)
    seconds_until(lambda: not fleet.daemon.running, "the daemon has ended")
    gateway = run_gateway(knowing=False)
    for _ in range(6):
        assert seen(gateway.client.get_object("abc")) == "503 membership_unknown"
        status, report = gateway.readiness()
        assert (status, report["code"]) == (503, "membership_unknown")
    outcome.saw("503 membership_unknown")
    fleet.daemon.start()
    outcome.recovery = seconds_until(
        lambda: all(seen(gateway.client.put("abc", OLD)) == "201" for _ in range(8)),
        "every worker knows the nodes",
    )


@pytest.mark.long
def test_daemon_hangs(fleet: Fleet, run_gateway: RunGateway, outcome: Outcome) -> None:
    """Docker daemon hangs (SIGSTOP)"""
    fleet.add(1)
    gateway = run_gateway(OBJGW_SNAPSHOT_TTL="1", OBJGW_DISCOVERY_TIMEOUT="2")
    assert gateway.client.put("abc", OLD).status == 201
    fleet.daemon.pause()
    slowest = 0.0

    def stale() -> bool:
        nonlocal slowest
        for _ in range(8):
            began = time.monotonic()
            assert gateway.client.get_object("abc").body == OLD
            slowest = max(slowest, time.monotonic() - began)
        return all_ready(gateway, "stale")

    seconds_until(stale, "every worker says that its snapshot is stale", pause=0.1)
    # No request waits for a discovery that hangs: that would take its time limit.
    assert slowest < 2
    outcome.saw(f"nothing; the slowest of its GETs took {slowest * 1000:.0f} ms")
    fleet.daemon.resume()
    outcome.recovery = seconds_until(
        lambda: all_ready(gateway, "ready"), "every worker is ready again"
    )


@pytest.mark.long
def test_daemon_hangs_at_start(fleet: Fleet, run_gateway: RunGateway, outcome: Outcome) -> None:
    """Docker daemon hangs at the gateway's start"""
    fleet.add(1)
    fleet.daemon.pause()
    gateway = run_gateway(knowing=False, OBJGW_DISCOVERY_TIMEOUT="2")
    began = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        answers = set(pool.map(lambda _: seen(gateway.client.get_object("abc")), range(20)))
    took = time.monotonic() - began
    assert answers == {"503 membership_unknown"}
    assert took < 30
    outcome.saw(f"503 membership_unknown, 20 at once within {took:.1f} s")
    fleet.daemon.resume()
    outcome.recovery = seconds_until(lambda: all_ready(gateway, "ready"), "every worker is ready")


def ask_all_at_once(gateway: Gateway, turnstile: Turnstile) -> list[str]:
    """Send the herd; let the listings through only once all of it waits."""
    with ThreadPoolExecutor(HERD) as pool:
        answers = [pool.submit(gateway.client.get_object, "abc") for _ in range(HERD)]
        seconds_until(
            lambda: connections(gateway.port) >= 2 * HERD or all(a.done() for a in answers),
            "the whole herd is there",
        )
        turnstile.let_listings.set()
        return [seen(answer.result()) for answer in answers]


def test_herd_without_snapshot(fleet: Fleet, run_gateway: RunGateway, outcome: Outcome) -> None:
    """200 requests at once, no snapshot"""
    fleet.add(1)
    path = fleet.daemon.folder / "turnstile-1.sock"
    with Turnstile(path, fleet.daemon.socket).turning() as turnstile:
        gateway = run_gateway(
            url=turnstile.url, knowing=False, OBJGW_DISCOVERY_TIMEOUT="60", **PLENTY
        )
        answers = ask_all_at_once(gateway, turnstile)
        assert set(answers) == {"404 object_not_found"}
        assert turnstile.listings == len(gateway.worker_pids()) == 2
    outcome.saw("one listing a process")


@pytest.mark.long
def test_herd_on_an_expired_snapshot(
    fleet: Fleet, run_gateway: RunGateway, outcome: Outcome
) -> None:
    """200 requests at once, snapshot expired"""
    fleet.add(1)
    path = fleet.daemon.folder / "turnstile-2.sock"
    with Turnstile(path, fleet.daemon.socket).turning() as turnstile:
        turnstile.let_listings.set()
        gateway = run_gateway(
            url=turnstile.url, OBJGW_SNAPSHOT_TTL="2", OBJGW_DISCOVERY_TIMEOUT="60", **PLENTY
        )
        assert gateway.client.put("abc", OLD).status == 201
        seconds_until(lambda: all_ready(gateway, "ready"), "every worker has a snapshot")
        turnstile.let_listings.clear()
        before = turnstile.listings
        seconds_until(
            lambda: turnstile.listings - before == 2, "both keepers wait for their listings"
        )
        seconds_until(
            lambda: float(gateway.readiness()[1]["snapshot_age"]) > 3, "the snapshot is too old"
        )
        # Nobody waits for the listing that is under way.
        with ThreadPoolExecutor(HERD) as pool:
            answers = set(pool.map(lambda _: seen(gateway.client.get_object("abc")), range(HERD)))
        assert answers == {"200"}
        assert turnstile.listings - before == 2
    outcome.saw("200 from the old snapshot; one listing a process, for which nobody waits")


@pytest.mark.long
def test_node_is_named_after_its_container(fleet: Fleet, run_gateway: RunGateway) -> None:
    """The private daemon's nodes, and none of the shared one's."""
    fleet.add(1)
    assert list(states(run_gateway())) == [f"{NAME}-1"]
