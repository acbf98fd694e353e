"""deploy/stack.yml on a swarm of one machine, which is this one."""

import contextlib
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import docker
from docker.models.containers import Container

from demo.harness.s3nodes import NODE_NAME
from tests.docker.fleet import GatewayContainer
from tests.docker.stack import ROOT
from tests.support.client import Client
from tests.support.waiting import eventually

NAME = "objgw-itest-swarm"
#: As the stack's files name them.
SECRETS = {"objgw-user": b"ring", "objgw-password": b"treepotato"}
VOLUMES = ("objgw-node-", "objgw-tmp-")
_STACK = "com.docker.stack.namespace"
_MACHINE_LABEL = "objgw"
#: On this machine, where it is in a swarm because of these tests.
_JOINED = "objgw-itest"


@dataclass(frozen=True)
class SwarmStack:
    engine: docker.DockerClient

    @property
    def service(self) -> str:
        """The name of the nodes' service."""
        return f"{NAME}_{NODE_NAME}"

    def node_name(self, slot: int) -> str:
        return f"{self.service}.{slot}"

    def containers(self) -> dict[str, str]:
        """The ids and names of the containers that run for nodes."""
        found = self.engine.containers.list(
            ignore_removed=True, filters={"name": rf"^/?{self.service}\."}
        )
        return {str(each.id): str(each.name) for each in found}

    def container(self, slot: int) -> Container:
        """The container that runs in the place of a node."""
        (found,) = self.engine.containers.list(
            ignore_removed=True, filters={"name": rf"^/?{self.node_name(slot)}\."}
        )
        return found

    def gateways(self) -> list[GatewayContainer]:
        """Those that run, each with a client of its published port."""
        found = self.engine.containers.list(
            ignore_removed=True, filters={"name": rf"^/?{NAME}_gateway\."}
        )
        return [GatewayContainer(each, Client("127.0.0.1", _port(each))) for each in found]

    def update(self, *arguments: str) -> None:
        """``docker service update`` of the nodes, which is waited for by the caller."""
        _docker("service", "update", "--detach", *arguments, self.service)

    def wait_for_gateways(self, number: int) -> list[GatewayContainer]:
        eventually(
            lambda: len([g for g in self.gateways() if g.container.status == "running"]) == number,
            f"{number} gateways run",
            120,
        )
        gateways = self.gateways()
        for gateway in gateways:
            gateway.wait_ready()
        return gateways


def _port(container: Container) -> int:
    ports = container.attrs["NetworkSettings"]["Ports"]["3000/tcp"] or []
    return int(next((each["HostPort"] for each in ports if each["HostIp"] == "0.0.0.0"), 0))


def _docker(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    run = subprocess.run(
        ["docker", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(run.stdout)  # for a test that fails
    assert run.returncode == 0, f"docker {' '.join(arguments)}: {run.stdout[-3000:]}"
    return run.stdout


def join_swarm(engine: docker.DockerClient) -> None:
    """Make this machine the only manager of a swarm, unless it is in one."""
    if engine.info()["Swarm"]["LocalNodeState"] != "active":
        engine.swarm.init(advertise_addr="127.0.0.1")
        _label_machine(engine, _JOINED, "here")


def leave_swarm(engine: docker.DockerClient) -> None:
    """Undo `join_swarm`, if it did anything; also what that of an earlier run did.

    To be called when no container of a test runs any more: the engine (20.10) then forgets the
    published ports of containers that are on a network of their own.
    """
    if engine.info()["Swarm"]["LocalNodeState"] != "active":
        return
    if any(_JOINED in (node.attrs["Spec"].get("Labels") or {}) for node in engine.nodes.list()):
        engine.swarm.leave(force=True)


def _label_machine(engine: docker.DockerClient, name: str, text: str) -> None:
    (machine,) = engine.nodes.list()
    spec = machine.attrs["Spec"]
    machine.update({**spec, "Labels": {**(spec.get("Labels") or {}), name: text}})


@contextlib.contextmanager
def deployed(engine: docker.DockerClient, environment: Mapping[str, str]) -> Iterator[SwarmStack]:
    """The stack, from its files; it and its secrets and volumes are gone afterwards."""
    _label_machine(engine, _MACHINE_LABEL, "node")
    secrets = [engine.secrets.create(name=name, data=data) for name, data in SECRETS.items()]
    files = [
        argument
        for name in ("stack.yml", "stack.one-machine.yml")
        for argument in ("--compose-file", f"deploy/{name}")
    ]
    try:
        _docker("stack", "deploy", *files, NAME, environment=environment)
        yield SwarmStack(engine)
    finally:
        _docker("stack", "rm", NAME)
        of_stack: dict[str, str | list[str] | bool] = {"label": f"{_STACK}={NAME}"}
        eventually(
            lambda: not engine.containers.list(all=True, ignore_removed=True, filters=of_stack),
            "it is gone",
            120,
        )
        eventually(lambda: not engine.networks.list(filters=of_stack), "so is its network", 60)
        for secret in secrets:
            secret.remove()
        for volume in engine.volumes.list():
            if volume.name.startswith(VOLUMES):
                volume.remove(force=True)
