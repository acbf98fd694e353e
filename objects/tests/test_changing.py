"""What is done with an id that goes from one node to another: for each state, at which node."""

from collections.abc import Callable, Mapping

import pytest

from objects import changing
from objects.changing import Passage, Place
from objects.exceptions import (
    LayoutChanging,
    NodeUnavailable,
    ObjectNotFound,
    PreconditionFailed,
    RangeNotSatisfiable,
)
from objects.http.reading import ReadRequest
from objects.layout import State, Tombstone, is_tombstone
from objects.store import Upload, Whole
from objects.tests.memory import MODIFIED, Answer, Kept, MemoryNode, MemoryStores

ID = "abc"
GRAVE = Tombstone.of("0" * 32)
OLD, NEW = Kept(b"old"), Kept(b"new")
DELETED = Kept(GRAVE.body, GRAVE.metadata)
GET = {"REQUEST_METHOD": "GET"}


class Case:
    """An id between two nodes."""

    def __init__(self, *, source: Kept | None = None, target: Kept | None = None) -> None:
        self.stores = MemoryStores("source", "target")
        self.source: MemoryNode = self.stores.nodes["source"]
        self.target: MemoryNode = self.stores.nodes["target"]
        for node, kept in ((self.source, source), (self.target, target)):
            if kept is not None:
                node.kept[ID] = kept

    def passage(self, state: State, *, lost: bool = False) -> Passage:
        source = Place(self.source.node, self.stores.stores)
        target = Place(self.target.node, self.stores.stores)
        return Passage(state, GRAVE, target, None if lost else source)

    def get(self, state: State, **fields: str) -> tuple[int, bytes]:
        meta = {**GET, **{f"HTTP_{name.upper()}": value for name, value in fields.items()}}
        found = changing.get(self.passage(state), ID, ReadRequest.of(meta))
        return found.answer.status, b"".join(found.body) if found.body is not None else b""

    def put(self, state: State, data: bytes = b"newest", **conditions: str) -> None:
        fields = {name.replace("_", "-"): value for name, value in conditions.items()}
        upload = Upload({}, {"color": "red"}, fields)
        changing.put(self.passage(state), ID, Whole(data), upload)

    def delete(self, state: State) -> None:
        changing.delete(self.passage(state), ID)

    @property
    def both(self) -> tuple[bytes | None, bytes | None]:
        """What source and target have."""
        return self.source.has(ID), self.target.has(ID)


ALL = [State.SWITCHING, State.MOVING, State.SETTLING, State.CLEANING]
BOTH = [State.SWITCHING, State.MOVING]
LATER = [State.SETTLING, State.CLEANING]


@pytest.mark.parametrize("state", ALL)
def test_what_the_target_has_is_read_there(state: State) -> None:
    case = Case(source=OLD, target=NEW)
    assert case.get(state) == (200, b"new")
    assert case.source.asked == []


@pytest.mark.parametrize("state", BOTH)
def test_what_it_has_not_is_read_at_the_source(state: State) -> None:
    case = Case(source=OLD)
    assert case.get(state) == (200, b"old")


@pytest.mark.parametrize("state", LATER)
def test_and_no_more_when_all_has_moved(state: State) -> None:
    case = Case(source=OLD)
    with pytest.raises(ObjectNotFound):
        case.get(state)
    assert case.source.asked == []


@pytest.mark.parametrize("state", BOTH)
def test_an_object_that_hops_is_found(state: State) -> None:
    case = Case(source=OLD)

    def hop(method: str, key: str) -> None:
        case.target.kept[ID] = case.source.kept.pop(ID)

    case.source.before = hop
    assert case.get(state) == (200, b"old")


@pytest.mark.parametrize("state", ALL)
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"range": "bytes=0-3"},
        {"range": "bytes=1000-1001"},
        {"if_none_match": GRAVE.etag},
        {"if_modified_since": MODIFIED},
        {"if_match": "*"},
    ],
    ids=str,
)
def test_a_tombstone_is_no_object(state: State, fields: dict[str, str]) -> None:
    case = Case(source=OLD, target=DELETED)
    with pytest.raises(ObjectNotFound):
        case.get(state, **fields)
    assert case.source.asked == []


