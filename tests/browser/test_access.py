"""Tokens and signed links in a browser."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from access.grant import LinkTerms
from access.keyfile import write_keys
from access.keyset import Key, KeySet
from access.links import link_to
from access.scopes import LIST, NODES, READ, WRITE
from access.tests.keys import new_key, token_of
from access.warning import OPEN
from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import MotoServer
from tests.browser.apps import web_app
from tests.browser.conftest import Traffic
from tests.support.client import Client, random_id
from tests.support.servers import SharedServers


@pytest.fixture(scope="module")
def key() -> Key:
    return new_key()


@pytest.fixture(scope="module")
def keys_file(key: Key, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("access") / "keys.json"
    write_keys(path, KeySet((key,)), new=True)
    return path


@pytest.fixture(scope="module")
def app() -> Iterator[str]:
    """The origin of a web app that is allowed."""
    with web_app("uploads") as origin:
        yield origin


@pytest.fixture(scope="module")
def closed(shared: SharedServers, keys_file: Path, app: str) -> GatewayProcess:
    return shared.gateway(MotoServer(), OBJGW_AUTH_KEYS=str(keys_file), OBJGW_CORS_ORIGINS=app)


@pytest.fixture
def site(closed: GatewayProcess) -> str:
    return f"http://{closed.host}:{closed.port}"


def log_in(page: Page, gateway: GatewayProcess, token: str) -> str:
    """Give the browser a token as if somebody had typed it when it asked; gives the site's URL.

    It sends it by itself from then on. A page with it in its own URL could fetch nothing.
    """
    site = f"{gateway.host}:{gateway.port}"
    page.goto(f"http://anybody:{token}@{site}/")
    return f"http://{site}"


@pytest.fixture
def token(key: Key) -> str:
    return token_of(key, scope=f"{NODES} {READ}", sub="alice")


def test_the_status_page_takes_a_token_as_the_password(
    page: Page, closed: GatewayProcess, token: str, traffic: Traffic
) -> None:
    site = log_in(page, closed, token)
    page.goto(f"{site}/?reload=1")
    expect(page.get_by_role("heading", name="Nodes in routing order")).to_be_visible()
    expect(page.get_by_text("by token", exact=True)).to_be_visible()
    # It renews itself with the same password.
    with page.expect_response(lambda response: response.url.startswith(f"{site}/?")) as renewed:
        pass
    assert renewed.value.status == 200
    assert [each.status for each in traffic.responses if each.status not in (200, 304, 401)] == []


def test_another_token_is_tried_on_the_page_of_the_api(
    page: Page, closed: GatewayProcess, token: str, key: Key
) -> None:
    page.goto(f"{log_in(page, closed, token)}/docs")
    page.get_by_role("button", name="Authorize").first.click()
    other = token_of(key, scope=LIST, sub="bob")
    dialog = page.locator(".modal-ux .auth-container", has_text="token (http, Bearer)")
    dialog.locator("input").fill(other)
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").click()
    for operation, status in (("listObjects", "200"), ("listNodes", "403")):
        block = page.locator(f".opblock[id$='-{operation}']")
        block.locator(".opblock-summary-control").click()
        block.get_by_role("button", name="Try it out").click()
        block.get_by_role("button", name="Execute").click()
        expect(block.locator(".live-responses-table .response .response-col_status")).to_have_text(
            status
        )


def test_a_signed_link_is_opened_and_uploaded_to(page: Page, site: str, app: str, key: Key) -> None:
    object_id, soon = random_id(), int(time.time()) + 600
    upload = link_to(LinkTerms("PUT", object_id, soon, 100, "text/plain"), key)
    download = link_to(LinkTerms("GET", object_id, soon), key)
    page.goto(app)
    put = """async ([link, size]) => {
        const body = new Blob(["x".repeat(size)], {type: "text/plain"});
        return (await fetch(link, {method: "PUT", body})).status;
    }"""
    assert page.evaluate(put, [f"{site}{upload}", 101]) == 413
    assert page.evaluate(put, [f"{site}{upload}", 100]) == 201
    page.goto(f"{site}{download}")
    expect(page.locator("body")).to_have_text("x" * 100)
    named = link_to(LinkTerms("GET", object_id, soon, file_name="für dich.txt"), key)
    page.goto(app)
    with page.expect_download() as saved:
        page.evaluate("link => { window.location = link }", f"{site}{named}")
    assert saved.value.suggested_filename == "für dich.txt"
    assert Path(saved.value.path()).read_bytes() == b"x" * 100


@pytest.fixture(scope="module")
def developed(shared: SharedServers, keys_file: Path) -> GatewayProcess:
    """The pages of development, where tokens are asked for."""
    return shared.gateway(MotoServer(), OBJGW_AUTH_KEYS=str(keys_file), DJANGO_DEBUG="true")


def test_the_browsable_api_does_what_the_token_allows(
    page: Page, developed: GatewayProcess, key: Key, tmp_path: Path
) -> None:
    token = token_of(key, scope=f"{LIST} {READ} {WRITE}", prefixes=["mine"])
    page.goto(f"{log_in(page, developed, token)}/objects")
    file = tmp_path / "file.txt"
    file.write_text("of a form")
    object_id = f"mine{random_id()[:20]}"
    for name, heard in (("other", "its ids begin with mine"), (object_id, "Stored.")):
        page.get_by_label("Id", exact=True).fill(name)
        page.get_by_label("File", exact=True).set_input_files(file)
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_role("main")).to_contain_text(heard)
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("alert")).to_contain_text("it lacks the scope objects:delete")
    client = Client(developed.host, developed.port)
    reading = {"Authorization": f"Bearer {token}"}
    assert client.request("GET", f"/object/{object_id}", reading).body == b"of a form"


def test_an_open_gateway_says_so(page: Page, production: GatewayProcess) -> None:
    page.goto(f"http://{production.host}:{production.port}/")
    expect(page.get_by_text(OPEN)).to_be_visible()
    assert OPEN in production.log.read_text()
