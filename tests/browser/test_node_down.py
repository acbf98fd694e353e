"""The pages for people while a node is down."""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from demo.harness.children import ChildProcess, http_status
from demo.harness.gateway import gateway_environment
from demo.harness.ports import free_port
from demo.harness.s3nodes import NodeProcess
from tests.functional.stored import id_owned_by
from tests.support.servers import HOST


@pytest.fixture(scope="module")
def nodes(moto_nodes: list[NodeProcess]) -> list[NodeProcess]:
    """The last one is down: nobody listens at its port."""
    *others, last = moto_nodes
    down = dataclasses.replace(last.node, port=free_port(HOST))
    return [*others, NodeProcess(down, last.server)]


@pytest.fixture(scope="module")
def site(nodes: list[NodeProcess], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of `DJANGO_DEBUG=true manage.py runserver`."""
    port = free_port(HOST)
    with ChildProcess(
        "runserver",
        [sys.executable, "manage.py", "runserver", "--noreload", f"{HOST}:{port}"],
        environment={
            **gateway_environment(process.node for process in nodes),
            "DJANGO_DEBUG": "true",
        },
        log=Path(tmp_path_factory.mktemp("runserver"), "log"),
    ) as process:
        process.launch()
        process.wait_until(lambda: http_status(HOST, port, "/livez") == 200, timeout=60)
        yield f"http://{HOST}:{port}"


def test_the_listing_says_so_and_offers_the_rest(
    page: Page, site: str, nodes: list[NodeProcess]
) -> None:
    page.goto(f"{site}/objects")
    expect(page.get_by_role("heading", name="Node unavailable")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text(nodes[-1].node.name)
    page.get_by_role("link", name="List the objects of the other nodes").click()
    expect(page.get_by_role("heading", name="Objects")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(
        f"The objects of {nodes[-1].node.name} are left out"
    )


@pytest.mark.parametrize("path", ["objects", "object"])
def test_an_object_of_it_is_an_error_page(
    page: Page, site: str, nodes: list[NodeProcess], path: str
) -> None:
    answer = page.goto(f"{site}/{path}/{id_owned_by(nodes[-1], nodes)}")
    assert answer
    assert answer.status == 503
    expect(page.get_by_role("heading", name="Node unavailable")).to_be_visible()
    expect(page.get_by_role("link", name="Try again")).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_an_upload_to_it_keeps_the_form(
    page: Page, site: str, nodes: list[NodeProcess], tmp_path: Path, *, script: bool
) -> None:
    if not script:
        page.route("**/upload.js", lambda route: route.fulfill(body=""))
    (tmp_path / "file").write_bytes(b"x")
    object_id = id_owned_by(nodes[-1], nodes)
    page.goto(f"{site}/objects?partial=true")
    page.get_by_label("Id", exact=True).fill(object_id)
    page.get_by_label("File", exact=True).set_input_files(tmp_path / "file")
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#upload-problem")).to_contain_text("cannot be reached")
    expect(page.get_by_label("Id", exact=True)).to_have_value(object_id)
    expect(page.get_by_role("button", name="Upload")).to_be_enabled()
