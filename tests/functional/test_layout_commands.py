"""`manage.py layout` and `locate` on real nodes: what they do, what they say, and how they end."""

import itertools
import json
import os
import random
import signal
import socketserver
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.harness.children import PROJECT_ROOT, ChildProcess, stop_children
from demo.harness.gateway import gateway_environment
from demo.harness.s3nodes import NodeProcess, S3Server, prepare_nodes, running_nodes, start_nodes
from objects.layout import LAYOUT_KEY, Layout, State
from objects.layout.copies import Copies
from objects.layout.placement import Placement
from objects.store import Found, Store, Stores, Upload, Whole, find
from objects.store.client import Limits
from tests.functional.stored import s3_client
from tests.functional.test_moving_one import PART, store_of
from tests.support.client import random_id
from tests.support.layouts import discovered
from tests.support.servers import clean_environ, minio_or_skip, versitygw_or_skip
from tests.support.waiting import eventually

pytestmark = [pytest.mark.minio, pytest.mark.timeout(300)]

_buckets = itertools.count()
#: Seconds; the least that the setting takes.
LEASE = 1.0
#: Slow enough for something to happen in the middle.
SLOWLY = ("--limit-rate", "64KiB", "--jobs", "2")
#: Of dozens of objects, most are still to be moved when a run that moves them `SLOWLY` is ended.
LARGE = 20_000


@dataclass
class Site:
    """Nodes with a bucket of the test's own, and the commands on them."""

    nodes: list[NodeProcess]
    bucket: str
    folder: Path
    stack: ExitStack

    def environment(self, count: int) -> dict[str, str]:
        """Settings by which so many of the nodes are discovered."""
        nodes = [process.node for process in self.nodes[:count]]
        return gateway_environment(nodes, environ=clean_environ()) | {
            "OBJGW_BUCKET": self.bucket,
            "OBJGW_LAYOUT_LEASE": f"{LEASE:g}",
            "OBJGW_READ_TIMEOUT": "3",
            "PYTHONUNBUFFERED": "1",
        }

    def manage(self, *arguments: str, nodes: int = 4) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT_ROOT,
            env=self.environment(nodes),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def succeeds(self, *arguments: str, nodes: int = 4) -> str:
        done = self.manage(*arguments, nodes=nodes)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def fails(self, *arguments: str, nodes: int = 4, status: int = 1) -> str:
        """What it complains of, in one line."""
        done = self.manage(*arguments, nodes=nodes)
        assert done.returncode == status, done.stdout + done.stderr
        return " ".join(done.stderr.split())

    def started(self, *arguments: str) -> "Command":
        number = len(list(self.folder.glob("command-*.log")))
        command = Command(
            " ".join(arguments),
            [sys.executable, "manage.py", *arguments],
            environment=self.environment(4),
            log=self.folder / f"command-{number}.log",
        )
        self.stack.enter_context(command)
        command.launch()
        return command

    def name(self, index: int) -> str:
        return self.nodes[index].node.name

    def store(self, name: str) -> Store:
        node = next(process.node for process in self.nodes if process.node.name == name)
        store = store_of(node, self.bucket)
        self.stack.callback(store.close)
        return store

    @property
    def copies(self) -> Copies:
        stores = Stores(self.bucket, Limits(2, 10, 8))
        for process in self.nodes:
            if process.running:
                self.stack.callback(stores.of(discovered(process.node)).close)
        return Copies(stores)

    def adopt(self, count: int) -> None:
        """Make the first so many nodes the layout."""
        nodes = [discovered(process.node) for process in self.nodes]
        names = [node.name for node in nodes[:count]]
        self.copies.replace(nodes, None, Layout.adopted("modulo", names, LEASE))

    def layout(self) -> Layout:
        nodes = [discovered(process.node) for process in self.nodes if process.running]
        found = self.copies.survey(nodes).newest
        assert found is not None
        return found

    def owner(self, object_id: str, layout: Layout | None = None) -> str:
        return Placement(layout or self.layout()).owner(object_id)

    def fill(self, count: int, size: int = 200, *, in_parts: int = 0) -> list[tuple[str, Found]]:
        """Objects on their owners, so many of them of two parts."""
        layout = self.layout()
        found = []
        for number in range(count):
            object_id = random_id()
            store = self.store(self.owner(object_id, layout))
            if number < in_parts:
                begun = store.begin_upload(object_id, Upload(), amz_headers={})
                for part in (b"a" * PART, b"b" * 100):
                    begun.send((part,), len(part))
                begun.complete({})
            else:
                more = Upload({"Content-Type": "text/x"}, {"number": str(number)})
                store.put(object_id, Whole(random.Random(number).randbytes(size)), more)
            there = find(store, object_id)
            assert there is not None
            found.append((object_id, there))
        return found

    def keys(self, process: NodeProcess) -> set[str]:
        with s3_client(process.node) as s3:
            if not s3.bucket_exists(self.bucket):
                return set()
            listed = s3.list_objects(self.bucket, recursive=True)
            return {str(each.object_name) for each in listed} - {LAYOUT_KEY}

    def assert_all_at_home(self, objects: Sequence[tuple[str, Found]]) -> None:
        """Each object is on its owner only, with size and tag as they were."""
        layout = self.layout()
        assert layout.state is State.STABLE
        owned: dict[str, set[str]] = {process.node.name: set() for process in self.nodes}
        for object_id, found in objects:
            owner = self.owner(object_id, layout)
            owned[owner].add(object_id)
            assert find(self.store(owner), object_id) == found
        assert {process.node.name: self.keys(process) for process in self.nodes} == owned


