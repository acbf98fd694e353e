"""The browser's cache: nothing stale, and nothing sent twice."""

from typing import Any

from playwright.sync_api import Page

from demo.harness.gateway import GatewayProcess
from tests.browser.stored import overwrite, put

FETCH = """
async url => {
    const answer = await fetch(url);
    return [answer.status, await answer.text()];
}
"""


def test_fetch_gives_the_new_bytes(page: Page, production: GatewayProcess) -> None:
    path = put(production.url, b"old", "text/plain")
    page.goto(f"{production.url}/docs")
    assert page.evaluate(FETCH, path) == [200, "old"]
    overwrite(production.url, path, b"new")
    assert page.evaluate(FETCH, path) == [200, "new"]
    page.reload()
    assert page.evaluate(FETCH, path) == [200, "new"]


def test_what_did_not_change_is_not_sent_again(page: Page, production: GatewayProcess) -> None:
    body = "unchanged " * 20_000
    path = put(production.url, body.encode(), "text/plain")
    page.goto(f"{production.url}/docs")
    # Playwright shows what a page got, from its cache, too; the protocol says what came.
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    requests: set[str] = set()
    statuses: list[int] = []
    sizes: list[int] = []

    def sent(event: Any) -> None:
        if event["request"]["url"].endswith(path):
            requests.add(event["requestId"])

    def received(event: Any) -> None:
        if event["requestId"] in requests:
            statuses.append(event["statusCode"])

    def finished(event: Any) -> None:
        if event["requestId"] in requests:
            sizes.append(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", sent)
    session.on("Network.responseReceivedExtraInfo", received)
    session.on("Network.loadingFinished", finished)
    for _ in range(2):
        assert page.evaluate(FETCH, path) == [200, body]
    assert statuses == [200, 304]
    assert sizes[0] > len(body)
    assert sizes[1] < 2000
