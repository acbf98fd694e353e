"""Each gateway has a folder of its own, and none is left behind for good."""

import os
from pathlib import Path

from telemetry.folder import MetricsFolder


def test_two_gateways_have_two_folders(tmp_path: Path) -> None:
    one, two = MetricsFolder.make(tmp_path), MetricsFolder.make(tmp_path)
    assert one.path != two.path
    assert one.path.is_dir()
    assert one.path.stat().st_mode & 0o777 == 0o700
    one.remove()
    assert list(tmp_path.iterdir()) == [two.path]
    two.remove()


def test_what_a_killed_gateway_left_behind_is_removed_by_the_next(tmp_path: Path) -> None:
    killed = MetricsFolder.make(tmp_path)
    (killed.path / "counter_1.db").write_bytes(b"x")
    os.close(killed.lock)  # as the kernel does when the last process that had it has ended
    (tmp_path / "objgw-metrics-file").touch()  # what is no folder is none of ours
    (tmp_path / "another").mkdir()
    new = MetricsFolder.make(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {new.path.name, "objgw-metrics-file", "another"}
    new.remove()