class Command(ChildProcess):
    """A command that runs."""

    def logged(self) -> str:
        return self.log.read_text()

    def says(self, text: str) -> None:
        """Wait until it has said so."""
        self._until(lambda: text in self.logged(), f"says {text!r}")

    def waits_for(self, reason: str) -> None:
        """Wait until this is what it says last that it waits for."""
        self._until(lambda: self._waiting()[-1:] == [f"waiting: {reason}"], f"waits: {reason}")

    def _waiting(self) -> list[str]:
        return [line for line in self.logged().splitlines() if line.startswith("waiting: ")]

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        try:
            eventually(holds, f"{self.name} {what}", 60)
        except AssertionError as error:
            error.add_note(f"It said:\n{self.logged()}")
            raise

    def ends_within(self, seconds: float) -> bool:
        try:
            eventually(lambda: not self.running, f"{self.name} ends", seconds)
        except AssertionError:
            return False
        return True

    def ended(self) -> int | None:
        eventually(lambda: not self.running, f"{self.name} ends", 120)
        assert "Traceback" not in self.logged(), self.logged()
        return self.exit_status


@pytest.fixture(scope="module")
def four_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[NodeProcess]]:
    with running_nodes(tmp_path_factory.mktemp("nodes"), 4, minio_or_skip()) as nodes:
        yield nodes


@contextmanager
def hanging_up(node: NodeProcess) -> Iterator[None]:
    """In place of a node, one who takes connections and ends them without a word."""

    class Server(socketserver.TCPServer):
        allow_reuse_address = True

    server = Server((node.node.host, node.node.port), socketserver.BaseRequestHandler)
    with server, ThreadPoolExecutor(1) as pool:
        pool.submit(server.serve_forever, 0.05)
        try:
            yield
        finally:
            server.shutdown()


@pytest.fixture
def site(four_nodes: list[NodeProcess], tmp_path: Path) -> Iterator[Site]:
    """Four nodes, the first three of which are the layout."""
    # A test that failed may have left one behind that it stopped.
    start_nodes([node for node in four_nodes if not node.running])
    with ExitStack() as stack:
        site = Site(four_nodes, f"layout-{next(_buckets)}", tmp_path, stack)
        site.adopt(3)
        yield site


def test_a_node_joins_and_another_leaves(site: Site) -> None:
    objects = site.fill(60, in_parts=5)
    planned = json.loads(site.succeeds("layout", "plan", "--add", site.name(3), "--json"))
    said = site.succeeds("layout", "apply", "--add", site.name(3))
    assert max(len(line) for line in said.splitlines()) <= 80, said
    moved = planned["to_move"]["objects"]
    assert 20 < moved < 60
    assert f"to move {moved} objects" in said
    assert f"moved {moved} objects" in said
    states = [line.split()[2] for line in said.splitlines() if line.startswith("layout ")]
    assert states == ["switching,", "moving,", "settling,", "stable,"]
    site.assert_all_at_home(objects)
    site.succeeds("layout", "apply", "--remove", site.name(0), "--router", "rendezvous")
    site.assert_all_at_home(objects)
    assert site.keys(site.nodes[0]) == set()
    done = json.loads(site.succeeds("layout", "apply", "--weight", f"{site.name(1)}=3", "--json"))
    site.assert_all_at_home(objects)
    assert done["outcomes"] == {"moved": done["moved"]["objects"]}
    assert done["layout"]["members"][0]["share"] == pytest.approx(0.6)
    assert "nothing to do" in site.succeeds("layout", "apply", "--router", "rendezvous")


