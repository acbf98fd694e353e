"""A WSGI application that does to a server what applications may do."""

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gevent

from objects.store import get_stores
from objgw_site.server import internals

Respond = Callable[[str, list[tuple[str, str]]], object]

# Django does it for the gateway.
logging.basicConfig()
logging.getLogger("objgw").setLevel(os.environ.get("OBJGW_LOG_LEVEL", "info").upper())


def application(  # noqa: C901  (a list, not a decision)
    environ: dict[str, Any], start_response: Respond
) -> Iterable[bytes]:
    match environ["PATH_INFO"]:
        case "/read":
            data = b"".join(iter(lambda: environ["wsgi.input"].read(100_000), b""))
            found = {"size": len(data), "md5": hashlib.md5(data, usedforsecurity=False).hexdigest()}
            return _whole(start_response, "200 OK", found)
        case "/refuse":
            return _whole(start_response, "403 Forbidden", {"refused": True})
        case "/headers":
            fields = {name: text for name, text in environ.items() if name.startswith("HTTP_X")}
            fields["dropped"] = environ.get("objgw.dropped_headers")
            return _whole(start_response, "200 OK", fields)
        case "/chunks":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return iter([b"one", b"", b"two"])
        case "/break":
            start_response("200 OK", [("Content-Length", "1000")])
            return _breaking(b"x" * 100)
        case "/break-chunks":
            start_response("200 OK", [])
            return _breaking(b"x" * 100)
        case "/large":
            start_response("200 OK", [("Content-Length", str(64 * 2**20))])
            return (b"x" * 2**20 for _ in range(64))
        case "/endless":
            start_response("200 OK", [])
            return _endless()
        case "/waits":
            found = {"in the event loop": get_stores()._wait is internals.await_readable}
            return _whole(start_response, "200 OK", found)
        case "/livez" | "/readyz":
            return _whole(start_response, "200 OK", {"path": environ["PATH_INFO"]})
        case "/scheme":
            return _whole(start_response, "200 OK", {"scheme": environ["wsgi.url_scheme"]})
        case "/log":
            logging.getLogger("objgw").error("%s", environ["QUERY_STRING"])
            return _whole(start_response, "200 OK", {})
        case "/pid":
            return _whole(start_response, "200 OK", {"pid": os.getpid()})
        case "/slow":
            time.sleep(4)
            return _whole(start_response, "200 OK", {})
        case "/turn":
            # Busy for a while, and without a pause in which others would get their turn anyway.
            _be_busy(4000)
            return _whole(start_response, "200 OK", {"at": time.monotonic()})
        case _:
            raise LookupError("hush-hush")


def _whole(start_response: Respond, status: str, found: dict[str, Any]) -> list[bytes]:
    body = json.dumps(found).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]


def _endless() -> Iterator[bytes]:
    """Pieces that cost more to make than to take, each after a wait, as that for a node."""
    while True:
        gevent.sleep(0)
        _be_busy(500)
        yield b"x" * 2**16


def _be_busy(rounds: int) -> None:
    hashlib.pbkdf2_hmac("sha256", b"", b"", rounds)


def _breaking(first: bytes) -> Iterator[bytes]:
    yield first
    raise RuntimeError("broke off")
