"""The part of a Docker daemon that discovery asks, on a unix socket.

It shows on demand what a real daemon shows for moments only: containers that are being recreated,
or that go away between two questions.
"""

import json
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

NAME = "amazin-object-storage-node"
KEYS = ("MINIO_ROOT_USER=key", "MINIO_ROOT_PASSWORD=hush-hush")


def container_id(number: int) -> str:
    return f"{number:064x}"


@dataclass
class Container:
    """One container as the daemon knows it."""

    name: str
    number: int
    networks: dict[str, str] = field(default_factory=lambda: {"stack": "192.0.2.1"})
    state: str = "running"
    environment: tuple[str, ...] = KEYS
    links: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    ports: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return container_id(self.number)

    @property
    def _settings(self) -> dict[str, Any]:
        return {
            "Networks": {
                name: {
                    "NetworkID": f"id-of-{name}" if address or self.state != "created" else "",
                    "IPAddress": address,
                    "GlobalIPv6Address": "",
                }
                for name, address in self.networks.items()
            }
        }

    def listed(self) -> dict[str, Any]:
        return {
            "Id": self.id,
            "Names": [*(f"/{link}" for link in self.links), f"/{self.name}"],
            "State": self.state,
            "Labels": self.labels,
            "NetworkSettings": self._settings,
        }

    def inspected(self) -> dict[str, Any]:
        return {
            "Id": self.id,
            "Name": f"/{self.name}",
            "Config": {
                "Env": list(self.environment),
                "Labels": self.labels,
                # A real one leaves it out where there are none.
                **({"ExposedPorts": {port: {} for port in self.ports}} if self.ports else {}),
            },
            "NetworkSettings": self._settings,
        }


class Engine:
    """A daemon at a unix socket.

    :ivar containers: what there is, in the order of the answer.
    :ivar vanishing: ids that are listed and then gone.
    :ivar inspected: ids that were asked for, in that order.
    :ivar listing: said in place of a listing, with its status, when not None.
    :ivar events: reported to those who ask for events; then the connection breaks.
    :ivar rest: sent after the events, as it is.
    :ivar swarm: what a manager answers to ``/services``, ``/tasks`` and ``/nodes``; None for a
        daemon that is none.
    :ivar asked: paths, in the order in which they were asked for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.containers: list[Container] = []
        self.vanishing: set[str] = set()
        self.inspected: list[str] = []
        self.listing: tuple[int, bytes] | None = None
        self.events: list[dict[str, object]] = []
        self.rest = b""
        self.swarm: dict[str, list[Any]] | None = None
        self.asked: list[str] = []
        self._server: ThreadingUnixStreamServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._path}"

    def start(self) -> None:
        self._server = ThreadingUnixStreamServer(str(self._path), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._path.unlink()
        self._server = None

    def answer(self, target: str) -> tuple[int, bytes]:
        url = urlsplit(target)
        path = re.sub(r"^/v1\.[0-9]+", "", url.path)
        self.asked.append(path)
        if path in ("/services", "/tasks", "/nodes"):
            return self._managed(path.removeprefix("/"), url.query)
        if path == "/version":
            return 200, json.dumps({"ApiVersion": "1.41", "MinAPIVersion": "1.12"}).encode()
        if path == "/containers/json":
            return self.listing or (200, json.dumps(list(self._listed(url.query))).encode())
        wanted = unquote(path.removeprefix("/containers/").removesuffix("/json"))
        self.inspected.append(wanted)
        for container in self.containers:
            if container.id.startswith(wanted) or container.name == wanted:
                if container.id in self.vanishing:
                    break
                return 200, json.dumps(container.inspected()).encode()
        return 404, json.dumps({"message": f"No such container: {wanted}"}).encode()

    def _managed(self, kind: str, query: str) -> tuple[int, bytes]:
        if self.swarm is None:
            return 503, json.dumps({"message": "This node is not a swarm manager."}).encode()
        found = self.swarm[kind]
        if kind == "tasks":
            wanted = json.loads(parse_qs(query)["filters"][0])["service"]
            found = [task for task in found if task["ServiceID"] in wanted]
        return 200, json.dumps(found).encode()

    def _listed(self, query: str) -> Iterator[dict[str, Any]]:
        parameters = parse_qs(query)
        (name,) = json.loads(parameters["filters"][0])["name"]
        for container in self.containers:
            if "1" in parameters.get("all", []) or container.state == "running":
                listed = container.listed()
                # As the daemon does it: the name with and without its slash, links included.
                if any(re.search(name, each) for each in listed["Names"]):
                    yield listed


def _handler_of(engine: Engine) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.close_connection = True
            if "/events?" in self.path:
                self._report()
                return
            status, body = engine.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def _report(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for event in engine.events:
                data = json.dumps(event).encode() + b"\n"
                self.wfile.write(b"%X\r\n%b\r\n" % (len(data), data))
            self.wfile.write(engine.rest)
            self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler
