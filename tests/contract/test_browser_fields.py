"""What every answer says to browsers and caches, whoever makes it."""

import pytest

from tests.contract.conftest import Stored, store
from tests.contract.test_contract_errors import NO_REQUEST, REFUSED
from tests.contract.test_contract_errors import Row as BadRow
from tests.support.client import Answer, Client, random_id

OBJECT = "object"
DATA = "data"
PAGE = "page"


def policy_of(answer: Answer) -> dict[str, list[str]]:
    value = answer["Content-Security-Policy"]
    assert value is not None, answer
    directives = [directive.split() for directive in value.split(";")]
    return {name: values for name, *values in directives}


def assert_guarded(answer: Answer, kind: str) -> None:
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    policy = policy_of(answer)
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["base-uri"] == ["'none'"]
    scripts = policy.get("script-src", policy["default-src"])
    assert scripts == (["'self'"] if kind == PAGE else ["'none'"])
    assert policy["form-action"] == (["'self'"] if kind == PAGE else ["'none'"])
    assert policy.get("sandbox") == (["allow-same-origin"] if kind == OBJECT else None)


@pytest.fixture(scope="module")
def plain(http: Client) -> Stored:
    return store(http, b"0123456789", {"Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 200),
        ("HEAD", {}, 200),
        ("GET", {"Range": "bytes=2-3"}, 206),
        ("GET", {"If-None-Match": "*"}, 304),
        ("HEAD", {"If-None-Match": "*"}, 304),
    ],
)
def test_an_object_without_stored_caching(
    http: Client, plain: Stored, method: str, headers: dict[str, str], status: int
) -> None:
    """RFC 9111 section 4.2.2: without a word, caches may guess."""
    answer = http.request(method, plain.path, headers)
    assert (answer.status, answer["Cache-Control"]) == (status, "no-cache")
    if status == 304:
        # It would take the place of the one that the client has (RFC 9111 section 3.2).
        assert answer["Content-Security-Policy"] is None
    else:
        assert_guarded(answer, OBJECT)


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=2-3"}])
def test_stored_caching_stays(http: Client, ten: Stored, headers: dict[str, str]) -> None:
    assert http.request("GET", ten.path, headers)["Cache-Control"] == "max-age=60"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path", ["/", "/nodes", "/livez", "/readyz", "/metrics", "/objects", "/schema"]
)
def test_documents_of_the_moment(http: Client, method: str, path: str) -> None:
    answer = http.request(method, path)
    assert answer.status == 200
    assert_guarded(answer, DATA)
    if path != "/schema":
        assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/object/{none}", {}, 404),
        ("HEAD", "/object/{none}", {}, 404),
        ("GET", "/object/a-b", {}, 400),
        ("GET", "{ten}", {"Range": "bytes=10-"}, 416),
        ("GET", "{ten}", {"If-Match": '"other"'}, 412),
        ("GET", "/nowhere", {}, 404),
        ("GET", "/objects?limit=0", {}, 400),
        ("POST", "/nodes", {}, 405),
        ("GET", "/nodes", {"Accept": "image/png"}, 406),
        ("GET", "/static/nothing.css", {}, 404),
        ("GET", "/livez", {"Host": "evil.example"}, 421),
        ("GET", "/livez", {"Host": "a b"}, 400),
        ("DELETE", "/object/{none}", {"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_errors(
    http: Client, ten: Stored, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    target = path.replace("{none}", random_id()).replace("{ten}", ten.path)
    answer = http.request(method, target, headers)
    assert (answer.status, answer["Cache-Control"]) == (status, "no-store")
    assert_guarded(answer, DATA)


@pytest.mark.parametrize("row", [row.param for row in (*NO_REQUEST, *REFUSED)])
def test_errors_of_the_server_itself(http: Client, row: BadRow) -> None:
    answer = http.raw(row.request)
    assert (answer.status, answer["Cache-Control"]) == (row.status, "no-store")
    assert_guarded(answer, DATA)


def test_other_answers(http: Client) -> None:
    path = f"/object/{random_id()}"
    assert_guarded(http.request("PUT", path, {}, b"x"), DATA)
    assert_guarded(http.request("DELETE", path), DATA)
    assert_guarded(http.request("OPTIONS", path), DATA)


def test_pages_and_their_assets(http: Client) -> None:
    docs = http.get("/docs")
    assert_guarded(docs, PAGE)
    assert "<script>" not in docs.body.decode(), "a script that the policy forbids"
    asset = http.get("/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css")
    assert asset.status == 200
    assert_guarded(asset, DATA)
    assert "max-age" in (asset["Cache-Control"] or "")
