"""``python -m benchmarks.application``: the CPU time of one small request without any socket.

From the WSGI call to the last byte of the answer: Django, DRF, the view, the service and the store,
with a node that answers from memory. That is steadier than a load, also on a busy machine: the
least of many short rounds counts. ``--against FOLDER`` measures another checkout in the same run,
in turns; ``--layout`` measures with a layout that is not changing, ``--drf`` what DRF's own way
costs where `objects.views` has another; ``--observed`` what metrics and the access log cost, the
server's part of them included; ``--tokens`` what a token costs.
"""

import argparse
import atexit
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
METHODS = ("GET", "PUT")
_BODY = b"x" * 1024
# What MinIO answers.
_HEAD = (
    b"HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: %d\r\n"
    b"Content-Type: application/octet-stream\r\n"
    b'ETag: "6520213d3695a344f306efffa2523807"\r\n'
    b"Last-Modified: Wed, 25 Nov 2026 03:00:00 GMT\r\nServer: MinIO\r\n"
    b"Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"
    b"Vary: Origin\r\nVary: Accept-Encoding\r\n"
    b"X-Amz-Id-2: dd9025bab4ad464b049177c95eb6ebf374d3b3fd1af9251148b658df7ac2e3e8\r\n"
    b"X-Amz-Request-Id: 187AA\r\nX-Content-Type-Options: nosniff\r\n"
    b"X-Xss-Protection: 1; mode=block\r\nDate: Wed, 25 Nov 2026 03:00:00 GMT\r\n\r\n"
)
# As many as are counted and logged together (telemetry.observations.BATCH): once in each round.
_REQUESTS = 64
_LAID_OUT = "with a layout"
_TOKENS = "with a token"


class NodeInMemory:
    """A socket to a node that answers at once."""

    def __init__(self) -> None:
        self._answers: list[bytes] = []

    def settimeout(self, seconds: float) -> None:
        pass

    def recv(self, size: int, flags: int = 0) -> bytes:
        if flags or not self._answers:
            raise BlockingIOError  # nothing came that was not asked for
        return self._answers.pop(0)

    def sendall(self, data: bytes) -> None:
        self._answers = [_HEAD % 0] if data.startswith(b"PUT") else [_HEAD % len(_BODY), _BODY]

    def close(self) -> None:
        pass


def environ(method: str, token: str) -> dict[str, Any]:
    """The WSGI environment of a request by a program.

    :param token: "" for none.
    """
    found = {
        "REQUEST_METHOD": method,
        "PATH_INFO": "/object/abc",
        "RAW_URI": "/object/abc",
        "QUERY_STRING": "",
        "SCRIPT_NAME": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "3000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost:3000",
        "HTTP_USER_AGENT": "wrk",
        "HTTP_ACCEPT": "*/*",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(_BODY),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
    }
    if token:
        # As from a socket: a text that nobody has seen before.
        found["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return found | ({"CONTENT_LENGTH": str(len(_BODY))} if method == "PUT" else {})


def application(*, laid_out: bool = False, tokens: bool = False) -> Callable[[str], None]:
    """The gateway's application over one node in memory: a function that does one request.

    :param laid_out: whether that node is the member of a layout.
    :param tokens: whether it asks for a token.
    """
    token = _token() if tokens else ""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "objgw_site.settings",
        "OBJGW_DISCOVERY": "static",
        "OBJGW_NODES": "http://access-key:secret-key@127.0.0.1:9000",
        "OBJGW_LOG_LEVEL": "error",
    }
    from nodes.membership import get_membership
    from objects.store import get_stores
    from objgw_site.wsgi import application as wsgi

    store = get_stores().of(get_membership().refresh().nodes[0])
    store._has_bucket = True  # noqa: SLF001  (it would be asked for with the first PUT)
    store._client._pool.put(NodeInMemory())  # type: ignore[arg-type]  # noqa: SLF001
    if importlib.util.find_spec("objects.layout") is not None:
        _lease(store.node.name if laid_out else None)

    def once(method: str) -> None:
        statuses: list[str] = []
        response = wsgi(environ(method, token), lambda status, fields: statuses.append(status))
        size = sum(map(len, response))
        response.close()
        if statuses != ["201 Created" if method == "PUT" else "200 OK"] or not size:
            raise RuntimeError(f"{method}: {statuses}")

    return once


def _token() -> str:
    """A token with all scopes, of a key that the settings of this process name from now on."""
    from access.keyfile import write_keys
    from access.keyset import HS256, KeySet, make_key
    from access.scopes import SCOPES
    from access.tokens import Wish, issue

    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    key = make_key(HS256, time.time())
    os.environ["OBJGW_AUTH_KEYS"] = f"{folder}/keys.json"
    write_keys(Path(os.environ["OBJGW_AUTH_KEYS"]), KeySet((key,)), new=True)
    return issue(Wish("benchmark", SCOPES, (), 3600), key, "objgw", time.time())


def _lease(member: str | None) -> None:
    """Nobody is to be asked for the layout: it is known for long."""
    from objects.layout import Layout
    from objects.layout.keeper import Lease, get_keeper
    from objects.layout.placement import Placement

    placement = Placement(Layout.adopted("modulo", [member])) if member else None
    get_keeper()._held = Lease(placement, float("inf"))  # noqa: SLF001  (it has no node to read)