@pytest.mark.parametrize("state", BOTH)
def test_ranges_and_conditions_at_the_source(state: State) -> None:
    case = Case(source=OLD)
    assert case.get(state, range="bytes=1-2") == (206, b"ld")
    assert case.get(state, if_none_match=OLD.etag) == (304, b"")
    with pytest.raises(RangeNotSatisfiable):
        case.get(state, range="bytes=7-8")
    with pytest.raises(PreconditionFailed):
        case.get(state, if_match=NEW.etag)


def test_a_head_is_as_a_get() -> None:
    case = Case(source=OLD)
    meta = {"REQUEST_METHOD": "HEAD"}
    found = changing.get(case.passage(State.MOVING), ID, ReadRequest.of(meta))
    assert (found.answer.status, found.answer.headers["ETag"]) == (200, OLD.etag)
    assert {method for method, _ in case.source.asked} == {"HEAD"}


def test_a_lost_source_is_not_asked() -> None:
    case = Case(source=OLD)
    with pytest.raises(ObjectNotFound):
        changing.get(case.passage(State.MOVING, lost=True), ID, ReadRequest.of(GET))
    assert case.source.asked == []


@pytest.mark.parametrize("down", ["source", "target"])
def test_a_node_that_is_down_leaves_it_open(down: str) -> None:
    case = Case()
    case.stores.nodes[down].down = True
    with pytest.raises(NodeUnavailable) as caught:
        case.get(State.MOVING)
    assert caught.value.source == f"node {down}"


@pytest.mark.parametrize(
    "write",
    [
        lambda case: case.put(State.SWITCHING),
        lambda case: case.put(State.SWITCHING, If_Match=OLD.etag),
        lambda case: case.delete(State.SWITCHING),
    ],
)
def test_while_switching_nothing_is_written(write: Callable[[Case], None]) -> None:
    case = Case(source=OLD)
    with pytest.raises(LayoutChanging):
        write(case)
    assert case.both == (b"old", None)


@pytest.mark.parametrize("target", [None, NEW, DELETED])
def test_while_moving_a_put_goes_to_the_target(target: Kept | None) -> None:
    case = Case(source=OLD, target=target)
    case.put(State.MOVING)
    assert case.both == (b"old", b"newest")
    assert case.target.kept[ID].metadata == {"color": "red"}
    assert case.source.asked == []


def test_while_moving_a_delete_leaves_a_tombstone() -> None:
    case = Case(source=OLD)
    case.delete(State.MOVING)
    assert case.target.has(ID) == GRAVE.body
    assert is_tombstone(case.target.kept[ID].metadata)
    assert case.source.asked == []


@pytest.mark.parametrize("state", LATER)
def test_later_it_leaves_nothing(state: State) -> None:
    case = Case(target=NEW)
    case.delete(state)
    assert case.both == (None, None)


def test_while_cleaning_a_delete_leaves_a_tombstone_to_the_cleaner() -> None:
    """Else something could be written there, and be removed in its place."""
    case = Case(target=DELETED)
    case.delete(State.CLEANING)
    assert case.target.has(ID) == GRAVE.body
    with pytest.raises(LayoutChanging):
        case.put(State.CLEANING, b"new")


@pytest.mark.parametrize(
    ("source", "target", "created"),
    [
        (None, None, True),
        (OLD, None, False),
        (OLD, NEW, False),
        (None, NEW, False),
        (OLD, DELETED, True),
        (None, DELETED, True),
    ],
)
def test_create_only_while_moving(source: Kept | None, target: Kept | None, created: bool) -> None:
    case = Case(source=source, target=target)
    before = case.both
    if created:
        case.put(State.MOVING, If_None_Match="*")
        assert case.target.has(ID) == b"newest"
        assert case.target.kept[ID].metadata == {"color": "red"}
    else:
        with pytest.raises(PreconditionFailed):
            case.put(State.MOVING, If_None_Match="*")
        assert case.both == before


def test_create_only_beside_a_delete() -> None:
    case = Case()

    def bury(method: str, key: str) -> None:
        if method == "PUT":
            case.target.before = lambda method, key: None
            case.target.kept[ID] = DELETED

    case.target.before = bury
    case.put(State.MOVING, If_None_Match="*")
    assert case.target.has(ID) == b"newest"


