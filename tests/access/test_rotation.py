"""Keys come and go while requests are made, and no request with a valid token is refused."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from access.keyfile import write_keys
from access.keyset import EDDSA, ES256, HS256, RS256, Key, KeySet
from access.scopes import LIST, READ
from access.tests.keys import new_key, token_of
from access.tests.keyserver import Server, body, key_server
from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import MotoServer
from tests.functional.conftest import RunGateway, client_of
from tests.support.servers import SharedServers
from tests.support.waiting import eventually

ISSUER = "https://login.example"


@contextmanager
def asking(gateway: GatewayProcess, token: Callable[[], str]) -> Iterator[list[int]]:
    """Requests, one after the other, in several threads; gives their statuses."""
    statuses: list[int] = []
    over = threading.Event()

    def ask() -> None:
        client = client_of(gateway)
        while not over.is_set():
            headers = {"Authorization": f"Bearer {token()}"}
            statuses.append(client.request("GET", "/object/absent", headers).status)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        over.set()
        for thread in threads:
            thread.join()


def more(statuses: list[int], count: int = 30) -> None:
    """Wait for so many more answers."""
    before = len(statuses)
    eventually(lambda: len(statuses) >= before + count, "requests are answered", 60)


@pytest.fixture
def nodes(shared: SharedServers) -> list[object]:
    return list(shared.nodes(MotoServer()))


def test_keys_of_a_file_are_rotated_without_a_refusal(
    run_gateway: RunGateway, nodes: list[object], tmp_path: Path
) -> None:
    path, keys = tmp_path / "keys.json", [new_key(HS256)]
    write_keys(path, KeySet(tuple(keys)), new=True)
    gateway = run_gateway(nodes, OBJGW_AUTH_KEYS=str(path), OBJGW_WORKERS="2")
    with asking(gateway, lambda: token_of(keys[-1], scope=READ)) as statuses:
        more(statuses)
        for algorithm in (ES256, EDDSA, RS256, HS256):
            added = new_key(algorithm)
            write_keys(path, KeySet((*keys, added)), new=False)
            keys.append(added)
            more(statuses)
            write_keys(path, KeySet(tuple(keys[1:])), new=False)
            keys.pop(0)
            more(statuses)
    assert set(statuses) == {404}, "each had a valid token, and there is no such object"


def test_a_broken_file_ends_no_gateway_that_serves(
    run_gateway: RunGateway, nodes: list[object], tmp_path: Path
) -> None:
    path, key = tmp_path / "keys.json", new_key()
    write_keys(path, KeySet((key,)), new=True)
    gateway = run_gateway(nodes, OBJGW_AUTH_KEYS=str(path))
    client = client_of(gateway)
    headers = {"Authorization": f"Bearer {token_of(key, scope=LIST)}"}
    path.write_text("{}")
    assert client.request("GET", "/objects", headers).status == 200
    [worker] = gateway.worker_pids()
    os.kill(worker, signal.SIGKILL)

    def answers(status: int) -> bool:
        with suppress(OSError):
            return client.request("GET", "/objects", headers).status == status
        return False

    eventually(lambda: answers(503), "another worker says that it has no keys", 60)
    write_keys(path, KeySet((key,)), new=False)
    eventually(lambda: answers(200), "it has them again")


def test_a_retired_key_is_refused_soon(
    run_gateway: RunGateway, nodes: list[object], tmp_path: Path
) -> None:
    path, old, new = tmp_path / "keys.json", new_key(), new_key()
    write_keys(path, KeySet((old, new)), new=True)
    client = client_of(run_gateway(nodes, OBJGW_AUTH_KEYS=str(path)))
    headers = {"Authorization": f"Bearer {token_of(old, scope=LIST)}"}
    assert client.request("GET", "/objects", headers).status == 200
    write_keys(path, KeySet((new,)), new=False)
    eventually(lambda: client.request("GET", "/objects", headers).status == 401, "it is refused")


class Tokens:
    """Tokens of a provider, signed with its newest key."""

    def __init__(self, key: Key) -> None:
        self.key = key

    def __call__(self) -> str:
        return token_of(self.key, scope=READ, iss=ISSUER, jti=str(time.time()))


def slow(data: bytes, seconds: float) -> Callable[[BaseHTTPRequestHandler], None]:
    """As `body`, later."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        threading.Event().wait(seconds)
        body(data)(handler)

    return answer


