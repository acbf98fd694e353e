"""S3 nodes as local processes: one server each on a loopback address, for the demo and for tests.

server = MinioServer.find() or MotoServer()
with running_nodes(Path("data"), 3, server) as nodes:
    print(nodes_setting(process.node for process in nodes))
"""

import base64
import contextlib
import dataclasses
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import quote

from demo.harness.children import ChildProcess, Pause, http_status, stop_children, unverified
from demo.harness.ports import free_port, is_loopback

NODE_NAME = "amazin-object-storage-node"
_CREDENTIALS_FILE = "credentials.json"


@dataclass(frozen=True)
class LocalNode:
    """What a node is: enough to start it, and to reach it with any S3 client."""

    name: str
    host: str
    port: int
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    folder: Path
    #: Whether it speaks TLS: its certificate and key are in `certificates` when it starts.
    tls: bool = False

    @property
    def certificates(self) -> Path:
        """The folder where MinIO looks for ``public.crt`` and ``private.key``."""
        return self.folder / "certs"

    @property
    def endpoint(self) -> str:
        """`host:port`, as S3 clients like to have it."""
        return f"{self.host}:{self.port}"

    @property
    def setting(self) -> str:
        """The node as an entry of OBJGW_NODES. It contains the credentials."""
        keys = f"{quote(self.access_key, safe='')}:{quote(self.secret_key, safe='')}"
        return f"{'https' if self.tls else 'http'}://{keys}@{self.endpoint}#{self.name}"


def nodes_setting(nodes: Iterable[LocalNode]) -> str:
    """The value of OBJGW_NODES for these nodes."""
    return ",".join(node.setting for node in nodes)


class NodeDataError(Exception):
    """A node's folder does not hold what an earlier run left there."""


class S3Server(Protocol):
    """A program that can serve as a node."""

    kind: str
    keeps_data: bool

    def argv(self, node: LocalNode, /) -> list[str]:
        """The command line, without credentials: everybody on the machine can read it."""

    def environment(self, node: LocalNode, /) -> dict[str, str]:
        """What the program's environment needs on top of its parent's."""

    def is_ready(self, node: LocalNode, /) -> bool:
        """Whether it serves S3 requests now."""


class MinioServer:
    """The `minio` binary; objects are files in the node's folder."""

    kind = "minio"
    keeps_data = True

    def __init__(self, binary: Path) -> None:
        self.binary = binary

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> Self | None:
        """The binary on PATH, else where `go install` puts it; None when there is none."""
        found = _binary("minio", environ)
        return cls(found) if found else None

    def argv(self, node: LocalNode) -> list[str]:
        # Without a folder of its own, certificates in ~/.minio would make it speak TLS.
        address = ["--address", node.endpoint, "--certs-dir", str(node.certificates)]
        return [str(self.binary), "server", "--quiet", *address, str(node.folder / "data")]

    def environment(self, node: LocalNode) -> dict[str, str]:
        return {
            "MINIO_ROOT_USER": node.access_key,
            "MINIO_ROOT_PASSWORD": node.secret_key,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",  # no look at dl.min.io for a newer release
            "MINIO_CALLHOME_ENABLE": "off",
        }

    def is_ready(self, node: LocalNode) -> bool:
        # live and ready answer 200 while S3 requests still get XMinioServerNotInitialized
        # Whether it is there, not whether it is to be trusted.
        tls = unverified() if node.tls else None
        return http_status(node.host, node.port, "/minio/health/cluster", tls=tls) == 200


class VersityServer:
    """The `versitygw` binary; objects are files in the node's folder, what is stored with them is
    in extended attributes of these.
    """

    kind = "versitygw"
    keeps_data = True
    _HEALTH = "/~health"  # no name that a bucket can have

    def __init__(self, binary: Path) -> None:
        self.binary = binary

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> Self | None:
        """As `MinioServer.find`."""
        found = _binary("versitygw", environ)
        return cls(found) if found else None

    def argv(self, node: LocalNode) -> list[str]:
        # It would close every connection after one answer, and log every request.
        options = ["--keep-alive", "--quiet", "--health", self._HEALTH]
        address = ["--port", node.endpoint]
        return [str(self.binary), *options, *address, "posix", str(node.folder / "data")]

    def environment(self, node: LocalNode) -> dict[str, str]:
        return {"ROOT_ACCESS_KEY": node.access_key, "ROOT_SECRET_KEY": node.secret_key}

    def is_ready(self, node: LocalNode) -> bool:
        return http_status(node.host, node.port, self._HEALTH) == 200


class MotoServer:
    """moto's server, a development requirement; objects live in its memory."""

    kind = "moto"
    keeps_data = False

    def argv(self, node: LocalNode) -> list[str]:
        address = ["--host", node.host, "--port", str(node.port)]
        return [sys.executable, "-m", "demo.harness.moto_node", *address]

    def environment(self, _node: LocalNode) -> dict[str, str]:
        return {"PYTHONUNBUFFERED": "1"}

    def is_ready(self, node: LocalNode) -> bool:
        return http_status(node.host, node.port, "/") == 200


