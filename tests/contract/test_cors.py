"""Web apps of other origins, allowed by OBJGW_CORS_ORIGINS (Fetch, section 3.2)."""

import pytest

from demo.harness.s3nodes import S3Server
from tests.contract.conftest import client_of
from tests.contract.test_contract_errors import assert_problem
from tests.support.client import Answer, Client, random_id
from tests.support.servers import SharedServers

APP = "https://app.example"
LOCAL_APP = "http://localhost:8080"
STRANGER = "https://evil.example"
CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def cors(server: S3Server, shared: SharedServers) -> Client:
    return client_of(shared.gateway(server, OBJGW_CORS_ORIGINS=f"{APP}, {LOCAL_APP}"))


def words(answer: Answer, name: str) -> set[str]:
    return {word.strip().lower() for word in (answer[name] or "").split(",")}


def assert_readable(answer: Answer, origin: str) -> None:
    assert answer["Access-Control-Allow-Origin"] == origin
    assert "origin" in words(answer, "Vary")
    assert "*" in words(answer, "Access-Control-Expose-Headers")
    # With credentials the asterisks would be names.
    assert answer["Access-Control-Allow-Credentials"] is None


@pytest.mark.parametrize("origin", [APP, LOCAL_APP])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET", "HEAD"])
def test_preflight(cors: Client, method: str, origin: str) -> None:
    asked = "content-type,if-match,range,x-object-meta-colour"
    answer = cors.request(
        "OPTIONS",
        f"/object/{random_id()}",
        {
            **CROSS_SITE,
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": asked,
        },
    )
    assert answer.status == 200
    assert_readable(answer, origin)
    assert method.lower() in words(answer, "Access-Control-Allow-Methods")
    assert {"*", "authorization"} <= words(answer, "Access-Control-Allow-Headers")


def test_preflight_of_a_stranger(cors: Client) -> None:
    answer = cors.request(
        "OPTIONS",
        f"/object/{random_id()}",
        {**CROSS_SITE, "Origin": STRANGER, "Access-Control-Request-Method": "PUT"},
    )
    assert not {name for name in answer.names if name.startswith("access-control-")}


def test_an_allowed_app_stores_reads_and_deletes(cors: Client) -> None:
    path = f"/object/{random_id()}"
    headers = {**CROSS_SITE, "Origin": APP}
    put = cors.request("PUT", path, {**headers, "X-Object-Meta-Colour": "blue"}, b"of an app")
    assert put.status == 201
    assert_readable(put, APP)
    get = cors.request("GET", path, {**headers, "Range": "bytes=3-5"})
    assert (get.status, get.body, get["X-Object-Meta-Colour"]) == (206, b"an ", "blue")
    assert_readable(get, APP)
    unchanged = cors.request("GET", path, {**headers, "If-None-Match": put["ETag"] or ""})
    assert unchanged.status == 304
    assert_readable(unchanged, APP)
    delete = cors.request("DELETE", path, headers)
    assert delete.status == 204
    assert_readable(delete, APP)


@pytest.mark.parametrize(
    ("method", "path", "host", "status", "code"),
    [
        ("GET", "/object/{id}", "gateway", 404, "object_not_found"),
        ("GET", "/nowhere", "gateway", 404, "not_found"),
        ("PUT", "/object/a-b", "gateway", 400, "invalid_id"),
        ("GET", "/livez", "evil.example", 421, "host_not_allowed"),
        ("GET", "/livez", "a b", 400, "bad_request"),
        ("POST", "/livez", "gateway", 405, "method_not_allowed"),
    ],
)
def test_an_allowed_app_can_read_errors(
    cors: Client, method: str, path: str, host: str, status: int, code: str
) -> None:
    headers = {**CROSS_SITE, "Origin": APP, "Host": host}
    answer = cors.request(method, path.replace("{id}", random_id()), headers)
    assert_problem(answer, status, code)
    assert_readable(answer, APP)


@pytest.mark.parametrize(
    "origin",
    [STRANGER, "null", "http://app.example", f"{APP}:8443", "https://www.app.example", f"{APP}."],
)
def test_a_stranger_neither_reads_nor_writes(cors: Client, origin: str) -> None:
    path = f"/object/{random_id()}"
    headers = {**CROSS_SITE, "Origin": origin}
    put = cors.request("PUT", path, headers, b"x")
    assert_problem(put, 403, "cross_origin")
    assert put["Access-Control-Allow-Origin"] is None
    get = cors.request("GET", "/livez", headers)
    assert (get.status, get["Access-Control-Allow-Origin"]) == (200, None)


def test_a_request_that_is_none_of_a_browser(cors: Client) -> None:
    assert cors.put(random_id(), b"x").status == 201


def test_without_the_setting_there_is_no_cors(http: Client) -> None:
    answer = http.get("/livez", Origin=APP)
    assert not {name for name in answer.names if name.startswith("access-control-")}
    assert answer["Vary"] is None or "origin" not in words(answer, "Vary")
