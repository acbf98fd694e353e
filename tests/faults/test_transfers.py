"""Transfers cut short, on every side, at the first byte, in the middle, at the last."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from demo.harness.s3nodes import MinioServer, NodeProcess, running_nodes
from tests.faults.bodies import MIB, SHAPES, Shape
from tests.faults.cluster import Cluster, seen
from tests.faults.conftest import RunCluster
from tests.faults.procfs import connections, unfinished_uploads
from tests.faults.table import Outcome, cases
from tests.faults.wire import Cut, cut_put, get, put_body, put_head, received_until_the_end
from tests.functional.stored import id_owned_by, keys_in_all, owner_of
from tests.support.bodies import Body
from tests.support.client import Wire, random_id, request_head
from tests.support.servers import Transport
from tests.support.waiting import seconds_until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.minio,
    pytest.mark.over_tls,
    pytest.mark.timeout(600),
]

OLD = b"what was there before"
#: More than all the sockets and buffers between node and client hold.
BIG = 64 * MIB
STREAMS = {name: shape for name, shape in SHAPES.items() if name != "small"}


@pytest.fixture(scope="module")
def cluster(
    minio: MinioServer, tmp_path_factory: pytest.TempPathFactory, transport: Transport
) -> Iterator[Cluster]:
    """For tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("transfers")
    with ExitStack() as stack:
        nodes: list[NodeProcess] = stack.enter_context(running_nodes(folder, 2, minio))
        found = Cluster.of(nodes, folder, transport, OBJGW_LOG_LEVEL="debug")
        stack.enter_context(found.gateway)
        found.announce()
        found.start_gateway()
        yield found


def log_says(cluster: Cluster, request_id: str, text: str) -> Callable[[], bool]:
    def said() -> bool:
        lines = cluster.gateway.logged().splitlines()
        return any(f"[{request_id}]" in line and text in line for line in lines)

    return said


def half_close(connection: Wire) -> None:
    """No more will come; an answer is still welcome."""
    connection.finish()
    answer = connection.answer("PUT")
    assert (answer.status, answer.code) == (400, "incomplete_body")


VANISHING = {"half-closed": half_close, "reset": Wire.reset, "closed": Wire.close}
CUTS = {str(cut): cut for cut in Cut}


@pytest.mark.parametrize("vanish", cases(VANISHING, "reset"))
@pytest.mark.parametrize("shape", cases(SHAPES, "streamed", "in parts"))
def test_client_gone_mid_put(
    cluster: Cluster,
    outcome: Outcome,
    shape: Shape,
    vanish: Callable[[Wire], None],
) -> None:
    """Client gone in a PUT"""
    slowest = 0.0
    for cut in Cut:
        for old in (OLD, None):
            object_id = random_id()
            if old is not None:
                assert cluster.client.put(object_id, old).status == 201
            before = keys_in_all(cluster.nodes)
            with cluster.client.wire() as connection:
                # Of a client that is gone before its handshake is over, no request is known.
                connection.send(request_head("GET", "/livez", close=False))
                assert connection.answer().status == 200
                connection.send(cut_put(object_id, shape, cut))
                vanish(connection)
            said = log_says(cluster, object_id, "incomplete_body")
            slowest = max(slowest, seconds_until(said, "the gateway notices that the body ended"))
            answer = cluster.client.get_object(object_id)
            assert (answer.status == 404) if old is None else (answer.body == old)
            assert keys_in_all(cluster.nodes) == before
    seconds_until(
        lambda: not any(unfinished_uploads(node.node) for node in cluster.nodes),
        "no multipart upload is left",
    )
    outcome.recovery = slowest
    outcome.saw("nothing stored, the old object intact")


