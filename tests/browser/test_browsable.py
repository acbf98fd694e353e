"""The pages for people, in development: everything can be reached by clicking."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from demo.s3nodes import NodeProcess
from tests.browser.conftest import Traffic
from tests.functional.client import random_id


def shown(page: Page) -> Any:
    """The JSON document on the page, behind the header fields."""
    text = page.locator(".response-info").inner_text()
    return json.loads(text[text.index("\n\n") :])


def click_link(page: Page, url: str) -> None:
    page.locator(".response-info").get_by_role("link", name=url, exact=True).first.click()


@pytest.fixture
def uploaded(development: str) -> str:
    """The prefix of five objects."""
    prefix = random_id(8)
    for number in range(5):
        answer = requests.put(
            f"{development}/object/{prefix}{number}", data=b"of a page", timeout=30
        )
        assert answer.status_code == 201
    return prefix


def test_from_the_root_to_nodes_and_objects(
    page: Page, traffic: Traffic, development: str, moto_nodes: list[NodeProcess]
) -> None:
    page.goto(f"{development}/")
    expect(page).to_have_title(re.compile("objgw"))
    click_link(page, f"{development}/nodes")
    expect(page.get_by_role("heading", name="Nodes")).to_be_visible()
    assert [node["name"] for node in shown(page)] == sorted(node.name for node in moto_nodes)

    page.locator(".breadcrumb").get_by_role("link", name="objgw").click()
    click_link(page, f"{development}/objects")
    expect(page.get_by_role("heading", name="Objects")).to_be_visible()
    traffic.assert_clean(development)


def test_the_links_at_the_top(page: Page, traffic: Traffic, development: str) -> None:
    page.goto(f"{development}/nodes")
    for name, path in {"Objects": "/objects", "Nodes": "/nodes", "objgw": "/"}.items():
        page.locator(".navbar").get_by_role("link", name=name).click()
        expect(page).to_have_url(f"{development}{path}")
    traffic.assert_clean(development)


def test_every_link_of_every_page_leads_somewhere(
    page: Page, development: str, uploaded: str
) -> None:
    for path in ("/", "/nodes", "/objects", f"/objects/{uploaded}0"):
        page.goto(f"{development}{path}")
        links = page.locator("a[href]").evaluate_all("links => links.map(link => link.href)")
        for link in links:
            url = link.partition("#")[0]
            if url and "{" not in url and "%7B" not in url:
                assert url.startswith(development)
                status = requests.get(url, headers={"Accept": "text/html,*/*"}, timeout=30)
                assert status.status_code == 200, f"{url} on {path}"


def test_upload_look_download_delete(
    page: Page, traffic: Traffic, development: str, tmp_path: Path
) -> None:
    object_id = random_id()
    file = tmp_path / "upload.bin"
    file.write_bytes(bytes(range(256)) * 1000)

    page.goto(f"{development}/objects")
    page.locator("input[name=id]").fill(object_id)
    page.locator("input[name=file]").set_input_files(file)
    page.get_by_role("button", name="POST").click()
    expect(page.locator(".response-info")).to_contain_text("HTTP 201 Created")

    click_link(page, f"{development}/objects/{object_id}")
    document = shown(page)
    assert document["id"] == object_id
    assert document["headers"]["Content-Type"] == "application/octet-stream"
    assert document["headers"]["Content-Length"] == "256000"

    with page.expect_download() as download:
        click_link(page, f"{development}/object/{object_id}")
    assert Path(download.value.path()).read_bytes() == file.read_bytes()

    page.get_by_role("button", name="DELETE").click()
    # Not by its role: the dialog is marked as hidden even while it is shown.
    page.locator("#deleteModal .btn-danger").click()
    expect(page.locator(".response-info")).to_contain_text("HTTP 204 No Content")
    # The download was taken out of the page, which Chromium calls a failed navigation.
    traffic.troubles = [trouble for trouble in traffic.troubles if "ERR_ABORTED" not in trouble]
    traffic.assert_clean(development)

    page.goto(f"{development}/objects/{object_id}")
    assert shown(page)["code"] == "object_not_found"


def test_a_bad_id_in_the_form(page: Page, development: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    page.goto(f"{development}/objects")
    page.locator("input[name=id]").fill("not-an-id")
    page.locator("input[name=file]").set_input_files(tmp_path / "file")
    page.get_by_role("button", name="POST").click()
    assert shown(page)["status"] == 400


def test_page_through_the_objects(
    page: Page, traffic: Traffic, development: str, uploaded: str
) -> None:
    page.goto(f"{development}/objects?prefix={uploaded}&limit=2")
    found = []
    while True:
        document = shown(page)
        found += [entry["id"] for entry in document["objects"]]
        if document["next"] is None:
            break
        click_link(page, document["next"])
        expect(page).to_have_url(document["next"])
    assert found == [f"{uploaded}{number}" for number in range(5)]
    click_link(page, f"{development}/objects/{uploaded}4")
    assert shown(page)["id"] == f"{uploaded}4"
    traffic.assert_clean(development)
