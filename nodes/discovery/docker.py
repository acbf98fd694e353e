"""Nodes from the local Docker daemon."""

import logging
import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import docker
import docker.errors
import docker.utils
import requests.exceptions

from nodes.discovery.base import BaseDiscovery, DiscoveryError, DiscoveryOptions
from nodes.discovery.environment import credentials_of, region_of
from nodes.node import Node, NodeState

logger = logging.getLogger("objgw.discovery")

#: On the gateway's image, and so on its containers: none of them is a node, whatever its name.
ROLE_LABEL = "objgw.role"
GATEWAY_ROLE = "gateway"

#: While Compose recreates a container, one of the two carries the other's id before its name:
#: version 1 renames the old one, version 2 the new one.
_RECREATED = re.compile(r"\A[0-9a-f]{12}_(?=.)")
#: Where Docker's own tools look without DOCKER_HOST.
DEFAULT_URL = "unix:///var/run/docker.sock"
_USER_INFO = re.compile(r"(?<=://)[^/\s]*@")
#: Docker mounts these files into every container from a folder named by the container's id.
_OWN_MOUNT = re.compile(r"/([0-9a-f]{64})/(?:userdata/)?(?:hostname|hosts|resolv\.conf)\b")
_EVENTS = [
    "create",
    "start",
    "die",
    "pause",
    "unpause",
    "rename",
    "destroy",
    "connect",
    "disconnect",
]

#: Docker's client lets a ValueError through for a URL that it cannot read.
_FAILURES = (docker.errors.DockerException, requests.exceptions.RequestException, ValueError)

# What the Engine API answers: JSON objects of which we read a few members.
Json = Mapping[str, Any]


def canonical_name(name: str) -> str:
    """The node's name, without what Compose puts before it while it recreates the container."""
    return _RECREATED.sub("", name)


def own_container_candidates(mountinfo: str, hostname: str) -> list[str]:
    """Names by which the daemon may know the container that this process runs in, best first.

    :param mountinfo: the text of ``/proc/self/mountinfo`` (proc(5)).
    :param hostname: this host's name, which is the container's short id unless it was set.
    """
    return list(dict.fromkeys([*_OWN_MOUNT.findall(mountinfo), hostname]))


def _networks(container: Json) -> dict[str, Json]:
    return dict((container.get("NetworkSettings") or {}).get("Networks") or {})


def _shared(theirs: Mapping[str, Json], own: Mapping[str, Json] | None) -> dict[str, Json]:
    """Those of a container's networks that the gateway is on too; all when it is on a host."""
    if own is None:
        return dict(theirs)
    own_ids = {network.get("NetworkID") for network in own.values()} - {"", None}
    # A container that was never started has no network id yet, only the network's name.
    return {
        name: network
        for name, network in theirs.items()
        if (network["NetworkID"] in own_ids if network.get("NetworkID") else name in own)
    }


def _address(networks: Mapping[str, Json]) -> str | None:
    """The container's address on the first of these networks, by name, that gave it one."""
    for member in ("IPAddress", "GlobalIPv6Address"):
        for name in sorted(networks):
            if networks[name].get(member):
                return str(networks[name][member])
    return None


