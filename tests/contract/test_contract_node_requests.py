"""One client request is one S3 request, counted on the wire to the nodes."""

from collections.abc import Iterator

import pytest

from demo.harness.s3nodes import NodeProcess
from tests.contract.conftest import client_of
from tests.contract.counting import CountingProxy, counting
from tests.support.client import Client, chunked, random_id, request_head
from tests.support.servers import make_gateway

MIB = 2**20


class Counted:
    """A gateway whose nodes stand behind proxies that count."""

    def __init__(self, http: Client, proxies: list[CountingProxy]) -> None:
        self.http = http
        self._proxies = proxies

    def forget(self) -> None:
        for proxy in self._proxies:
            proxy.requests.clear()

    @property
    def methods(self) -> list[str]:
        """The methods of all requests since, in no order between nodes."""
        return [request.split()[0] for proxy in self._proxies for request in proxy.requests]


@pytest.fixture(scope="module")
def all_counted(
    s3_nodes: list[NodeProcess], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Counted]:
    log = tmp_path_factory.mktemp("counted") / "gateway.log"
    with counting([process.node for process in s3_nodes]) as proxies:
        # Each worker asks once for the bucket, which would be counted at any moment.
        nodes = [proxy.node for proxy in proxies]
        with make_gateway(nodes, log) as process:
            process.start()
            counted = Counted(client_of(process), proxies)
            for number in range(30):
                counted.http.put(f"known{number}", b"")
            yield counted


@pytest.fixture
def counted(all_counted: Counted) -> Counted:
    all_counted.forget()
    return all_counted


@pytest.fixture
def path(all_counted: Counted) -> str:
    object_id = random_id()
    assert all_counted.http.put(object_id, b"0123456789").status == 201
    all_counted.forget()
    return f"/object/{object_id}"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 200),
        ({"Range": "bytes=2-5"}, 206),
        ({"Range": "bytes=-3"}, 206),
        ({"Range": "bytes=99-"}, 416),
        ({"Range": "bytes=-0"}, 416),
        ({"Range": "bytes=0-1,3-4"}, 200),
        ({"Range": "bytes=2-5", "If-Range": "{etag}"}, 206),
        ({"If-Range": '"other"'}, 200),
        ({"If-None-Match": "{etag}"}, 304),
        ({"If-None-Match": "W/{etag}"}, 304),
        ({"If-None-Match": '"a", {etag}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-None-Match": '"other"', "Range": "bytes=2-5"}, 206),
        ({"If-Match": "{etag}"}, 200),
        ({"If-Match": '"other"'}, 412),
        ({"If-Match": '"other"', "Range": "bytes=2-5"}, 412),
        ({"If-Modified-Since": "{date}"}, 304),
        ({"If-Unmodified-Since": "{date}"}, 200),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_read_is_one_request(
    counted: Counted, path: str, method: str, sent: dict[str, str], status: int
) -> None:
    head = counted.http.request("HEAD", path)
    values = {"etag": head["ETag"], "date": head["Last-Modified"]}
    counted.forget()
    given = {name: value.format(**values) for name, value in sent.items()}
    answer = counted.http.request(method, path, given)
    assert answer.status == (200 if method == "HEAD" and status in (206, 416) else status)
    assert counted.methods == [method]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"Range": "bytes=2-5", "If-Range": '"stale"'}, 200),
        ({"Range": "bytes=99-", "If-Range": '"stale"'}, 200),
        ({"Range": "bytes=99-", "If-Match": '"other"'}, 412),
    ],
    ids=str,
)
def test_the_documented_exceptions_are_two(
    counted: Counted, path: str, sent: dict[str, str], status: int
) -> None:
    """A stale If-Range, and a range behind the end together with a condition: docs/api.md."""
    assert counted.http.request("GET", path, sent).status == status
    assert counted.methods == ["GET", "GET"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("sent", [{}, {"If-None-Match": '"a"'}, {"If-Match": "*"}], ids=str)
def test_what_is_not_there_is_one_request(
    counted: Counted, method: str, sent: dict[str, str]
) -> None:
    assert counted.http.request(method, f"/object/{random_id()}", sent).status == 404
    assert counted.methods == [method]


@pytest.mark.parametrize("size", [0, 100, 200_000, 9 * MIB])
@pytest.mark.parametrize("sent", [{}, {"If-None-Match": "*"}], ids=str)
def test_a_put_is_one_request(counted: Counted, size: int, sent: dict[str, str]) -> None:
    target = f"/object/{random_id()}"
    assert counted.http.request("PUT", target, sent, b"x" * size).status == 201
    assert counted.methods == ["PUT"]


@pytest.mark.parametrize("size", [0, 100, 200_000, 8 * MIB - 1])
def test_a_chunked_put_of_one_part_is_one_request(counted: Counted, size: int) -> None:
    head = request_head("PUT", f"/object/{random_id()}", {"Transfer-Encoding": "chunked"})
    assert counted.http.raw(head + chunked(b"x" * size), "PUT").status == 201
    assert counted.methods == ["PUT"]


def test_a_chunked_put_of_two_parts_is_four_requests(counted: Counted) -> None:
    head = request_head("PUT", f"/object/{random_id()}", {"Transfer-Encoding": "chunked"})
    assert counted.http.raw(head + chunked(b"x" * (9 * MIB)), "PUT").status == 201
    assert counted.methods == ["POST", "PUT", "PUT", "POST"]


def test_a_delete_is_one_request(counted: Counted, path: str) -> None:
    assert counted.http.request("DELETE", path).status == 204
    assert counted.methods == ["DELETE"]


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/object/a-b"),
        ("PUT", "/object/a-b"),
        ("POST", "/object/abc"),
        ("GET", "/"),
        ("GET", "/livez"),
        ("GET", "/objects?limit=0"),
        ("GET", "/nowhere"),
    ],
)
def test_what_is_about_no_object_asks_no_node(counted: Counted, method: str, target: str) -> None:
    counted.http.request(method, target)
    assert counted.methods == []


@pytest.mark.parametrize("target", ["/objects", "/objects?limit=1", "/nodes"])
def test_what_is_about_all_asks_each_node_once(counted: Counted, target: str) -> None:
    assert counted.http.get(target).status == 200
    assert len(counted.methods) == 3
