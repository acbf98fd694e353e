"""Nodes from a Docker daemon, in all the states that it may be met in."""

import gc
import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodes.discovery import DiscoveryError, DiscoveryOptions, daemon
from nodes.discovery.docker import DockerDiscovery
from nodes.node import Credentials, Node, NodeState
from nodes.tests.engine import NAME, Container, Engine, container_id

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

OWN = 0xABCDEF


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A daemon to which ``DOCKER_HOST`` points. This process runs on its host."""
    engine = Engine(tmp_path / "docker.sock")
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    monkeypatch.delenv("DOCKER_TLS_VERIFY", raising=False)
    monkeypatch.delenv("DOCKER_CERT_PATH", raising=False)
    monkeypatch.setattr(daemon, "own_container_candidates", lambda *_: [])
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture
def garbage() -> Iterator[None]:
    """Docker's client leaves the socket of a failed connection attempt to the collector."""
    yield
    gc.collect()


@pytest.fixture
def discovery(engine: Engine) -> Iterator[DockerDiscovery]:
    discovery = DockerDiscovery(DiscoveryOptions(NAME, 9000, "", 5.0))
    yield discovery
    discovery.close()


@pytest.fixture
def in_a_container(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process runs in the container ``OWN``."""
    monkeypatch.setattr(daemon, "own_container_candidates", lambda *_: [container_id(OWN)])


def found(discovery: DockerDiscovery) -> dict[str, Node]:
    nodes = discovery.discover()
    by_name = {node.name: node for node in nodes}
    assert len(by_name) == len(nodes), "a name was found twice"
    return by_name


def test_a_running_node(engine: Engine, discovery: DockerDiscovery) -> None:
    engine.containers = [Container(f"{NAME}-1", 1)]
    credentials = Credentials("key", "hush-hush")
    assert list(discovery.discover()) == [
        Node(f"{NAME}-1", "192.0.2.1", 9000, NodeState.RUNNING, credentials)
    ]


def test_a_node_with_tls(engine: Engine, discovery: DockerDiscovery) -> None:
    engine.containers = [
        Container(f"{NAME}-1", 1, labels={"objgw.tls": "true"}),
        Container(f"{NAME}-2", 2, labels={"objgw.tls.name": "s3.example"}),
        Container(f"{NAME}-3", 3, labels={"objgw.tls": "perhaps"}),
        Container(f"{NAME}-4", 4),
        Container(f"0123456789ab_{NAME}-5", 5, labels={"objgw.tls": "true"}),
    ]
    nodes = found(discovery)
    assert [nodes[f"{NAME}-{number}"].tls_name for number in range(1, 6)] == [
        *(f"{NAME}-1", "s3.example", None, None, f"{NAME}-5")
    ]
    assert "objgw.tls must be true or false" in str(nodes[f"{NAME}-3"].down_reason)


def test_all_nodes_with_tls(engine: Engine) -> None:
    engine.containers = [
        Container(NAME, 1),
        Container(f"{NAME}-2", 2, labels={"objgw.tls": "false"}),
    ]
    discovery = DockerDiscovery(DiscoveryOptions(NAME, 9000, "", 5.0, tls=True))
    nodes = found(discovery)
    assert (nodes[NAME].tls_name, nodes[f"{NAME}-2"].tls_name) == (NAME, None)
    discovery.close()


def test_the_same_nodes_whatever_order_and_ids_the_daemon_has(
    engine: Engine, discovery: DockerDiscovery
) -> None:
    names = [f"{NAME}-{number}" for number in range(1, 12)]
    generator = random.Random(7)
    for _ in range(5):
        generator.shuffle(names)
        numbers = generator.sample(range(1, 1000), len(names))
        engine.containers = [
            Container(name, number, {"stack": f"192.0.2.{number % 250}"})
            for name, number in zip(names, numbers, strict=True)
        ]
        assert found(discovery).keys() == set(names)


def test_containers_of_other_names_are_not_nodes(
    engine: Engine, discovery: DockerDiscovery
) -> None:
    engine.containers = [
        Container(f"{NAME}-1", 1),
        Container("postgres", 2),
        Container(NAME.replace("-", "x"), 3),
        Container(f"project-{NAME}-1-tail", 4),
    ]
    assert found(discovery).keys() == {f"{NAME}-1", f"project-{NAME}-1-tail"}


def test_a_name_with_a_dot_is_no_pattern(engine: Engine) -> None:
    engine.containers = [Container("node.1", 1), Container("nodex1", 2)]
    discovery = DockerDiscovery(DiscoveryOptions("node.1", 9000, "", 5.0))
    assert found(discovery).keys() == {"node.1"}
    discovery.close()


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("exited", NodeState.EXITED),
        ("paused", NodeState.PAUSED),
        ("created", NodeState.CREATED),
        ("restarting", NodeState.RESTARTING),
        ("removing", NodeState.REMOVING),
        ("dead", NodeState.DEAD),
        ("enchanted", NodeState.UNKNOWN),
    ],
)
def test_a_node_keeps_its_place_whatever_its_state(
    engine: Engine, discovery: DockerDiscovery, state: str, expected: NodeState
) -> None:
    engine.containers = [
        Container(f"{NAME}-1", 1),
        Container(f"{NAME}-2", 2, {"stack": ""}, state=state),
    ]
    nodes = found(discovery)
    assert nodes[f"{NAME}-2"].state is expected
    assert nodes[f"{NAME}-2"].host is None
    assert nodes[f"{NAME}-1"].state is NodeState.RUNNING


class TestRecreatedContainers:
    """While Compose recreates a container there are two of them, and one node."""

    OLD = Container(f"{NAME}-1", 1, {"stack": "192.0.2.1"}, "exited")
    NEW = Container(f"{NAME}-1", 2, {"stack": "192.0.2.2"}, "running")
    PREFIX = "0123456789ab_"

    @pytest.mark.parametrize("old_is_renamed", [True, False], ids=["Compose 1", "Compose 2"])
    @pytest.mark.parametrize("new_comes_first", [True, False])
    def test_the_one_that_runs_is_the_node(
        self,
        engine: Engine,
        discovery: DockerDiscovery,
        old_is_renamed: bool,
        new_comes_first: bool,
    ) -> None:
        old = Container(self.PREFIX * old_is_renamed + self.OLD.name, 1, {"stack": ""}, "exited")
        new = Container(self.PREFIX * (not old_is_renamed) + self.NEW.name, 2, self.NEW.networks)
        engine.containers = [new, old] if new_comes_first else [old, new]
        nodes = found(discovery)
        assert nodes.keys() == {f"{NAME}-1"}
        assert nodes[f"{NAME}-1"].host == "192.0.2.2"

    @pytest.mark.parametrize("old_state", ["running", "exited"])
    def test_the_old_one_is_the_node_until_the_new_one_runs(
        self, engine: Engine, discovery: DockerDiscovery, old_state: str
    ) -> None:
        engine.containers = [
            Container(self.PREFIX + self.OLD.name, 2, {"stack": ""}, "created"),
            Container(self.OLD.name, 1, {"stack": "192.0.2.1"}, old_state),
        ]
        for _ in range(2):
            (node,) = discovery.discover()
            assert (node.name, str(node.state)) == (f"{NAME}-1", old_state)
            engine.containers.reverse()

    def test_of_a_task_that_swarm_replaced_and_the_new_one_the_node_is_the_slot(
        self, engine: Engine, discovery: DockerDiscovery
    ) -> None:
        old, new = (f"stack_{NAME}.2.{letter * 25}" for letter in "ab")
        engine.containers = [
            Container(old, 1, {"stack": "192.0.2.1"}, "exited"),
            Container(new, 2, {"stack": "192.0.2.2"}),
        ]
        for _ in range(2):
            (node,) = discovery.discover()
            assert (node.name, node.host) == (f"stack_{NAME}.2", "192.0.2.2")
            engine.containers.reverse()

    def test_neither_runs(self, engine: Engine, discovery: DockerDiscovery) -> None:
        engine.containers = [
            Container(self.PREFIX + self.OLD.name, 1, {"stack": ""}, "exited"),
            Container(self.OLD.name, 2, {"stack": ""}, "created"),
        ]
        assert found(discovery).keys() == {f"{NAME}-1"}


def test_a_container_that_is_removed_meanwhile(engine: Engine, discovery: DockerDiscovery) -> None:
    engine.containers = [Container(f"{NAME}-1", 1), Container(f"{NAME}-2", 2)]
    engine.vanishing = {container_id(1)}
    assert found(discovery).keys() == {f"{NAME}-2"}


def test_a_link_to_a_container_is_not_its_name(engine: Engine, discovery: DockerDiscovery) -> None:
    engine.containers = [
        Container(f"{NAME}-1", 1, links=(f"web/{NAME}-9", "web/db")),
        Container("postgres", 2, links=(f"web/{NAME}-8",)),
    ]
    assert found(discovery).keys() == {f"{NAME}-1"}


@pytest.mark.usefixtures("in_a_container")
class TestInAContainer:
    def test_nodes_on_a_shared_network_count_with_their_address_there(
        self, engine: Engine, discovery: DockerDiscovery
    ) -> None:
        engine.containers = [
            Container("gateway", OWN, {"back": "192.0.2.10", "front": "192.0.2.20"}),
            Container(f"{NAME}-1", 1, {"admin": "192.0.2.31", "back": "192.0.2.11"}),
            Container(f"{NAME}-2", 2, {"another-stack": "192.0.2.32"}),
            Container(f"{NAME}-3", 3, {"back": ""}, "created"),
            Container(f"{NAME}-4", 4, {"another-stack": ""}, "created"),
        ]
        nodes = found(discovery)
        assert nodes.keys() == {f"{NAME}-1", f"{NAME}-3"}
        assert nodes[f"{NAME}-1"].host == "192.0.2.11"
        assert container_id(2) not in engine.inspected

    def test_on_the_network_of_the_host_all_count(
        self, engine: Engine, discovery: DockerDiscovery
    ) -> None:
        engine.containers = [
            Container("gateway", OWN, {"host": ""}),
            Container(f"{NAME}-1", 1, {"one": "192.0.2.1"}),
            Container(f"{NAME}-2", 2, {"another": "192.0.2.2"}),
        ]
        assert found(discovery).keys() == {f"{NAME}-1", f"{NAME}-2"}

    def test_a_network_that_is_joined_later_counts_at_once(
        self, engine: Engine, discovery: DockerDiscovery
    ) -> None:
        gateway = Container("gateway", OWN, {"front": "192.0.2.20"})
        engine.containers = [gateway, Container(f"{NAME}-1", 1, {"back": "192.0.2.11"})]
        assert found(discovery) == {}
        gateway.networks["back"] = "192.0.2.10"
        assert found(discovery).keys() == {f"{NAME}-1"}

    def test_without_any_shared_network_the_absence_says_so(
        self, engine: Engine, discovery: DockerDiscovery
    ) -> None:
        engine.containers = [
            Container("gateway", OWN, {"front": "192.0.2.20"}),
            Container(f"{NAME}-1", 1, {"back": "192.0.2.11"}),
        ]
        assert found(discovery) == {}
        assert NAME in discovery.no_nodes_hint
        assert "that shares a Docker network with the gateway" in discovery.no_nodes_hint


def test_on_a_host_networks_are_not_what_is_missing(
    engine: Engine, discovery: DockerDiscovery
) -> None:
    assert found(discovery) == {}
    assert discovery.no_nodes_hint == (
        f"There is no node: Docker at {engine.url} has no container with '{NAME}' in its name."
    )


class TestGateways:
    """A gateway is never a node, whatever its container's name."""

    NODES = [Container(f"{NAME}-{number}", number) for number in (1, 2)]
    LABELLED = {"objgw.role": "gateway"}

    @pytest.mark.usefixtures("in_a_container")
    def test_its_own_container_by_id(
        self,
        engine: Engine,
        discovery: DockerDiscovery,
    ) -> None:
        engine.containers = [Container(f"{NAME}-gateway", OWN), *self.NODES]
        assert found(discovery).keys() == {f"{NAME}-1", f"{NAME}-2"}

    @pytest.mark.usefixtures("in_a_container")
    def test_its_own_container_on_the_network_of_the_host(
        self,
        engine: Engine,
        discovery: DockerDiscovery,
    ) -> None:
        engine.containers = [Container(f"{NAME}-gateway", OWN, {"host": ""}), *self.NODES]
        assert found(discovery).keys() == {f"{NAME}-1", f"{NAME}-2"}

    @pytest.mark.usefixtures("in_a_container")
    def test_other_containers_of_a_gateway_by_the_label_of_its_image(
        self,
        engine: Engine,
        discovery: DockerDiscovery,
    ) -> None:
        engine.containers = [
            Container(f"{NAME}-gateway-1", OWN, labels=self.LABELLED),
            Container(f"{NAME}-gateway-2", 12, labels=self.LABELLED),
            Container(f"{NAME}-gateway-3", 13, labels=self.LABELLED, state="exited"),
            *self.NODES,
        ]
        assert found(discovery).keys() == {f"{NAME}-1", f"{NAME}-2"}
        assert engine.inspected.count(f"{12:064x}") == 0

    def test_a_gateway_in_a_container_for_a_gateway_on_the_host(
        self,
        engine: Engine,
        discovery: DockerDiscovery,
    ) -> None:
        engine.containers = [Container(f"{NAME}-gateway", 12, labels=self.LABELLED), *self.NODES]
        assert found(discovery).keys() == {f"{NAME}-1", f"{NAME}-2"}

    def test_another_label_or_role_makes_no_gateway(
        self,
        engine: Engine,
        discovery: DockerDiscovery,
    ) -> None:
        engine.containers = [
            Container(f"{NAME}-1", 1, labels={"objgw.role": "node"}),
            Container(f"{NAME}-2", 2, labels={"role": "gateway"}),
        ]
        assert found(discovery).keys() == {f"{NAME}-1", f"{NAME}-2"}


@pytest.mark.parametrize("name", [f"{NAME}-exporter", f"stack_{NAME}-exporter.1." + "a" * 25])
def test_what_has_a_similar_name_says_so_by_its_label(
    engine: Engine, discovery: DockerDiscovery, name: str
) -> None:
    engine.containers = [
        Container(f"{NAME}-1", 1),
        Container(name, 2, labels={"objgw.role": "other"}),
    ]
    assert found(discovery).keys() == {f"{NAME}-1"}


NO_KEYS = ("PATH=/bin", "NODE_URL=http://192.0.2.1:9000")


@pytest.mark.parametrize("name", [f"{NAME}-exporter", f"stack_{NAME}-exporter.1." + "a" * 25])
@pytest.mark.parametrize("state", ["running", "exited"])
def test_what_exposes_other_ports_and_gets_no_keys_is_no_node(
    engine: Engine, discovery: DockerDiscovery, name: str, state: str
) -> None:
    engine.containers = [
        Container(f"{NAME}-1", 1),
        Container(name, 2, state=state, environment=NO_KEYS, ports=("9100/tcp",)),
    ]
    for _ in range(2):
        assert found(discovery).keys() == {f"{NAME}-1"}
    assert engine.inspected.count(container_id(2)) == 1


@pytest.mark.parametrize(
    ("environment", "ports"),
    [
        (NO_KEYS, ("9000/tcp", "9001/tcp")),
        (NO_KEYS, ()),
        (("MINIO_ROOT_USER=",), ("9100/tcp",)),
        (("ROOT_SECRET_KEY_FILE=/run/secrets/key",), ("7070/tcp",)),
    ],
    ids=["the port", "nothing exposed", "an empty key", "a key in a file"],
)
def test_what_may_be_a_node_keeps_its_place(
    engine: Engine,
    discovery: DockerDiscovery,
    environment: tuple[str, ...],
    ports: tuple[str, ...],
) -> None:
    """A node that has lost its keys, say: without it, ids would have other owners."""
    engine.containers = [
        Container(f"{NAME}-1", 1),
        Container(f"{NAME}-2", 2, environment=environment, ports=ports),
    ]
    assert found(discovery).keys() == {f"{NAME}-1", f"{NAME}-2"}
    assert found(discovery)[f"{NAME}-2"].credentials is None


def test_a_service_of_a_similar_name_elsewhere_is_none_of_its_business(
    engine: Engine, discovery: DockerDiscovery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two stacks on one machine, each with its network."""
    monkeypatch.setattr(daemon, "own_container_candidates", lambda *_: [container_id(OWN)])
    tasks = {stack: f"{stack}_{NAME}.1.{letter * 25}" for stack, letter in (("a", "x"), ("b", "y"))}
    engine.containers = [
        Container("a_gateway.1." + "z" * 25, OWN, {"a": "192.0.2.9"}),
        *(
            Container(name, 20 + n, {stack: "192.0.2.1"})
            for n, (stack, name) in enumerate(tasks.items())
        ),
    ]
    assert found(discovery).keys() == {f"a_{NAME}.1"}


def test_a_container_with_the_name_of_this_host_is_not_the_gateway(
    engine: Engine, discovery: DockerDiscovery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "own_container_candidates", lambda *_: ["web"])
    engine.containers = [
        Container("web", 9, {"elsewhere": "192.0.2.9"}),
        Container(f"{NAME}-1", 1),
    ]
    assert found(discovery).keys() == {f"{NAME}-1"}


def test_an_environment_is_read_once_for_each_container(
    engine: Engine, discovery: DockerDiscovery
) -> None:
    engine.containers = [Container(f"{NAME}-1", 1), Container(f"{NAME}-2", 2)]
    for _ in range(3):
        found(discovery)
    assert sorted(engine.inspected) == [container_id(1), container_id(2)]
    # A container of the same name is another container, with another environment.
    other = ("MINIO_ROOT_USER=other", "MINIO_ROOT_PASSWORD=hush-too")
    engine.containers[1] = Container(f"{NAME}-2", 3, environment=other)
    assert found(discovery)[f"{NAME}-2"].credentials == Credentials("other", "hush-too")
    assert engine.inspected.count(container_id(1)) == 1


def test_a_node_without_keys(engine: Engine, discovery: DockerDiscovery) -> None:
    engine.containers = [Container(f"{NAME}-1", 1, environment=("PATH=/bin",))]
    (node,) = discovery.discover()
    assert node.credentials is None


@pytest.mark.usefixtures("garbage")
class TestWithoutADaemon:
    def test_one_line_says_so_and_it_heals(
        self, engine: Engine, discovery: DockerDiscovery
    ) -> None:
        engine.containers = [Container(f"{NAME}-1", 1)]
        before = list(discovery.discover())
        for _ in range(2):
            engine.stop()
            with pytest.raises(DiscoveryError) as caught:
                discovery.discover()
            text = str(caught.value)
            assert text.startswith("Docker does not answer at unix://")
            assert "No such file" in text
            assert "\n" not in text
            assert "hush-hush" not in text
            engine.start()
            assert list(discovery.discover()) == before

    @pytest.mark.parametrize(
        "listing",
        [(500, b'{"message": "boom"}'), (200, b"this is no JSON"), (403, b""), (200, b"")],
    )
    def test_an_answer_that_is_none(
        self, engine: Engine, discovery: DockerDiscovery, listing: tuple[int, bytes]
    ) -> None:
        engine.listing = listing
        with pytest.raises(DiscoveryError, match="Docker does not answer"):
            discovery.discover()
        engine.listing = None
        assert list(discovery.discover()) == []

    @pytest.mark.parametrize("host", ["tcp://127.0.0.1:1", "nonsense://x", "unix://"])
    def test_a_docker_host_that_leads_nowhere(
        self, host: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DOCKER_HOST", host)
        if host == "unix://":
            monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/socket")
        with pytest.raises(DiscoveryError, match="Docker does not answer") as caught:
            DockerDiscovery(DiscoveryOptions(NAME, 9000, "", 1.0)).discover()
        assert "\n" not in str(caught.value)


class TestEvents:
    def test_those_about_nodes_and_networks_are_reported(
        self, engine: Engine, discovery: DockerDiscovery
    ) -> None:
        def event(kind: str, action: str, name: str) -> dict[str, object]:
            return {"Type": kind, "Action": action, "Actor": {"Attributes": {"name": name}}}

        engine.events = [
            event("container", "start", f"{NAME}-1"),
            event("container", "start", "postgres"),
            event("network", "disconnect", "stack"),
            {"Type": "container", "Action": "die"},
        ]
        assert list(itertools.islice(discovery.changes(), 3)) == [
            "connected",
            f"start {NAME}-1",
            "disconnect stack",
        ]

    @pytest.mark.parametrize("rest", [b"", b"zz\r\n", b"ff\r\n{", b"5\r\nhello\r\n"])
    def test_however_the_stream_ends_so_do_the_reports(
        self, engine: Engine, discovery: DockerDiscovery, rest: bytes
    ) -> None:
        engine.rest = rest
        assert list(discovery.changes()) == ["connected"]

    @pytest.mark.usefixtures("garbage")
    def test_a_daemon_that_is_away(self, engine: Engine, discovery: DockerDiscovery) -> None:
        engine.stop()
        with pytest.raises(DiscoveryError, match=r"Docker's events ended: .*No such file"):
            list(discovery.changes())
