"""MinIO nodes and a gateway as processes, and a file that says where the nodes are."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from demo.harness.gateway import GatewayProcess, gateway_environment
from demo.harness.ports import free_port
from demo.harness.s3nodes import NodeProcess
from nodes.node import Credentials, Node, NodeState
from tests.faults.filediscovery import FileDiscovery, write_nodes
from tests.functional.stored import id_owned_by
from tests.support.client import Answer, Client
from tests.support.servers import HOST, PLAIN, Transport, clean_environ
from tests.support.waiting import seconds_until

DISCOVERY = f"{FileDiscovery.__module__}.{FileDiscovery.__name__}"


class Gateway(GatewayProcess):
    """A gateway with a client, and with what its log says of its workers."""

    @property
    def client(self) -> Client:
        return Client(self.host, self.port, tls=self.tls)

    @property
    def workers(self) -> int:
        return int(self.environment["OBJGW_WORKERS"])

    def start_knowing(self, node: str) -> None:
        """Start it and wait until every worker has logged, for debugging, that it knows a node."""
        before = self._known(node)
        self.start(timeout=60)
        seconds_until(
            lambda: self._known(node) - before >= self.workers, "every worker knows the nodes"
        )

    def _known(self, node: str) -> int:
        log = self.logged() if self.log.exists() else ""
        return len(re.findall(rf" node {re.escape(node)}: .*, known here$", log, re.MULTILINE))

    def restart_knowing(self, node: str) -> None:
        """`start_knowing` for one that runs."""
        self.stop()
        self.start_knowing(node)

    def readiness(self) -> tuple[int, Mapping[str, Any]]:
        """Status and document of /readyz, of whichever worker answers."""
        answer = self.client.request("GET", "/readyz")
        return answer.status, answer.json

    def logged(self) -> str:
        return self.log.read_text(errors="replace")


def clean_environment(**settings: str) -> dict[str, str]:
    """This process's environment without what would configure a gateway, and ``settings``."""
    # At debug level each worker says what it knows; a line for each request would be too much.
    logging = {
        "OBJGW_LOG_LEVEL": "debug",
        "OBJGW_LOG_FORMAT": "console",
        "OBJGW_ACCESS_LOG": "false",
    }
    return (
        gateway_environment([], environ=clean_environ())
        | {"OBJGW_WORKERS": "2"}
        | logging
        | settings
    )


@dataclass
class Cluster:
    """Running nodes, and the gateway on them.

    :ivar states: what discovery says of a node, by name; running unless it is here.
    :ivar wrong: names of nodes of which discovery tells a wrong secret.
    """

    nodes: list[NodeProcess]
    file: Path
    gateway: Gateway
    states: dict[str, NodeState]
    wrong: set[str]

    @classmethod
    def of(
        cls,
        nodes: list[NodeProcess],
        folder: Path,
        transport: Transport = PLAIN,
        /,
        **settings: str,
    ) -> "Cluster":
        """A cluster whose gateway is yet to be started."""
        file = folder / "nodes.json"
        environment = clean_environment(
            OBJGW_DISCOVERY=DISCOVERY, OBJGW_NODES=str(file), **transport.settings, **settings
        )
        gateway = Gateway(
            HOST,
            free_port(HOST),
            environment=environment,
            log=folder / "gateway.log",
            tls=transport.tls,
        )
        return cls(nodes, file, gateway, {}, set())

    @property
    def client(self) -> Client:
        return self.gateway.client

    def start_gateway(self) -> None:
        """Start it and wait until every worker of it knows the nodes."""
        self.gateway.start_knowing(self.nodes[0].node.name)

    def announce(self, *, without: Sequence[NodeProcess] = ()) -> None:
        """Let discovery know where the nodes are now."""
        write_nodes(self.file, [self._told(node) for node in self.nodes if node not in without])

    def _told(self, process: NodeProcess) -> Node:
        node = process.node
        secret = "not-the-secret" if node.name in self.wrong else node.secret_key
        return Node(
            node.name,
            node.host,
            node.port,
            self.states.get(node.name, NodeState.RUNNING),
            Credentials(node.access_key, secret),
        )

    def id_on(self, index: int) -> str:
        """A new id that the node with this index owns."""
        return id_owned_by(self.nodes[index], self.nodes)

    def put_one_on_each(self, body: bytes = b"what was there before") -> list[str]:
        """An object on each node, in the order of the nodes."""
        ids = [self.id_on(index) for index in range(len(self.nodes))]
        for object_id in ids:
            answer = self.client.put(object_id, body)
            assert answer.status == 201, answer
        return ids

    def move(self, process: NodeProcess) -> None:
        """Restart a node on a port that it did not have before, and tell discovery."""
        process.restart(port=free_port(process.node.host))
        self.announce()


def freed(process: NodeProcess) -> NodeProcess:
    """Another handle for the node of a process that ended; to be started."""
    return NodeProcess(replace(process.node), process.server)


def seen(answer: Answer) -> str:
    """An answer as the table names it: its status, and the code of a problem."""
    problem = answer.headers.get("content-type") == "application/problem+json"
    if problem and answer.body:  # to HEAD there is none
        return f"{answer.status} {json.loads(answer.body)['code']}"
    return str(answer.status)
