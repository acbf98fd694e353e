"""A Docker daemon of the tests' own, with MinIO containers in it, to be stopped at will."""

import itertools
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import cast

import docker
import pytest
from docker.models.containers import Container

from demo.harness.children import PROJECT_ROOT, ChildProcess
from tests.docker.s3 import S3Node
from tests.faults.cluster import Gateway, clean_environment
from tests.support.servers import HOST
from tests.support.waiting import seconds_until

NAME = "amazin-object-storage-node"
KEYS = ("a-user", "a-password")


def node_image() -> str:
    """The image that the environment names, or that .ci/images finds or makes."""
    if named := os.environ.get("OBJGW_NODE_IMAGE"):
        return named
    run = subprocess.run([PROJECT_ROOT / ".ci/images"], capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.skip(f"no image of a node here: {run.stderr}")
    found = re.search(r"OBJGW_NODE_IMAGE=(\S+)", run.stdout)
    assert found, run.stdout
    return found[1]


class PrivateDaemon(ChildProcess):
    """dockerd on a socket, a data folder and a bridge of its own.

    Containers outlive it (live-restore), so that what breaks is the daemon and nothing else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "docker.sock"
        self.bridge = f"objgw{secrets.token_hex(3)}"
        switches = ("iptables", "ip6tables", "ip-forward", "ip-masq", "userland-proxy")
        super().__init__(
            "the private Docker daemon",
            [
                "dockerd",
                *("--host", self.url, "--bridge", self.bridge, "--live-restore"),
                *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
                *("--pidfile", str(folder / "docker.pid")),
                *(f"--{switch}=false" for switch in switches),
            ],
            environment={k: v for k, v in os.environ.items() if not k.startswith("DOCKER_")},
            log=folder / "dockerd.log",
        )

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        self._forget_containerd()
        self.launch()
        self.wait_until(self._answers, timeout=120)

    def _forget_containerd(self) -> None:
        """A killed daemon takes its containerd with it, and leaves the number behind.

        While nobody has reaped that process, a new daemon would wait for it to answer.
        """
        number = self.folder / "exec" / "containerd" / "containerd.pid"
        if number.exists():
            status = Path(f"/proc/{number.read_text().strip()}/stat")

            def ended() -> bool:
                try:
                    return ") Z " in status.read_text()
                except (FileNotFoundError, ProcessLookupError):
                    return True

            seconds_until(ended, "the killed daemon's containerd ends")
            number.unlink()

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
            connection.settimeout(5)
            connection.connect(str(self.socket))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: x\r\n\r\n")
            return b" 200 " in connection.recv(64)
        return False

    @contextmanager
    def engine(self) -> Iterator[docker.DockerClient]:
        client = docker.DockerClient(base_url=self.url, timeout=60)
        try:
            yield client
        finally:
            client.close()

    def add_bridge(self) -> None:
        """The first free one of some small networks."""
        for third in itertools.count(1):
            address = f"10.213.{third}.1/24"
            taken = subprocess.run(
                ["ip", "-o", "route", "show", f"10.213.{third}.0/24"],
                capture_output=True,
                check=True,
            )
            if not taken.stdout:
                break
        for command in (
            ("link", "add", "name", self.bridge, "type", "bridge"),
            ("address", "add", address, "dev", self.bridge),
            ("link", "set", self.bridge, "up"),
        ):
            subprocess.run(["ip", *command], check=True)

    def load(self, image: str) -> None:
        """Copy an image from the daemon of this machine."""
        with closing(docker.from_env(timeout=300)) as shared, self.engine() as engine:
            # The client takes what it gets piece by piece; its type hints do not know.
            engine.images.load(cast("bytes", shared.images.get(image).save(named=True)))

    def remove(self) -> None:
        """Leave nothing behind: containers, mounts, the bridge, the data."""
        if not self.running:
            self.start()
        self.resume()
        with self.engine() as engine:
            for container in engine.containers.list(all=True):
                container.remove(force=True, v=True)
        self.stop(grace=30)
        subprocess.run(["ip", "link", "delete", self.bridge], check=True)
        # With live-restore it leaves what it has mounted, for the next one to find.
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        for mounted in sorted((line.split()[1] for line in mounts), reverse=True):
            if Path(mounted).is_relative_to(self.folder):
                subprocess.run(["umount", "-l", mounted], check=True)
        shutil.rmtree(self.folder)


@contextmanager
def private_daemon() -> Iterator[PrivateDaemon]:
    if os.geteuid() or not shutil.which("dockerd"):
        pytest.skip("a Docker daemon of one's own needs root and dockerd")
    image = node_image()
    # Not in pytest's own folder: the path of a socket must be short.
    daemon = PrivateDaemon(Path(tempfile.mkdtemp(prefix="objgw-faults-")))
    daemon.add_bridge()
    try:
        daemon.start()
        daemon.load(image)
        yield daemon
    finally:
        daemon.remove()


class Fleet:
    """Node containers in the private daemon."""

    def __init__(self, daemon: PrivateDaemon, engine: docker.DockerClient) -> None:
        self.daemon = daemon
        self.engine = engine
        self.image = node_image()
        self.containers: list[Container] = []

    def name(self, number: int) -> str:
        return f"{NAME}-{number}"

    def add(self, number: int, *, wait: bool = True) -> Container:
        """Start node ``number``."""
        container = self.engine.containers.run(
            self.image,
            ["server", "/data"],
            name=self.name(number),
            detach=True,
            environment=dict(zip(("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"), KEYS, strict=True)),
        )
        self.containers.append(container)
        if wait:
            self.node(container).wait()
        return container

    def node(self, container: Container) -> S3Node:
        """Where it is now."""
        container.reload()
        address = container.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
        return S3Node(str(container.name), address, *KEYS)

    def occupy(self) -> Container:
        """A container that takes the next free address, and does nothing."""
        container = self.engine.containers.run(
            self.image, ["-c", "sleep 3600"], entrypoint="sh", detach=True, name="occupant"
        )
        self.containers.append(container)
        return container

    def clear(self) -> None:
        for container in self.containers:
            with suppress(docker.errors.NotFound):
                container.remove(force=True, v=True)


def docker_gateway(port: int, log: Path, url: str, **settings: str) -> Gateway:
    """A gateway on this host that asks the daemon at ``url``; yet to be started."""
    environment = clean_environment(
        OBJGW_DISCOVERY="docker", OBJGW_NODES="", DOCKER_HOST=url, **settings
    )
    return Gateway(HOST, port, environment=environment, log=log)


def signal_daemon(daemon: PrivateDaemon, number: signal.Signals) -> None:
    os.kill(daemon.pid, number)
    seconds_until(lambda: number is not signal.SIGKILL or not daemon.running, "the daemon is gone")