def _binary(name: str, environ: Mapping[str, str]) -> Path | None:
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    if gobin := environ.get("GOBIN"):
        folders.append(gobin)
    gopath = environ.get("GOPATH", "")
    folders += [str(Path(entry, "bin")) for entry in gopath.split(os.pathsep) if entry]
    if home := environ.get("HOME"):
        folders.append(str(Path(home, "go", "bin")))
    found = shutil.which(name, path=os.pathsep.join(filter(None, folders)))
    return Path(found).resolve() if found else None


# What would configure every node, keys included, of whoever runs this.
_FOREIGN = ("MINIO_", "MOTO_", "ROOT_", "VGW_")


class NodeProcess(ChildProcess):
    """One node's process; `node` says where it is now."""

    def __init__(self, node: LocalNode, server: S3Server) -> None:
        self.node = node
        self.server = server
        super().__init__(
            node.name, server.argv(node), environment=self._environment(), log=self._log(node)
        )

    @staticmethod
    def _log(node: LocalNode) -> Path:
        return node.folder / "node.log"

    def _environment(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
        return inherited | self.server.environment(self.node)

    def launch(self) -> None:
        # Not every server makes the folder that its data is to be in.
        (self.node.folder / "data").mkdir(parents=True, exist_ok=True)
        super().launch()

    def start(self, *, timeout: float = 30.0, pause: Pause = time.sleep) -> None:
        """Launch it and wait until it serves S3 requests."""
        self.launch()
        self.wait_until_ready(timeout=timeout, pause=pause)

    def wait_until_ready(self, *, timeout: float = 30.0, pause: Pause = time.sleep) -> None:
        self.wait_until(lambda: self.server.is_ready(self.node), timeout=timeout, pause=pause)

    def restart(
        self, *, host: str | None = None, port: int | None = None, timeout: float = 30.0
    ) -> None:
        """Stop it if it runs, and start it on the same address or on another one."""
        self.stop()
        self.node = dataclasses.replace(
            self.node, host=host or self.node.host, port=port or self.node.port
        )
        self.argv = self.server.argv(self.node)
        self.start(timeout=timeout)


def prepare_nodes(folder: Path, count: int, *, host: str = "127.0.0.1") -> list[LocalNode]:
    """`count` nodes on free ports of a loopback address, each with a folder below `folder`.

    Names and credentials are the same every time, ports are not.
    """
    if not is_loopback(host):
        raise ValueError(f"a local node listens on a loopback address only, not on {host}")
    nodes: dict[int, LocalNode] = {}
    for number in range(1, count + 1):
        while (port := free_port(host)) in nodes:
            pass
        nodes[port] = prepare_node(folder, number, host=host, port=port)
    return list(nodes.values())


def prepare_node(folder: Path, number: int, *, host: str, port: int) -> LocalNode:
    """Node `number`: its folder is made and its credentials drawn if they are not there yet."""
    name = f"{NODE_NAME}-{number}"
    node_folder = folder / name
    node_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    access_key, secret_key = _credentials(node_folder / _CREDENTIALS_FILE)
    return LocalNode(name, host, port, access_key, secret_key, node_folder)


def _credentials(path: Path) -> tuple[str, str]:
    if not path.exists():
        _write_credentials(path)
    path.chmod(0o600)
    try:
        credentials = json.loads(path.read_text())
        return str(credentials["access_key"]), str(credentials["secret_key"])
    except (ValueError, KeyError, TypeError) as error:
        raise NodeDataError(
            f"{path} does not hold a node's credentials. Without them the objects beside it "
            "cannot be read: restore the file, or remove its whole folder."
        ) from error


def _write_credentials(path: Path) -> None:
    credentials = {
        "access_key": secrets.token_hex(10),
        # As long as Amazon's secret keys and, like them, with + and / in the alphabet.
        "secret_key": base64.b64encode(secrets.token_bytes(30)).decode(),
    }
    # Complete before it has its name: a node must never start with half a secret.
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(credentials, file)
    draft.rename(path)


def start_nodes(
    processes: Sequence[NodeProcess], *, timeout: float = 30.0, pause: Pause = time.sleep
) -> None:
    """Launch all of them side by side, and wait until every one serves S3 requests."""
    for process in processes:
        process.launch()
    for process in processes:
        process.wait_until_ready(timeout=timeout, pause=pause)


@contextlib.contextmanager
def running_nodes(
    folder: Path, count: int, server: S3Server, *, host: str = "127.0.0.1"
) -> Iterator[list[NodeProcess]]:
    """`count` nodes that run inside the with block, their data below `folder`."""
    processes = [NodeProcess(node, server) for node in prepare_nodes(folder, count, host=host)]
    try:
        start_nodes(processes, timeout=30.0 + count)
        yield processes
    finally:
        stop_children(processes)