#: What is observed, by the name of the variant: metrics, and the access log.
OBSERVED = {
    "without metrics and access log": (False, False),
    "metrics": (True, False),
    "metrics and access log": (True, True),
}


def observed(variant: str) -> Callable[[str], None]:
    """As `application`, with what the server does for metrics and access log around it."""
    from types import SimpleNamespace

    from objgw_site.server.account import Account
    from objgw_site.server.proxies import Networks
    from telemetry import exchange, metrics
    from telemetry.access import AccessLog
    from telemetry.folder import MetricsFolder

    counts, lines = OBSERVED[variant]
    folder = MetricsFolder.make()
    atexit.register(folder.remove)
    metrics.configure(enabled=counts, folder=folder.path, identity="1")
    log = Path(folder.path, "access.log").open("wb")  # noqa: SIM115  (until the end)
    account = Account(
        metrics.get_metrics() if counts else None,
        AccessLog("json", log) if lines else None,
        Networks.parse(["127.0.0.1"]),
    )
    once = application()
    body = SimpleNamespace(received=0)
    given = {"wsgi.input": body, "REMOTE_ADDR": "127.0.0.1"}
    requests = {
        method: SimpleNamespace(method=method, path="/object/abc", uri="/object/abc")
        for method in METHODS
    }
    answers = {
        "GET": SimpleNamespace(status="200 OK", sent=len(_BODY)),
        "PUT": SimpleNamespace(status="201 Created", sent=80),
    }

    def with_account(method: str) -> None:
        started = time.monotonic()
        noted = exchange.begin()
        once(method)
        seconds = time.monotonic() - started
        account.answered(requests[method], answers[method], given, noted, None, seconds)

    return with_account


def drf_variants() -> dict[str, Callable[[], None]]:
    """Name to a function that makes the view do one thing as DRF does."""
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from objects.views import ObjectView

    own_put = ObjectView.put

    def initial(self: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        request.parser_context.clear()
        APIView.initial(self, request, *args, **kwargs)

    def put(self: Any, request: Any, object_id: str) -> Response:
        plain = own_put(self, request, object_id)
        document = {"id": object_id, "size": len(_BODY), "etag": plain.headers["ETag"]}
        return Response(document, status=201, headers={"ETag": plain.headers["ETag"]})

    def use(name: str, value: Any) -> Callable[[], None]:
        return lambda: setattr(ObjectView, name, value)

    return {
        "initial": use("initial", initial),
        "response to PUT": use("put", put),
    }


def measure(once: Callable[[str], None], rounds: int) -> dict[str, float]:
    """Microseconds of CPU time of one request, for each method."""
    least = dict.fromkeys(METHODS, float("inf"))
    for _ in range(rounds):
        for method in METHODS:
            started = time.process_time()
            for _ in range(_REQUESTS):
                once(method)
            spent = (time.process_time() - started) / _REQUESTS * 1e6
            least[method] = min(least[method], spent)
    return least


def _measured_in(folder: Path, arguments: list[str]) -> dict[str, float]:
    """`measure` in a process of its own, with the code of a checkout."""
    command = [sys.executable, str(Path(__file__).resolve()), "--child", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return {name: float(text) for name, text in map(str.split, ran.stdout.splitlines())}


def _cases(options: argparse.Namespace) -> dict[str, tuple[Path, list[str]]]:
    """What is measured, by name: a checkout, and arguments for the process that runs there."""
    cases: dict[str, tuple[Path, list[str]]] = (
        {name: (HERE, ["--variant", name]) for name in OBSERVED}
        if options.observed
        else {"this": (HERE, [])}
    )
    if options.layout:
        cases[_LAID_OUT] = (HERE, ["--variant", _LAID_OUT])
    if options.tokens:
        cases[_TOKENS] = (HERE, ["--variant", _TOKENS])
    if options.against:
        cases["the other"] = (options.against.resolve(), [])
    if options.drf:
        names = ("initial", "response to PUT")
        cases |= {f"DRF's {name}": (HERE, ["--variant", name]) for name in names}
    return cases


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.application", description=__doc__)
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout")
    parser.add_argument("--layout", action="store_true", help="the same with a layout")
    parser.add_argument("--tokens", action="store_true", help="the same with a token")
    parser.add_argument("--drf", action="store_true", help="what DRF's own way costs")
    parser.add_argument(
        "--observed", action="store_true", help="what metrics and the access log cost"
    )
    parser.add_argument("--turns", type=int, default=5, help="processes for each (default: 5)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--variant", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        if options.variant in OBSERVED:
            once = observed(options.variant)
        else:
            once = application(
                laid_out=options.variant == _LAID_OUT, tokens=options.variant == _TOKENS
            )
            if options.variant not in ("", _LAID_OUT, _TOKENS):
                drf_variants()[options.variant]()
        for method, spent in measure(once, rounds=20).items():
            print(method, spent)
        return
    cases = _cases(options)
    base = next(iter(cases))
    least: dict[tuple[str, str], float] = {}
    for _ in range(options.turns):
        for name, (folder, arguments) in cases.items():
            for method, spent in _measured_in(folder, arguments).items():
                key = name, method
                least[key] = min(least.get(key, spent), spent)
    for (name, method), spent in least.items():
        print(f"{method} {spent:6.1f} us  x{spent / least[base, method]:.3f}  {name}")


if __name__ == "__main__":
    main()
