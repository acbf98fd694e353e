"""A node that breaks, in every way that it can: its ids suffer, nobody else's, and it heals."""

import re
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from demo.harness.ports import free_port
from demo.harness.s3nodes import MinioServer, NodeProcess, prepare_nodes
from nodes.node import NodeState
from tests.faults.bodies import MIB, SHAPES, Shape
from tests.faults.cluster import Cluster, seen
from tests.faults.conftest import RunCluster, each_server
from tests.faults.table import Outcome, cases
from tests.faults.wire import put_body, put_head
from tests.functional.stored import keys_in, s3_client
from tests.support.client import Answer, random_id
from tests.support.waiting import seconds_until

pytestmark = [pytest.mark.faults, pytest.mark.minio, pytest.mark.timeout(600)]

OLD = b"what was there before"


def every_answer(cluster: Cluster, object_id: str, times: int = 6) -> set[str]:
    """What GET, HEAD and PUT give, asked often enough that each worker answers."""
    answers = set()
    for _ in range(times):
        answers.add(seen(cluster.client.get_object(object_id)))
        answers.add(seen(cluster.client.put(object_id, b"new")))
        head = cluster.client.request("HEAD", f"/object/{object_id}")
        answers.add(f"{head.status} to HEAD")
    return answers


def assert_untouched(cluster: Cluster, ids: list[str]) -> None:
    for object_id in ids:
        assert cluster.client.get_object(object_id).body == OLD
        assert cluster.client.put(object_id, OLD).status == 201


def snapshot_age(cluster: Cluster) -> float:
    """Of whichever worker answers."""
    return float(cluster.gateway.readiness()[1]["snapshot_age"])


def recovered(cluster: Cluster, object_id: str) -> float:
    """Seconds until the old object is read again, twenty times in a row."""
    return seconds_until(
        lambda: all(cluster.client.get_object(object_id).body == OLD for _ in range(20)),
        "the node's object is read again",
    )


@each_server
@pytest.mark.parametrize(
    "end", cases({"SIGTERM": NodeProcess.stop, "SIGKILL": NodeProcess.kill}, "SIGKILL")
)
def test_ended(
    run_cluster: RunCluster, outcome: Outcome, end: Callable[[NodeProcess], None]
) -> None:
    """Node ended"""
    cluster = run_cluster(3)
    ids = cluster.put_one_on_each(OLD)
    node = cluster.nodes[1]
    end(node)
    began = time.monotonic()
    first = cluster.client.get_object(ids[1])
    assert time.monotonic() - began < 5
    assert (first.status, first.code) == (503, "node_unavailable")
    assert int(first.headers["retry-after"]) > 0
    assert every_answer(cluster, ids[1]) == {"503 node_unavailable", "503 to HEAD"}
    assert_untouched(cluster, [ids[0], ids[2]])
    outcome.saw("503 node_unavailable for its ids, the others untouched")
    node.start(timeout=60)
    outcome.recovery = recovered(cluster, ids[1])


@pytest.mark.long
def test_ended_and_discovery_says_so(run_cluster: RunCluster, outcome: Outcome) -> None:
    """Node stopped, and its container's state says so"""
    cluster = run_cluster(2, OBJGW_SNAPSHOT_TTL="0.5")
    ids = cluster.put_one_on_each(OLD)
    name = cluster.nodes[0].node.name
    cluster.nodes[0].stop()
    cluster.states[name] = NodeState.EXITED
    cluster.announce()

    def says_why() -> bool:
        return "exited" in cluster.client.get_object(ids[0]).json["detail"]

    seconds_until(says_why, "the answer says that the container is exited", pause=0.1)
    assert_untouched(cluster, [ids[1]])
    outcome.saw("503 node_unavailable, and why")
    cluster.nodes[0].start(timeout=60)
    del cluster.states[name]
    cluster.announce()
    outcome.recovery = recovered(cluster, ids[0])


