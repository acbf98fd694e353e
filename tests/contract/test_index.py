"""The plain HTML lists: `/objects` for a browser, `/object/` for programs that follow links."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from tests.contract.conftest import client_of
from tests.contract.test_clients import run
from tests.functional.conftest import RunGateway, RunNodes
from tests.functional.stored import id_owned_by
from tests.support.client import Answer, Client, random_id, request_head

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: dict[str, str] = {}
        self.following: str | None = None
        self.elements: set[str] = set()
        self._url: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        given = dict(attrs)
        self._url = given.get("href") if tag == "a" else None
        if given.get("rel") == "next":
            self.following, self._url = self._url, None

    def handle_data(self, data: str) -> None:
        if self._url is not None:
            self.links[data] = self._url
            self._url = None


def html(answer: Answer) -> _Page:
    assert answer.status == 200, answer
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    page = _Page(answer.body.decode())
    assert "script" not in page.elements
    return page


@pytest.fixture
def ids(http: Client) -> list[str]:
    prefix = random_id(8)
    found = [f"{prefix}{number}" for number in range(5)]
    for object_id in found:
        assert http.put(object_id, object_id.encode()).status == 201
    return found


def test_a_browser_walks_from_page_to_page(http: Client, ids: list[str]) -> None:
    target: str | None = f"/objects?prefix={ids[0][:-1]}&limit=2"
    found = []
    while target is not None:
        page = html(http.get(target, Accept=BROWSER))
        for object_id, link in page.links.items():
            assert http.get(urljoin("/objects", link)).body == object_id.encode()
            found.append(object_id)
        following = urlsplit(urljoin("http://gateway.test/objects", page.following or ""))
        target = f"{following.path}?{following.query}" if page.following else None
    assert found == ids


def test_programs_get_json_unless_they_ask_for_html(http: Client) -> None:
    for accept in ("*/*", "application/json", "application/*", "application/json, text/html;q=0.1"):
        assert http.get("/objects?limit=1", Accept=accept)["Content-Type"] == "application/json"
    assert http.get("/objects?limit=1")["Content-Type"] == "application/json"
    assert http.get("/objects?limit=1", Accept="text/html")["Vary"] == "Accept"
    problem = http.get("/objects?limit=0", Accept="text/html")
    assert (problem.status, problem.code) == (400, "invalid_parameter")
    assert http.request("OPTIONS", "/objects", {"Accept": "text/html"}).status == 200


def test_the_index_has_all_objects(http: Client, ids: list[str]) -> None:
    for headers in ({}, {"Accept": "image/png"}):
        links = html(http.request("GET", "/object/", headers)).links
        for object_id in ids:
            assert urljoin("/object/", links[object_id]) == f"/object/{object_id}"
    head = http.request("HEAD", "/object/")
    assert (head.status, head["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert head["Content-Length"] is None


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_the_index_is_read_only(http: Client, method: str) -> None:
    answer = http.request(method, "/object/", {}, b"x")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert set((answer["Allow"] or "").split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_an_index_of_several_pages(run_nodes: RunNodes, run_gateway: RunGateway) -> None:
    """A node lists 1,000 keys at once."""
    http = client_of(run_gateway(run_nodes(1)))
    ids = [f"{number:04}" for number in range(1100)]
    with http.wire() as wire:
        for object_id in ids:
            wire.send(request_head("PUT", f"/object/{object_id}", length=0, close=False))
            assert wire.answer("PUT").status == 201
    assert list(html(http.get("/object/")).links) == ids


def test_no_index_when_a_node_is_down(run_nodes: RunNodes, run_gateway: RunGateway) -> None:
    nodes = run_nodes(2)
    http = client_of(run_gateway(nodes))
    assert http.put(id_owned_by(nodes[0], nodes), b"x").status == 201
    nodes[1].kill()
    answer = http.get("/object/")
    assert (answer.status, answer.code) == (503, "node_unavailable")


@pytest.fixture
def folder(run_gateway: RunGateway, run_nodes: RunNodes) -> tuple[str, dict[str, bytes]]:
    """The URL of an index, and what it has."""
    process = run_gateway(run_nodes(3))
    http = client_of(process)
    content = {f"id{number}": bytes([number]) * number * 1000 for number in range(12)}
    for object_id, body in content.items():
        assert http.put(object_id, body).status == 201
    return f"{process.url}/object/", content


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.skipif(shutil.which("rclone") is None, reason="no rclone here")
def test_rclone_lists_and_copies(folder: tuple[str, dict[str, bytes]], tmp_path: Path) -> None:
    url, content = folder
    backend = ("--config", "", "--http-url", url)
    listed = run(tmp_path, "rclone", "lsf", "--format", "ps", *backend, ":http:")
    assert sorted(re.findall(r"^(\w+);(\d+)$", listed, re.MULTILINE)) == sorted(
        (object_id, str(len(body))) for object_id, body in content.items()
    )
    run(tmp_path, "rclone", "copy", *backend, ":http:", "copy")
    assert files(tmp_path / "copy") == content
    run(tmp_path, "rclone", "check", "--download", *backend, ":http:", "copy")


@pytest.mark.skipif(shutil.which("wget") is None, reason="no wget here")
def test_wget_mirrors(folder: tuple[str, dict[str, bytes]], tmp_path: Path) -> None:
    url, content = folder
    run(tmp_path, "wget", "-q", "-r", "-np", "-nH", "-P", "copy", "-R", "index.html*", url)
    assert files(tmp_path / "copy") == content
