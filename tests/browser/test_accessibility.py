"""axe-core finds nothing serious on any page, light or dark."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from demo.harness.gateway import GatewayProcess
from tests.browser.axe import assert_accessible, axe_source
from tests.support.client import Client

schemes = pytest.mark.parametrize("scheme", ["light", "dark"])
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="session")
def axe(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> str:
    cache = pytestconfig.cache
    folder = tmp_path_factory.mktemp("axe") if cache is None else Path(cache.mkdir("axe"))
    return axe_source(folder)


@pytest.fixture
def coloured(page: Page, scheme: Scheme) -> Iterator[Page]:
    page.emulate_media(color_scheme=scheme)
    yield page
    page.emulate_media(color_scheme="null")


@schemes
def test_the_status_page(coloured: Page, production: GatewayProcess, axe: str) -> None:
    coloured.goto(f"http://{production.host}:{production.port}/")
    expect(coloured.get_by_role("heading", name="Nodes in routing order")).to_be_visible()
    assert_accessible(coloured, axe)


@schemes
def test_the_list_of_objects(coloured: Page, production: GatewayProcess, axe: str) -> None:
    Client(production.host, production.port).put("accessible", b"x")
    coloured.goto(f"http://{production.host}:{production.port}/objects?prefix=accessible")
    expect(coloured.get_by_role("link", name="accessible")).to_be_visible()
    assert_accessible(coloured, axe)


def test_the_api_with_all_operations_open(page: Page, production: GatewayProcess, axe: str) -> None:
    page.goto(f"http://{production.host}:{production.port}/docs")
    operations = page.locator(".opblock-summary-control")
    expect(operations.first).to_be_visible()
    assert_accessible(page, axe)
    for operation in operations.all():
        operation.click()
    expect(page.locator(".opblock.is-open")).to_have_count(operations.count())
    expect(page.locator("select:not([aria-label])")).to_have_count(0)
    assert_accessible(page, axe)


@schemes
@pytest.mark.parametrize(
    "path", ["/", "/objects", "/nodes", "/objects/accessible", "/object/no-id"]
)
def test_the_browsable_api(coloured: Page, development: str, axe: str, path: str) -> None:
    host, _, port = development.removeprefix("http://").rpartition(":")
    Client(host, int(port)).put("accessible", b"x")
    coloured.goto(f"{development}{path}")
    expect(coloured.get_by_role("main")).to_be_visible()
    assert_accessible(coloured, axe)
