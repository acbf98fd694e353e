"""The project's own docker-compose.yml, built and started as a user does it."""

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.models.containers import Container
from docker.models.networks import Network

from tests.docker.fleet import GatewayContainer, address_of
from tests.docker.s3 import S3Node
from tests.support.client import Client
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "objgw-itest"
NODE_NAMES = [f"amazin-object-storage-node-{number}" for number in (1, 2, 3)]


def runs(*command: str) -> bool:
    return (
        shutil.which(command[0]) is not None
        and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


def compose_command() -> list[str]:
    return ["docker", "compose"] if runs("docker", "compose", "version") else ["docker-compose"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Stack:
    engine: docker.DockerClient
    port: int
    environment: dict[str, str]

    @classmethod
    def on_free_port(cls, engine: docker.DockerClient, images: Mapping[str, str]) -> "Stack":
        port = free_port()
        environment = {
            **os.environ,
            **images,
            "OBJGW_PORT": str(port),
            "OBJGW_LOG_LEVEL": "debug",
            "COMPOSE_PROJECT_NAME": PROJECT,
        }
        if not runs("docker", "buildx", "version"):
            environment["DOCKER_BUILDKIT"] = "0"
        return cls(engine, port, environment)

    def names_taken(self) -> list[str]:
        """Names in docker-compose.yml which containers of another project have."""
        return [
            str(container.name)
            for container in self.engine.containers.list(all=True)
            if container.name in NODE_NAMES
            and container.labels.get("com.docker.compose.project") != PROJECT
        ]

    def compose(self, *arguments: str) -> None:
        run = subprocess.run(
            [*compose_command(), *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(run.stdout)  # for a test that fails
        assert run.returncode == 0, f"compose {' '.join(arguments)}: {run.stdout[-3000:]}"

    def configuration(self, environment: Mapping[str, str]) -> str:
        """The compose file with all variables in place, some of them set anew."""
        return subprocess.run(
            [*compose_command(), "config"],
            cwd=ROOT,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def up(self) -> None:
        self.compose("up", "--build", "-d")
        self.wait_serving()

    @contextlib.contextmanager
    def overridden(self, *files: str) -> Iterator[None]:
        """With these compose files on top of the project's own; as before afterwards."""
        names = [argument for file in ("docker-compose.yml", *files) for argument in ("-f", file)]
        try:
            self.compose(*names, "up", "-d")
            self.wait_serving()
            yield
        finally:
            self.compose("up", "-d", "--remove-orphans")
            self.wait_serving()

    def wait_serving(self) -> None:
        """Until the gateway is ready, and each node serves."""
        self.gateway.wait_ready()
        for node in self.nodes:
            node.wait()

    def down(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")

    def container(self, service: str) -> Container:
        labels = [f"com.docker.compose.project={PROJECT}", f"com.docker.compose.service={service}"]
        [container] = self.engine.containers.list(all=True, filters={"label": labels})
        return container

    @property
    def client(self) -> Client:
        return Client("127.0.0.1", self.port)

    @property
    def gateway(self) -> GatewayContainer:
        return GatewayContainer(self.container("gateway"), self.client)

    @property
    def image(self) -> str:
        return str(self.container("gateway").attrs["Image"])

    @property
    def network(self) -> Network:
        [network] = self.engine.networks.list(names=[f"{PROJECT}_amazin-object-storage"])
        return network

    @property
    def nodes(self) -> list[S3Node]:
        """As the daemon knows them; where there is no address, the node is stopped."""
        nodes = []
        for name in NODE_NAMES:
            container = self.engine.containers.get(name)
            variables = dict(entry.split("=", 1) for entry in container.attrs["Config"]["Env"])
            nodes.append(
                S3Node(
                    name,
                    address_of(container, self.network),
                    variables["MINIO_ROOT_USER"],
                    variables["MINIO_ROOT_PASSWORD"],
                )
            )
        return nodes

    @contextlib.contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """With one node stopped by `docker stop`; it runs again afterwards."""
        container = self.engine.containers.get(name)
        container.stop(timeout=5)
        try:
            yield
        finally:
            container.start()
            self.wait_healthy()

    def wait_healthy(self) -> None:
        """Until the gateway itself finds every node healthy."""
        eventually(
            lambda: all(node["healthy"] for node in self.gateway.shownodes()["nodes"]),
            "all nodes are healthy for the gateway",
            60,
        )
