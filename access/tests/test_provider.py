"""The keys of a provider, which is a server of the test's own."""

import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler

import pytest

from access import provider as module
from access.keyset import EDDSA, ES256, HS256, KeySet
from access.provider import MOST_WAITING, FetchFailed, Provider, fetch_keys
from access.provider_url import is_provider_url
from access.tests.keys import new_key
from access.tests.keyserver import Answer, Server, body, key_server
from tests.support.waiting import eventually

ONE, TWO = KeySet((new_key(ES256),)), KeySet((new_key(ES256), new_key(EDDSA)))


@pytest.fixture
def server() -> Iterator[Server]:
    with key_server(ONE.public_document()) as server:
        yield server


@pytest.fixture
def url(server: Server) -> str:
    return server.url


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetches may follow each other at once."""
    monkeypatch.setattr(module, "LEAST_PAUSE", 0.01)
    monkeypatch.setattr(module, "_RETRY", 3600.0)


def test_keys_are_fetched(url: str) -> None:
    assert fetch_keys(url).public_document() == ONE.public_document()


def redirect(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "/elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" " * 65536)
    except OSError:
        pass


def dripping(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(1000):
            handler.wfile.write(b" ")
            time.sleep(0.02)  # as a slow server would


def test_an_answer_that_drips_is_given_up(
    server: Server, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.5)
    server.answer = dripping
    with pytest.raises(FetchFailed, match="takes too long"):
        fetch_keys(url)


def test_a_bundle_of_authorities_that_is_not_there_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/absent/bundle.pem")
    with pytest.raises(FetchFailed, match="OSError"):
        fetch_keys("https://127.0.0.1:9/jwks")


@pytest.mark.usefixtures("quick")
def test_whatever_a_fetch_raises_the_next_one_comes() -> None:
    fetches = []

    def fetch() -> KeySet:
        fetches.append(1)
        if len(fetches) == 1:
            raise RuntimeError("a bug")
        return ONE

    provider = Provider(fetch, 3600, lambda: None)
    eventually(provider.renew, "the thread lives")
    assert known(provider) == 1
    assert len(fetches) >= 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (body(b"", 500), "it answers 500"),
        (redirect, "it answers 302"),
        (body(b"<html>"), "of no use: it is no JSON"),
        (body(KeySet((new_key(HS256),)).document()), "of no use: none of its 1 keys"),
        (endless, "too long"),
    ],
)
def test_the_reason_for_a_failure_is_named(
    server: Server, url: str, answer: Answer, reason: str
) -> None:
    server.answer = answer
    with pytest.raises(FetchFailed, match=reason):
        fetch_keys(url)


def test_nobody_there_is_a_failure() -> None:
    with pytest.raises(FetchFailed, match="it does not answer: ConnectionError"):
        fetch_keys("http://127.0.0.1:9/jwks")


def known(provider: Provider) -> int:
    return 0 if provider.keys is None else len(provider.keys.keys)


@pytest.mark.usefixtures("quick")
def test_a_new_key_is_there_when_it_is_asked_for(server: Server, url: str) -> None:
    changes = []
    provider = Provider(partial(fetch_keys, url), 3600, lambda: changes.append(1))
    assert provider.renew()
    assert known(provider) == 1
    server.answer = body(TWO.public_document())
    assert provider.renew()
    assert known(provider) == 2
    assert provider.renew()
    assert len(changes) == 2, "the same keys again are no change"


@pytest.mark.usefixtures("quick")
def test_the_last_keys_are_kept_while_the_provider_is_away(server: Server, url: str) -> None:
    provider = Provider(partial(fetch_keys, url), 3600, lambda: None)
    assert provider.renew()
    server.answer = body(b"", 503)
    assert not provider.renew()
    assert known(provider) == 1
    server.answer = body(TWO.public_document())
    assert provider.renew()


@pytest.mark.usefixtures("quick")
def test_many_who_ask_at_once_share_a_fetch_and_too_many_do_not_wait() -> None:
    fetching, go_on = threading.Event(), threading.Event()
    fetches = []

    def fetch() -> KeySet:
        fetches.append(1)
        fetching.set()
        assert go_on.wait(30)
        return ONE

    provider = Provider(fetch, 3600, lambda: None)
    with ThreadPoolExecutor(MOST_WAITING + 10) as pool:
        asked = [pool.submit(provider.renew) for _ in range(MOST_WAITING + 10)]
        assert fetching.wait(30)
        while sum(each.done() for each in asked) < 10:
            fetching.wait(0.001)
        go_on.set()
        answers = [each.result() for each in asked]
    assert sorted(answers) == [False] * 10 + [True] * MOST_WAITING
    # The one that was under way may have begun before some of them asked.
    assert len(fetches) <= 3


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://login.example/jwks", True),
        ("https://login.example:8443/jwks?x=1", True),
        ("http://127.0.0.1:8080/jwks", True),
        ("http://[::1]/jwks", True),
        ("http://localhost/jwks", True),
        ("http://login.example/jwks", False),
        ("https://user:secret@login.example/jwks", False),
        ("https:///jwks", False),
        ("ftp://login.example/jwks", False),
        ("https://login.example:x/jwks", False),
        ("login.example", False),
    ],
)
def test_where_keys_may_come_from(url: str, *, good: bool) -> None:
    assert is_provider_url(url) == good
