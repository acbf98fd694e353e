"""What a run remembers of the one before."""

from pathlib import Path

import pytest

from demo.harness.s3nodes import MotoServer
from demo.session import FolderInUseError, Plan, Session, node_count_notice


def test_another_number_of_nodes_is_worth_a_notice_once(tmp_path: Path) -> None:
    assert node_count_notice(tmp_path, 3) is None
    assert node_count_notice(tmp_path, 3) is None
    notice = node_count_notice(tmp_path, 5)
    assert notice is not None
    assert "3 node(s)" in notice
    assert "may not be found" in notice
    assert "NODES=3" in notice
    assert node_count_notice(tmp_path, 5) is None


@pytest.mark.parametrize("content", ["", "no json", "[]", "{}"])
def test_a_spoilt_memory_of_the_last_run_is_no_obstacle(tmp_path: Path, content: str) -> None:
    (tmp_path / "last-run.json").write_text(content)
    assert node_count_notice(tmp_path, 3) is None
    assert node_count_notice(tmp_path, 4) is not None


def test_two_demos_do_not_share_a_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(nodes=1, host="127.0.0.1", port=1, server=MotoServer(), folder=tmp_path)
    second = Session(plan, print)
    refusals: list[str] = []

    def run_second_inside(*_: object) -> None:
        with pytest.raises(FolderInUseError) as caught:
            second.run()
        refusals.append(str(caught.value))

    first = Session(plan, print)
    monkeypatch.setattr(first, "_run", run_second_inside)
    first.run()
    assert refusals == [f"another demo is running on the data in {tmp_path}"]
