"""The status page in a browser: it renews itself, with scripts and without, and fits a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import MotoServer, NodeProcess, running_nodes
from tests.browser.conftest import Traffic
from tests.support.servers import make_gateway

Site = tuple[GatewayProcess, list[NodeProcess]]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A gateway and nodes to be stopped."""
    with (
        running_nodes(tmp_path / "nodes", 2, MotoServer()) as nodes,
        make_gateway([each.node for each in nodes], tmp_path / "log") as gateway,
    ):
        gateway.start()
        yield gateway, nodes


def url(gateway: GatewayProcess, path: str = "/") -> str:
    return f"http://{gateway.host}:{gateway.port}{path}"


def test_it_renews_itself_and_keeps_the_readers_place(
    page: Page, traffic: Traffic, site: Site
) -> None:
    gateway, nodes = site
    page.goto(url(gateway))
    said = page.get_by_role("status")
    expect(said).to_have_text("All 2 nodes can serve.")
    page.get_by_text("What a program gets").click()
    expect(page.locator("details")).to_have_attribute("open", "")
    nodes[1].stop()
    expect(said).to_have_text(f"1 of 2 nodes can serve. Down: {nodes[1].node.name}")
    card = page.get_by_role("listitem").filter(has_text=nodes[1].node.name)
    expect(card).to_contain_text("cannot serve: it cannot be reached")
    expect(page).to_have_title(f"objgw: 1 of 2 nodes can serve. Down: {nodes[1].node.name}"[:67])
    # What was open is open.
    expect(page.locator("details")).to_have_attribute("open", "")
    traffic.assert_clean(url(gateway, ""))


def test_it_says_that_the_gateway_is_gone(page: Page, site: Site) -> None:
    gateway, _ = site
    page.goto(url(gateway))
    note = page.get_by_text("The gateway has not answered since")
    expect(note).to_be_hidden()
    gateway.stop()
    expect(note).to_be_visible()


def test_it_can_be_paused(page: Page, traffic: Traffic, site: Site) -> None:
    gateway, _ = site
    page.goto(url(gateway))
    with page.expect_response(lambda answer: answer.request.resource_type == "fetch"):
        pass
    button = page.get_by_role("button", name="Pause")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    seen = len(traffic.responses)
    page.wait_for_timeout(5500)
    assert len(traffic.responses) == seen
    button.click()
    with page.expect_response(lambda answer: answer.request.resource_type == "fetch"):
        pass


def test_on_a_phone_nothing_is_wider_than_the_screen(page: Page, site: Site) -> None:
    gateway, _ = site
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(url(gateway))
    expect(page.get_by_role("heading", name="Status")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_without_scripts(browser: BrowserContext, page: Page, site: Site) -> None:
    gateway, nodes = site
    browser.new_cdp_session(page).send("Emulation.setScriptExecutionDisabled", {"value": True})
    page.goto(url(gateway, "/?reload=5"))
    expect(page.locator("#live strong")).to_have_text("All 2 nodes can serve.")
    # What is inside noscript, Playwright finds by no text.
    link = page.locator("main noscript a")
    expect(link).to_be_visible()
    expect(link).to_have_attribute("href", "./?reload=0")
    expect(page.get_by_role("button", name="Pause")).to_be_hidden()
    nodes[0].stop()
    expect(page.locator("#live strong")).to_contain_text("1 of 2 nodes can serve.")
    link.click()
    expect(link).to_have_attribute("href", "./")
