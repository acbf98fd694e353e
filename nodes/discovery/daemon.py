"""The Docker daemon that this gateway may ask, and the container that the gateway runs in."""

import os
import re
import socket
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import docker
import docker.errors
import docker.utils
import requests.exceptions

from nodes.discovery.base import BaseDiscovery, DiscoveryError, DiscoveryOptions
from nodes.node import Node

T = TypeVar("T")

ROLE_LABEL = "objgw.role"
#: What has one of these roles is no node, whatever its name. The first is on the gateway's image,
#: and so on its containers; the second is for whatever has a similar name.
_NO_NODES = frozenset({"gateway", "other"})
#: On the containers that Swarm makes.
SERVICE_LABEL = "com.docker.swarm.service.id"

#: Where Docker's own tools look without DOCKER_HOST.
DEFAULT_URL = "unix:///var/run/docker.sock"
_USER_INFO = re.compile(r"(?<=://)[^/\s]*@")
#: Docker mounts these files into every container from a folder named by the container's id.
_OWN_MOUNT = re.compile(r"/([0-9a-f]{64})/(?:userdata/)?(?:hostname|hosts|resolv\.conf)\b")

#: Docker's client lets a ValueError through for a URL that it cannot read.
_FAILURES = (docker.errors.DockerException, requests.exceptions.RequestException, ValueError)

# What the Engine API answers: JSON objects of which we read a few members.
Json = Mapping[str, Any]


@dataclass(frozen=True)
class OwnContainer:
    """The container that this process runs in.

    :ivar id: None on a host.
    :ivar networks: those that it is on, by name; None on a host. A container on the host's network
        is a host as far as networks are concerned.
    :ivar labels: empty on a host.
    """

    id: str | None = None
    networks: dict[str, Json] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


class Daemon:
    """Docker's client for the daemon that Docker's own tools would ask: ``DOCKER_HOST``,
    ``DOCKER_TLS_VERIFY`` and ``DOCKER_CERT_PATH``, by default the local socket.

    :param timeout: seconds that one question may take.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = max(1, round(timeout))
        self._client: docker.DockerClient | None = None

    def ask(self, question: Callable[[docker.DockerClient], T]) -> T:
        """The answer to a question, over a connection that is kept while all goes well.

        :raises DiscoveryError: when there is none.
        """
        try:
            if self._client is None:
                self._client = self.new_client()
            return question(self._client)
        except _FAILURES as error:
            self.disconnect()
            raise DiscoveryError(
                f"Docker does not answer at {daemon_url()}: {_reason(error)}"
            ) from error

    def events(self, kinds: Sequence[str], events: Sequence[str] = ()) -> "EventStream":
        """A stream of the daemon's events, with a connection of its own.

        :raises DiscoveryError: when there is none.
        """
        filters: dict[str, Sequence[str]] = {"type": kinds}
        if events:
            filters["event"] = events
        try:
            return EventStream(self.new_client().events(decode=True, filters=filters))
        except _FAILURES as error:
            raise _ended(error) from error

    def new_client(self) -> docker.DockerClient:
        """Another connection, for the caller."""
        return docker.from_env(timeout=self._timeout)

    def disconnect(self) -> None:
        """Close the kept connection; the next question makes another one."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


class DaemonDiscovery(BaseDiscovery):
    """What the backends that ask a Docker daemon have in common."""

    def __init__(self, options: DiscoveryOptions) -> None:
        super().__init__(options)
        self._daemon = Daemon(options.timeout)
        self._in_container = False

    def check(self) -> list[str]:
        if _can_be_asked(os.environ.get("DOCKER_HOST", "")):
            return []
        needed = "unix:///PATH or tcp://HOST:PORT, without user and password"
        return [f"DOCKER_HOST must be {needed}, not '{daemon_url()}'."]

    def discover(self) -> Sequence[Node]:
        return self._daemon.ask(self._discover)

    def close(self) -> None:
        """End the connection to the daemon."""
        self._daemon.disconnect()

    @abstractmethod
    def _discover(self, client: docker.DockerClient) -> Sequence[Node]:
        """As `discover`; what Docker's client raises is for the caller."""

    def _own_container(self, client: docker.DockerClient) -> OwnContainer:
        """See `own_container`."""
        own = own_container(client)
        self._in_container = own.networks is not None
        return own


class EventStream:
    """Iterates over a daemon's events.

    :raises DiscoveryError: from the iteration, when the stream breaks.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = iter(stream)

    def __iter__(self) -> "EventStream":
        return self

    def __next__(self) -> Json:
        try:
            event: Json = next(self._stream)
        except _FAILURES as error:
            raise _ended(error) from error
        return event


def _ended(error: Exception) -> DiscoveryError:
    return DiscoveryError(f"Docker's events ended: {_reason(error)}")


def may_be_node(labels: Mapping[str, str] | None) -> bool:
    """Whether labels, of a container or a service, leave it open that it is a node."""
    return (labels or {}).get(ROLE_LABEL) not in _NO_NODES


def networks_of(container: Json) -> dict[str, Json]:
    """The networks that a container is on, by name."""
    return dict((container.get("NetworkSettings") or {}).get("Networks") or {})


def own_container_candidates(mountinfo: str, hostname: str) -> list[str]:
    """Names by which the daemon may know the container that this process runs in, best first.

    :param mountinfo: the text of ``/proc/self/mountinfo`` (proc(5)).
    :param hostname: this host's name, which is the container's short id unless it was set.
    """
    return list(dict.fromkeys([*_OWN_MOUNT.findall(mountinfo), hostname]))


def own_container(client: docker.DockerClient) -> OwnContainer:
    """The container that this process runs in, as the daemon knows it."""
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
            networks = networks_of(found)
            return OwnContainer(
                str(found["Id"]),
                None if "host" in networks else networks,
                (found.get("Config") or {}).get("Labels") or {},
            )
    return OwnContainer()


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
    """What the daemon said, else the innermost cause, for Docker's client wraps an OSError three
    times; in one line.
    """
    if isinstance(error, docker.errors.APIError) and error.explanation:
        return _one_line(str(error.explanation))
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    return _one_line(str(cause)) or type(cause).__name__


def _one_line(text: str) -> str:
    line = _USER_INFO.sub("", " ".join(text.split()))
    return line if len(line) <= 300 else line[:297] + "..."