@pytest.mark.parametrize("cut", cases(CUTS, "middle"))
def test_client_gone_mid_get(cluster: Cluster, outcome: Outcome, cut: Cut) -> None:
    """Client gone in a GET"""
    object_id = random_id()
    stored = Body(BIG)
    assert cluster.client.put(object_id, stored, **{"Content-Length": str(BIG)}).status == 201
    port = owner_of(object_id, cluster.nodes).node.port
    kept = connections(port)
    for vanish in (Wire.reset, Wire.close):
        with cluster.client.wire() as connection:
            connection.send(get(object_id))
            with connection.response() as response:
                wanted = cut.of(BIG)
                while wanted:
                    wanted -= len(response.read(min(wanted, MIB)))
            vanish(connection)
        # The node's side of the download ends with the client's.
        outcome.recovery = seconds_until(
            lambda: connections(port) <= kept and connections(cluster.gateway.port) == 0,
            "the connections to node and client are gone",
        )
    answer = cluster.client.get_object(object_id)
    assert answer.body == b"".join(stored)
    outcome.saw("both connections freed")


def kill(node: NodeProcess) -> None:
    node.kill()


def pause(node: NodeProcess) -> None:
    node.pause()


@pytest.mark.parametrize("fault", cases({"killed": kill, "paused": pause}, "killed"))
@pytest.mark.parametrize("cut", cases({"first byte": Cut.FIRST, "middle": Cut.MIDDLE}, "middle"))
def test_node_gone_mid_get(
    run_cluster: RunCluster, outcome: Outcome, cut: Cut, fault: Callable[[NodeProcess], None]
) -> None:
    """Node gone in a GET"""
    cluster = run_cluster(1, OBJGW_READ_TIMEOUT="2")
    [node] = cluster.nodes
    stored = Body(BIG)
    assert cluster.client.put("big", stored, **{"Content-Length": str(BIG)}).status == 201
    content = b"".join(stored)
    with cluster.client.answering("GET", "/object/big") as response:
        received = response.read(cut.of(BIG))
        fault(node)
        rest, whole = received_until_the_end(response)
    received += rest
    assert not whole
    assert len(received) < BIG
    assert content.startswith(received)
    assert "download cut short" in cluster.gateway.logged()
    outcome.saw(f"broken connection, {len(received) // MIB} of {BIG // MIB} MiB received")
    if fault is kill:
        node.start(timeout=60)
    else:
        node.resume()
    outcome.recovery = seconds_until(
        lambda: cluster.client.get_object("big").body == content, "the object is read again"
    )


def is_writing(node: NodeProcess) -> bool:
    """Whether the node has files of an object that is not complete."""
    system = node.node.folder / "data" / ".minio.sys"
    return any(
        path.is_file() for part in ("tmp", "multipart") for path in system.glob(f"{part}/*/**/*")
    )


@pytest.mark.parametrize("cut", cases(CUTS, "middle"))
@pytest.mark.parametrize("shape", cases(STREAMS, "streamed"))
def test_node_killed_mid_put(
    run_cluster: RunCluster, outcome: Outcome, shape: Shape, cut: Cut
) -> None:
    """Node killed in a PUT"""
    cluster = run_cluster(1)
    [node] = cluster.nodes
    for object_id in ("before", "other"):
        assert cluster.client.put(object_id, OLD).status == 201
    body = put_body(shape)
    sent = cut.of(len(body))
    with cluster.client.wire() as connection:
        connection.send(put_head("before", shape) + body[:sent])
        if cut is not Cut.FIRST and shape is not SHAPES["chunked"]:
            seconds_until(lambda: is_writing(node), "some of it has reached the node")
        node.kill()
        with suppress(ConnectionError):  # it may be refused while it is being sent
            connection.send(body[sent:])
        try:
            answer = connection.answer("PUT")
        except ConnectionError:
            outcome.saw("broken connection")
        else:
            assert (answer.status, answer.code) == (503, "node_unavailable")
            outcome.saw("503 node_unavailable")
    node.start(timeout=60)
    outcome.recovery = seconds_until(
        lambda: cluster.client.get_object("other").body == OLD, "the node's objects are read again"
    )
    assert cluster.client.get_object("before").body == OLD
    outcome.saw("the old object intact")


