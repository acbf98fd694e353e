"""Random requests, by the thousand: no answer is a 5xx, none leaves a traceback, no worker ends."""

import os
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from demo.harness.gateway import GatewayProcess
from tests.contract.conftest import Stored
from tests.contract.odd_requests import OddRequest, odd_request
from tests.effort import effort
from tests.support.client import TIMEOUT, Client

REQUESTS = effort(1000, 20_000)
#: Clients at once.
CLIENTS = 6
#: What a server does not do is a 5xx that says so: a transfer coding (RFC 9112 section 6.1), a
#: method (RFC 9110 section 15.6.2), a version (section 15.6.6).
ALLOWED = {501, 505}
# At the beginning of a line, or behind a body that ends without one; no request has it.
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


def answers_to(http: Client, request: OddRequest) -> bytes:
    """All that comes back until the gateway ends the connection."""
    with http.wire() as connection:
        # It may have been refused before all of it was taken.
        with suppress(ConnectionError):
            connection.send(request.data)
        with suppress(OSError):
            connection.finish()
        return connection.rest()


def complaint(http: Client, request: OddRequest) -> str | None:
    """What is wrong with the answers to a request, None when nothing is."""
    try:
        data = answers_to(http, request)
    except TimeoutError:
        return f"{request}: no end of the answer within {TIMEOUT:.0f} s"
    statuses = [int(status) for status in _STATUS_LINE.findall(data)]
    bad = [status for status in statuses if status >= 500 and status not in ALLOWED]
    return f"{request}: {bad}: {data[-1000:]!r}" if bad else None


@pytest.mark.not_on_moto("it fails at much that MinIO takes")
@pytest.mark.timeout(900)
def test_odd_requests(http: Client, gateway: GatewayProcess, ten: Stored) -> None:
    """OBJGW_ODD_SEED repeats a run."""
    seed = int(os.environ.get("OBJGW_ODD_SEED") or secrets.randbelow(2**32))
    print(f"OBJGW_ODD_SEED={seed}")
    workers = gateway.worker_pids()
    before = len(gateway.log.read_bytes())
    with ThreadPoolExecutor(CLIENTS) as pool:
        requests = (odd_request(seed, number) for number in range(REQUESTS))
        complaints = [found for found in pool.map(lambda r: complaint(http, r), requests) if found]
    assert complaints == []
    log = gateway.log.read_bytes()[before:].decode(errors="replace")
    assert "Traceback" not in log, log[log.index("Traceback") - 1000 :][:4000]
    assert not [line for line in log.splitlines() if re.match(r"\S+ \S+ (ERROR|CRITICAL) ", line)]
    assert gateway.worker_pids() == workers
    assert http.get("/livez").status == 200
    assert http.get(ten.path).body == ten.body
