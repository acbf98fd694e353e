"""The swarm backend over what a manager answered (Docker 20.10, one machine), and variations of it.

``swarm_answers.json`` was recorded: three replicas that run; then a container killed, with its task
failed and the next one ready; then a service that asks for a machine with a label that none has.
"""

import copy
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nodes.discovery import DiscoveryError, DiscoveryOptions, daemon
from nodes.discovery.swarm import SwarmDiscovery
from nodes.node import Credentials, Node, NodeState
from nodes.tests.engine import NAME, Container, Engine, container_id

Json = dict[str, Any]

RECORDED = json.loads(Path(__file__).with_name("swarm_answers.json").read_text())
SERVICE = f"demo_{NAME}"
OWN = 9


@pytest.fixture
def answers() -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(RECORDED)
    return found


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: Json) -> Iterator[Engine]:
    """A manager on whose machine this process runs, outside of any container."""
    engine = Engine(tmp_path / "docker.sock")
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    monkeypatch.setattr(daemon, "own_container_candidates", lambda *_: [])
    engine.swarm = {
        "services": answers["services"],
        "nodes": answers["nodes"],
        "tasks": answers["running"],
    }
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture
def discovery(engine: Engine) -> Iterator[SwarmDiscovery]:
    discovery = SwarmDiscovery(DiscoveryOptions(NAME, 9000, "", 5.0))
    yield discovery
    discovery.close()


def found(discovery: SwarmDiscovery) -> dict[str, Node]:
    nodes = discovery.discover()
    by_name = {node.name: node for node in nodes}
    assert len(by_name) == len(nodes), "a name was found twice"
    return by_name


def state(engine: Engine) -> dict[str, list[Any]]:
    assert engine.swarm is not None
    return engine.swarm


def another_service(engine: Engine, name: str, **changes: Any) -> Json:
    """A copy of the recorded service, with copies of its tasks."""
    (recorded, *_) = state(engine)["services"]
    service: Json = copy.deepcopy(recorded) | {"ID": f"id-of-{name}"}
    service["Spec"] |= {"Name": name, **changes}
    tasks = [t for t in state(engine)["tasks"] if t["ServiceID"] == recorded["ID"]]
    state(engine)["services"].append(service)
    state(engine)["tasks"] += [
        copy.deepcopy(task) | {"ID": f"{task['ID']}-of-{name}", "ServiceID": service["ID"]}
        for task in tasks
    ]
    return service


def names(*slots: int) -> set[str]:
    return {f"{SERVICE}.{slot}" for slot in slots}


def test_each_replica_is_a_node(discovery: SwarmDiscovery) -> None:
    nodes = found(discovery)
    assert nodes.keys() == names(1, 2, 3)
    node = nodes[f"{SERVICE}.1"]
    assert node == Node(
        f"{SERVICE}.1",
        "10.0.1.4",
        9000,
        NodeState.RUNNING,
        Credentials("key", "hush-hush-hush"),
        machine="vm",
        service=SERVICE,
        slot=1,
    )
    assert node.down_reason is None


@pytest.mark.parametrize(
    ("of_service", "of_containers", "name"),
    [
        ({"objgw.tls.name": "s3.example"}, {}, "s3.example"),
        ({}, {"objgw.tls.name": "s3.example"}, "s3.example"),
        ({"objgw.tls": "true"}, {}, f"{SERVICE}.1"),
        ({"objgw.tls": "false"}, {"objgw.tls": "true"}, None),
    ],
)
def test_a_service_with_tls(
    engine: Engine,
    discovery: SwarmDiscovery,
    of_service: dict[str, str],
    of_containers: dict[str, str],
    name: str | None,
) -> None:
    (service, *_) = state(engine)["services"]
    service["Spec"]["Labels"] = of_service
    service["Spec"]["TaskTemplate"]["ContainerSpec"]["Labels"] = of_containers
    assert found(discovery)[f"{SERVICE}.1"].tls_name == name


def test_whatever_order_the_tasks_come_in(
    engine: Engine, discovery: SwarmDiscovery, answers: Json
) -> None:
    state(engine)["tasks"] = answers["pending"]
    before = found(discovery)
    state(engine)["tasks"].reverse()
    assert found(discovery) == before


