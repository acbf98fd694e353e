"""GET / in production: a page for whoever prefers HTML, a document for everybody else."""

import re

import pytest

from tests.support.client import Client

CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
JSON = "application/json"
HTML = "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("application/*", JSON),
        ("application/json, text/html", JSON),
        ("application/json, text/plain, */*", JSON),
        ("application/json, text/html;q=0.9", JSON),
        ("text/html;q=0.5, */*", JSON),
        ("text/html;q=0, */*", JSON),
        ("text/html", HTML),
        ("text/*", HTML),
        ("text/html, application/json;q=0.9", HTML),
        (CHROMIUM, HTML),
    ],
)
def test_who_gets_what(http: Client, accept: str | None, media_type: str) -> None:
    answer = http.request("GET", "/", {} if accept is None else {"Accept": accept})
    assert (answer.status, answer["Content-Type"]) == (200, media_type)
    assert answer["Vary"] == "Accept"


def test_neither_is_acceptable(http: Client) -> None:
    assert http.get("/", Accept="image/png").code == "not_acceptable"


def test_the_page_has_the_links_of_the_document(http: Client) -> None:
    page = http.get("/", Accept="text/html").body.decode()
    links = {link for link in http.get("/").json.values() if "{" not in link}
    assert links <= set(re.findall(r'href="([^"]+)"', page))
    styles = re.findall(r'rel="stylesheet" href="\./([^"]+)"', page)
    assert styles
    for style in styles:
        answer = http.get(f"/{style}")
        assert (answer.status, answer["Content-Type"]) == (200, 'text/css; charset="utf-8"')


def test_head_says_what_get_would(http: Client) -> None:
    for accept in (CHROMIUM, "*/*"):
        head = http.request("HEAD", "/", {"Accept": accept})
        get = http.get("/", Accept=accept)
        assert head["Content-Type"] == get["Content-Type"]
        assert head["Content-Length"] is not None
    # The page tells of the moment: another one may have another length.
    assert head["Content-Length"] == get["Content-Length"]
