"""With the socket filter the gateway works, and can do nothing else with Docker."""

import contextlib
import json
import re
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from docker.models.containers import Container

from tests.docker.fleet import LABEL, address_of, remove
from tests.docker.ids import ids_by_owner
from tests.docker.stack import NODE_NAMES, PROJECT, Stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

OVERRIDE = "deploy/docker-compose.socket-filter.yml"
CLIENT_ERRORS = range(400, 500)

# Runs in the gateway's container: what the filter answers to it about itself.
OWN_CONTAINER = """
import json, socket, urllib.request
from nodes.discovery.daemon import own_container_candidates
mounts = open("/proc/self/mountinfo").read()
own = own_container_candidates(mounts, socket.gethostname())[0]
print(urllib.request.urlopen(f"http://docker-socket-filter:2375/containers/{own}/json").read().decode())
"""


@dataclass(frozen=True)
class Victim:
    """A container that is none of the gateway's business."""

    container: Container
    secret: str


@dataclass(frozen=True)
class Filter:
    container: Container
    address: str

    def exchange(self, request: bytes) -> bytes:
        """Everything that comes back until the filter closes the connection."""
        with socket.create_connection((self.address, 2375), timeout=20) as connection:
            received = b""
            with contextlib.suppress(ConnectionResetError):  # it need not read what it refuses
                connection.sendall(request)
                while block := connection.recv(65536):
                    received += block
        return received

    def ask(self, method: str, target: str, headers: str = "") -> bytes:
        head = f"{method} {target} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n{headers}\r\n"
        return self.exchange(head.encode())

    def get(self, target: str) -> Any:
        answer = self.ask("GET", target)
        assert statuses(answer) == [200], answer
        return json.loads(answer.split(b"\r\n\r\n", 1)[1])


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] ([0-9]{3}) ", answer)]


@pytest.fixture(scope="module")
def filtered(running_stack: Stack) -> Iterator[Stack]:
    with running_stack.overridden(OVERRIDE):
        yield running_stack


@pytest.fixture(scope="module")
def socket_filter(filtered: Stack) -> Filter:
    container = filtered.container("docker-socket-filter")
    [network] = filtered.engine.networks.list(names=[f"{PROJECT}_docker-socket"])
    return Filter(container, address_of(container, network))


@pytest.fixture(scope="module")
def victim(filtered: Stack) -> Iterator[Victim]:
    """Created and not started, so that a start would be seen."""
    secret = secrets.token_hex(16)
    container = filtered.engine.containers.create(
        filtered.image,
        ["-c", "print('started')"],
        entrypoint="python",
        name=f"victim-{secrets.token_hex(4)}",
        labels=[LABEL],
        environment={"MINIO_ROOT_PASSWORD": secret},
    )
    yield Victim(container, secret)
    remove(container)


# --- the gateway does its work through it


def test_objects_go_in_and_out(filtered: Stack) -> None:
    for object_id in ids_by_owner(3):
        assert filtered.client.put(object_id, object_id.encode()).status == 201
        assert filtered.client.get_object(object_id).body == object_id.encode()
    rows = filtered.gateway.shownodes()["nodes"]
    assert [(row["name"], row["state"], row["healthy"]) for row in rows] == [
        (name, "running", True) for name in NODE_NAMES
    ]
    assert [row["address"] for row in rows] == [f"{node.address}:9000" for node in filtered.nodes]


def test_a_stopped_node_is_noticed_by_its_event(filtered: Stack) -> None:
    stopped = NODE_NAMES[1]
    object_id = ids_by_owner(3)[1]
    assert filtered.client.put(object_id, b"x").status == 201
    with filtered.stopped(stopped):
        # Sooner than the snapshot would have been renewed without an event, after 10 seconds.
        eventually(lambda: f"change reported: die {stopped}" in filtered.gateway.logs(), "die", 5)
        eventually(
            lambda: f"node {stopped}: exited" in filtered.gateway.logs(), "the node is down", 5
        )
        assert filtered.client.get_object(object_id).status == 503
    assert filtered.client.get_object(object_id).body == b"x"


# --- what each of the two has


