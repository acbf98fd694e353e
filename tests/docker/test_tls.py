"""The project's stack with TLS on both sides, as docs/tls.md has it."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.docker.stack import NODE_NAMES, Stack
from tests.support.certificates import Authority, Certified
from tests.support.client import Client, random_id
from tests.support.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

OVERRIDE = ("-f", "docker-compose.yml", "-f", "deploy/docker-compose.tls.yml")
FILTERED = (*OVERRIDE, "-f", "deploy/docker-compose.socket-filter.yml")
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Secured:
    """The stack with TLS, and who signs its certificates.

    :ivar folder: of the certificates.
    """

    stack: Stack
    authority: Authority
    folder: Path

    @property
    def client(self) -> Client:
        return replace(self.stack.client, tls=self.authority.trusting())

    def put(self, part: str, certified: Certified) -> None:
        """The certificate for the gateway, or for the nodes."""
        folder = self.folder / part
        folder.mkdir(exist_ok=True)
        # With its authority's behind it: the gateway takes the nodes' file for that, too.
        chain = certified.certificate.read_bytes() + self.authority.path.read_bytes()
        for name, content in (
            ("public.crt", chain),
            ("private.key", certified.key.read_bytes()),
        ):
            (folder / name).write_bytes(content)
            # In the containers are other users.
            (folder / name).chmod(0o644)

    def reasons(self) -> dict[str, str | None]:
        """Why which node does not serve, as the gateway sees it; nothing while it is not there."""
        try:
            nodes = self.client.get("/nodes").json
        except OSError:
            return {}
        return {node["name"]: node["reason"] for node in nodes}

    def serial_number(self) -> str:
        """Of the certificate that a new connection gets."""
        with self.client.wire() as wire:
            assert isinstance(wire.socket, ssl.SSLSocket)
            shown = wire.socket.getpeercert()
        assert shown is not None
        return str(shown["serialNumber"])


@pytest.fixture(scope="module", params=[OVERRIDE, FILTERED], ids=["the socket", "a filter"])
def secured(
    request: pytest.FixtureRequest,
    running_stack: Stack,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Secured]:
    """Whose labels the gateway sees by Docker's own socket, and through the filter."""
    folder = tmp_path_factory.mktemp("certificates")
    environment = {**running_stack.environment, "OBJGW_CERTIFICATES": str(folder)}
    stack = replace(running_stack, environment=environment)
    found = Secured(stack, Authority(folder / "authority"), folder)
    found.put("gateway", found.authority.certify(HOST, file="gateway"))
    found.put("nodes", found.authority.certify(*NODE_NAMES, file="nodes"))
    try:
        stack.compose(*request.param, "up", "-d")
        eventually(lambda: found.reasons() == dict.fromkeys(NODE_NAMES), "every node serves", 120)
        yield found
    finally:
        running_stack.compose("up", "-d", "--remove-orphans")
        running_stack.wait_serving()


def test_objects_go_through(secured: Secured) -> None:
    for _ in range(10):
        object_id = random_id()
        assert secured.client.put(object_id, object_id.encode()).status == 201
        assert secured.client.get_object(object_id).body == object_id.encode()


def test_containers_are_healthy(secured: Secured) -> None:
    def states() -> list[str]:
        names = ("gateway", *NODE_NAMES)
        containers = [secured.stack.container(name) for name in names]
        return [container.attrs["State"]["Health"]["Status"] for container in containers]

    eventually(lambda: set(states()) == {"healthy"}, "all are healthy", 60)


def test_another_certificate_after_sighup(secured: Secured) -> None:
    before = secured.serial_number()
    secured.put("gateway", secured.authority.certify(HOST, file="gateway"))
    secured.stack.container("gateway").kill(signal="HUP")
    eventually(lambda: secured.serial_number() != before, "there is another certificate", 30)


def test_a_certificate_of_other_nodes(secured: Secured) -> None:
    [*others, last] = NODE_NAMES
    secured.put("nodes", secured.authority.certify(*others, file="others"))
    container = secured.stack.container(last)
    container.restart(timeout=5)
    said = (
        "it cannot be reached: its certificate is not trusted: Hostname mismatch, certificate is "
        f"not valid for '{last}'"
    )
    eventually(lambda: secured.reasons().get(last) == said, "it is not trusted", 60)
    secured.put("nodes", secured.authority.certify(*NODE_NAMES, file="nodes"))
    container.restart(timeout=5)
    eventually(lambda: secured.reasons() == dict.fromkeys(NODE_NAMES), "every node serves", 60)
