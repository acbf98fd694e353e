"""Nodes from the local Docker daemon."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import docker
import docker.errors

from nodes.discovery.base import DiscoveryOptions
from nodes.discovery.daemon import (
    DaemonDiscovery,
    Json,
    OwnContainer,
    daemon_url,
    may_be_node,
    networks_of,
)
from nodes.discovery.environment import credentials_of, names_keys, region_of
from nodes.discovery.labels import read_labels
from nodes.node import Node, NodeState

#: While Compose recreates a container, one of the two carries the other's id before its name:
#: version 1 renames the old one, version 2 the new one.
_RECREATED = re.compile(r"\A[0-9a-f]{12}_(?=.)")
#: A container that Swarm made: service, slot (or machine, for a global service), and the task,
#: which is another one each time the container is replaced.
_TASK = re.compile(r"(?<=.)(\.(?:[0-9]+|[0-9a-z]{25}))\.[0-9a-z]{25}\Z")
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


def canonical_name(name: str) -> str:
    """The node's name: the container's, without what Compose puts before it while it recreates the
    container, and without the task behind service and slot when Swarm made it.
    """
    return _TASK.sub(r"\1", _RECREATED.sub("", name))


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


@dataclass(frozen=True, slots=True)
class _Made:
    """What a container was made with, which cannot change.

    :ivar environment: ``NAME=value``.
    :ivar ports: that it, or its image, exposes, as ``9000/tcp``.
    """

    environment: tuple[str, ...]
    ports: frozenset[str]

    def may_be_node(self, port: int) -> bool:
        """Whether it may speak S3 at this port: not when it exposes others only and gets no keys,
        as a metrics exporter beside a node does.
        """
        return not self.ports or f"{port}/tcp" in self.ports or names_keys(self.environment)


class DockerDiscovery(DaemonDiscovery):
    """Containers with ``OBJGW_NODE_NAME`` in their name, stopped ones included.

    A question is one listing; each container is inspected once, for what it was made with.
    """

    def __init__(self, options: DiscoveryOptions) -> None:
        super().__init__(options)
        self._made: dict[str, _Made] = {}

    @property
    def no_nodes_hint(self) -> str:
        network = " that shares a Docker network with the gateway" if self._in_container else ""
        return (
            f"There is no node: Docker at {daemon_url()} has no container with "
            f"'{self.options.name}' in its name{network}."
        )

    def changes(self) -> Iterator[str]:
        """The daemon's events about our containers and about networks, as ``start NAME``.

        The first report is ``connected``, once the daemon listens to us: what changed before it
        is for the caller to discover.
        """
        stream = self._daemon.events(["container", "network"], _EVENTS)
        yield "connected"
        for event in stream:
            name = str(event.get("Actor", {}).get("Attributes", {}).get("name", ""))
            if event.get("Type") == "network" or self.options.name in name:
                yield f"{event.get('Action')} {name}"

    def _discover(self, client: docker.DockerClient) -> list[Node]:
        listed: list[Json] = client.api.containers(
            all=True, filters={"name": re.escape(self.options.name)}
        )
        own = self._own_container(client)
        best: dict[str, tuple[tuple[bool, bool, int], Node]] = {}
        seen: dict[str, _Made] = {}
        for container in listed:
            name = self._name(container)
            if name is None or not _may_be_node(container, own):
                continue
            made = self._inspected(client, str(container["Id"]))
            if made is None:
                continue
            seen[str(container["Id"])] = made
            if not made.may_be_node(self.options.port):
                continue
            labels = container.get("Labels") or {}
            labelled = read_labels(labels, canonical_name(name), tls=self.options.tls)
            node = Node(
                name=canonical_name(name),
                host=_address(_shared(networks_of(container), own.networks)),
                port=self.options.port,
                state=NodeState.parse(str(container.get("State", ""))),
                credentials=credentials_of(made.environment),
                region=region_of(made.environment),
                obstacle=labelled.obstacle,
                tls_name=labelled.tls_name,
            )
            # Of a container and its replacement, the one that runs is the node, else the last one.
            rank = (node.down_reason is None, node.name == name, container.get("Created") or 0)
            if node.name not in best or rank > best[node.name][0]:
                best[node.name] = (rank, node)
        self._made = seen
        return [node for _, node in best.values()]

    def _name(self, container: Json) -> str | None:
        # "/web/alias" is a link of another container to this one, not a name.
        names = [str(name).removeprefix("/") for name in container.get("Names") or []]
        return next((n for n in names if "/" not in n and self.options.name in n), None)

    def _inspected(self, client: docker.DockerClient, container: str) -> _Made | None:
        """What the container was made with, None when it was removed since it was listed."""
        if container in self._made:
            return self._made[container]
        try:
            found: Json = client.api.inspect_container(container)
        except docker.errors.NotFound:
            return None
        config = found.get("Config") or {}
        return _Made(tuple(config.get("Env") or ()), frozenset(config.get("ExposedPorts") or ()))


def _may_be_node(container: Json, own: OwnContainer) -> bool:
    """Whether a container is on one of the gateway's networks, and no gateway or other thing."""
    if own.networks is not None and not _shared(networks_of(container), own.networks):
        return False
    return container["Id"] != own.id and may_be_node(container.get("Labels"))