@pytest.fixture
def first() -> Key:
    return new_key(RS256)


@pytest.fixture
def provider(first: Key) -> Iterator[Server]:
    with key_server(KeySet((first,)).public_document()) as server:
        yield server


def test_a_provider_rotates_its_keys_is_slow_and_goes_away(
    run_gateway: RunGateway, nodes: list[object], provider: Server, first: Key
) -> None:
    gateway = run_gateway(
        nodes,
        OBJGW_AUTH_JWKS_URL=provider.url,
        OBJGW_AUTH_ISSUER=ISSUER,
        OBJGW_AUTH_JWKS_REFRESH="1",
    )
    # One worker: another might not have met the newest key before the provider goes away.
    tokens = Tokens(first)
    with asking(gateway, tokens) as statuses:
        more(statuses)
        # It signs with a key as soon as it has published it.
        for algorithm in (ES256, RS256, EDDSA):
            added = new_key(algorithm)
            provider.answer = body(KeySet((tokens.key, added)).public_document())
            tokens.key = added
            more(statuses)
        known = KeySet((tokens.key,)).public_document()
        for answer in (slow(known, 2.0), body(b"", 503), body(b"<html>"), body(known)):
            asked = provider.asked
            provider.answer = answer
            eventually(lambda: provider.asked > asked, "it was asked", 30)  # noqa: B023
            more(statuses)
        # A new key behind slow answers: requests wait for it.
        added = new_key(ES256)
        provider.answer = slow(KeySet((tokens.key, added)).public_document(), 1.0)
        tokens.key = added
        more(statuses)
    assert set(statuses) == {404}


def test_what_the_provider_did_not_sign_is_refused(
    run_gateway: RunGateway, nodes: list[object], provider: Server, first: Key
) -> None:
    settings = {"OBJGW_AUTH_JWKS_URL": provider.url, "OBJGW_AUTH_ISSUER": ISSUER}
    client = client_of(run_gateway(nodes, **settings))

    def status(token: str) -> tuple[int, str]:
        answer = client.request("GET", "/object/absent", {"Authorization": f"Bearer {token}"})
        return answer.status, answer.code

    assert status(Tokens(first)()) == (404, "object_not_found")
    assert status(token_of(first, scope=READ, iss="https://evil.example"))[1] == "invalid_token"
    assert status(token_of(first, scope=READ))[1] == "invalid_token"
    assert status(Tokens(new_key(RS256))())[1] == "invalid_token"
    # What everybody can read is no secret to sign with.
    shared = new_key(HS256)
    provider.answer = body(KeySet((first, shared)).document())
    assert status(Tokens(shared)())[1] == "invalid_token"
    # Nobody can say whether this one is of a new key.
    provider.answer = body(b"", 500)
    assert status(Tokens(new_key(ES256))()) == (503, "keys_unknown")
    assert status(Tokens(first)())[0] == 404


def test_a_gateway_that_never_reached_its_provider_says_so(
    run_gateway: RunGateway, nodes: list[object], first: Key
) -> None:
    gateway = run_gateway(
        nodes, OBJGW_AUTH_JWKS_URL="http://127.0.0.1:9/jwks", OBJGW_AUTH_ISSUER=ISSUER
    )
    client = client_of(gateway)
    headers = {"Authorization": f"Bearer {Tokens(first)()}"}
    answer = client.request("GET", "/object/absent", headers)
    assert (answer.status, answer.code) == (503, "keys_unknown")
    assert answer["Retry-After"] == "1"
    assert "the identity provider gives no keys" in gateway.log.read_text()