def test_a_task_that_takes_the_place_of_a_failed_one_is_the_same_node(
    engine: Engine, discovery: SwarmDiscovery, answers: Json
) -> None:
    before = found(discovery)
    state(engine)["tasks"] = answers["restarting"]
    meanwhile = found(discovery)
    assert meanwhile.keys() == before.keys()
    assert meanwhile[f"{SERVICE}.2"].down_reason == "its task is ready: prepared"
    assert meanwhile[f"{SERVICE}.1"] == before[f"{SERVICE}.1"]
    (task,) = [t for t in state(engine)["tasks"] if t["DesiredState"] == "ready"]
    task["Status"]["State"] = "running"
    afterwards = found(discovery)[f"{SERVICE}.2"]
    assert (afterwards.down_reason, afterwards.host) == (None, "10.0.1.6")


def test_one_that_no_machine_takes_says_why_in_swarms_words(
    engine: Engine, discovery: SwarmDiscovery, answers: Json
) -> None:
    state(engine)["tasks"] = answers["pending"]
    node = found(discovery)[f"{SERVICE}.2"]
    assert node.state is NodeState.PENDING
    assert node.machine is None
    assert node.down_reason == (
        "its task is pending: no suitable node (scheduling constraints not satisfied on 1 node)"
    )


def test_a_place_without_any_task_is_a_node_all_the_same(
    engine: Engine, discovery: SwarmDiscovery
) -> None:
    state(engine)["tasks"] = []
    nodes = found(discovery)
    assert nodes.keys() == names(1, 2, 3)
    assert nodes[f"{SERVICE}.3"].down_reason == "Swarm has no task for it"


def test_scaled_down(engine: Engine, discovery: SwarmDiscovery) -> None:
    state(engine)["services"][0]["Spec"]["Mode"]["Replicated"]["Replicas"] = 2
    assert found(discovery).keys() == names(1, 2)


def test_the_task_created_last_counts_to_the_nanosecond(
    engine: Engine, discovery: SwarmDiscovery
) -> None:
    """Go leaves out zeros at the end of a second's fraction."""
    (first,) = [t for t in state(engine)["tasks"] if t["Slot"] == 1]
    later = copy.deepcopy(first) | {"ID": "later"}
    first["CreatedAt"], later["CreatedAt"] = (
        "2026-11-25T22:56:13Z",
        "2026-11-25T22:56:13.000000001Z",
    )
    later["NetworksAttachments"][0]["Addresses"] = ["10.0.1.99/24"]
    state(engine)["tasks"].insert(0, later)
    assert found(discovery)[f"{SERVICE}.1"].host == "10.0.1.99"


def test_several_services_and_a_service_on_every_machine(
    engine: Engine, discovery: SwarmDiscovery
) -> None:
    another_service(engine, f"{NAME}-solo", Mode={"Replicated": {"Replicas": 1}})
    everywhere = another_service(engine, f"{NAME}-everywhere", Mode={"Global": {}})
    state(engine)["nodes"].append({"ID": "second", "Description": {"Hostname": "vm-2"}})
    mine = [t for t in state(engine)["tasks"] if t["ServiceID"] == everywhere["ID"]]
    for task in mine:
        del task["Slot"]
    mine[0]["NodeID"] = "second"
    nodes = found(discovery)
    first = RECORDED["nodes"][0]["ID"]
    assert nodes.keys() == {
        *names(1, 2, 3),
        f"{NAME}-solo.1",
        f"{NAME}-everywhere.{first}",
        f"{NAME}-everywhere.second",
    }
    assert nodes[f"{NAME}-everywhere.second"].machine == "vm-2"


def test_services_of_other_names_and_gateways_have_no_nodes(
    engine: Engine, discovery: SwarmDiscovery
) -> None:
    another_service(engine, "demo_web")
    another_service(engine, f"{NAME}-gateway", Labels={"objgw.role": "gateway"})
    another_service(engine, f"{NAME}-exporter", Labels={"objgw.role": "other"})
    labelled = another_service(engine, f"{NAME}-gateway-2")
    labelled["Spec"]["TaskTemplate"]["ContainerSpec"]["Labels"] = {"objgw.role": "gateway"}
    assert found(discovery).keys() == names(1, 2, 3)


