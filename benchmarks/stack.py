"""Everything that is measured, as processes on loopback."""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from access.keyfile import write_keys
from access.keyset import HS256, KeySet, make_key
from access.scopes import SCOPES
from access.tokens import Wish, issue
from benchmarks.cases import Case, object_ids
from benchmarks.failure import CannotMeasure
from benchmarks.floors import FLOORS, can
from benchmarks.nginx import NginxProcess, find_program
from benchmarks.processes import ProcessTree
from benchmarks.sampled_gunicorn import FOLDER
from benchmarks.servers import Presigned, Server, gateway_target
from benchmarks.transfer import Transfer
from demo.harness.children import PROJECT_ROOT, ChildProcess
from demo.harness.gateway import APPLICATION, GatewayProcess, gateway_environment
from demo.harness.ports import free_port
from demo.harness.s3nodes import LocalNode, MinioServer, running_nodes

_HOST = "127.0.0.1"
_LOADERS = 8


@dataclass(frozen=True)
class Stack:
    """The running servers.

    :ivar node: the first node, by presigned URLs.
    :ivar nginx: in front of that node.
    :ivar gateways: by name; ``objgw`` is the one of this checkout.
    :ivar node_processes: of the local nodes, in their order.
    :ivar floors: the applications of `benchmarks.floors`.
    """

    folder: Path
    local_nodes: Sequence[LocalNode]
    node_processes: Sequence[ProcessTree]
    node: Server
    nginx: Server
    gateways: Mapping[str, Server]
    floors: Sequence[Server] = ()

    @property
    def objgw(self) -> Server:
        return self.gateways["objgw"]

    def servers(self, case: Case) -> list[Server]:
        """Those that can do what a case asks for."""
        floors = self.floors if can(case) else ()
        return [self.node, self.nginx, *self.gateways.values(), *floors]

    @contextlib.contextmanager
    def further_gateway(self, name: str, nodes: Iterable[LocalNode]) -> Iterator[Server]:
        """One more gateway, with nodes of its own."""
        with _gateway(self.folder, name, PROJECT_ROOT, nodes, self.node_processes) as server:
            yield server

    @contextlib.contextmanager
    def sampled_gateway(self, folder: Path) -> Iterator[Server]:
        """One more gateway, whose workers write samples of themselves to a folder at their end."""
        with _gateway(
            self.folder,
            "sampled",
            PROJECT_ROOT,
            self.local_nodes,
            self.node_processes,
            samples=folder,
        ) as server:
            yield server


@contextlib.contextmanager
def running_stack(
    folder: Path,
    checkouts: Mapping[str, Path],
    *,
    pythons: Mapping[str, Path] | None = None,
    settings: Mapping[str, Mapping[str, str]] | None = None,
    nodes: int = 3,
    floors: bool = False,
    tokens: bool = False,
) -> Iterator[Stack]:
    """The nodes, nginx and the gateway inside the with block.

    :param folder: for data and logs.
    :param checkouts: further versions of the gateway, by name, to be compared with this one.
    :param pythons: programs that run this version of the gateway, by name, to be compared with the
        Python that runs this.
    :param settings: of further gateways of this version, by name.
    :param nodes: their number.
    :param floors: compare with the applications of `benchmarks.floors`, too.
    :param tokens: compare with a gateway that asks for a token.
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
        processes = stack.enter_context(running_nodes(folder / "nodes", nodes, minio))
        local_nodes = [process.node for process in processes]
        trees = [ProcessTree(process.pid) for process in processes]
        presigned = Presigned(local_nodes[0])
        presigned.create_bucket()
        nginx = NginxProcess(folder / "nginx", free_port(_HOST), local_nodes[0].endpoint)
        stack.enter_context(_started(nginx, nginx.start))
        endpoint = local_nodes[0].endpoint
        gateways = {
            name: stack.enter_context(_gateway(folder, name, root, local_nodes, trees))
            for name, root in {"objgw": PROJECT_ROOT, **checkouts}.items()
        }
        for name, python in (pythons or {}).items():
            gateways[name] = stack.enter_context(
                _gateway(folder, name, PROJECT_ROOT, local_nodes, trees, python=python)
            )
        for name, given in (settings or {}).items():
            gateways[name] = stack.enter_context(
                _gateway(folder, name, PROJECT_ROOT, local_nodes, trees, settings=given)
            )
        if tokens:
            closed, token = _keys_and_token(folder / "keys.json")
            gateways["tokens"] = stack.enter_context(
                _gateway(
                    folder,
                    "tokens",
                    PROJECT_ROOT,
                    local_nodes,
                    trees,
                    settings=closed,
                    token=token,
                )
            )
        lean = [
            stack.enter_context(
                _gateway(
                    folder,
                    name,
                    PROJECT_ROOT,
                    local_nodes,
                    trees,
                    application=f"benchmarks.floors:{name}",
                )
            )
            for name in (FLOORS if floors else ())
        ]
        yield Stack(
            folder,
            local_nodes,
            trees,
            Server("node", endpoint, endpoint, presigned.target, trees[0]),
            Server(
                "nginx",
                f"{_HOST}:{nginx.port}",
                endpoint,
                presigned.target,
                ProcessTree(nginx.pid),
                trees[:1],
            ),
            gateways,
            lean,
        )


def _keys_and_token(path: Path) -> tuple[dict[str, str], str]:
    """Settings of a gateway that asks for tokens, and one that allows everything for an hour."""
    now = time.time()
    key = make_key(HS256, now)
    write_keys(path, KeySet((key,)), new=True)
    token = issue(Wish("benchmark", SCOPES, (), 3600), key, "objgw", now)
    return {"OBJGW_AUTH_KEYS": str(path)}, token


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
    node_processes: Sequence[ProcessTree],
    *,
    samples: Path | None = None,
    application: str | None = None,
    python: Path | None = None,
    settings: Mapping[str, str] | None = None,
    token: str = "",
) -> Iterator[Server]:
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("OBJGW_", "DJANGO_", "GUNICORN_"))
    }
    gateway = GatewayProcess(
        _HOST,
        free_port(_HOST),
        environment={**gateway_environment(nodes, environ=inherited), **(settings or {})},
        log=folder / f"{name}.log",
        name=name,
    )
    if python is not None:
        gateway.argv = [str(python), *gateway.argv[1:]]
    # gunicorn finds the code in the folder that it is started in.
    gateway.argv = ["env", f"--chdir={root}", *gateway.argv]
    if samples is not None:
        gateway.environment[FOLDER] = str(samples)
        # It takes the same timer.
        gateway.environment["OBJGW_CLIENT_SHARE"] = "100"
        production = gateway.argv.index("python:objgw_site.server.config")
        gateway.argv[production] = "python:benchmarks.sampled_gunicorn"
    if application is not None:
        gateway.argv = [application if word == APPLICATION else word for word in gateway.argv]
    with _started(gateway, gateway.start):
        address = f"{_HOST}:{gateway.port}"
        processes = ProcessTree(gateway.pid)
        yield Server(name, address, address, gateway_target, processes, node_processes, token)


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
