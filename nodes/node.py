"""What a node is."""

from dataclasses import dataclass, field
from enum import StrEnum


class NodeState(StrEnum):
    """What the discovery backend says of a node: the states that Docker's containers have, those
    of Swarm's tasks, and some of ours.
    """

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"
    #: Those of Swarm's tasks that a container does not have.
    NEW = "new"
    PENDING = "pending"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    PREPARING = "preparing"
    READY = "ready"
    STARTING = "starting"
    COMPLETE = "complete"
    SHUTDOWN = "shutdown"
    FAILED = "failed"
    REJECTED = "rejected"
    REMOVE = "remove"
    ORPHANED = "orphaned"
    #: The backend cannot tell (a static list).
    ASSUMED = "assumed"
    #: Docker answered with a state that we do not know.
    UNKNOWN = "unknown"
    #: The layout names it, and the backend does not find it.
    MISSING = "missing"

    @classmethod
    def parse(cls, text: str) -> "NodeState":
        try:
            return cls(text)
        except ValueError:
            return cls.UNKNOWN


#: States in which a connection is worth trying. A paused node is not one of them: it would accept
#: connections and say nothing.
_REACHABLE = frozenset({NodeState.RUNNING, NodeState.ASSUMED, NodeState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Credentials:
    """The key pair of one node. Neither half is ever shown."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Node:
    """One S3 server.

    :ivar name: the container's name; membership is ordered by it.
    :ivar host: IP address or host name, None while the node has none.
    :ivar port: TCP port of its S3 API.
    :ivar state: what discovery says of it.
    :ivar credentials: None when discovery found no key pair.
    :ivar region: the region that requests are signed for.
    :ivar machine: the one that it runs on, where the backend knows several.
    :ivar service: what the backend starts it as, where it starts several as one.
    :ivar slot: its number among these; None where it has its machine to itself.
    :ivar trouble: why it does not run, in the backend's words; "" for nothing to add to the state.
    :ivar obstacle: why it cannot be used though it runs, "" where it can.
    :ivar tls_name: the host name or IP address that its certificate must have; None for a node that
        is reached without TLS.
    :ivar weight: how much it is to own, compared with the others. Discovery leaves it at 1.
    """

    name: str
    host: str | None
    port: int
    state: NodeState
    credentials: Credentials | None = None
    region: str = "us-east-1"
    machine: str | None = None
    service: str | None = None
    slot: int | None = None
    trouble: str = ""
    obstacle: str = ""
    tls_name: str | None = None
    weight: float = 1.0

    @property
    def address(self) -> str | None:
        """``host:port`` as it stands in a URL, None while the node has no address."""
        if self.host is None:
            return None
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def scheme(self) -> str:
        """Of its URL."""
        return "http" if self.tls_name is None else "https"

    @property
    def down_reason(self) -> str | None:
        """Why a request to this node is pointless, None when it is worth trying."""
        if self.state is NodeState.MISSING:
            return "the layout names it, and there is no such container"
        if self.state not in _REACHABLE:
            return self.trouble or f"its container is {self.state}"
        if self.obstacle:
            return self.obstacle
        if self.host is None:
            return "its container has no address on a network of the gateway"
        if self.credentials is None:
            return (
                "its container has no credentials in its environment "
                "(MINIO_ROOT_USER and MINIO_ROOT_PASSWORD, or with _FILE a secret that the "
                "gateway has as well)"
            )
        return None
