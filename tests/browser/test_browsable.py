"""The pages for people, in development: everything can be reached by clicking."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from demo.harness.s3nodes import NodeProcess
from tests.browser.conftest import Traffic
from tests.support.client import random_id


def document(page: Page) -> Any:
    """What a program gets, as the page quotes it."""
    text = page.locator(".program pre").text_content() or ""
    return json.loads(text.split("\n\n", 1)[1])


def ids(page: Page) -> list[str]:
    """The ids in the table of objects."""
    return page.locator("table.objects tbody th").all_inner_texts()


def fill(page: Page, object_id: str, file: Path) -> None:
    page.get_by_label("Id", exact=True).fill(object_id)
    page.get_by_label("File", exact=True).set_input_files(file)


def upload(page: Page) -> None:
    page.get_by_role("button", name="Upload").click()


@pytest.fixture
def uploaded(development: str) -> str:
    """The prefix of five objects, of 0 to 4,000 bytes."""
    prefix = random_id(8)
    for number in range(5):
        answer = requests.put(
            f"{development}/object/{prefix}{number}", data=bytes(1000 * number), timeout=30
        )
        assert answer.status_code == 201
    return prefix


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """256,000 bytes to upload."""
    path = tmp_path / "upload.bin"
    path.write_bytes(bytes(range(256)) * 1000)
    return path


def test_from_the_root_to_nodes_and_objects(
    page: Page, traffic: Traffic, development: str, moto_nodes: list[NodeProcess]
) -> None:
    page.goto(f"{development}/")
    expect(page).to_have_title("objgw: All 3 nodes can serve.")
    page.get_by_role("main").get_by_role("link", name="nodes").click()
    expect(page.get_by_role("heading", name="Nodes")).to_be_visible()
    for node in moto_nodes:
        expect(page.get_by_role("row", name=node.name)).to_contain_text("yes")
    page.get_by_role("link", name="objgw").click()
    page.wait_for_load_state()  # what is not loaded yet would be broken off
    page.get_by_role("main").get_by_role("link", name="objects").click()
    expect(page.get_by_role("heading", name="Objects")).to_be_visible()
    traffic.assert_clean(development)


def test_the_links_at_the_top(page: Page, traffic: Traffic, development: str) -> None:
    page.goto(f"{development}/nodes")
    for name, path in {"Objects": "/objects", "Nodes": "/nodes", "objgw": "/"}.items():
        page.locator("header").get_by_role("link", name=name).click()
        expect(page).to_have_url(f"{development}{path}")
    traffic.assert_clean(development)


def test_every_link_of_every_page_leads_somewhere(
    page: Page, development: str, uploaded: str
) -> None:
    for path in (
        "/",
        "/nodes",
        f"/objects?prefix={uploaded}&limit=2",
        f"/objects/{uploaded}0",
        f"/objects/{random_id()}",
        "/a/way/down",
    ):
        page.goto(f"{development}{path}")
        links = page.locator("a[href]").evaluate_all("links => links.map(link => link.href)")
        assert len(links) >= 4
        for url in links:
            assert url.startswith(development)
            answer = requests.get(url, headers={"Accept": "text/html,*/*"}, timeout=30)
            assert answer.status_code == 200, f"{url} on {path}"


def test_the_listing_is_a_table(
    page: Page, traffic: Traffic, development: str, uploaded: str
) -> None:
    page.goto(f"{development}/objects?prefix={uploaded}")
    assert ids(page) == [f"{uploaded}{number}" for number in range(5)]
    row = page.get_by_role("row", name=f"{uploaded}3")
    expect(row).to_contain_text("2.9 KB")
    expect(row.get_by_role("link")).to_have_attribute("href", f"objects/{uploaded}3")
    [entry] = [entry for entry in document(page)["objects"] if entry["id"] == f"{uploaded}3"]
    expect(row.locator("time")).to_have_attribute("datetime", entry["last_modified"])
    expect(row.locator("time")).to_have_text(entry["last_modified"][:19].replace("T", " "))
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name=f"{uploaded}3")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("2.9 KB (3,000 bytes)")
    traffic.assert_clean(development)


def test_an_object_takes_one_line(page: Page, development: str) -> None:
    object_id = random_id(32)
    requests.put(f"{development}/object/{object_id}", data=b"", timeout=30)
    page.goto(f"{development}/objects?prefix={object_id}")
    height = "row => row.clientHeight / parseFloat(getComputedStyle(row).lineHeight)"
    assert page.locator("table.objects tbody tr").evaluate(height) < 2


def test_only_ids_that_begin_with_it(
    page: Page, traffic: Traffic, development: str, uploaded: str
) -> None:
    page.goto(f"{development}/objects?limit=2")
    page.get_by_label("Ids that begin with").fill(uploaded)
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(f"{development}/objects?prefix={uploaded}&limit=2")
    assert ids(page) == [f"{uploaded}0", f"{uploaded}1"]
    expect(page.get_by_label("Ids that begin with")).to_have_value(uploaded)
    page.get_by_role("link", name="All objects").click()
    expect(page).to_have_url(f"{development}/objects")

    page.get_by_label("Ids that begin with").fill(f"{uploaded}z")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("main")).to_contain_text(f"No id begins with {uploaded}z.")
    traffic.assert_clean(development)


def test_page_through_the_objects(
    page: Page, traffic: Traffic, development: str, uploaded: str
) -> None:
    page.goto(f"{development}/objects?prefix={uploaded}&limit=2")
    found = ids(page)
    while (following := page.get_by_role("link", name="Next page")).count():
        following.click()
        expect(page).to_have_url(re.compile("after=" + found[-1]))
        found += ids(page)
    assert found == [f"{uploaded}{number}" for number in range(5)]
    page.get_by_role("link", name="First page").click()
    expect(page).to_have_url(f"{development}/objects?prefix={uploaded}&limit=2")
    assert ids(page) == found[:2]
    traffic.assert_clean(development)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_upload_look_download_delete(
    page: Page, traffic: Traffic, development: str, file: Path, *, script: bool
) -> None:
    object_id = random_id()
    if not script:
        page.route("**/upload.js", lambda route: route.fulfill(body=""))
    page.goto(f"{development}/objects")
    fill(page, object_id, file)
    upload(page)

    expect(page).to_have_url(f"{development}/objects/{object_id}?stored")
    expect(page.get_by_role("status")).to_have_text("Stored.")
    fields = document(page)["headers"]
    assert fields["Content-Type"] == "application/octet-stream"
    assert fields["Content-Length"] == "256000"
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes() == file.read_bytes()

    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page).to_have_url(f"{development}/objects?deleted={object_id}")
    expect(page.get_by_role("status")).to_have_text(f"Deleted {object_id}.")
    expect(page.get_by_role("heading", name="Objects")).to_be_visible()
    # The download was taken out of the page, which Chromium calls a failed navigation.
    traffic.troubles = [trouble for trouble in traffic.troubles if "ERR_ABORTED" not in trouble]
    traffic.assert_clean(development)
    assert requests.get(f"{development}/object/{object_id}", timeout=30).status_code == 404


@pytest.mark.parametrize("object_id", ["", "not-an-id", "ä", "a" * 33])
def test_the_browser_refuses_what_is_no_id(
    page: Page, traffic: Traffic, development: str, file: Path, object_id: str
) -> None:
    page.goto(f"{development}/objects")
    fill(page, object_id, file)
    asked = len(traffic.responses)
    upload(page)
    assert page.locator("#upload :invalid").count() == 1
    expect(page.get_by_label("Id", exact=True)).to_be_focused()
    expect(page.get_by_label("Id", exact=True)).to_have_value(object_id)
    assert len(traffic.responses) == asked, "nothing is sent"


def test_the_browser_asks_for_a_file(page: Page, traffic: Traffic, development: str) -> None:
    page.goto(f"{development}/objects")
    page.get_by_label("Id", exact=True).fill("abc")
    asked = len(traffic.responses)
    upload(page)
    expect(page.get_by_label("File", exact=True)).to_be_focused()
    assert len(traffic.responses) == asked


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_what_was_typed_stays_when_the_server_refuses(
    page: Page, development: str, file: Path, *, script: bool
) -> None:
    if not script:
        page.route("**/upload.js", lambda route: route.fulfill(body=""))
    page.goto(f"{development}/objects")
    field = page.get_by_label("Id", exact=True)
    field.evaluate("input => input.removeAttribute('pattern')")
    fill(page, "not-an-id", file)
    upload(page)
    problem = page.locator("#id_id_problem")
    expect(problem).to_have_text(
        "An object id is 1 to 32 ASCII letters and digits (A-Z, a-z, 0-9); 'not-an-id' is not."
    )
    expect(field).to_have_value("not-an-id")
    expect(field).to_have_attribute("aria-invalid", "true")
    above, below = field.bounding_box(), problem.bounding_box()
    assert above
    assert below
    assert 0 < below["y"] - above["y"] < 150, "the problem is shown beside its field"
    if script:
        # No page that a server sends could choose the file again.
        assert page.get_by_label("File", exact=True).evaluate("input => input.files.length") == 1
        field.fill(random_id())
        upload(page)
        expect(page.get_by_role("status")).to_have_text("Stored.")
    else:
        expect(page.get_by_label("Ids that begin with")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "title", "words"),
    [
        ("/a/way/down", "Not found", "There is nothing at /a/way/down"),
        ("/objects/nosuchobject", "Object not found", "There is no object 'nosuchobject'."),
        ("/object/nosuchobject", "Object not found", "There is no object 'nosuchobject'."),
        ("/object/a-b", "Invalid object id", "1 to 32 ASCII letters and digits"),
        ("/objects/a-b", "Invalid object id", "1 to 32 ASCII letters and digits"),
        (
            "/objects?limit=0",
            "Invalid query parameter",
            "limit must be a whole number from 1 to 1000",
        ),
    ],
)
def test_errors_are_pages(page: Page, development: str, path: str, title: str, words: str) -> None:
    answer = page.goto(f"{development}{path}")
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.locator("header").get_by_role("link", name="Objects")).to_be_visible()
    assert page.evaluate("document.styleSheets.length") == 1
    assert answer
    assert document(page)["status"] == answer.status
    page.get_by_role("main").get_by_role("link", name="All objects").click()
    expect(page).to_have_url(f"{development}/objects")


def test_a_program_gets_documents_from_the_same_paths(development: str) -> None:
    for path in ("/objects/nosuchobject", "/object/nosuchobject", "/a/way/down"):
        for accept in ("*/*", "application/json"):
            answer = requests.get(f"{development}{path}", headers={"Accept": accept}, timeout=30)
            assert answer.status_code == 404
            assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_program_may_use_the_form(development: str) -> None:
    object_id = random_id()
    page = f"objects/{object_id}"
    files = {"file": ("a.txt", b"text", "text/plain")}
    answer = requests.post(f"{development}/objects", {"id": object_id}, files=files, timeout=30)
    assert answer.status_code == 201
    assert (answer.headers["Location"], answer.json()["page"]) == (page, page)
    found = requests.get(f"{development}/{page}", timeout=30).json()
    assert found["download"] == f"../object/{object_id}"
    assert found["all_objects"] == "../objects"
    assert requests.delete(f"{development}/{page}", timeout=30).status_code == 204
    refused = requests.post(f"{development}/objects", {"id": "a-b"}, files=files, timeout=30)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_id")
    assert refused.json()["field"] == "id"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1100])
def test_every_page_is_readable(
    page: Page, development: str, uploaded: str, scheme: str, width: int
) -> None:
    """Nothing is wider than the screen, and text stands out from what is behind it."""
    requests.put(f"{development}/object/{'W' * 32}", data=b"", timeout=30)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 800})
    for path in (
        "/",
        "/nodes",
        "/objects?prefix=W",
        f"/objects?prefix={uploaded}&deleted=abc",
        f"/objects/{'W' * 32}?stored",
        "/object/a-b",
    ):
        page.goto(f"{development}{path}")
        for summary in page.locator("summary").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate(FAINT) == [], path
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (max(map(int, re.findall(r"\d+", background))) < 64) == (scheme == "dark")


def test_a_phone_shows_whether_each_node_serves(page: Page, development: str) -> None:
    """Without scrolling sideways, by which the answer would be out of sight."""
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{development}/nodes")
    cells = page.get_by_role("table").locator("td").filter(has_text=re.compile(r"^yes$"))
    expect(cells).to_have_count(3)
    for cell in cells.all():
        box = cell.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 390


#: Texts with less contrast than WCAG 2.2 asks for (success criterion 1.4.3).
FAINT = """
() => {
    const channel = value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const parse = color => color.match(/[\\d.]+/g).map(Number);
    const luminance = ([r, g, b]) =>
        0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
    const behind = element => {
        for (; element; element = element.parentElement) {
            const color = parse(getComputedStyle(element).backgroundColor);
            if (color.length === 3 || color[3] === 1) return color;
        }
        return [255, 255, 255];
    };
    const faint = [];
    for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!own || !element.checkVisibility()) continue;
        const pair = [parse(getComputedStyle(element).color), behind(element)].map(luminance);
        const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
        if (contrast < 4.5) faint.push(`${contrast.toFixed(2)} ${element.textContent.trim()}`);
    }
    return faint;
}
"""