def test_paused(run_cluster: RunCluster, outcome: Outcome) -> None:
    """Node paused, and its container's state says so"""
    cluster = run_cluster(3, OBJGW_SNAPSHOT_TTL="0.5")
    ids = cluster.put_one_on_each(OLD)
    node = cluster.nodes[1]
    node.pause()
    cluster.states[node.node.name] = NodeState.PAUSED
    cluster.announce()
    says_so = f"node {node.node.name}: paused"
    seconds_until(lambda: says_so in cluster.gateway.logged(), "the gateway knows")
    seconds_until(
        lambda: all(
            seen(cluster.client.get_object(ids[1])) == "503 node_unavailable" for _ in range(8)
        ),
        "every worker knows",
    )
    began = time.monotonic()
    assert every_answer(cluster, ids[1]) == {"503 node_unavailable", "503 to HEAD"}
    # 18 requests, none of which waited for the read timeout of 30 s.
    assert time.monotonic() - began < 25
    assert "is paused" in cluster.client.get_object(ids[1]).json["detail"]
    assert_untouched(cluster, [ids[0], ids[2]])
    outcome.saw("503 node_unavailable at once, the others untouched")
    node.resume()
    del cluster.states[node.node.name]
    cluster.announce()
    outcome.recovery = recovered(cluster, ids[1])


def test_unpaused_a_moment_ago(run_cluster: RunCluster, outcome: Outcome) -> None:
    """Node unpaused, and the snapshot calls it paused still: first request after it"""
    cluster = run_cluster(2, OBJGW_WORKERS="1")
    ids = cluster.put_one_on_each(OLD)
    node = cluster.nodes[0]
    node.pause()
    cluster.states[node.node.name] = NodeState.PAUSED
    cluster.announce()
    # The first request after the pause waits for the node, so it is one that need not come back:
    # nothing but a failure makes the gateway look again within the hour.
    cluster.gateway.restart_knowing(node.node.name)
    assert seen(cluster.client.get_object(ids[0])) == "503 node_unavailable"
    node.resume()
    del cluster.states[node.node.name]
    cluster.announce()
    seconds_until(lambda: snapshot_age(cluster) > 1, "the snapshot is a second old")
    assert cluster.client.get_object(ids[0]).body == OLD
    outcome.saw("200 at the first try")


