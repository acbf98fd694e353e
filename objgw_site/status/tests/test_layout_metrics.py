"""What `/metrics` says of the layout."""

from dataclasses import dataclass

import pytest

from objects.layout import Layout, Member
from objgw_site.status import metrics


@dataclass
class Known:
    layout: Layout | None


FIRST = Layout.adopted("modulo", ["a", "b"])


@pytest.mark.parametrize(
    ("layout", "values"),
    [
        (None, {}),
        (FIRST, {"objgw_layout_version": 1.0, "objgw_layout_changing": 0.0}),
        (
            FIRST.changed("modulo", [Member("a")]),
            {"objgw_layout_version": 2.0, "objgw_layout_changing": 1.0},
        ),
    ],
)
def test_the_layout(
    layout: Layout | None, values: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "get_keeper", lambda: Known(layout))
    assert {each.name: each.values[()] for each in metrics._layout()} == values