def test_the_gateway_has_no_socket_and_was_never_root(filtered: Stack) -> None:
    gateway = filtered.gateway
    sources = [mount["Source"] for mount in gateway.container.attrs["Mounts"]]
    assert not [source for source in sources if source.endswith("docker.sock")], sources
    mounted = gateway.execute("stat", "-c", "%F", "/var/run/docker.sock")
    assert mounted.output.strip() == "character special file"
    status = gateway.execute("cat", "/proc/1/status").output
    assert re.search(r"^Uid:\t10001\t10001\t10001\t10001$", status, re.MULTILINE), status
    assert re.search(r"^Cap(Eff|Prm):\t0+$", status, re.MULTILINE), status


def test_the_filter_has_no_capability(socket_filter: Filter) -> None:
    host = socket_filter.container.attrs["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["PortBindings"] in ({}, None)
    _, status = socket_filter.container.exec_run(["cat", "/proc/1/status"])
    assert isinstance(status, bytes)
    assert re.search(rb"^CapEff:\t0+$", status, re.MULTILINE), status
    assert re.search(rb"^NoNewPrivs:\t1$", status, re.MULTILINE), status


def test_a_node_cannot_ask_it(filtered: Stack, socket_filter: Filter) -> None:
    node = filtered.container(NODE_NAMES[0])
    command = ["curl", "-sS", "-m", "2", f"http://{socket_filter.address}:2375/version"]
    status, output = node.exec_run(command)
    assert status != 0, output


# --- what it lets through


def test_it_tells_the_nodes_and_no_other_container(socket_filter: Filter, victim: Victim) -> None:
    for path in (
        "/containers/json",
        "/v1.41/containers/json?all=1&size=1",
        "/containers/json?limit=1",
    ):
        listed = socket_filter.get(path)
        assert sorted(container["Names"][0] for container in listed) == [
            f"/{n}" for n in NODE_NAMES
        ]
        assert {frozenset(container) for container in listed} == {
            frozenset({"Id", "Names", "State", "Created", "Labels", "NetworkSettings"})
        }
        # Compose has put a dozen on each.
        assert not any(container["Labels"] for container in listed)


def test_of_a_node_it_tells_the_keys_only(filtered: Stack, socket_filter: Filter) -> None:
    node = filtered.container(NODE_NAMES[0])
    told = socket_filter.get(f"/containers/{node.id}/json")
    assert set(told) == {"Id", "Name", "Config", "NetworkSettings"}
    assert set(told["Config"]) - {"ExposedPorts"} == {"Env", "Labels"}
    assert told["Config"].get("ExposedPorts") == node.attrs["Config"].get("ExposedPorts")
    assert told["Config"]["Labels"] == {}
    names = {entry.split("=")[0] for entry in told["Config"]["Env"]}
    assert names == {"MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"}
    assert len(node.attrs["Config"]["Env"]) > 2  # there was more to tell


def test_the_gateway_may_see_its_own_container_without_environment(filtered: Stack) -> None:
    execution = filtered.gateway.execute("python", "-c", OWN_CONTAINER)
    assert execution.status == 0, execution.output
    told = json.loads(execution.output)
    assert told["Id"] == filtered.gateway.container.id
    assert set(told) == {"Id", "Name", "Config", "NetworkSettings"}
    assert told["Config"] == {"Labels": {"objgw.role": "gateway"}}


@pytest.mark.parametrize("which", ["id", "short_id", "name"])
def test_another_container_cannot_be_inspected(
    filtered: Stack, socket_filter: Filter, victim: Victim, which: str
) -> None:
    known_as = getattr(victim.container, which)
    answer = socket_filter.ask("GET", f"/v1.41/containers/{known_as}/json")
    assert statuses(answer) == [404]
    assert victim.secret.encode() not in answer
    # The engine itself does answer that.
    assert filtered.engine.containers.get(known_as).id == victim.container.id


def test_the_gateways_container_is_shown_to_nobody_else(
    filtered: Stack, socket_filter: Filter
) -> None:
    answer = socket_filter.ask("GET", f"/containers/{filtered.gateway.container.id}/json")
    assert statuses(answer) == [404]


def test_events_of_other_containers_are_not_seen(filtered: Stack, socket_filter: Filter) -> None:
    with socket.create_connection((socket_filter.address, 2375), timeout=20) as connection:
        connection.sendall(b"GET /v1.41/events?since=0 HTTP/1.1\r\nHost: docker\r\n\r\n")
        received = connection.recv(65536)  # the head comes before any event
        assert received.startswith(b"HTTP/1.1 200 ")
        names = [f"{prefix}-{secrets.token_hex(4)}" for prefix in ("other", "x-" + NODE_NAMES[0])]
        for name in names:
            container = filtered.engine.containers.create(
                filtered.image, name=name, labels=[LABEL], environment={"KEY": "hidden-value"}
            )
            remove(container)
        while b'"destroy"' not in received:
            received += connection.recv(65536)
    assert names[0].encode() not in received
    assert names[1].encode() in received
    assert b"hidden-value" not in received
    assert LABEL.encode() not in received


# --- attacks


TARGETS = [
    "/containers/{victim}/logs?stdout=1",
    "/containers/{node}/logs?stdout=1",
    "/containers/{node}/top",
    "/containers/{node}/archive?path=/data",
    "/containers/{node}/export",
    "/containers/{node}/changes",
    "/containers/{node}/stats?stream=0",
    "/containers/{node}/attach/ws?stream=1",
    "/containers/{victim}",
    "/images/json",
    "/volumes",
    "/networks",
    "/info",
    "/_ping",
    "/",
    "/system/df",
    "/v1.41/v1.41/info",
    "/v1/info",
    "/v1.41",
    "/v1.41x/version",
    "/v1.41%2fcontainers/json",
    "/v1.4111/version",
    "/V1.41/version",
    "/containers/json/../../info",
    "/containers/{victim}/../{victim}/json",
    "/containers/../info",
    "/containers/%2e%2e/info",
    "/containers/%2E%2e/json",
    "/containers/..%2finfo%3f/json",
    "/containers/{victim}%2fjson",
    "/containers/{victim}%3f/json",
    "/containers/{node}%2f..%2f{victim}/json",
    "/containers/{node}/../{victim}/json",
    "/containers/{node}/json/../../{victim}/json",
    "/containers/{node}%00{victim}/json",
    "/containers/{node};{victim}/json",
    "/containers//json",
    "//containers/json",
    "/containers//{victim}/json",
    "/./containers/{victim}/json",
    "/%63ontainers/{victim}/json",
    "/containers/{victim}/json#",
    "/containers/{victim}/json/",
    "/containers/{victim}/json?size=1",
    "/containers/json#/info",
    "/-/engine/info",
    "/-/engine/containers/{victim}/json",
    "/-/events",
    "http://docker/info",
    "http://docker/containers/{victim}/json",
    "http://docker/-/engine/info",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "*",
    "info",
]


@pytest.mark.parametrize("target", TARGETS)
def test_another_path_is_refused(
    filtered: Stack, socket_filter: Filter, victim: Victim, target: str
) -> None:
    node = filtered.container(NODE_NAMES[0])
    answer = socket_filter.ask("GET", target.format(victim=victim.container.id, node=node.id))
    assert [status for status in statuses(answer) if status not in CLIENT_ERRORS] == []
    assert len(statuses(answer)) == 1, answer
    assert victim.secret.encode() not in answer


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/containers/{victim}/start"),
        ("POST", "/v1.41/containers/{victim}/start"),
        ("POST", "/containers/{node}/stop"),
        ("POST", "/containers/{node}/exec"),
        ("POST", "/containers/{node}/attach?stream=1"),
        ("POST", "/containers/create?name=evil"),
        ("POST", "/containers/{victim}/json"),
        ("POST", "/containers/json"),
        ("PUT", "/containers/{node}/archive?path=/"),
        ("DELETE", "/containers/{victim}"),
        ("HEAD", "/containers/json"),
        ("HEAD", "/_ping"),
        ("OPTIONS", "/containers/json"),
        ("OPTIONS", "*"),
        ("TRACE", "/version"),
        ("PATCH", "/version"),
        ("get", "/version"),
        ("CONNECT", "/var/run/docker.sock"),
        ("CONNECT", "docker:2375"),
        ("PROPFIND", "/version"),
        ("GETX", "/version"),
    ],
)
def test_another_method_is_refused(
    filtered: Stack, socket_filter: Filter, victim: Victim, method: str, target: str
) -> None:
    node = filtered.container(NODE_NAMES[0])
    path = target.format(victim=victim.container.id, node=node.id)
    answer = socket_filter.ask(method, path, "Content-Length: 0\r\n")
    assert len(statuses(answer)) == 1, answer
    assert statuses(answer)[0] in CLIENT_ERRORS, answer
    assert_untouched(filtered, victim)