@pytest.fixture
def moving_out(tmp_path: Path) -> Iterator[Site]:
    """Two MinIO nodes, which are the layout, and two of versitygw."""
    minio, versitygw = minio_or_skip(), versitygw_or_skip()
    servers: list[S3Server] = [minio, minio, versitygw, versitygw]
    prepared = zip(prepare_nodes(tmp_path / "nodes", 4), servers, strict=True)
    nodes = [NodeProcess(node, server) for node, server in prepared]
    with ExitStack() as stack:
        stack.callback(stop_children, nodes)
        start_nodes(nodes)
        site = Site(nodes, f"layout-{next(_buckets)}", tmp_path, stack)
        site.adopt(2)
        yield site


@pytest.mark.versitygw
def test_from_minio_to_versitygw_one_node_after_the_other(moving_out: Site) -> None:
    site = moving_out
    large = site.fill(1, 9 * 2**20)
    objects = site.fill(40, in_parts=4) + large
    for leaves, joins in ((0, 2), (1, 3)):
        site.succeeds("layout", "apply", "--add", site.name(joins), "--remove", site.name(leaves))
        site.assert_all_at_home(objects)
        assert site.keys(site.nodes[leaves]) == set()
    assert all(site.keys(node) for node in site.nodes[2:])


def test_killed_at_random_moments_the_next_run_goes_on(site: Site) -> None:
    objects = site.fill(150, 3000)
    moments = random.Random()
    kills = 0
    wanted = ["--add", site.name(3)]
    for _ in range(6):
        command = site.started("layout", "apply", *wanted, *SLOWLY)
        kills += not command.ends_within(moments.uniform(0.5, 4))
        command.kill()
        wanted = [] if site.layout().version > 1 else wanted
    site.succeeds("layout", "apply", *wanted)
    assert kills > 2
    site.assert_all_at_home(objects)


