"""The pages of production behind nginx, with TLS, HTTP/2 and a path of their own."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from demo.harness.gateway import GatewayProcess
from demo.harness.ports import free_port
from demo.harness.s3nodes import MotoServer
from tests.browser.conftest import ARGUMENTS, BROWSERS, Traffic
from tests.functional.proxies import NAME, Certificate, Nginx, accepts
from tests.support.servers import HOST, SharedServers


@pytest.fixture(scope="module")
def gateway(shared: SharedServers) -> GatewayProcess:
    return shared.gateway(MotoServer(), DJANGO_ALLOWED_HOSTS=NAME)


@pytest.fixture(scope="module")
def site(gateway: GatewayProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the gateway is found from outside, without a slash at the end."""
    folder = tmp_path_factory.mktemp("proxy")
    port, certificate = free_port(HOST), Certificate(folder)
    with Nginx(folder / "nginx", gateway.port, port, certificate, below=True) as process:
        process.launch()
        process.wait_until(lambda: accepts(port), timeout=20)
        yield f"{process.url}/store"


@pytest.fixture
def stranger(traffic: Traffic) -> Iterator[Page]:
    """A page of a browser that takes the certificate, and finds the name here."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found,
            chromium_sandbox=False,
            args=[*ARGUMENTS, f"--host-resolver-rules=MAP {NAME} {HOST}"],
        )
        page = browser.new_context(ignore_https_errors=True).new_page()
        traffic.watch(page)
        yield page
        browser.close()


def test_every_page_works(stranger: Page, traffic: Traffic, site: str) -> None:
    stranger.goto(f"{site}/")
    assert stranger.evaluate("performance.getEntries()[0].nextHopProtocol") == "h2"
    main = stranger.get_by_role("main")
    for link in ("objects", "nodes", "livez", "readyz"):
        main.get_by_role("link", name=link).click()
        expect(stranger).to_have_url(f"{site}/{link}")
        stranger.go_back()
    main.get_by_role("link", name="docs").click()
    expect(stranger.locator(".opblock")).to_have_count(10)

    livez = stranger.locator("#operations-health-livez")
    livez.get_by_role("button").first.click()
    livez.get_by_role("button", name="Try it out").click()
    livez.get_by_role("button", name="Execute").click()
    expect(livez.locator(".live-responses-table")).to_contain_text('"status": "alive"')
    expect(livez.locator(".request-url")).to_contain_text(f"{site}/livez")
    # Not `assert_clean`: for what is no page, the browser asks the root of the host for an icon.
    assert [answer.url for answer in traffic.responses if answer.status >= 400] == []
    assert all(answer.url.startswith((f"{site}/", "data:")) for answer in traffic.responses)
