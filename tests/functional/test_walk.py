"""The way of a GET through the gateway is short, and docs/architecture.md tells it as it is."""

import json
import re
from collections.abc import Iterable
from itertools import groupby

import pytest

from demo.harness.children import PROJECT_ROOT
from tests.functional.conftest import client_of
from tests.support.client import random_id, request_head
from tests.support.servers import SharedServers, make_gateway, minio_or_skip

#: Functions, each by its file and its name.
Way = list[tuple[str, str]]

#: What serves the connection, and with it all of its requests.
_CONNECTION = ("Worker.handle", "serve_connection")
_ROW = re.compile(r"\| `(\S+\.py)` \| (.*) \|")

pytestmark = pytest.mark.minio


@pytest.fixture(scope="module")
def walk(shared: SharedServers, tmp_path_factory: pytest.TempPathFactory) -> tuple[Way, Way]:
    """Down to the node, and back: what runs while a byte passes a socket, on connections that are
    kept.
    """
    folder = tmp_path_factory.mktemp("walk")
    nodes = [process.node for process in shared.nodes(minio_or_skip())]
    site = {"DJANGO_SETTINGS_MODULE": "tests.functional.walked_site"}
    walks = folder / "walks"
    with make_gateway(nodes, folder / "log", **site, WALK_FILE=str(walks)) as gateway:
        gateway.start()
        client, object_id = client_of(gateway), random_id()
        assert client.put(object_id, bytes(2**20)).status == 201
        with client.wire() as wire:
            for _ in range(2):
                wire.send(request_head("GET", f"/object/{object_id}", close=False))
                assert len(wire.answer().body) == 2**20
    method, passages = json.loads(walks.read_text().splitlines()[-1])
    assert method == "GET"
    asked = [called for _, called, _ in passages].index("send") + 1
    assert passages[asked - 1][0] == "node"
    down = _each_once(function for _, _, way in passages[:asked] for function in way)
    ways: dict[str, list[list[str]]] = {"recv": [], "send": []}
    for _, called, way in passages[asked:]:
        ways[called] += way if called == "send" else way[::-1]
    back = _each_once([*ways["recv"], *ways["send"]])
    return down, [function for function in back if function not in down]


def _each_once(functions: Iterable[list[str]]) -> Way:
    return [
        (path, name)
        for path, name in dict.fromkeys(map(tuple, functions))
        if name not in _CONNECTION and not path.startswith("tests/")
    ]


def test_it_is_short(walk: tuple[Way, Way]) -> None:
    down, back = walk
    assert len(down) + len(back) <= 40


def test_it_comes_by_each_file_once(walk: tuple[Way, Way]) -> None:
    for way in walk:
        files = [path for path, _ in groupby(way, key=lambda function: function[0])]
        assert len(files) == len(set(files)), way


def test_it_is_documented(walk: tuple[Way, Way]) -> None:
    text = (PROJECT_ROOT / "docs" / "architecture.md").read_text()
    section = text.partition("### The walk")[2].partition("\n## ")[0]
    documented = [
        (path, name)
        for path, names in _ROW.findall(section)
        for name in re.findall(r"`([^`]+)`", names)
    ]
    assert documented == [*walk[0], *walk[1]]
