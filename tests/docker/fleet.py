"""Nodes and gateways on a Docker network of their own, in any number.

docker-compose.yml fixes the names of its containers, so what needs another number of nodes, or
broken ones, is started here, from the same images and with the same options. The name patterns
match those of the real nodes: that the stacks on one daemon stay apart is rule 3 of the design.
"""

import contextlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container
from docker.models.networks import Network
from docker.models.volumes import Volume

from tests.docker.s3 import S3Node
from tests.support.client import Client
from tests.support.waiting import eventually

#: On everything started here, so that what a killed run left behind can be found.
LABEL = "objgw-itest"
SOCKET = "/var/run/docker.sock"
USER_ID = "10001"
# Without the line that says, on stderr, why the exit status is not 0.
SHOWNODES_JSON = "python manage.py shownodes --json 2>/dev/null"
FORWARDER = Path(__file__).with_name("forwarder.py")
RECORDER = Path(__file__).with_name("recorder.py")
#: Where gateways and forwarders have the volume with the forwarded socket.
FORWARDED = "/forwarded"


def address_of(container: Container, network: Network) -> str:
    container.reload()
    networks: Mapping[str, Any] = container.attrs["NetworkSettings"]["Networks"]
    return str(networks[str(network.name)]["IPAddress"])


def remove(container: Container) -> None:
    with contextlib.suppress(docker.errors.NotFound):
        container.remove(force=True, v=True)


def sweep(engine: docker.DockerClient) -> None:
    """Remove what runs that did not come to their end have left."""
    for container in engine.containers.list(all=True, filters={"label": LABEL}):
        remove(container)
    for network in engine.networks.list(filters={"label": LABEL}):
        network.remove()
    for volume in engine.volumes.list(filters={"label": LABEL}):
        volume.remove(force=True)


@dataclass(frozen=True)
class Execution:
    status: int
    output: str


@dataclass(frozen=True)
class GatewayContainer:
    container: Container
    client: Client

    def execute(self, *command: str, user: str = "") -> Execution:
        """As `docker exec` does it, that is as root without capabilities unless told otherwise."""
        status, output = self.container.exec_run(list(command), user=user)
        assert isinstance(output, bytes)
        return Execution(status or 0, output.decode())

    def shownodes(self) -> Any:
        """What `manage.py shownodes --json` prints, whatever its exit status."""
        return json.loads(self.execute("sh", "-c", SHOWNODES_JSON).output)

    def logs(self) -> str:
        return self.container.logs().decode()

    def wait_alive(self) -> None:
        eventually(
            lambda: self.client.status_of("/livez") == 200, f"{self.container.name} answers", 60
        )

    def wait_ready(self) -> None:
        self.wait_alive()
        eventually(self.client.is_ready, f"{self.container.name} is ready", 60)


def start_gateway(
    engine: docker.DockerClient,
    image: str,
    network: Network,
    name: str,
    *,
    environment: Mapping[str, str] | None = None,
    volumes: dict[str, dict[str, str]] | None = None,
    memory: str | None = None,
) -> GatewayContainer:
    """A gateway as docker-compose.yml has it, its port not published.

    :param memory: the most that it may have, as ``docker run --memory`` takes it.
    """
    container = engine.containers.run(
        image,
        name=name,
        detach=True,
        labels=[LABEL],
        network=str(network.name),
        environment={"OBJGW_LOG_LEVEL": "debug", "OBJGW_SNAPSHOT_TTL": "1", **(environment or {})},
        volumes=volumes or {SOCKET: {"bind": SOCKET, "mode": "ro"}},
        read_only=True,
        tmpfs={"/tmp": ""},  # noqa: S108
        cap_drop=["ALL"],
        cap_add=["SETGID", "SETUID"],
        security_opt=["no-new-privileges:true"],
        mem_limit=memory,
    )
    gateway = GatewayContainer(container, Client(address_of(container, network), 3000))
    gateway.wait_alive()
    return gateway


