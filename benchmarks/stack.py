"""Everything that is measured, as processes on loopback."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from benchmarks.cases import Case, object_ids
from benchmarks.failure import CannotMeasure
from benchmarks.nginx import NginxProcess, find_program
from benchmarks.processes import ProcessTree
from benchmarks.sampled_gunicorn import FOLDER
from benchmarks.servers import Presigned, Server, gateway_target
from benchmarks.transfer import Transfer
from demo.children import PROJECT_ROOT, ChildProcess
from demo.gateway import GatewayProcess, gateway_environment
from demo.ports import free_port
from demo.s3nodes import LocalNode, MinioServer, NodeProcess, running_nodes

_HOST = "127.0.0.1"
_LOADERS = 8


@dataclass(frozen=True)
class Stack:
    """The running servers.

    :ivar node: the first node, by presigned URLs.
    :ivar nginx: in front of that node.
    :ivar gateways: by name; ``objgw`` is the one of this checkout.
    """

    folder: Path
    local_nodes: Sequence[LocalNode]
    node: Server
    nginx: Server
    gateways: Mapping[str, Server]

    @property
    def objgw(self) -> Server:
        return self.gateways["objgw"]

    @property
    def servers(self) -> list[Server]:
        return [self.node, self.nginx, *self.gateways.values()]

    @contextlib.contextmanager
    def further_gateway(self, name: str, nodes: Iterable[LocalNode]) -> Iterator[Server]:
        """One more gateway, with nodes of its own."""
        with _gateway(self.folder, name, PROJECT_ROOT, nodes) as server:
            yield server

    @contextlib.contextmanager
    def sampled_gateway(self, folder: Path) -> Iterator[Server]:
        """One more gateway, whose workers write samples of themselves to a folder at their end."""
        with _gateway(
            self.folder, "sampled", PROJECT_ROOT, self.local_nodes, samples=folder
        ) as server:
            yield server


@contextlib.contextmanager
def running_stack(folder: Path, checkouts: Mapping[str, Path]) -> Iterator[Stack]:
    """Three nodes, nginx and the gateway inside the with block.

    :param folder: for data and logs.
    :param checkouts: further versions of the gateway, by name, to be compared with this one.
    """
    minio = MinioServer.find()
    if minio is None:
        raise CannotMeasure(
            "There is no minio binary on PATH or in Go's bin folder "
            "(go install github.com/minio/minio@latest)."
        )
    for program in ("wrk", "nginx"):
        find_program(program)
    with contextlib.ExitStack() as stack:
        processes = stack.enter_context(running_nodes(folder / "nodes", 3, minio))
        nodes = [process.node for process in processes]
        presigned = Presigned(nodes[0])
        presigned.create_bucket()
        nginx = NginxProcess(folder / "nginx", free_port(_HOST), nodes[0].endpoint)
        stack.enter_context(_started(nginx, nginx.start))
        endpoint = nodes[0].endpoint
        gateways = {
            name: stack.enter_context(_gateway(folder, name, root, nodes))
            for name, root in {"objgw": PROJECT_ROOT, **checkouts}.items()
        }
        yield Stack(
            folder,
            nodes,
            Server("node", endpoint, endpoint, presigned.target, _alone(processes[0])),
            Server(
                "nginx",
                f"{_HOST}:{nginx.port}",
                endpoint,
                presigned.target,
                ProcessTree(nginx.pid),
            ),
            gateways,
        )


def _alone(process: NodeProcess) -> ProcessTree:
    return ProcessTree(process.pid)


@contextlib.contextmanager
def _started(process: ChildProcess, start: Callable[[], None]) -> Iterator[None]:
    with process:
        start()
        yield


@contextlib.contextmanager
def _gateway(
    folder: Path,
    name: str,
    root: Path,
    nodes: Iterable[LocalNode],
    *,
    samples: Path | None = None,
) -> Iterator[Server]:
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("OBJGW_", "DJANGO_", "GUNICORN_"))
    }
    gateway = GatewayProcess(
        _HOST,
        free_port(_HOST),
        environment=gateway_environment(nodes, environ=inherited),
        log=folder / f"{name}.log",
        name=name,
    )
    # gunicorn finds the code in the folder that it is started in.
    gateway.argv = ["env", f"--chdir={root}", *gateway.argv]
    if samples is not None:
        gateway.environment[FOLDER] = str(samples)
        production = gateway.argv.index("python:objgw_site.gunicorn")
        gateway.argv[production] = "python:benchmarks.sampled_gunicorn"
    with _started(gateway, gateway.start):
        address = f"{_HOST}:{gateway.port}"
        yield Server(name, address, address, gateway_target, ProcessTree(gateway.pid))


def store_objects(stack: Stack, cases: Iterable[Case], scale: float) -> None:
    """Put what the cases ask for: on the first node, and by the gateway on their owners."""
    sizes = sorted({case.size for case in cases if not case.missing})
    for size in sizes:
        ids = object_ids(size, scale)
        for server in (stack.node, stack.objgw):
            _store(server, ids, size)


def _store(server: Server, ids: list[str], size: int) -> None:
    # Signed by one thread: each target is kept.
    for object_id in ids:
        server.target("PUT", object_id)
    shares = [ids[number::_LOADERS] for number in range(_LOADERS)]
    with ThreadPoolExecutor(_LOADERS) as threads:
        list(threads.map(_store_share, repeat(server), shares, repeat(size)))


def _store_share(server: Server, ids: list[str], size: int) -> None:
    transfer = Transfer(server)
    for object_id in ids:
        transfer.put(object_id, size)
    transfer.close()
