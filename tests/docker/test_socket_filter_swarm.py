"""The socket filter in front of a swarm's manager: the real filter, and recorded answers."""

import copy
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from nodes.discovery import daemon
from nodes.discovery.base import DiscoveryOptions
from nodes.discovery.swarm import SwarmDiscovery
from nodes.node import Node
from nodes.tests.engine import NAME, Engine
from tests.docker.fleet import LABEL, remove
from tests.docker.stack import ROOT
from tests.support.waiting import eventually

pytestmark = pytest.mark.docker

RECORDED = json.loads((ROOT / "nodes/tests/swarm_answers.json").read_text(encoding="utf-8"))
SECRET = "POSTGRES_PASSWORD=of-somebody-else"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Engine]:
    """A manager with the nodes' service and a database that is none of the gateway's business."""
    answers = copy.deepcopy(RECORDED)
    services, tasks = answers["services"], answers["pending"]
    [nodes] = services
    nodes["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"].append(SECRET)
    for task in tasks:
        task["Spec"]["ContainerSpec"]["Env"].append(SECRET)
    database = copy.deepcopy(nodes) | {"ID": "database"}
    database["Spec"]["Name"] = "postgres"
    services.append(database)
    tasks += [
        copy.deepcopy(task) | {"ID": task["ID"] + "db", "ServiceID": "database"} for task in tasks
    ]
    engine = Engine(tmp_path / "docker.sock")
    engine.swarm = {"services": services, "nodes": answers["nodes"], "tasks": tasks}
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture
def url(
    engine: docker.DockerClient, images: dict[str, str], manager: Engine, tmp_path: Path
) -> Iterator[str]:
    """Where the filter listens, which has the manager's socket."""
    container = engine.containers.run(
        images["OBJGW_FILTER_IMAGE"],
        command=[],
        entrypoint=["nginx", "-c", "/etc/nginx/socket-filter/nginx.conf"],
        detach=True,
        labels=[LABEL],
        environment={"OBJGW_NODE_NAME": NAME},
        cap_drop=["ALL"],
        read_only=True,
        tmpfs={"/tmp": ""},  # noqa: S108  (in the container)
        volumes={
            str(ROOT / "deploy/socket-filter"): {"bind": "/etc/nginx/socket-filter", "mode": "ro"},
            str(tmp_path / "docker.sock"): {"bind": "/var/run/docker.sock", "mode": "ro"},
        },
    )
    try:
        container.reload()
        [network] = container.attrs["NetworkSettings"]["Networks"].values()
        found = f"http://{network['IPAddress']}:2375"
        eventually(lambda: _answers(found), "the filter answers")
        yield found
    finally:
        print(container.logs().decode())
        remove(container)


def _answers(url: str) -> bool:
    try:
        return bool(get(url, "/version"))
    except OSError:
        return False


def get(url: str, target: str) -> Any:
    with urllib.request.urlopen(url + target, timeout=20) as answer:
        return json.loads(answer.read())


def status(url: str, target: str, method: str = "GET") -> int:
    request = urllib.request.Request(url + target, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def discovered(url: str, monkeypatch: pytest.MonkeyPatch) -> list[Node]:
    monkeypatch.setenv("DOCKER_HOST", url)
    monkeypatch.setattr(daemon, "own_container_candidates", lambda *_: [])
    discovery = SwarmDiscovery(DiscoveryOptions(NAME, 9000, "", 10.0))
    try:
        return sorted(discovery.discover(), key=lambda node: node.name)
    finally:
        discovery.close()


def test_the_same_nodes_as_without_it(
    url: str, manager: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    through = discovered(url.replace("http", "tcp"), monkeypatch)
    assert through == discovered(manager.url, monkeypatch)
    assert [node.slot for node in through] == [1, 2, 3]
    assert through[0].credentials is not None
    assert "no suitable node" in through[1].trouble


@pytest.mark.parametrize("target", ["/tasks", "/v1.41/tasks?filters=%7B%7D", "/tasks?filters="])
def test_tasks_of_the_nodes_with_their_keys_only(url: str, target: str) -> None:
    tasks = get(url, target)
    [service] = {task["ServiceID"] for task in tasks}
    assert service == RECORDED["services"][0]["ID"]
    told = {entry for task in tasks for entry in task["Spec"]["ContainerSpec"]["Env"]}
    assert {entry.split("=")[0] for entry in told} == {"MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"}


def test_services_without_environment(url: str) -> None:
    [service] = get(url, "/services")
    assert NAME in service["Spec"]["Name"]
    assert "Env" not in json.dumps(service)


def test_machines_by_name(url: str) -> None:
    machines = get(url, "/nodes")
    assert {frozenset(machine) for machine in machines} == {frozenset({"ID", "Description"})}
    assert [set(machine["Description"]) for machine in machines] == [{"Hostname"}]


def test_without_a_service_there_are_no_tasks(url: str, manager: Engine) -> None:
    assert manager.swarm is not None
    manager.swarm["services"] = manager.swarm["services"][1:]
    assert get(url, "/tasks") == []


def test_no_manager_is_said_as_such(url: str, manager: Engine) -> None:
    manager.swarm = None
    assert {status(url, target) for target in ("/services", "/tasks", "/nodes")} == {503}


@pytest.mark.parametrize(
    "target",
    ["/swarm", "/secrets", "/configs", "/services/x", "/tasks/x", "/tasks/x/logs", "/nodes/x"],
)
def test_nothing_else_of_a_swarm(url: str, target: str) -> None:
    assert status(url, target) == 403


@pytest.mark.parametrize("target", ["/services/create", "/swarm/leave", "/services", "/nodes"])
def test_nothing_is_changed(url: str, target: str) -> None:
    assert status(url, target, "POST") == 405
