"""The gateway's settings, and a record of which functions run while bytes of a request pass a
socket: a line of JSON for each request, in the file that WALK_FILE names.
"""

import json
import os
import sys
from _socket import socket
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any, ParamSpec, TypeVar

from demo.harness.children import PROJECT_ROOT
from objgw_site.server import head, worker
from objgw_site.settings import *  # noqa: F403  (a settings module has them all)

P = ParamSpec("P")
T = TypeVar("T")

_OF_A_REQUEST = frozenset(
    {
        ("objgw_site/server/head.py", "Request.parse"),
        ("objgw_site/server/worker.py", "Worker.handle_request"),
    }
)

_file = Path(os.environ["WALK_FILE"])
#: For each passage whose socket it was, what was called, and the functions, outermost first.
_passages: list[tuple[str, str, list[tuple[str, str]]]] = []


def _note(frame: FrameType | None, event: str, called: Any) -> None:
    sock = getattr(called, "__self__", None)
    if event != "c_call" or not isinstance(sock, socket) or called.__name__ not in ("recv", "send"):
        return
    stack = []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(PROJECT_ROOT) and "site-packages" not in path.parts:
            name = frame.f_code.co_qualname.partition(".<locals>")[0]
            stack.append((str(path.relative_to(PROJECT_ROOT)), name))
        frame = frame.f_back
    if not _OF_A_REQUEST.intersection(stack):  # what goes on in the background
        return
    bound = os.environ["OBJGW_BIND"].rpartition(":")[2]
    whose = "client" if sock.getsockname()[1] == int(bound) else "node"
    _passages.append((whose, called.__name__, stack[::-1]))


def _noted(function: Callable[P, T]) -> Callable[P, T]:
    @wraps(function)
    def noted(*args: P.args, **kwargs: P.kwargs) -> T:
        sys.setprofile(_note)
        try:
            return function(*args, **kwargs)
        finally:
            sys.setprofile(None)

    return noted


def _told(function: Callable[..., bool]) -> Callable[..., bool]:
    noted = _noted(function)

    @wraps(function)
    def told(server: Any, name: Any, request: Any, *args: Any) -> bool:
        try:
            return noted(server, name, request, *args)
        finally:
            with _file.open("a") as file:
                file.write(json.dumps([request.method, _passages]) + "\n")
            _passages.clear()

    return told


# Replaced for good: this process has no other purpose.
head.Request.parse = _noted(head.Request.parse)  # type: ignore[method-assign]
worker.Worker.handle_request = _told(worker.Worker.handle_request)  # type: ignore[method-assign]