def test_hangs(run_cluster: RunCluster, outcome: Outcome) -> None:
    """Node hangs without saying so (SIGSTOP)"""
    # One worker, whose bulkhead is half-open after the first timeout.
    cluster = run_cluster(3, OBJGW_READ_TIMEOUT="2", OBJGW_WORKERS="1")
    ids = cluster.put_one_on_each(OLD)
    cluster.nodes[1].pause()
    began = time.monotonic()
    first = cluster.client.get_object(ids[1])
    waited = time.monotonic() - began
    assert (first.status, first.code) == (504, "node_timeout")
    assert 1.5 < waited < 10
    outcome.saw(f"504 node_timeout after {waited:.1f} s (read timeout 2 s)")
    # One request at a time finds out whether it is back; whoever comes meanwhile is told at once.
    # Which of two that is, is not ours to say.
    request = f"GET /object/{ids[1]} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    with cluster.client.wire() as one, cluster.client.wire() as other:
        began = time.monotonic()
        one.send(request)
        other.send(request)
        [told], _, _ = select.select([one.socket, other.socket], [], [], 10)
        fast = time.monotonic() - began
        answer = b"".join(iter(lambda: told.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"node_busy" in answer
        assert fast < 1
        assert_untouched(cluster, [ids[0], ids[2]])
    outcome.saw(f"then 503 node_busy after {fast * 1000:.0f} ms, the others untouched")
    cluster.nodes[1].resume()
    outcome.recovery = recovered(cluster, ids[1])


def get_old(cluster: Cluster, object_id: str) -> bool:
    return cluster.client.get_object(object_id).body == OLD


def head_old(cluster: Cluster, object_id: str) -> bool:
    answer = cluster.client.request("HEAD", f"/object/{object_id}")
    return answer.headers["content-length"] == str(len(OLD))


def deleted(cluster: Cluster, object_id: str) -> bool:
    return cluster.client.request("DELETE", f"/object/{object_id}").status == 204


def listed(cluster: Cluster, object_id: str) -> bool:
    answer = cluster.client.request("GET", "/objects")
    return object_id in {entry["id"] for entry in answer.json["objects"]}


def putting(shape: Shape) -> Callable[[Cluster, str], bool]:
    def put(cluster: Cluster, object_id: str) -> bool:
        answer = cluster.client.put(object_id, shape.sendable())
        return answer.status == 201 and cluster.client.get_object(object_id).body == shape.content

    return put


FIRST_REQUESTS: dict[str, Callable[[Cluster, str], bool]] = {
    "GET": get_old,
    "HEAD": head_old,
    "DELETE": deleted,
    "listing": listed,
    **{f"PUT {name}": putting(shape) for name, shape in SHAPES.items()},
}


@pytest.mark.parametrize("first", cases(FIRST_REQUESTS, "PUT streamed"))
def test_moved(
    run_cluster: RunCluster, outcome: Outcome, first: Callable[[Cluster, str], bool]
) -> None:
    """Node restarted on another address, first request after it"""
    cluster = run_cluster(2, OBJGW_WORKERS="1")
    ids = cluster.put_one_on_each(OLD)
    cluster.move(cluster.nodes[0])
    # Failures bring one discovery a second at most, so the last must be a second ago.
    seconds_until(lambda: snapshot_age(cluster) > 1, "the snapshot is a second old")
    began = time.monotonic()
    assert first(cluster, ids[0])
    outcome.recovery = time.monotonic() - began
    outcome.saw("success at the first try")
    assert_untouched(cluster, [ids[1]])
    assert f"running at {cluster.nodes[0].node.endpoint}" in cluster.gateway.logged()


@pytest.mark.long
def test_two_nodes_swap_addresses(run_cluster: RunCluster, outcome: Outcome) -> None:
    """Two nodes restarted, each on the address of the other"""
    cluster = run_cluster(2)
    one, other = cluster.nodes
    ids = cluster.put_one_on_each(OLD)
    ports = one.node.port, other.node.port
    one.stop()
    other.restart(port=ports[0])
    one.restart(port=ports[1])
    cluster.announce()
    answers: set[str] = set()

    def both_read() -> bool:
        found = [cluster.client.get_object(object_id) for object_id in ids * 4]
        answers.update(seen(answer) for answer in found)
        return all(answer.body == OLD for answer in found)

    outcome.recovery = seconds_until(both_read, "both objects are read")
    # Never 404, for the objects exist; and nothing is written where nobody will look.
    assert answers <= {"200", "502 node_error", "503 node_unavailable"}, answers
    outcome.saw(", ".join(sorted(answers)) + "; never 404")
    for object_id in ids:
        assert cluster.client.put(object_id, b"new").status == 201
    for process, object_id in zip(cluster.nodes, ids, strict=True):
        assert keys_in(process) == {("objects", object_id)}


@pytest.mark.long
def test_slow_start(run_cluster: RunCluster, outcome: Outcome) -> None:
    """Node slow to start"""
    cluster = run_cluster(2, OBJGW_READ_TIMEOUT="2")
    ids = cluster.put_one_on_each(OLD)
    node = cluster.nodes[0]
    node.kill()
    answers: set[str] = set()

    def read() -> bool:
        answer = cluster.client.get_object(ids[0])
        answers.add(seen(answer))
        assert answer.status != 200 or answer.body == OLD
        return answer.status == 200

    node.launch()
    # Three times it begins to start and is held up, so that whatever it says meanwhile is heard.
    for _ in range(3):
        assert not read() or answers
        node.pause()
        for _ in range(2):
            read()
        node.resume()
    outcome.recovery = seconds_until(read, "the node's object is read", pause=0.005)
    allowed = {"200", "503 node_unavailable", "503 node_busy", "504 node_timeout"}
    assert answers <= allowed, answers
    outcome.saw(", ".join(sorted(answers - {"200"})) + ", then 200; never 404 or 502")


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A tmpfs of this size on a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    size = f"size={megabytes}m"
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mount.stderr.decode()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def occupied(data: Path) -> Path:
    """Fill the disk with a file that is not the node's."""
    ballast = data / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(MIB))
        except OSError:
            pass
    return ballast


@each_server
@pytest.mark.parametrize("shape", cases(SHAPES, "small"))
def test_disk_full(run_cluster: RunCluster, tmp_path: Path, outcome: Outcome, shape: Shape) -> None:
    """Disk full, PUT"""
    cluster = run_cluster(2)
    node = cluster.nodes[0]
    node.stop()
    data = node.node.folder / "data"
    shutil.rmtree(data)
    with small_disk(data, 96):
        node.start(timeout=60)
        try:
            ids = cluster.put_one_on_each(OLD)
            new = cluster.id_on(0)
            ballast = occupied(data)
            answers: set[str] = set()

            def refused() -> bool:
                answers.add(first_answer(cluster, ids[0], shape))
                assert cluster.client.get_object(ids[0]).body == OLD
                return "507 node_full" in answers

            try:
                seconds_until(refused, "the node is called full", seconds=10, pause=0.2)
            finally:
                outcome.saw(", ".join(sorted(answers)) + "; the old object intact")
            assert answers == {"507 node_full"}
            assert first_answer(cluster, new, shape) == "507 node_full"
            assert cluster.client.get_object(new).status == 404
            assert_untouched(cluster, [ids[1]])
            ballast.unlink()
            outcome.recovery = seconds_until(
                lambda: first_answer(cluster, new, shape) == "201",
                "the node takes objects again",
                pause=0.2,
            )
            assert cluster.client.get_object(new).body == shape.content
        finally:
            node.stop()


def first_answer(cluster: Cluster, object_id: str, shape: Shape) -> str:
    """What a PUT is answered, be it before all of its body is sent."""
    with cluster.client.wire() as connection:
        with suppress(ConnectionError):
            connection.send(put_head(object_id, shape) + put_body(shape))
        return seen(connection.answer("PUT"))


def remove_bucket(process: NodeProcess) -> None:
    with s3_client(process.node) as client:
        for found in client.list_objects("objects", recursive=True):
            client.remove_object("objects", str(found.object_name))
        client.remove_bucket("objects")


def empty_disk(process: NodeProcess) -> None:
    process.stop()
    shutil.rmtree(process.node.folder / "data")
    process.start(timeout=60)


LOSSES = {"bucket removed": remove_bucket, "empty disk after a restart": empty_disk}


@pytest.mark.parametrize("shape", cases(SHAPES, "streamed"))
@pytest.mark.parametrize("lose", cases(LOSSES, "empty disk after a restart"))
def test_data_lost(
    run_cluster: RunCluster,
    outcome: Outcome,
    lose: Callable[[NodeProcess], None],
    shape: Shape,
) -> None:
    """Node lost its data, PUT"""
    cluster = run_cluster(2)
    ids = cluster.put_one_on_each(OLD)
    lose(cluster.nodes[0])
    assert seen(cluster.client.get_object(ids[0])) == "404 object_not_found"
    began = time.monotonic()
    assert cluster.client.put(ids[0], shape.sendable()).status == 201
    outcome.recovery = time.monotonic() - began
    assert cluster.client.get_object(ids[0]).body == shape.content
    outcome.saw("404 for what is lost, 201 to the first PUT")
    assert_untouched(cluster, [ids[1]])


def test_wrong_keys(run_cluster: RunCluster, outcome: Outcome) -> None:
    """Node's keys wrong, then mended"""
    cluster = run_cluster(2)
    ids = cluster.put_one_on_each(OLD)
    name = cluster.nodes[0].node.name
    # New keys, and discovery still tells the old ones.
    cluster.nodes[0].stop()
    cluster.nodes[0].environment["MINIO_ROOT_PASSWORD"] = "a-new-password"
    cluster.nodes[0].start(timeout=60)
    assert every_answer(cluster, ids[0], times=3) == {"502 node_error", "502 to HEAD"}
    assert_untouched(cluster, [ids[1]])
    outcome.saw("502 node_error for its ids, the others untouched")
    cluster.wrong.add(name)  # which is what it is now
    cluster.nodes[0].environment["MINIO_ROOT_PASSWORD"] = "not-the-secret"
    cluster.nodes[0].stop()
    cluster.nodes[0].start(timeout=60)
    cluster.announce()
    outcome.recovery = recovered(cluster, ids[0])
    assert "not-the-secret" not in cluster.gateway.logged()


def statuses(answers: list[Answer]) -> set[str]:
    return {seen(answer) for answer in answers}


def test_membership_incomplete(run_cluster: RunCluster, outcome: Outcome) -> None:
    """Node missing at the start, OBJGW_EXPECTED_NODES set"""
    cluster = run_cluster(3, announced=False, OBJGW_EXPECTED_NODES="3", OBJGW_SNAPSHOT_TTL="0.5")
    cluster.announce(without=cluster.nodes[2:])

    def incomplete() -> bool:
        reports = [cluster.gateway.readiness() for _ in range(8)]
        return all(report.get("code") == "membership_incomplete" for _, report in reports)

    seconds_until(incomplete, "no worker is ready", pause=0.1)
    status, report = cluster.gateway.readiness()
    assert status == 503
    assert "is 2, and 3 are expected" in report["missing"]
    for object_id in (random_id() for _ in range(3)):
        assert statuses(
            [cluster.client.get_object(object_id), cluster.client.put(object_id, b"x")]
        ) == {"503 membership_incomplete"}
    outcome.saw("503 membership_incomplete, for every id")
    cluster.announce()
    outcome.recovery = seconds_until(
        lambda: all(cluster.client.get_object(random_id()).status == 404 for _ in range(20)),
        "every id can be asked for",
    )


def test_a_member_of_the_layout_is_removed(run_cluster: RunCluster, outcome: Outcome) -> None:
    """Member's container removed, with a layout"""
    cluster = run_cluster(3, OBJGW_EXPECTED_NODES="3", OBJGW_SNAPSHOT_TTL="0.5")
    ids = cluster.put_one_on_each(OLD)

    def adopted() -> bool:
        reports = [cluster.gateway.readiness()[1] for _ in range(8)]
        return all(report["layout"] is not None for report in reports)

    seconds_until(adopted, "the nodes are the layout", pause=0.1)
    gone = cluster.nodes[2]
    gone.stop()
    cluster.announce(without=[gone])
    seconds_until(
        lambda: all(
            "the layout names it" in cluster.client.get_object(ids[2]).text for _ in range(8)
        ),
        "each worker knows",
    )
    assert statuses([cluster.client.get_object(ids[2]), cluster.client.put(ids[2], b"x")]) == {
        "503 node_unavailable"
    }
    assert all(cluster.client.get_object(object_id).body == OLD for object_id in ids[:2] * 4)
    assert cluster.gateway.readiness()[0] == 200
    outcome.saw("503 node_unavailable for its ids, nothing for others")
    gone.start(timeout=60)
    cluster.announce()
    outcome.recovery = seconds_until(
        lambda: all(cluster.client.get_object(object_id).body == OLD for object_id in ids * 4),
        "every object is read again",
    )
    assert [keys_in(process) for process in cluster.nodes] == [{("objects", i)} for i in ids]


@pytest.mark.long
def test_membership_shrinks(run_cluster: RunCluster, outcome: Outcome) -> None:
    """Node's container removed, OBJGW_EXPECTED_NODES not set"""
    cluster = run_cluster(3, OBJGW_SNAPSHOT_TTL="0.5")
    ids = [random_id() for _ in range(60)]
    assert {cluster.client.put(object_id, OLD).status for object_id in ids} == {201}
    gone = cluster.nodes[2]
    cluster.announce(without=[gone])
    warning = f"nodes are gone: {gone.node.name} (2 nodes now). Most ids now have other owners"
    seconds_until(lambda: warning in cluster.gateway.logged(), "the log warns")
    seconds_until(
        lambda: all(len(cluster.client.request("GET", "/nodes").json) == 2 for _ in range(8)),
        "every worker knows",
    )
    assert cluster.gateway.logged().count(warning) == 1
    assert cluster.gateway.readiness()[0] == 200
    lost = [seen(cluster.client.get_object(object_id)) for object_id in ids].count(
        "404 object_not_found"
    )
    # Two thirds of all ids, give or take; that is why the variable is there.
    assert len(ids) / 3 < lost < len(ids)
    outcome.saw(f"404 for {lost} of {len(ids)} objects; the log warns")
    cluster.announce()
    outcome.recovery = seconds_until(
        lambda: all(cluster.client.get_object(object_id).body == OLD for object_id in ids),
        "every object is read again",
    )


def test_discovery_absent_at_start(
    minio: MinioServer, run_cluster: RunCluster, outcome: Outcome
) -> None:
    """Discovery does not answer at start"""
    cluster = run_cluster(0, announced=False)
    gateway = cluster.gateway
    for _ in range(6):
        assert seen(cluster.client.get_object("abc")) == "503 membership_unknown"
        assert seen(cluster.client.put("abc", b"x")) == "503 membership_unknown"
        status, report = gateway.readiness()
        assert (status, report["code"]) == (503, "membership_unknown")
    outcome.saw("503 membership_unknown")
    [node] = prepare_nodes(cluster.file.parent, 1)
    with NodeProcess(node, minio) as process:
        process.start(timeout=60)
        cluster.nodes.append(process)
        cluster.announce()
        outcome.recovery = seconds_until(
            lambda: all(cluster.client.put("abc", b"x").status == 201 for _ in range(8)),
            "every worker knows the nodes",
        )


@pytest.mark.long
def test_discovery_away_later(run_cluster: RunCluster, outcome: Outcome) -> None:
    """Discovery answers no longer, then again"""
    cluster = run_cluster(2, OBJGW_SNAPSHOT_TTL="0.5")
    ids = cluster.put_one_on_each(OLD)
    hidden = cluster.file.rename(cluster.file.with_suffix(".hidden"))

    def every_status(wanted: str) -> bool:
        return all(cluster.gateway.readiness()[1]["status"] == wanted for _ in range(8))

    seconds_until(lambda: every_status("stale"), "every worker says that its snapshot is stale")
    assert cluster.gateway.readiness()[0] == 200
    assert_untouched(cluster, ids)
    outcome.saw("nothing: 200 and 201 from the last snapshot")
    # It asks once a second, and says so once a minute, whichever worker notices.
    seconds_until(lambda: snapshot_age(cluster) > 4, "discovery has failed some times")
    said = re.findall(r"WARNING .*serving from the snapshot of", cluster.gateway.logged())
    assert len(said) == 1
    hidden.rename(cluster.file)
    outcome.recovery = seconds_until(lambda: every_status("ready"), "every worker is ready again")
    assert "discovery answers again" in cluster.gateway.logged()
    cluster.nodes[0].restart(port=free_port(cluster.nodes[0].node.host))
    cluster.announce()
    seconds_until(
        lambda: cluster.client.get_object(ids[0]).body == OLD, "the node is found where it is now"
    )
