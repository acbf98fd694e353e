"""Nodes from Docker Swarm: the tasks of services, on any number of machines.

A node is a slot of a replicated service, or a machine of a global one, whichever task fills it. All
that is asked is asked of a manager: other machines of a swarm do not know it. API reference:
<https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Task>.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker

from nodes.discovery.base import DiscoveryOptions
from nodes.discovery.daemon import (
    SERVICE_LABEL,
    Daemon,
    DaemonDiscovery,
    Json,
    OwnContainer,
    daemon_url,
    may_be_node,
)
from nodes.discovery.environment import credentials_of, region_of
from nodes.discovery.labels import read_labels
from nodes.node import Node, NodeState

#: Seconds between two looks at the tasks. No event tells of them.
POLL_INTERVAL = 2.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is, whichever task fills it: one of a service's slots, or a machine.

    :ivar slot: from 1 on; None for a global service.
    :ivar machine: the id of the machine, for a global service.
    """

    service: str
    slot: int | None = None
    machine: str = ""

    @property
    def name(self) -> str:
        """The node's."""
        return f"{self.service}.{self.machine if self.slot is None else self.slot}"


class SwarmDiscovery(DaemonDiscovery):
    """Tasks of the services with ``OBJGW_NODE_NAME`` in their name, running or not.

    A node's name is ``SERVICE.SLOT``, or ``SERVICE.MACHINE`` with the id of the machine.
    """

    def __init__(self, options: DiscoveryOptions) -> None:
        super().__init__(options)
        self._machines: dict[str, str] = {}

    @property
    def no_nodes_hint(self) -> str:
        network = " that shares a network with the gateway" if self._in_container else ""
        return (
            f"There is no node: the swarm of Docker at {daemon_url()} has no service with "
            f"'{self.options.name}' in its name{network}."
        )

    def changes(self) -> Iterator[str]:
        """Looks at the tasks every two seconds, and says when they are others, or in other states.

        The first report comes at once: what changed before it is for the caller to discover.
        """
        watched = Daemon(self.options.timeout)
        seen: object = None
        try:
            while True:
                found = watched.ask(self._fingerprint)
                if found != seen:
                    seen = found
                    yield "tasks changed"
                time.sleep(POLL_INTERVAL)
        finally:
            watched.disconnect()

    def _fingerprint(self, client: docker.DockerClient) -> object:
        services = self._services(client, OwnContainer())
        tasks = _tasks(client, services)
        return (
            {service["ID"]: service.get("Version") for service in services},
            {task["ID"]: (task.get("Status") or {}).get("State") for task in tasks},
        )

    def _discover(self, client: docker.DockerClient) -> list[Node]:
        own = self._own_container(client)
        services = self._services(client, own)
        tasks = _tasks(client, services)
        machines = self._machines_of(client, tasks)
        return [
            self._node(place, task, own, machines, _labels(service))
            for service in services
            for place, task in _places(service, tasks).items()
        ]

    def _services(self, client: docker.DockerClient, own: OwnContainer) -> list[Json]:
        # Its own filter would look for names that begin with it.
        api: Any = client.api  # part of it has no type hints
        listed: list[Json] = api.services()
        return [
            service
            for service in listed
            if self.options.name in service["Spec"]["Name"] and _may_have_nodes(service, own)
        ]

    def _machines_of(self, client: docker.DockerClient, tasks: Iterable[Json]) -> dict[str, str]:
        """Names of machines by their ids."""
        if {task["NodeID"] for task in tasks if task.get("NodeID")} - self._machines.keys():
            found: Sequence[Json] = client.api.nodes()
            self._machines = {each["ID"]: each["Description"]["Hostname"] for each in found}
        return self._machines

    def _node(
        self,
        place: Place,
        task: Json | None,
        own: OwnContainer,
        machines: Mapping[str, str],
        labels: Mapping[str, str],
    ) -> Node:
        if task is None:
            return Node(
                place.name,
                None,
                self.options.port,
                NodeState.NEW,
                service=place.service,
                slot=place.slot,
                trouble="Swarm has no task for it",
            )
        status: Json = task.get("Status") or {}
        state = NodeState.parse(str(status.get("State", "")))
        environment = _container_spec(task["Spec"]).get("Env") or ()
        labelled = read_labels(labels, place.name, tls=self.options.tls)
        return Node(
            name=place.name,
            host=_address(task, own),
            port=self.options.port,
            state=state,
            credentials=credentials_of(environment),
            region=region_of(environment),
            machine=machines.get(task.get("NodeID", "")),
            service=place.service,
            slot=place.slot,
            trouble="" if state is NodeState.RUNNING else _trouble(status),
            obstacle=labelled.obstacle,
            tls_name=labelled.tls_name,
        )


