"""Answers to requests that never reach the application, and to errors of the server itself."""

import json
import logging
import sys
import time
from typing import Any

from objgw_site.fields import ERROR_FIELDS
from objgw_site.server.account import Account
from objgw_site.server.errors import problem_of
from objgw_site.server.response import http_date
from objgw_site.server.turns import end_gently
from problems import request_id
from problems.failures import get_failures
from problems.problem import Problem

logger = logging.getLogger("objgw.worker")

#: What is still taken from a client that was refused, so that it can read the answer.
LINGER_SECONDS = 2.0
LINGER_BYTES = 16 * 2**20
_ERROR_FIELDS = "".join(f"{name}: {value}\r\n" for name, value in ERROR_FIELDS)
#: What the client asks for does not exist; nothing has failed.
_NOT_SPOKEN = frozenset({501, 505})


def refuse(account: Account, req: Any, client: Any, addr: Any, error: BaseException) -> None:
    """Answer with a problem document, and end the connection.

    :param account: is told of it.
    :param req: what gunicorn could read of the request, None for nothing.
    :param addr: of the client, None for a Unix socket.
    :param error: why it is refused; what `problem_of` does not know is a 500, and logged.
    """
    request = request_id.start(None)
    problem = problem_of(error)
    if problem is None:
        logger.error("error outside of the application", exc_info=sys.exc_info())
        problem = Problem()
    else:
        _log_problem(problem, addr)
    body = json.dumps(problem.document(request)).encode() + b"\n"
    account.refused(req or getattr(error, "req", None), addr, problem, len(body))
    try:
        client.settimeout(LINGER_SECONDS)
        client.sendall(_head(problem, request, len(body)) + body)
    except OSError:
        return
    end_gently(client, LINGER_SECONDS, LINGER_BYTES)


def _head(problem: Problem, request: str, length: int) -> bytes:
    head = (
        f"HTTP/1.1 {problem.status} {problem.title}\r\n"
        f"Date: {http_date(int(time.time()))}\r\n"
        "Content-Type: application/problem+json\r\n"
        f"{_ERROR_FIELDS}"
        f"Content-Length: {length}\r\n"
        f"{request_id.HEADER}: {request}\r\n"
        + "".join(f"{name}: {value}\r\n" for name, value in problem.headers.items())
        + "Connection: close\r\n\r\n"
    )
    return head.encode("latin-1")


def _log_problem(problem: Problem, addr: Any) -> None:
    client = addr[0] if addr else "?"
    if problem.status >= 500 and problem.status not in _NOT_SPOKEN:
        kind = f"{problem.status} {problem.code}"
        get_failures().report("the gateway", kind, f"a request from {client}", problem.detail)
    else:
        logger.debug("invalid request from %s: %s", client, problem.detail)
