"""The gateway behind nginx and Caddy, as deploy/examples and docs/proxies.md have them."""

import contextlib
import hashlib
import json
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import yaml

from demo.harness.gateway import GatewayProcess
from demo.harness.ports import free_port
from demo.harness.s3nodes import NodeProcess, running_nodes
from tests.functional.proxies import NAME, Caddy, Certificate, Nginx, Proxy, accepts, snippet
from tests.support.bodies import Body
from tests.support.client import random_id
from tests.support.servers import HOST, make_gateway, minio_or_skip
from tests.support.waiting import eventually

MIB = 2**20
LARGE = 64 * MIB
LIMIT = 256 * MIB
#: What a proxy may hold of one body. Less than half of it, however it reads and writes.
HELD = 24 * MIB
PATH = "/store"


@dataclass(frozen=True)
class Reply:
    """What curl got."""

    status: int
    version: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Site:
    """A proxy, and what is behind it."""

    proxy: Proxy
    gateway: GatewayProcess
    nodes: list[NodeProcess]
    base: str

    def curl(self, path: str, *arguments: str) -> Reply:
        """One request by curl over HTTP/2."""
        found = self.proxy.folder / f"body-{random_id(6)}"
        done = subprocess.run(
            [
                *("curl", "--silent", "--show-error", "--http2", "--output", str(found)),
                *("--resolve", f"{NAME}:{self.proxy.port}:{HOST}"),
                *("--cacert", str(self.proxy.certificate.path), "--max-time", "60"),
                *("--write-out", "%{http_code} %{http_version}\n%{header_json}"),
                *(*arguments, urljoin(f"{self.base}/", path)),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=90,
        )
        first, _, headers = done.stdout.partition("\n")
        status, version = first.split()
        fields = {name: values[0] for name, values in json.loads(headers).items()}
        return Reply(int(status), version, fields, found.read_bytes() if found.exists() else b"")

    def put(self, object_id: str, body: bytes, *arguments: str) -> Reply:
        file = self.proxy.folder / "upload"
        file.write_bytes(body)
        return self.curl(f"object/{object_id}", "--upload-file", str(file), *arguments)

    @contextlib.contextmanager
    def connection(self) -> Iterator[ssl.SSLSocket]:
        """A TLS connection for HTTP/1.1, in which the test says what is sent when."""
        with (
            socket.create_connection((HOST, self.proxy.port), timeout=60) as plain,
            self.proxy.certificate.context.wrap_socket(plain, server_hostname=NAME) as secure,
        ):
            yield secure


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[NodeProcess]]:
    """MinIO: it writes the parts of an upload to its disk as they come."""
    with running_nodes(tmp_path_factory.mktemp("nodes"), 2, minio_or_skip()) as processes:
        yield processes