def _tasks(client: docker.DockerClient, services: Sequence[Json]) -> list[Json]:
    # Not those that are desired to run only: while one waits to be restarted, its replacement is
    # desired to be ready.
    ids = [service["ID"] for service in services]
    api: Any = client.api
    return list(api.tasks(filters={"service": ids})) if ids else []


def _container_spec(template: Json) -> Json:
    spec: Json = template.get("ContainerSpec") or {}
    return spec


def _labels(service: Json) -> dict[str, str]:
    """Those of a service, and of its containers where it does not have the same ones."""
    spec: Json = service["Spec"]
    return {
        **(_container_spec(spec["TaskTemplate"]).get("Labels") or {}),
        **(spec.get("Labels") or {}),
    }


def _may_have_nodes(service: Json, own: OwnContainer) -> bool:
    """Whether a service is on one of the gateway's networks, and no gateway or other thing."""
    spec: Json = service["Spec"]
    template: Json = spec["TaskTemplate"]
    if not (
        may_be_node(spec.get("Labels")) and may_be_node(_container_spec(template).get("Labels"))
    ):
        return False
    if service["ID"] == own.labels.get(SERVICE_LABEL):
        return False
    if own.networks is None:
        return True
    networks = template.get("Networks") or spec.get("Networks") or ()
    return any(network.get("Target") in _ids_of_networks(own) for network in networks)


def _ids_of_networks(own: OwnContainer) -> set[str]:
    return {network.get("NetworkID", "") for network in (own.networks or {}).values()} - {""}


def _places(service: Json, tasks: Iterable[Json]) -> dict[Place, Json | None]:
    """The task of each of a service's nodes; None where there is none.

    Of a place's tasks the one that was created last counts, whatever became of it.
    """
    name = service["Spec"]["Name"]
    replicas = ((service["Spec"]["Mode"].get("Replicated") or {}).get("Replicas")) or 0
    is_global = "Global" in service["Spec"]["Mode"]
    places: dict[Place, Json | None] = {Place(name, slot): None for slot in range(1, replicas + 1)}
    for task in sorted(tasks, key=_created):
        if task["ServiceID"] != service["ID"]:
            continue
        machine = task.get("NodeID") or ""
        place = Place(name, machine=machine) if is_global else Place(name, task.get("Slot"))
        # Swarm goes on to list what is above the number of replicas for a while.
        if (is_global and machine) or place in places:
            places[place] = task
    return places


def _created(task: Json) -> tuple[str, str]:
    # RFC 3339 with up to nine digits of a second, without the zeros at its end.
    moment, _, fraction = str(task.get("CreatedAt", "")).removesuffix("Z").partition(".")
    return moment, fraction.ljust(9, "0")


def _address(task: Json, own: OwnContainer) -> str | None:
    """The task's address on a network that the gateway is on; on any, for one on a host."""
    shared = _ids_of_networks(own)
    for attachment in task.get("NetworksAttachments") or ():
        network: Json = attachment.get("Network") or {}
        if own.networks is not None and network.get("ID") not in shared:
            continue
        for address in attachment.get("Addresses") or ():
            return str(address).partition("/")[0]
    return None


def _trouble(status: Json) -> str:
    """What Swarm says of a task that does not run."""
    said = str(status.get("Err") or status.get("Message") or "").strip()
    told = f"its task is {status.get('State', 'unknown')}"
    return f"{told}: {said}" if said else told
