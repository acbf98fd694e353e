"""For which hosts the gateway answers: the Host field, to the byte, on every path."""

import pytest

from demo.harness.s3nodes import NodeProcess, S3Server
from tests.contract.conftest import client_of
from tests.contract.test_contract_errors import METHODS, assert_problem
from tests.functional.conftest import RunGateway
from tests.support.client import Client, random_id
from tests.support.servers import SharedServers

ALWAYS = [
    "127.0.0.1",
    "127.0.0.1:3000",
    "10.1.2.3",
    "203.0.113.7:80",
    "[::1]",
    "[::1]:3000",
    "[fe80::1]",
    "[::ffff:127.0.0.1]:3000",
    "localhost",
    "LOCALHOST:3000",
    "localhost.",
    "gateway:3000",
    "my_gateway:3000",
    "a:",
    "store.localhost",
    "host.docker.internal:3000",
    "Host.Docker.INTERNAL",
]
CONFIGURED = "store.example,.cdn.example,under_score.example"
BY_CONFIGURATION = [
    "store.example",
    "STORE.example:8443",
    "store.example.",
    "cdn.example",
    "a.b.cdn.example",
    "under_score.example:1",
]
NEVER = [
    "evil.example",
    "evil.example:3000",
    "www.store.example",
    "store.example.evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "notinternal.example",
    "xcdn.example",
    # A resolver takes these for addresses; browsers write them out before they send them.
    "127.1",
    "0x7f.1",
    "999.1.1.1",
]
MALFORMED = [
    "",
    ".",
    "..",
    "a..b",
    ".store.example",
    "a b",
    "a/b",
    "a@b",
    "user:password@store.example",
    "a:http",
    "a:1:2",
    "a:123456",
    "::1",
    "[::1",
    "[:::::]",
    "[evil.example]",
    "[::1]x",
    "a,b",
    "a%2eb",
    "b\xfccher.example",
    "*",
    "http://localhost",
]


@pytest.fixture
def configured(server: S3Server, shared: SharedServers) -> Client:
    return client_of(shared.gateway(server, DJANGO_ALLOWED_HOSTS=CONFIGURED))


@pytest.mark.parametrize("host", ALWAYS)
def test_answered_without_configuration(http: Client, host: str) -> None:
    assert http.request("GET", "/livez", {"Host": host}).status == 200


@pytest.mark.parametrize("host", [*ALWAYS, *BY_CONFIGURATION])
def test_answered_with_configuration(configured: Client, host: str) -> None:
    assert configured.request("GET", "/livez", {"Host": host}).status == 200


@pytest.mark.parametrize("host", [*NEVER, "store.example"])
def test_not_answered_without_configuration(http: Client, host: str) -> None:
    answer = http.request("GET", "/livez", {"Host": host})
    assert_problem(answer, 421, "host_not_allowed")
    name = host.lower().partition(":")[0]
    assert f"'{name}'" in answer.json["detail"]
    assert "DJANGO_ALLOWED_HOSTS" in answer.json["detail"]


@pytest.mark.parametrize("host", NEVER)
def test_not_answered_with_configuration(configured: Client, host: str) -> None:
    assert_problem(configured.request("GET", "/livez", {"Host": host}), 421, "host_not_allowed")


@pytest.mark.parametrize("host", MALFORMED)
def test_what_is_no_host(http: Client, host: str) -> None:
    """RFC 9112 section 3.2."""
    assert_problem(http.request("GET", "/livez", {"Host": host}), 400, "bad_request")


def test_a_star_is_any_host(s3_nodes: list[NodeProcess], run_gateway: RunGateway) -> None:
    http = client_of(run_gateway(s3_nodes, DJANGO_ALLOWED_HOSTS="*"))
    assert http.request("GET", "/livez", {"Host": "evil.example"}).status == 200
    assert_problem(http.request("GET", "/livez", {"Host": "a b"}), 400, "bad_request")


@pytest.mark.parametrize("path", [*METHODS, "/nowhere", "/static/nothing.css", "/object/a-b"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_every_path_and_method(http: Client, method: str, path: str) -> None:
    """DNS rebinding: a page of evil.example whose name leads here."""
    answer = http.request(method, path, {"Host": "evil.example:3000"})
    assert_problem(answer, 421, "host_not_allowed")


def test_nothing_is_stored_or_deleted_for_another_host(http: Client) -> None:
    object_id = random_id()
    path = f"/object/{object_id}"
    assert http.put(object_id, b"kept").status == 201
    assert http.put(object_id, b"new", Host="evil.example").status == 421
    assert http.request("DELETE", path, {"Host": "evil.example"}).status == 421
    assert http.get(path).body == b"kept"


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://localhost/livez", "evil.example", 200),
        ("http://evil.example/livez", "localhost", 421),
        ("HTTP://evil.example:3000/livez", "localhost", 421),
        ("https://[::1]:3000/livez", "evil.example", 200),
        ("http:///livez", "localhost", 400),
        ("http://user@localhost/livez", "localhost", 400),
    ],
)
def test_the_authority_of_the_target_counts(
    http: Client, target: str, host: str, status: int
) -> None:
    """RFC 9112 section 3.2.2."""
    assert http.request("GET", target, {"Host": host}).status == status


def test_links_name_no_authority(http: Client) -> None:
    answer = http.request("GET", "http://my_gateway:80/", {"Host": "localhost"})
    assert answer.json["docs"] == "docs"


@pytest.mark.parametrize("path", ["/", "/docs", "/objects", "/nodes"])
def test_no_view_stumbles_over_a_name_with_an_underscore(http: Client, path: str) -> None:
    assert http.request("GET", path, {"Host": "a_b"}).status == 200