def test_without_a_layout_the_nodes_are_adopted_as_they_are(
    four_nodes: list[NodeProcess], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        site = Site(four_nodes, f"layout-{next(_buckets)}", tmp_path, stack)
        assert "no layout" in site.succeeds("layout", "show", nodes=3)
        assert "stop it" in site.fails("layout", "apply", "--add", site.name(2), nodes=3).lower()
        assert "adopted; nothing moves" in site.succeeds("layout", "apply", nodes=3)
        assert [member.name for member in site.layout().members] == [
            process.node.name for process in four_nodes[:3]
        ]
        assert "nothing to do" in site.succeeds("layout", "apply")
        shown = site.succeeds("layout", "show")
        assert f"not in the layout:\n  {site.name(3)}" in shown


def test_two_at_once_move_everything_once(site: Site) -> None:
    objects = site.fill(120, 2000)
    one = site.started("layout", "apply", "--router", "rendezvous", *SLOWLY)
    one.says("moving")
    other = site.started("layout", "apply")
    assert (one.ended(), other.ended()) == (0, 0), one.logged() + other.logged()
    site.assert_all_at_home(objects)


def test_interrupted_it_says_how_to_go_on(site: Site) -> None:
    objects = site.fill(120, LARGE)
    command = site.started("layout", "apply", "--router", "ring", *SLOWLY)
    command.says("moving")
    os.kill(command.pid, signal.SIGINT)
    assert command.ended() == 130
    assert "`manage.py layout apply` goes on" in " ".join(command.logged().split())
    status = json.loads(site.succeeds("layout", "status", "--json"))
    assert status["layout"]["state"] == "moving"
    assert status["to_move"]["objects"] > 0
    shown = json.loads(site.succeeds("shownodes", "--json"))
    assert shown["layout"]["backlog"]["objects"] >= status["to_move"]["objects"]
    assert site.fails("layout", "apply", "--router", "modulo").count("Another change is under way")
    assert "layout 3: moving, router ring\n" in site.succeeds("layout", "apply")
    site.assert_all_at_home(objects)


def test_a_node_that_stops_is_waited_for(site: Site) -> None:
    objects = site.fill(100, 12_000)  # so that they take some seconds
    command = site.started("layout", "apply", "--remove", site.name(1), *SLOWLY)
    command.says("moving")
    site.nodes[1].kill()
    with hanging_up(site.nodes[1]):
        command.waits_for(f"{site.name(1)} hung up")
    command.waits_for(f"{site.name(1)} cannot be reached: Connection refused")
    assert command.running
    site.nodes[1].start(timeout=60)
    assert command.ended() == 0, command.logged()
    site.assert_all_at_home(objects)


def test_a_change_can_be_given_up_until_objects_move(site: Site) -> None:
    objects = site.fill(40, LARGE)
    assert "No change is under way" in site.fails("layout", "abort")
    command = site.started("layout", "apply", "--router", "ring", *SLOWLY)
    command.says("switching")
    command.kill()
    said = site.succeeds("layout", "abort")
    assert "stable, router modulo" in said
    site.assert_all_at_home(objects)
    command = site.started("layout", "apply", "--router", "ring", *SLOWLY)
    command.says("moving")
    command.kill()
    assert "`layout apply --router modulo`" in site.fails("layout", "abort")
    site.succeeds("layout", "apply")
    site.assert_all_at_home(objects)


def test_a_lost_node_is_not_waited_for(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    objects = site.fill(40)
    gone = site.name(2)
    left = [each for each in objects if site.owner(each[0]) != gone]
    for key in site.keys(site.nodes[2]) | {LAYOUT_KEY}:
        with s3_client(site.nodes[2].node) as s3:
            s3.remove_object(site.bucket, key)
    # It is not discovered any more.
    assert "gone" not in site.succeeds("layout", "plan", "--lost", gone, nodes=2)
    site.succeeds("layout", "apply", "--lost", gone, nodes=2)
    site.assert_all_at_home(left)


def test_what_lies_where_it_should_not_is_left_and_told(site: Site) -> None:
    objects = site.fill(20)
    stray = next(
        object_id for object_id in iter(random_id, None) if site.owner(object_id) == site.name(0)
    )
    site.store(site.name(1)).put(stray, Whole(b"stray"), Upload())
    said = site.succeeds("layout", "status")
    assert f"{stray} on {site.name(1)}" in said
    assert "where no layout puts them (they are left there)" in said
    # With the first two swapped by weights, nobody could tell it from what is newer.
    refused = site.fails("layout", "apply", "--remove", site.name(0), "--remove", site.name(2))
    assert f"{stray} on {site.name(1)}" in refused
    assert "would be taken for newer" in refused
    assert site.layout().state is State.STABLE
    site.store(site.name(1)).delete(stray)
    site.assert_all_at_home(objects)


def test_where_objects_are(site: Site) -> None:
    (object_id, found), *_ = site.fill(1, in_parts=1)
    owner = site.owner(object_id)
    said = site.succeeds("locate", object_id)
    assert f"{object_id}: present" in said
    assert f"owner   {owner} at 127.0.0.1:" in said
    assert f"5.0 MiB, ETag {found.etag}" in said
    missing = random_id()
    done = site.manage("locate", object_id, missing, "--json")
    assert done.returncode == 1
    states = [each["state"] for each in json.loads(done.stdout)["objects"]]
    assert states == ["present", "missing"]
    assert missing in done.stderr
    assert "'a-b' is not" in site.fails("locate", "a-b")


def test_where_objects_are_while_they_move(site: Site) -> None:
    objects = site.fill(60, LARGE)
    command = site.started("layout", "apply", "--router", "rendezvous", *SLOWLY)
    command.says("moving")
    command.kill()
    ids = [object_id for object_id, _ in objects]
    located = json.loads(site.succeeds("locate", *ids, "--json"))["objects"]
    left = [each for each in located if each["state"] == "moving"]
    assert left
    for each in left:
        assert each["before"] != each["owner"]
        # What was copied last had not been removed yet.
        nodes = {there["node"] for there in each["found"]}
        assert each["before"] in nodes <= {each["before"], each["owner"]}
    site.succeeds("layout", "apply")
    site.assert_all_at_home(objects)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--add", "nope"], "--add nope: there is no such node."),
        (["--remove", "nope"], "--remove nope: the layout has no such node."),
        (["--router", "nope"], "must be modulo, rendezvous, ring or the dotted path"),
        (["--weight", "nope"], "must be NAME=NUMBER"),
        (["--limit-rate", "1"], "must be 64KiB or more"),
        (["--limit-rate", "fast"], "is no number of bytes"),
        (["--jobs", "0"], "must be a number from 1 to 256"),
    ],
)
def test_what_makes_no_sense_is_refused(site: Site, arguments: list[str], said: str) -> None:
    status = 2 if arguments[0] in ("--limit-rate", "--jobs") else 1
    assert said in site.fails("layout", "apply", *arguments, status=status)
    assert site.layout().version == 1


def test_a_dry_run_changes_nothing(site: Site) -> None:
    objects = site.fill(20)
    said = site.succeeds("layout", "apply", "--add", site.name(3), "--dry-run")
    assert "to move" in said
    assert site.layout().version == 1
    site.assert_all_at_home(objects)