class TestInAContainer:
    """The gateway is a task itself."""

    OVERLAY = RECORDED["running"][0]["NetworksAttachments"][0]["Network"]["ID"]

    @pytest.fixture(autouse=True)
    def in_a_container(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Container:
        monkeypatch.setattr(daemon, "own_container_candidates", lambda *_: [container_id(OWN)])
        own = Container("gateway.1.x", OWN, {"overlay": "10.0.1.20"})
        engine.containers = [own]
        return own

    def on(self, network: str, monkeypatch: pytest.MonkeyPatch) -> None:
        networks = {"overlay": {"NetworkID": network, "IPAddress": "10.0.1.20"}}
        monkeypatch.setattr(daemon, "networks_of", lambda container: networks)

    def test_services_on_its_network_count(
        self, discovery: SwarmDiscovery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.on(self.OVERLAY, monkeypatch)
        assert found(discovery)[f"{SERVICE}.1"].host == "10.0.1.4"

    def test_those_on_others_do_not(
        self, discovery: SwarmDiscovery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.on("another", monkeypatch)
        assert found(discovery) == {}
        assert "that shares a network with the gateway" in discovery.no_nodes_hint

    def test_the_address_is_the_one_on_its_network(
        self, engine: Engine, discovery: SwarmDiscovery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.on(self.OVERLAY, monkeypatch)
        for task in state(engine)["tasks"]:
            elsewhere = {"Network": {"ID": "another"}, "Addresses": ["10.9.9.9/24"]}
            task["NetworksAttachments"].insert(0, elsewhere)
        assert found(discovery)[f"{SERVICE}.1"].host == "10.0.1.4"

    def test_its_own_service_has_no_nodes(
        self,
        engine: Engine,
        discovery: SwarmDiscovery,
        in_a_container: Container,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.on(self.OVERLAY, monkeypatch)
        own = another_service(engine, f"{NAME}-gateway")
        in_a_container.labels["com.docker.swarm.service.id"] = own["ID"]
        assert found(discovery).keys() == names(1, 2, 3)


def test_names_of_machines_are_asked_for_once(engine: Engine, discovery: SwarmDiscovery) -> None:
    for _ in range(3):
        found(discovery)
    assert engine.asked.count("/nodes") == 1
    state(engine)["nodes"].append({"ID": "second", "Description": {"Hostname": "vm-2"}})
    state(engine)["tasks"][0]["NodeID"] = "second"
    assert "vm-2" in {node.machine for node in found(discovery).values()}


def test_a_daemon_that_is_no_manager(engine: Engine, discovery: SwarmDiscovery) -> None:
    managed, engine.swarm = engine.swarm, None
    with pytest.raises(DiscoveryError, match="not a swarm manager"):
        discovery.discover()
    engine.swarm = managed
    assert found(discovery).keys() == names(1, 2, 3)


def test_without_a_service_the_absence_says_so(engine: Engine, discovery: SwarmDiscovery) -> None:
    state(engine)["services"].clear()
    assert found(discovery) == {}
    assert discovery.no_nodes_hint == (
        f"There is no node: the swarm of Docker at {engine.url} has no service with '{NAME}' in "
        "its name."
    )


def test_changes_are_reported(
    engine: Engine, discovery: SwarmDiscovery, answers: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter(("nothing", "tasks", "nothing", "service", "nothing", "manager"))

    def between_looks(_: float) -> None:
        match next(looks):
            case "tasks":
                state(engine)["tasks"] = answers["restarting"]
            case "service":
                state(engine)["services"][0]["Version"] = {"Index": 10**6}
            case "manager":
                engine.swarm = None

    monkeypatch.setattr(time, "sleep", between_looks)
    reports = discovery.changes()
    assert [next(reports) for _ in range(3)] == ["tasks changed"] * 3
    with pytest.raises(DiscoveryError, match="not a swarm manager"):
        next(reports)
