"""Nodes from OBJGW_NODES."""

import pytest

from nodes.discovery import DiscoveryError, DiscoveryOptions
from nodes.discovery.static import StaticDiscovery
from nodes.node import Credentials, Node, NodeState


def discovery(text: str) -> StaticDiscovery:
    return StaticDiscovery(DiscoveryOptions("unused", 9000, text, 1.0))


def node(name: str, host: str, port: int, *keys: str) -> Node:
    return Node(name, host, port, NodeState.ASSUMED, Credentials(*(keys or ("key", "hush"))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://key:hush@s3.example:9001", node("s3.example:9001", "s3.example", 9001)),
        ("http://key:hush@192.0.2.1:9001#one", node("one", "192.0.2.1", 9001)),
        ("http://key:hush@192.0.2.1/", node("192.0.2.1:9000", "192.0.2.1", 9000)),
        ("http://key:hush@192.0.2.1:", node("192.0.2.1:9000", "192.0.2.1", 9000)),
        ("http://key:hush@[2001:db8::1]:9001", node("[2001:db8::1]:9001", "2001:db8::1", 9001)),
        ("http://key:hush@[::1]#amazin-node_1.x", node("amazin-node_1.x", "::1", 9000)),
        ("  http://key:hush@h:1 , ", node("h:1", "h", 1)),
        ("HTTP://key:hush@h:65535", node("h:65535", "h", 65535)),
        ("http://a%3Ab%40c:p%2Fq%3Fr%23s%2Ct%25@h:1", node("h:1", "h", 1, "a:b@c", "p/q?r#s,t%")),
        ("http://key:a:b@h:1", node("h:1", "h", 1, "key", "a:b")),
        ("http://key:hush@h:1#%6Fne", node("one", "h", 1)),
    ],
)
def test_a_good_entry(text: str, expected: Node) -> None:
    found = discovery(text)
    assert found.check() == []
    (only,) = found.discover()
    assert only == expected
    assert only.down_reason is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://key:hush@s3.example:9001#one", "s3.example"),
        ("https://key:hush@192.0.2.1", "192.0.2.1"),
        ("HTTPS://key:hush@[2001:db8::1]:9001", "2001:db8::1"),
    ],
)
def test_https_is_tls_with_the_hosts_name(text: str, name: str) -> None:
    (only,) = discovery(text).discover()
    assert (only.scheme, only.tls_name) == ("https", name)


def test_several_entries() -> None:
    found = discovery("http://key:hush@h:2#b,http://key:hush@h:1#a,\nhttp://key:hush@h:3")
    assert found.discover() == [node("b", "h", 2), node("a", "h", 1), node("h:3", "h", 3)]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("http://key:hush@h:0", "1 to 65535"),
        ("http://key:hush@h:65536", "1 to 65535"),
        ("http://key:hush@h:-1", "1 to 65535"),
        ("http://key:hush@h:http", "1 to 65535"),
        ("http://key:hush@[::1:9000", "not a URL"),
        ("http://key:hu/sh@h:9000", "1 to 65535"),
        ("http://key:hu#sh@h:9000", "1 to 65535"),
        ("ftp://key:hush@h:9000", "scheme is neither http nor https"),
        ("key:hush@h:9000", "scheme is neither http nor https"),
        ("h:9000", "scheme is neither http nor https"),
        ("http://key:hush@:9000", "no host"),
        ("http://h:9000", "key or the secret is missing"),
        ("http://key@h:9000", "key or the secret is missing"),
        ("http://key:@h:9000", "key or the secret is missing"),
        ("http://:hush@h:9000", "key or the secret is missing"),
        ("http://key:hush@h:9000/bucket", "between the port and the name"),
        ("http://key:hush@h:9000?x=y", "between the port and the name"),
        ("http://key:hush@h:9000#a%20b", "name has characters"),
        ("http://key:hush@h:9000#-a", "name has characters"),
        ("http://key:hush@h:9000#%C3%A4", "name has characters"),
    ],
)
def test_a_bad_entry_is_named_by_its_place_and_never_shown(text: str, complaint: str) -> None:
    found = discovery(f"http://good:hush@good:1,{text}")
    (problem,) = found.check()
    assert problem.startswith("OBJGW_NODES, entry 2: ")
    assert complaint in problem
    assert "http://KEY:SECRET@HOST:PORT" in problem
    with pytest.raises(DiscoveryError) as caught:
        found.discover()
    for shown in (problem, str(caught.value), repr(caught.value)):
        assert "hu" not in shown.replace("#NAME", "")
        assert "sh@" not in shown


@pytest.mark.parametrize("text", ["", "  ", ",", " , ,"])
def test_an_empty_list(text: str) -> None:
    (problem,) = discovery(text).check()
    assert "OBJGW_NODES is empty" in problem
    assert "OBJGW_NODES is empty" in discovery(text).no_nodes_hint
    with pytest.raises(DiscoveryError, match="OBJGW_NODES is empty"):
        discovery(text).discover()


def test_a_node_listed_twice() -> None:
    (problem,) = discovery("http://a:hush@h:1#x,http://b:hush@h:2#x,http://b:hush@h:3#y").check()
    assert problem == "OBJGW_NODES names x more than once; a node must be listed once."
    (problem,) = discovery("http://a:hush@h:1,http://b:hush@H:1").check()
    assert "h:1 more than once" in problem


def test_all_complaints_at_once() -> None:
    assert len(discovery("x,http://key:hush@h:0,http://key:hush@h:1").check()) == 2
