"""A real browser before real gateways."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Response,
    expect,
    sync_playwright,
)
from playwright.sync_api import Request as PageRequest

from demo.harness.children import ChildProcess, http_status
from demo.harness.gateway import GatewayProcess, gateway_environment
from demo.harness.ports import free_port
from demo.harness.s3nodes import MotoServer, NodeProcess
from tests.support.servers import HOST, SharedServers

# A page loads while other tests use both cores; 5 s, the default, are not always enough then.
expect.set_options(timeout=30_000)

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
#: It is to talk to nobody but the gateway.
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    # Else Chromium would protect a gateway on this machine in place of the gateway.
    "--disable-features=LocalNetworkAccessChecks",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    # Names that are no addresses, for what browsers and the gateway make of names.
    "--host-resolver-rules=MAP *.internal 127.0.0.1, MAP *.example 127.0.0.1",
]


@dataclass
class Traffic:
    """What the pages of a test asked for, and what went wrong."""

    responses: list[Response] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("response", self._response)
        page.on("requestfailed", self._failed)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))

    def _response(self, response: Response) -> None:
        self.responses.append(response)
        if response.status >= 400:
            self.troubles.append(f"{response.status} {response.url}")

    def _failed(self, request: PageRequest) -> None:
        self.troubles.append(f"{request.failure} {request.url}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"console: {message.text}")

    def assert_clean(self, base: str) -> None:
        """Everything was found, and nothing was fetched from anywhere else."""
        assert self.troubles == []
        elsewhere = [
            response.url
            for response in self.responses
            if not response.url.startswith((f"{base}/", "data:", "blob:"))
        ]
        assert elsewhere == []
        assert self.responses


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium here")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=found,
            headless=True,
            chromium_sandbox=False,
            args=ARGUMENTS,
        )
        yield context
        context.close()


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.fixture
def page(browser: BrowserContext, traffic: Traffic) -> Iterator[Page]:
    page = browser.new_page()
    traffic.watch(page)
    yield page
    page.close()


@pytest.fixture(scope="session")
def moto_nodes(shared: SharedServers) -> list[NodeProcess]:
    return shared.nodes(MotoServer())


@pytest.fixture(scope="session")
def development(
    moto_nodes: list[NodeProcess], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of `DJANGO_DEBUG=true manage.py runserver`."""
    port = free_port(HOST)
    environment = gateway_environment(process.node for process in moto_nodes)
    with ChildProcess(
        "runserver",
        [sys.executable, "manage.py", "runserver", "--noreload", f"{HOST}:{port}"],
        environment={**environment, "DJANGO_DEBUG": "true"},
        log=Path(tmp_path_factory.mktemp("runserver"), "log"),
    ) as process:
        process.launch()
        process.wait_until(lambda: http_status(HOST, port, "/readyz") == 200, timeout=60)
        yield f"http://{HOST}:{port}"


@pytest.fixture(scope="session")
def production(shared: SharedServers) -> GatewayProcess:
    return shared.gateway(MotoServer(), OBJGW_WORKERS="2")