class DockerDiscovery(BaseDiscovery):
    """Containers with ``OBJGW_NODE_NAME`` in their name, stopped ones included.

    Finds the daemon as Docker's own tools do: ``DOCKER_HOST``, ``DOCKER_TLS_VERIFY`` and
    ``DOCKER_CERT_PATH``, by default the local socket. A question is one listing; a container's
    environment cannot change, so it is read once for each container.
    """

    def __init__(self, options: DiscoveryOptions) -> None:
        super().__init__(options)
        self._client: docker.DockerClient | None = None
        self._environments: dict[str, tuple[str, ...]] = {}
        self._in_container = False

    def check(self) -> list[str]:
        if _can_be_asked(os.environ.get("DOCKER_HOST", "")):
            return []
        needed = "unix:///PATH or tcp://HOST:PORT, without user and password"
        return [f"DOCKER_HOST must be {needed}, not '{daemon_url()}'."]

    @property
    def no_nodes_hint(self) -> str:
        network = " that shares a Docker network with the gateway" if self._in_container else ""
        return (
            f"There is no node: Docker at {daemon_url()} has no container with "
            f"'{self.options.name}' in its name{network}."
        )

    def discover(self) -> Sequence[Node]:
        try:
            return self._discover(self._connected())
        except _FAILURES as error:
            self._disconnect()
            raise DiscoveryError(
                f"Docker does not answer at {daemon_url()}: {_reason(error)}"
            ) from error

    def changes(self) -> Iterator[str]:
        """The daemon's events about our containers and about networks, as ``start NAME``.

        The first report is ``connected``, once the daemon listens to us: what changed before it
        is for the caller to discover.
        """
        try:
            client = docker.from_env(timeout=max(1, round(self.options.timeout)))
            stream = client.events(
                decode=True, filters={"type": ["container", "network"], "event": _EVENTS}
            )
            yield "connected"
            for event in stream:
                name = str(event.get("Actor", {}).get("Attributes", {}).get("name", ""))
                if event.get("Type") == "network" or self.options.name in name:
                    yield f"{event.get('Action')} {name}"
        except _FAILURES as error:
            raise DiscoveryError(f"Docker's events ended: {_reason(error)}") from error

    def _connected(self) -> docker.DockerClient:
        if self._client is None:
            self._client = docker.from_env(timeout=max(1, round(self.options.timeout)))
        return self._client

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _discover(self, client: docker.DockerClient) -> list[Node]:
        listed: list[Json] = client.api.containers(
            all=True, filters={"name": re.escape(self.options.name)}
        )
        own_id, own_networks = self._own_container(client)
        self._in_container = own_networks is not None
        best: dict[str, tuple[tuple[bool, bool], Node]] = {}
        seen: dict[str, tuple[str, ...]] = {}
        for container in listed:
            name = self._name(container)
            shared = _shared(_networks(container), own_networks)
            if name is None or (own_networks is not None and not shared):
                continue
            if container["Id"] == own_id or _is_gateway(container):
                continue
            environment = self._environment(client, str(container["Id"]))
            if environment is None:
                continue
            seen[str(container["Id"])] = environment
            node = Node(
                name=canonical_name(name),
                host=_address(shared),
                port=self.options.port,
                state=NodeState.parse(str(container.get("State", ""))),
                credentials=credentials_of(environment),
                region=region_of(environment),
            )
            # Of a container and its replacement, the one that runs is the node.
            rank = (node.down_reason is None, node.name == name)
            if node.name not in best or rank > best[node.name][0]:
                best[node.name] = (rank, node)
        self._environments = seen
        return [node for _, node in best.values()]

    def _name(self, container: Json) -> str | None:
        # "/web/alias" is a link of another container to this one, not a name.
        names = [str(name).removeprefix("/") for name in container.get("Names") or []]
        return next((n for n in names if "/" not in n and self.options.name in n), None)

    def _environment(self, client: docker.DockerClient, container: str) -> tuple[str, ...] | None:
        """The container's environment, None when it was removed since it was listed."""
        if container in self._environments:
            return self._environments[container]
        try:
            found: Json = client.api.inspect_container(container)
        except docker.errors.NotFound:
            return None
        return tuple((found.get("Config") or {}).get("Env") or ())

    def _own_container(
        self, client: docker.DockerClient
    ) -> tuple[str | None, dict[str, Json] | None]:
        """Id and networks of the container that this process runs in, None for both on a host.

        A container on the host's network is a host as far as networks are concerned.
        """
        try:
            mountinfo = Path("/proc/self/mountinfo").read_text(errors="replace")
        except OSError:
            mountinfo = ""
        for candidate in own_container_candidates(mountinfo, socket.gethostname()):
            try:
                found: Json = client.api.inspect_container(candidate)
            except docker.errors.NotFound:
                continue
            # Not a container that merely has this host's name for its own.
            if str(found["Id"]).startswith(candidate):
                networks = _networks(found)
                return str(found["Id"]), None if "host" in networks else networks
        return None, None


def _is_gateway(container: Json) -> bool:
    return (container.get("Labels") or {}).get(ROLE_LABEL) == GATEWAY_ROLE


def daemon_url() -> str:
    """Where the daemon is looked for, without a user name and password that may be in the URL."""
    return _USER_INFO.sub("", os.environ.get("DOCKER_HOST") or DEFAULT_URL)


def _can_be_asked(url: str) -> bool:
    """Whether Docker's client can connect to such a URL; the empty one is the local socket."""
    try:
        parsed = str(docker.utils.parse_host(url))
    except (docker.errors.DockerException, ValueError):
        return False
    # It would need an SSH client, or Windows, for the others.
    return str(parsed).startswith(("http://", "https://", "http+unix://"))


def _reason(error: Exception) -> str:
    """The innermost cause, in one line: Docker's client wraps an OSError three times."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    text = _USER_INFO.sub("", " ".join(str(cause).split())) or type(cause).__name__
    return text if len(text) <= 300 else text[:297] + "..."
