"""Files that are read again when they change, and the file of keys."""

import stat
from pathlib import Path

import pytest

from access.keyfile import read_keys, write_keys
from access.keyset import KeySet, parse_key_set
from access.tests.keys import new_key
from access.verifier import parse_revoked
from access.watched import LARGEST, Unreadable, WatchedFile, read_file

ONE, TWO = KeySet((new_key(),)), KeySet((new_key(), new_key()))


def replace(path: Path, data: bytes) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(data)
    other.replace(path)


def test_a_change_is_noticed_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(ONE.document())
    watched = WatchedFile(path, parse_key_set)
    assert watched.look()
    assert watched.value == ONE
    assert not watched.look()
    replace(path, TWO.document())
    assert watched.look()
    assert watched.value == TWO


def test_what_it_said_last_counts_while_it_cannot_be_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys"
    path.write_bytes(ONE.document())
    watched = WatchedFile(path, parse_key_set)
    watched.look()
    for broken in (b"{", b"", b"\xff"):
        replace(path, broken)
        assert not watched.look()
        assert watched.value == ONE
    path.unlink()
    assert not watched.look()
    assert not watched.look()
    assert watched.value == ONE
    assert caplog.text.count("cannot be read: No such file or directory") == 1
    assert "what it said last goes on to count" in caplog.text
    replace(path, TWO.document())
    assert watched.look()
    assert watched.value == TWO


def test_a_file_that_is_no_such_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="absent cannot be read: No such file"):
        read_file(tmp_path / "absent")
    with pytest.raises(Unreadable, match="Is a directory"):
        read_file(tmp_path)
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(Unreadable, match="larger than"):
        read_file(large)


def test_a_new_file_of_keys_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    write_keys(path, ONE, new=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_keys(path) == ONE
    with pytest.raises(Unreadable, match="is there already"):
        write_keys(path, TWO, new=True)
    assert read_keys(path) == ONE
    assert [each.name for each in tmp_path.iterdir()] == ["keys"]


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    write_keys(path, ONE, new=True)
    path.chmod(0o640)
    write_keys(path, TWO, new=False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert read_keys(path) == TWO


def test_a_link_to_a_file_goes_on_to_be_one(tmp_path: Path) -> None:
    path, link = tmp_path / "keys", tmp_path / "link"
    write_keys(path, ONE, new=True)
    link.symlink_to(path)
    write_keys(link, TWO, new=False)
    assert link.is_symlink()
    assert read_keys(path) == TWO


def test_where_nothing_can_be_written_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="cannot be written"):
        write_keys(tmp_path / "absent" / "keys", ONE, new=True)
    (tmp_path / "folder").mkdir()
    with pytest.raises(Unreadable, match="cannot be written"):
        write_keys(tmp_path / "folder", ONE, new=False)
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_a_list_of_revoked_tokens() -> None:
    assert parse_revoked(b"a\n\n# all of\nb  # she left\r\n  c\n") == {"a", "b", "c"}
    assert parse_revoked(b"\xef\xbb\xbfwith#mark\n") == {"with#mark"}
    with pytest.raises(ValueError, match="utf-8"):
        parse_revoked(b"\xff")