def test_gateway_stopped_mid_transfer(run_cluster: RunCluster, outcome: Outcome) -> None:
    """Gateway stopped (SIGTERM) in transfers"""
    cluster = run_cluster(2)
    stored = Body(BIG)
    assert cluster.client.put("down", stored, **{"Content-Length": str(BIG)}).status == 201
    with ExitStack() as stack:
        download = stack.enter_context(cluster.client.answering("GET", "/object/down"))
        received = download.read(1)
        uploads = {}
        for name, shape in SHAPES.items():
            object_id = id_owned_by(cluster.nodes[0], cluster.nodes)
            connection = stack.enter_context(cluster.client.wire())
            request = put_head(object_id, shape) + put_body(shape)
            half = len(request) // 2
            connection.send(request[:half])
            uploads[name] = (object_id, shape, connection, request[half:])
        cluster.gateway.terminate()

        def refuses() -> bool:
            try:
                cluster.client.wire().close()
            except ConnectionRefusedError:
                return True
            return False

        outcome.recovery = seconds_until(refuses, "new connections are refused")
        for _, _, connection, rest in uploads.values():
            connection.send(rest)
            assert connection.answer("PUT").status == 201
        rest, whole = received_until_the_end(download)
        assert whole
        assert received + rest == b"".join(stored)
    seconds_until(lambda: not cluster.gateway.running, "the gateway ends")
    assert cluster.gateway.exit_status == 0
    cluster.start_gateway()
    for object_id, shape, _, _ in uploads.values():
        assert cluster.client.get_object(object_id).body == shape.content
    outcome.saw("every transfer finished, new connections refused")


@pytest.mark.parametrize("cut", cases(CUTS, "middle"))
def test_gateway_killed_mid_transfer(run_cluster: RunCluster, outcome: Outcome, cut: Cut) -> None:
    """Gateway killed (SIGKILL) in transfers"""
    cluster = run_cluster(2)
    stored = Body(BIG)
    assert cluster.client.put("down", stored, **{"Content-Length": str(BIG)}).status == 201
    ids = {name: random_id() for name in SHAPES}
    for object_id in ids.values():
        assert cluster.client.put(object_id, OLD).status == 201
    new_ids = {name: random_id() for name in SHAPES}
    before = keys_in_all(cluster.nodes)
    with ExitStack() as stack:
        download = stack.enter_context(cluster.client.answering("GET", "/object/down"))
        download.read(cut.of(BIG // 2))
        for name, shape in SHAPES.items():
            for object_id in (ids[name], new_ids[name]):
                connection = stack.enter_context(cluster.client.wire())
                connection.send(cut_put(object_id, shape, cut))
        cluster.gateway.kill()
        received, whole = received_until_the_end(download)
        assert not whole
        assert len(received) < BIG
    outcome.saw("broken connection, nothing stored, the old objects intact")
    cluster.start_gateway()
    for object_id in ids.values():
        assert cluster.client.get_object(object_id).body == OLD
    for object_id in new_ids.values():
        assert seen(cluster.client.get_object(object_id)) == "404 object_not_found"
    assert keys_in_all(cluster.nodes) == before


@pytest.mark.long
def test_gateway_worker_killed(run_cluster: RunCluster, outcome: Outcome) -> None:
    """One worker of the gateway killed (SIGKILL)"""
    cluster = run_cluster(1)
    assert cluster.client.put("before", OLD).status == 201
    workers = set(cluster.gateway.worker_pids())
    victim = min(workers)
    os.kill(victim, signal.SIGKILL)
    outcome.recovery = seconds_until(
        lambda: (
            len(now := set(cluster.gateway.worker_pids())) == len(workers) and victim not in now
        ),
        "the worker is replaced",
    )
    assert all(cluster.client.get_object("before").body == OLD for _ in range(20))
    outcome.saw("20 of 20 requests after it answered")