@pytest.fixture(scope="module")
def behind(
    nodes: list[NodeProcess], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    settings = {
        "DJANGO_ALLOWED_HOSTS": NAME,
        "OBJGW_TRUSTED_PROXIES": HOST,
        "OBJGW_MAX_OBJECT_SIZE": str(LIMIT),
    }
    log = tmp_path_factory.mktemp("gateway") / "log"
    with make_gateway([process.node for process in nodes], log, **settings) as process:
        process.start()
        yield process


@pytest.fixture(scope="module", params=[Nginx, Caddy], ids=["nginx", "caddy"])
def kind(request: pytest.FixtureRequest) -> type[Proxy]:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    return request.param  # type: ignore[no-any-return]


@contextlib.contextmanager
def running(
    kind: type[Proxy],
    gateway: GatewayProcess,
    nodes: list[NodeProcess],
    folder: Path,
    *,
    below: bool,
) -> Iterator[Site]:
    folder.mkdir(parents=True, exist_ok=True)
    certificate = Certificate(folder)
    with kind(folder / "proxy", gateway.port, free_port(HOST), certificate, below=below) as process:
        process.launch()
        process.wait_until(lambda: accepts(process.port), timeout=20)
        yield Site(process, gateway, nodes, process.url + (PATH if below else ""))


@pytest.fixture(scope="module")
def site(
    kind: type[Proxy],
    behind: GatewayProcess,
    nodes: list[NodeProcess],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    with running(kind, behind, nodes, tmp_path_factory.mktemp("site"), below=False) as found:
        yield found


@pytest.fixture(scope="module")
def site_below(
    kind: type[Proxy],
    behind: GatewayProcess,
    nodes: list[NodeProcess],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    with running(kind, behind, nodes, tmp_path_factory.mktemp("below"), below=True) as found:
        yield found


def test_bytes_and_ranges_over_http_2(site: Site) -> None:
    body, object_id = random_id(5000).encode(), random_id()
    stored = site.put(object_id, body, "--header", "Content-Type: text/plain")
    assert (stored.status, stored.version) == (201, "2")
    assert stored.json["size"] == len(body)

    found = site.curl(f"object/{object_id}")
    assert (found.status, found.version, found.body) == (200, "2", body)
    assert found.headers["content-type"] == "text/plain"
    assert found.headers["etag"] == stored.headers["etag"]

    part = site.curl(f"object/{object_id}", "--range", "10-19")
    assert (part.status, part.body) == (206, body[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(body)}"

    head = site.curl(f"object/{object_id}", "--head")
    assert (head.status, head.headers["content-length"]) == (200, str(len(body)))
    kept = site.curl(f"object/{object_id}", "--header", f"If-None-Match: {stored.headers['etag']}")
    assert (kept.status, kept.body) == (304, b"")
    assert site.curl(f"object/{object_id}", "--request", "DELETE").status == 204
    assert site.curl(f"object/{object_id}").json["code"] == "object_not_found"


def test_a_page_from_there_may_store(site: Site) -> None:
    """What the browser calls the origin is what the gateway sees as its host."""
    origin = ("--header", f"Origin: {site.proxy.url}", "--header", "Sec-Fetch-Site: same-origin")
    assert site.put(random_id(), b"x", *origin).status == 201


def test_a_walk_by_next(site: Site) -> None:
    walk_by_next(site)


def test_a_walk_by_next_below_a_path(site_below: Site) -> None:
    walk_by_next(site_below)


def walk_by_next(site: Site) -> None:
    prefix = random_id(8)
    ids = [f"{prefix}{number}" for number in range(5)]
    for object_id in ids:
        assert site.put(object_id, b"x").status == 201
    found, url = [], f"{site.base}/objects?prefix={prefix}&limit=2"
    while url:
        page = site.curl(url).json
        found += [entry["id"] for entry in page["objects"]]
        url = urljoin(url, page["next"]) if page["next"] else ""
        assert not url or url.startswith(f"{site.base}/objects?")
    assert found == ids


def test_every_link_below_a_path(site_below: Site) -> None:
    root = site_below.curl("./")
    assert root.status == 200
    for link in root.json.values():
        url = urljoin(f"{site_below.base}/", link)
        assert url.startswith(f"{site_below.base}/")
        assert "{" in url or site_below.curl(url).status == 200, url
    document = yaml.safe_load(site_below.curl("schema").body)
    schema = f"{site_below.base}/schema"
    assert urljoin(schema, document["servers"][0]["url"]) == f"{site_below.base}/"

    docs = site_below.curl("docs", "--header", "Accept: text/html").body.decode()
    assets = re.findall(r'(?:href|src)="([^"]+)"', docs)
    assert len(assets) >= 4
    for asset in assets:
        assert site_below.curl(urljoin(f"{site_below.base}/docs", asset)).status == 200, asset


def test_a_chunked_upload_passes_through(site: Site) -> None:
    """Half of it is at the node while the client has not sent the rest; the proxy holds little."""
    object_id, body = random_id(), Body(LARGE)
    blocks = list(body)
    half = len(blocks) // 2
    before = at_nodes(site.nodes)
    with site.connection() as connection:
        head = f"PUT /object/{object_id} HTTP/1.1\r\nHost: {NAME}:{site.proxy.port}\r\n"
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        site.proxy.reset_peak_memory()
        idle = site.proxy.peak_memory()
        send_chunks(connection, blocks[:half])
        eventually(
            lambda: at_nodes(site.nodes) - before >= LARGE // 2 - HELD,
            "the proxy passes the upload on",
            60,
        )
        send_chunks(connection, [*blocks[half:], b""])
        assert read_head(connection) == 201
    assert site.proxy.peak_memory() - idle < HELD

    idle = site.proxy.peak_memory()
    found = site.curl(f"object/{object_id}")
    assert hashlib.sha256(found.body).hexdigest() == body.sha256
    assert site.proxy.peak_memory() - idle < HELD
    # nginx warns of each body that it writes to a file.
    assert "temporary file" not in site.proxy.log.read_text()


@pytest.mark.parametrize(
    ("length", "fields", "status"),
    [(LARGE, "If-None-Match: *\r\n", 412), (LIMIT + 1, "", 413)],
    ids=["condition", "size"],
)
@pytest.mark.parametrize("expects", [True, False], ids=["expects", "sends"])
def test_a_refusal_comes_before_the_body(
    site: Site, length: int, fields: str, status: int, *, expects: bool
) -> None:
    """The client is told when it has sent not a byte of the body; or, where it does not ask for
    leave, no more than a first piece.
    """
    expect, piece = ("Expect: 100-continue\r\n", b"") if expects else ("", bytes(64 * 1024))
    object_id = random_id()
    assert site.put(object_id, b"there").status == 201
    with site.connection() as connection:
        connection.sendall(
            f"PUT /object/{object_id} HTTP/1.1\r\nHost: {NAME}:{site.proxy.port}\r\n"
            f"Content-Length: {length}\r\n{fields}{expect}\r\n".encode()
            + piece
        )
        assert read_head(connection) == status
    assert site.curl(f"object/{object_id}").body == b"there"


def test_connections_to_the_gateway_are_kept(site: Site) -> None:
    for _ in range(3):
        assert site.curl("livez").status == 200
    kept = connections_to(site.gateway.port)
    for _ in range(10):
        assert site.curl("livez").status == 200
    assert connections_to(site.gateway.port) <= kept
    assert kept <= 16


def test_the_documentation_has_both() -> None:
    assert PATH in snippet("nginx")
    assert PATH in snippet("caddyfile")


def connections_to(port: int) -> int:
    """How many connections to a local port are open or were closed by this side, from /proc."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(f":{port:04X}" in line.split()[2] for line in lines)


def send_chunks(connection: ssl.SSLSocket, blocks: list[bytes]) -> None:
    for block in blocks:
        connection.sendall(b"%x\r\n%s\r\n" % (len(block), block))


def read_head(connection: ssl.SSLSocket) -> int:
    """The status of the next answer, interim ones left out."""
    with connection.makefile("rb") as file:
        while True:
            status = int(file.readline().split()[1])
            while file.readline().strip():
                pass
            if status >= 200:
                return status


def at_nodes(nodes: list[NodeProcess]) -> int:
    """Bytes in the files of the nodes."""
    total = 0
    for process in nodes:
        for path in (process.node.folder / "data").rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                total += path.stat().st_size if path.is_file() else 0
    return total