def test_create_only_where_a_look_mixes_two_versions() -> None:
    """versitygw reads metadata and tag one after the other: here, of a tombstone and of what was
    written over it.
    """
    case = Case(target=DELETED)
    get = case.target.get

    def look(key: str, headers: Mapping[str, str], *, head: bool = False) -> Answer:
        answer = get(key, headers, head=head)
        if head and is_tombstone(answer.metadata):
            case.target.kept[ID] = NEW
            answer.headers["etag"] = NEW.etag
        return answer

    case.target.get = look  # type: ignore[method-assign]
    with pytest.raises(PreconditionFailed):
        case.put(State.MOVING, If_None_Match="*")
    assert case.target.kept[ID] == NEW


@pytest.mark.parametrize("there", [DELETED, NEW], ids=["tombstone", "object"])
def test_a_304_that_has_no_tag(there: Kept) -> None:
    """As versitygw answers If-None-Match: *; whether it is about a tombstone, it does not say."""
    case = Case(target=there)
    get = case.target.get

    def bare(key: str, headers: Mapping[str, str], *, head: bool = False) -> Answer:
        return get(key, headers, head=head) if head else Answer(304, {}, {}, b"")

    case.target.get = bare  # type: ignore[method-assign]
    if there is DELETED:
        with pytest.raises(ObjectNotFound):
            case.get(State.MOVING, if_none_match="*")
    else:
        assert case.get(State.MOVING, if_none_match="*") == (304, b"")


def test_create_only_of_an_id_that_never_rests_is_refused() -> None:
    case = Case()

    def flip(method: str, key: str) -> None:
        if method == "PUT" and case.target.kept.pop(ID, None) is None:
            case.target.kept[ID] = DELETED

    case.target.before = flip
    with pytest.raises(LayoutChanging):
        case.put(State.MOVING, If_None_Match="*")


def test_not_the_version_that_a_client_has() -> None:
    case = Case(source=OLD)
    with pytest.raises(PreconditionFailed):
        case.put(State.MOVING, If_None_Match=OLD.etag)
    case.put(State.MOVING, If_None_Match=NEW.etag)
    assert case.target.has(ID) == b"newest"


@pytest.mark.parametrize("wanted", [OLD.etag, "*"])
def test_if_match_takes_the_object_to_the_target_first(wanted: str) -> None:
    case = Case(source=OLD)
    case.put(State.MOVING, If_Match=wanted)
    assert case.target.has(ID) == b"newest"
    # It was replaced, not created: what was asked for was there at that moment.
    puts = [key for method, key in case.target.asked if method == "PUT"]
    assert len(puts) == 2


def test_if_match_of_another_version_moves_nothing() -> None:
    case = Case(source=OLD)
    with pytest.raises(PreconditionFailed):
        case.put(State.MOVING, If_Match=NEW.etag)
    assert case.both == (b"old", None)


@pytest.mark.parametrize("state", [State.MOVING, State.SETTLING])
@pytest.mark.parametrize("wanted", [GRAVE.etag, OLD.etag, "*"])
def test_if_match_does_not_match_a_tombstone(state: State, wanted: str) -> None:
    case = Case(source=OLD, target=DELETED)
    with pytest.raises(PreconditionFailed):
        case.put(state, If_Match=wanted)
    assert case.target.has(ID) == GRAVE.body


def test_if_match_of_any_does_not_replace_a_tombstone_that_came_in_between() -> None:
    case = Case(target=NEW)

    def bury(method: str, key: str) -> None:
        if method == "PUT":
            case.target.kept[ID] = DELETED

    case.target.before = bury
    with pytest.raises(PreconditionFailed):
        case.put(State.MOVING, If_Match="*")
    assert case.target.has(ID) == GRAVE.body


@pytest.mark.parametrize("conditions", [{}, {"If_None_Match": "*"}])
def test_while_cleaning_nothing_is_written_over_a_tombstone(conditions: dict[str, str]) -> None:
    case = Case(target=DELETED)
    with pytest.raises(LayoutChanging):
        case.put(State.CLEANING, b"new", **conditions)
    assert case.target.has(ID) == GRAVE.body


def test_while_cleaning_all_else_is_as_ever() -> None:
    case = Case()
    case.put(State.CLEANING, If_None_Match="*")
    case.put(State.CLEANING, b"more", If_Match=Kept(b"newest").etag)
    assert case.target.has(ID) == b"more"
