"""Nothing that is written to a node can end its line before its time."""

import threading

import pytest

from objects.store.request import Request
from objects.store.transport import Pool
from objects.tests.node_server import PATIENCE, NodeServer, Peer

ENDS = ["\r\n", "\r", "\n", "\0", "\n\r"]


def request(**changes: object) -> Request:
    fields = {"method": "GET", "target": "/b/o?a=b", "headers": {"Host": "node", "A": "b"}}
    return Request(**{**fields, **changes})  # type: ignore[arg-type]


def test_what_is_fine() -> None:
    odd = {"Host": "node", "A": "", "B": "\t\xe9 \xff"}
    head = request(headers=odd, length=3, await_continue=True).head()
    assert head == (
        b"GET /b/o?a=b HTTP/1.1\r\nHost: node\r\nA: \r\nB: \t\xe9 \xff\r\n"
        b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    )


@pytest.mark.parametrize("end", ENDS, ids=repr)
@pytest.mark.parametrize("where", ["{end}x", "x{end}", "x{end}y", "x{end}Evil: yes", "{end}{end}"])
@pytest.mark.parametrize("part", ["method", "target", "name", "value", "first value"])
def test_what_would_end_a_line(part: str, where: str, end: str) -> None:
    text = where.format(end=end)
    changes: dict[str, object] = {
        "method": {"method": text},
        "target": {"target": f"/b/o{text}"},
        "name": {"headers": {"Host": "node", text: "b"}},
        "value": {"headers": {"Host": "node", "A": text}},
        "first value": {"headers": {"Host": text, "A": "b"}},
    }[part]  # type: ignore[assignment]
    with pytest.raises(ValueError, match="CR, LF or NUL"):
        request(**changes).head()


@pytest.mark.parametrize("target", ["/b/o HTTP/1.1", "/b/o x", " /b/o", ""])
def test_a_target_that_is_none(target: str) -> None:
    changed = request(target=target) if target else request(method="GET  x")
    with pytest.raises(ValueError, match="blank in the request target"):
        changed.head()


def test_no_byte_of_it_is_sent() -> None:
    received: list[bytes] = []
    ended = threading.Event()

    def script(peer: Peer) -> None:
        received.append(peer.until_hung_up())
        ended.set()

    with NodeServer(script) as server:
        pool = Pool("127.0.0.1", server.port, connect_timeout=5, read_timeout=5)
        with pytest.raises(ValueError, match="CR, LF or NUL"):
            pool.exchange(request(headers={"A": "b\r\nC: d"}))
        assert ended.wait(PATIENCE)
    assert received == [b""]
    assert not pool._idle
