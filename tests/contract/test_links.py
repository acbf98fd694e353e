"""Links in answers: relative, so that they are right behind any proxy."""

from urllib.parse import urljoin

import pytest
import yaml

from tests.support.client import Client, random_id

#: Where clients may find the gateway: it cannot know.
BASES = [
    "http://localhost:3000/",
    "https://store.example/",
    "https://store.example:8443/a/path/",
    "http://[::1]:3000/",
]


@pytest.fixture(scope="module")
def prefix(http: Client) -> str:
    """What three ids begin with."""
    prefix = random_id(8)
    for number in range(3):
        assert http.put(f"{prefix}{number}", b"x").status == 201
    return prefix


def test_next_is_relative_to_the_page_and_keeps_the_parameters(http: Client, prefix: str) -> None:
    following = http.get(f"/objects?prefix={prefix}&limit=2").json["next"]
    assert following == f"objects?prefix={prefix}&limit=2&after={prefix}1"


@pytest.mark.parametrize("base", BASES)
def test_next_leads_on_from_wherever_the_page_was_found(
    http: Client, prefix: str, base: str
) -> None:
    """The gateway sees the path without what a proxy took off."""
    following = http.get(f"/objects?prefix={prefix}&limit=2").json["next"]
    by_page = urljoin(f"{base}objects?prefix={prefix}&limit=2", following)
    by_store = base + following
    assert by_page == by_store
    assert by_page.removeprefix(base) == f"objects?prefix={prefix}&limit=2&after={prefix}1"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "store.localhost:8080"},
        {"Host": "localhost", "X-Forwarded-Host": "evil.example"},
        {"Host": "localhost", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/evil"},
        {"Host": "localhost", "Forwarded": "host=evil.example;proto=https"},
    ],
)
def test_no_header_field_has_a_say(http: Client, prefix: str, headers: dict[str, str]) -> None:
    plain = http.get("/").body
    assert http.request("GET", "/", headers).body == plain
    listing = f"/objects?prefix={prefix}&limit=2"
    assert http.request("GET", listing, headers).body == http.get(listing).body


def test_the_root_links_to_paths_beside_it(http: Client) -> None:
    assert http.get("/").json == {
        "object": "object/{id}",
        "objects": "objects",
        "nodes": "nodes",
        "livez": "livez",
        "readyz": "readyz",
        "metrics": "metrics",
        "schema": "schema",
        "docs": "docs",
    }


def test_every_link_of_the_root_leads_somewhere(http: Client) -> None:
    for link in http.get("/").json.values():
        if "{" not in link:
            assert http.get(urljoin("/", link)).status == 200, link


@pytest.mark.parametrize("base", BASES)
def test_the_openapi_document_finds_the_server_where_it_was_found_itself(
    http: Client, base: str
) -> None:
    """OpenAPI 3.1, section 4.8.5: relative to the location of the document."""
    document = yaml.safe_load(http.get("/schema").body)
    [server] = document["servers"]
    assert urljoin(f"{base}schema", server["url"]) == base


def test_docs_loads_all_it_needs_from_beside_itself(http: Client) -> None:
    page = http.request("GET", "/docs", {"Accept": "text/html"}).body.decode()
    assert 'href="/' not in page
    assert 'src="/' not in page
    assert 'url: "/' not in page