def assert_untouched(stack: Stack, victim: Victim) -> None:
    victim.container.reload()
    assert victim.container.status == "created"
    assert stack.container(NODE_NAMES[0]).status == "running"
    assert not stack.engine.containers.list(all=True, filters={"name": "evil"})


SMUGGLED = "POST /containers/{victim}/start HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "answers"),
    [
        # Two requests in a connection: each is judged.
        ("GET /version HTTP/1.1\r\nHost: docker\r\n\r\n", [200, 405]),
        # A body is none of the filter's questions.
        ("GET /version HTTP/1.1\r\nHost: docker\r\nContent-Length: {size}\r\n\r\n", [413]),
        (
            "GET /version HTTP/1.1\r\nHost: docker\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            [200, 405],
        ),
        (
            (
                "GET /version HTTP/1.1\r\nHost: docker\r\nContent-Length: 5\r\n"
                "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
            [400],
        ),
        (
            (
                "GET /version HTTP/1.1\r\nHost: docker\r\nContent-Length: 0\r\n"
                "Content-Length: {size}\r\n\r\n"
            ),
            [400],
        ),
        ("GET /version HTTP/1.1\r\nHost: docker\r\nTransfer-Encoding: xchunked\r\n\r\n", [501]),
        ("GET /version HTTP/1.1\r\nHost: docker\r\nConten\0t-Length: 0\r\n\r\n", [400]),
        # A request line in a path or in a header field.
        ("GET /version?x= HTTP/1.1\r\nHost: docker\r\nX: \r\n\r\n", [200, 405]),
        # No upgrade is handed on, so no raw stream to the engine is ever opened.
        (
            "GET /version HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
            [200, 405],
        ),
        ("GET /version HTTP/1.1\r\nHost: docker\r\nUpgrade: h2c\r\n\r\n", [200, 405]),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
    ],
)
def test_nothing_is_smuggled(
    filtered: Stack, socket_filter: Filter, victim: Victim, head: str, answers: list[int]
) -> None:
    second = SMUGGLED.format(victim=victim.container.id)
    answer = socket_filter.exchange((head.replace("{size}", str(len(second))) + second).encode())
    assert statuses(answer) in (answers, [*answers, 400]), answer
    assert_untouched(filtered, victim)


@pytest.mark.parametrize(
    "request_head",
    [
        f"GET /version?{'x' * 100_000} HTTP/1.1\r\nHost: docker\r\n\r\n",
        f"GET /version HTTP/1.1\r\nHost: docker\r\nX: {'x' * 100_000}\r\n\r\n",
        "GET /version HTTP/1.1\r\nHost: docker\r\n" + "X: x\r\n" * 20_000 + "\r\n",
    ],
    ids=["target", "field", "fields"],
)
def test_an_endless_head_is_refused(
    filtered: Stack, socket_filter: Filter, request_head: str
) -> None:
    answer = socket_filter.exchange(request_head.encode())
    assert statuses(answer) in ([400], [414], [431], []), answer[:500]
    assert socket_filter.get("/version")["ApiVersion"]
    assert filtered.client.is_ready()


def test_refusals_are_in_its_log(socket_filter: Filter) -> None:
    marker = secrets.token_hex(8)
    assert statuses(socket_filter.ask("GET", f"/images/{marker}/json")) == [403]
    eventually(
        lambda: (
            f'"GET /images/{marker}/json HTTP/1.1" 403' in socket_filter.container.logs().decode()
        ),
        "the refusal is logged",
        60,
    )
