"""Pages of two other origins: one that is allowed, and one that is not."""

from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import BrowserContext, Error, Page

from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import NodeProcess
from tests.browser.apps import web_app
from tests.browser.stored import PIXEL, content, put
from tests.support.client import random_id
from tests.support.servers import make_gateway

WRITE = """
async ([url, method]) => {
    try {
        const answer = await fetch(url, {
            method, body: method === "DELETE" ? undefined : "of a page",
            headers: method === "PUT" ? {"X-Object-Meta-Colour": "blue"} : {},
        });
        return [answer.status, await answer.text()];
    } catch (error) {
        return [0, error.message];
    }
}
"""
READ = """
async ([url, headers]) => {
    const answer = await fetch(url, {headers});
    const named = [
        "ETag", "Content-Range", "X-Object-Meta-Colour", "X-Request-ID", "Content-Disposition",
    ];
    const found = Object.fromEntries(named.map(name => [name, answer.headers.get(name)]));
    return [answer.status, await answer.text(), found];
}
"""
FORM = """
([url, id]) => {
    const files = new DataTransfer();
    files.items.add(new File(["of a form"], "file"));
    document.body.innerHTML = "<form method=post enctype=multipart/form-data>"
        + "<input name=id><input name=file type=file></form>";
    const form = document.forms[0];
    form.action = url;
    form.elements.id.value = id;
    form.elements.file.files = files.files;
    form.submit();
}
"""
FRAME = """
url => {
    const frame = document.createElement("iframe");
    frame.src = url;
    document.body.append(frame);
}
"""
IMAGE = """
([url, crossOrigin]) => new Promise(resolve => {
    const image = new Image();
    image.crossOrigin = crossOrigin;
    image.onload = image.onerror = event => resolve(event.type);
    image.src = url;
})
"""


@pytest.fixture(scope="module")
def app() -> Iterator[str]:
    """The origin of a web app that is allowed."""
    with web_app("app") as origin:
        yield origin


@pytest.fixture(scope="module")
def stranger() -> Iterator[str]:
    with web_app("stranger") as origin:
        yield origin


@pytest.fixture(scope="module")
def store(
    app: str, moto_nodes: list[NodeProcess], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    log = tmp_path_factory.mktemp("cross-site") / "log"
    nodes = [process.node for process in moto_nodes]
    with make_gateway(nodes, log, OBJGW_CORS_ORIGINS=app) as process:
        process.start()
        yield process


@pytest.fixture
def plain_page(browser: BrowserContext) -> Iterator[Page]:
    """A page whose troubles are expected."""
    page = browser.new_page()
    yield page
    page.close()


def test_an_allowed_app_works(plain_page: Page, app: str, store: GatewayProcess) -> None:
    page = plain_page
    page.goto(app)
    url = f"{store.url}/object/{random_id()}"
    status, _ = page.evaluate(WRITE, [url, "PUT"])
    assert status == 201
    status, body, found = page.evaluate(READ, [url, {}])
    assert (status, body, found["X-Object-Meta-Colour"]) == (200, "of a page", "blue")
    assert found["ETag"]
    assert found["X-Request-ID"]

    status, body, part = page.evaluate(READ, [url, {"Range": "bytes=3-"}])
    assert (status, body, part["Content-Range"]) == (206, "a page", "bytes 3-8/9")
    status, _, _ = page.evaluate(READ, [url, {"If-None-Match": found["ETag"]}])
    assert status in (200, 304)

    status, _ = page.evaluate(WRITE, [url, "DELETE"])
    assert status == 204
    status, problem, _ = page.evaluate(READ, [url, {}])
    assert status == 404
    assert "object_not_found" in problem


def test_a_stranger_reads_and_writes_nothing(
    plain_page: Page, stranger: str, store: GatewayProcess
) -> None:
    page = plain_page
    path = put(store.url, b"secret", "text/plain")
    page.goto(stranger)
    for method in ("PUT", "DELETE"):
        status, _ = page.evaluate(WRITE, [f"{store.url}{path}", method])
        assert status == 0, method
    with pytest.raises(Error, match="Failed to fetch"):
        page.evaluate(READ, [f"{store.url}{path}", {}])
    assert content(store.url, path) == b"secret"


@pytest.mark.parametrize("host", ["127.0.0.1", "gateway.internal"])
def test_a_form_of_a_stranger(plain_page: Page, stranger: str, development: str, host: str) -> None:
    """Nobody asks the gateway before a form is sent; the page only cannot read the answer.

    Chromium sends Sec-Fetch-Site to the address, which is the machine's own, and only Origin to
    the name.
    """
    page = plain_page
    object_id = random_id()
    url = development.replace("127.0.0.1", host)
    page.goto(stranger)
    with page.expect_navigation() as response:
        page.evaluate(FORM, [f"{url}/objects", object_id])
    assert response.value.status == 403
    named = "sec-fetch-site" in response.value.request.all_headers()
    assert named == (host == "127.0.0.1")
    answer = requests.get(f"{development}/object/{object_id}", timeout=30)
    assert answer.status_code == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "gateway.internal"])
def test_a_form_of_our_own(plain_page: Page, development: str, host: str) -> None:
    page = plain_page
    object_id = random_id()
    url = development.replace("127.0.0.1", host)
    page.goto(f"{url}/docs")
    with page.expect_navigation():
        page.evaluate(FORM, [f"{url}/objects", object_id])
    assert content(development, f"/object/{object_id}") == b"of a form"


def test_a_name_that_was_made_to_lead_here(plain_page: Page, production: GatewayProcess) -> None:
    """DNS rebinding: all of it is of one origin, so nothing else would keep the page out."""
    page = plain_page
    path = put(production.url, b"to be kept", "text/plain")
    origin = f"http://evil.example:{production.port}"
    page.route(
        f"{origin}/bait", lambda route: route.fulfill(body="<p>bait", content_type="text/html")
    )
    page.goto(f"{origin}/bait")
    for method in ("PUT", "DELETE"):
        status, problem = page.evaluate(WRITE, [path, method])
        assert status == 421
        assert "host_not_allowed" in problem
    status, text, _ = page.evaluate(READ, [path, {}])
    assert (status, "to be kept" in text) == (421, False)
    assert content(production.url, path) == b"to be kept"


@pytest.mark.parametrize("path", ["/docs", "/livez", "/object/"])
def test_nothing_is_shown_in_a_frame(
    plain_page: Page, stranger: str, production: GatewayProcess, path: str
) -> None:
    page = plain_page
    if path == "/object/":
        path = put(production.url, b"<p>bait", "text/html")
    page.goto(stranger)
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.evaluate(FRAME, f"{production.url}{path}")


def test_an_image_is_for_our_own_pages(
    plain_page: Page, stranger: str, production: GatewayProcess
) -> None:
    """Cross-Origin-Resource-Policy."""
    page = plain_page
    url = f"{production.url}{put(production.url, PIXEL, 'image/png')}"
    page.goto(stranger)
    assert page.evaluate(IMAGE, [url, None]) == "error"
    page.goto(f"{production.url}/docs")
    assert page.evaluate(IMAGE, [url, None]) == "load"


def test_an_image_for_an_allowed_app(plain_page: Page, app: str, store: GatewayProcess) -> None:
    """By CORS, as it asks for it with ``crossorigin``."""
    page = plain_page
    url = f"{store.url}{put(store.url, PIXEL, 'image/png')}"
    page.goto(app)
    assert page.evaluate(IMAGE, [url, "anonymous"]) == "load"
    assert page.evaluate(IMAGE, [f"{url}?", None]) == "error"