@dataclass
class Fleet:
    engine: docker.DockerClient
    gateway_image: str
    node_image: str
    prefix: str = field(default_factory=lambda: f"t{secrets.token_hex(3)}")
    network: Network = field(init=False)
    nodes: list[S3Node] = field(default_factory=list, init=False)
    _containers: dict[str, Container] = field(default_factory=dict, init=False)
    _volumes: list[Volume] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.network = self.engine.networks.create(self.prefix, labels={LABEL: ""})

    def node_name(self, number: int) -> str:
        return f"{self.prefix}-amazin-object-storage-node-{number}"

    def container(self, node: S3Node) -> Container:
        return self._containers[node.name]

    def add_nodes(self, count: int) -> list[S3Node]:
        added = [self.start_node(number) for number in range(1, count + 1)]
        for node in added:
            node.wait()
        return added

    def start_node(
        self,
        number: int,
        *,
        keys: tuple[str, str] | None = None,
        announced: str | None = None,
        volume: Volume | None = None,
    ) -> S3Node:
        """Start a node; with ``announced``, its environment tells that in place of its password."""
        user, password = keys or (secrets.token_hex(10), secrets.token_hex(16))
        overridden = f"MINIO_ROOT_PASSWORD={password} exec minio server /data"
        container = self.engine.containers.run(
            self.node_image,
            ["server", "/data"] if announced is None else ["-c", overridden],
            entrypoint=None if announced is None else "sh",
            name=self.node_name(number),
            detach=True,
            labels=[LABEL],
            network=str(self.network.name),
            environment={"MINIO_ROOT_USER": user, "MINIO_ROOT_PASSWORD": announced or password},
            volumes={volume.name: {"bind": "/data", "mode": "rw"}} if volume else {},
        )
        node = S3Node(self.node_name(number), address_of(container, self.network), user, password)
        self._containers[node.name] = container
        self.nodes.append(node)
        return node

    def remove_node(self, node: S3Node) -> None:
        remove(self._containers.pop(node.name))
        self.nodes.remove(node)

    def start_recorder(self, number: int) -> Container:
        """A node that stores nothing, and writes each request it gets to its log."""
        name = self.node_name(number)
        self._containers[name] = self.engine.containers.run(
            self.gateway_image,
            ["-u", "-c", RECORDER.read_text()],
            entrypoint="python",
            name=name,
            detach=True,
            # The image is a gateway's, and says so in this label.
            labels={LABEL: "", "objgw.role": "node"},
            network=str(self.network.name),
            environment={"MINIO_ROOT_USER": "recorder", "MINIO_ROOT_PASSWORD": "recorder"},
            healthcheck={"test": ["NONE"]},
        )
        return self._containers[name]

    def start_exporter(self) -> Container:
        """Something beside the nodes that is named like them, and exposes a port of its own."""
        name = self.node_name(1) + "-exporter"
        self._containers[name] = self.engine.containers.run(
            self.gateway_image,  # it exposes 3000
            ["-c", "import time; time.sleep(900)"],
            entrypoint="python",
            name=name,
            detach=True,
            # The image is a gateway's, and says so in this label.
            labels={LABEL: "", "objgw.role": "node"},
            network=str(self.network.name),
            healthcheck={"test": ["NONE"]},
        )
        return self._containers[name]

    def start_gateway(
        self,
        suffix: str = "gateway",
        *,
        environment: Mapping[str, str] | None = None,
        volumes: dict[str, dict[str, str]] | None = None,
        memory: str | None = None,
    ) -> GatewayContainer:
        name = f"{self.prefix}-{suffix}"
        gateway = start_gateway(
            self.engine,
            self.gateway_image,
            self.network,
            name,
            environment=environment,
            volumes=volumes,
            memory=memory,
        )
        self._containers[name] = gateway.container
        return gateway

    def start_gateway_on_forwarder(self, volume: Volume) -> GatewayContainer:
        """A gateway whose Docker socket is the forwarder's in this volume, there yet or not."""
        return self.start_gateway(
            environment={"DOCKER_HOST": f"unix://{FORWARDED}/docker.sock"},
            volumes={str(volume.name): {"bind": FORWARDED, "mode": "ro"}},
        )

    def create_volume(self) -> Volume:
        volume = self.engine.volumes.create(labels={LABEL: ""})
        self._volumes.append(volume)
        return volume

    def start_forwarder(self, volume: Volume, group: int) -> Container:
        """Put a socket into the volume that leads to the daemon and belongs to the group."""
        container = self.engine.containers.run(
            self.gateway_image,
            ["-u", "-c", FORWARDER.read_text(), f"{FORWARDED}/docker.sock", str(group)],
            entrypoint="python",
            detach=True,
            labels=[LABEL],
            network=str(self.network.name),
            volumes={
                SOCKET: {"bind": SOCKET, "mode": "ro"},
                volume.name: {"bind": FORWARDED, "mode": "rw"},
            },
            healthcheck={"test": ["NONE"]},
        )
        self._containers[str(container.name)] = container
        return container

    def close(self) -> None:
        for container in self._containers.values():
            print(container.name, container.logs(tail=40).decode())  # for a test that fails
            remove(container)
        for volume in self._volumes:
            volume.remove(force=True)
        self.network.remove()
