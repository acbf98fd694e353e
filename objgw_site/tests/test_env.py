"""Reading the environment: typed, and never an exception."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from objgw_site.env import Environment


def environment(value: str | None) -> Environment:
    return Environment({} if value is None else {"X": value})


@pytest.mark.parametrize("unset", [None, "", "  ", "\n"])
def test_what_is_not_set_is_the_default(unset: str | None) -> None:
    env = environment(unset)
    assert env.text("X", "default") == "default"
    assert env.flag("X", default=True) is True
    assert env.flag("X", default=False) is False
    assert env.integer("X", 7, low=1, high=9) == 7
    assert env.optional_integer("X", low=1, high=9) is None
    assert env.seconds("X", 0.5, low=0.1, high=1) == 0.5
    assert env.size("X", 42) == 42
    assert env.choice("X", "a", ("a", "b")) == "a"
    assert env.words("X", str.isalpha, "letters") == []
    assert env.problems == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", True),
        ("true", True),
        ("YES", True),
        (" on ", True),
        ("0", False),
        ("False", False),
        ("no", False),
        ("OFF", False),
    ],
)
def test_a_flag(text: str, value: bool) -> None:
    env = environment(text)
    assert env.flag("X", default=not value) is value
    assert env.problems == []


@given(st.integers(0, 200))
@settings(deadline=None)
def test_an_integer_within_its_bounds(number: int) -> None:
    env = environment(str(number))
    found = env.integer("X", 50, low=10, high=100)
    if 10 <= number <= 100:
        assert (found, env.problems) == (number, [])
    else:
        assert found == 50
        assert env.problems == [f"X must be a whole number from 10 to 100, not '{number}'."]


@pytest.mark.parametrize(
    "text", ["1.5", "-1", "+1", "1e3", "0x10", "ten", "1_0", "\u0661", "9" * 99]
)
def test_what_is_not_an_integer(text: str) -> None:
    env = environment(text)
    assert env.integer("X", 5, low=1, high=10**9) == 5
    assert env.optional_integer("X", low=1, high=10**9) is None
    assert len(env.problems) == 2
    assert all(problem.startswith("X must be a whole number") for problem in env.problems)


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1.0), ("0.5", 0.5), ("60", 60.0), ("1.25", 1.25), ("0.1", 0.1)]
)
def test_seconds(text: str, value: float) -> None:
    env = environment(text)
    assert env.seconds("X", 9, low=0.1, high=60) == value
    assert env.problems == []


@pytest.mark.parametrize(
    "text", ["0", "0.05", "61", "inf", "nan", "1s", "-1", ".5", "1e1", "\u0661"]
)
def test_what_are_not_seconds(text: str) -> None:
    env = environment(text)
    assert env.seconds("X", 9, low=0.1, high=60) == 9
    assert env.problems == [f"X must be a number of seconds from 0.1 to 60, not {text!r}."]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("1048576", 2**20),
        ("12B", 12),
        ("64KiB", 64 * 2**10),
        ("64k", 64 * 2**10),
        ("5 MB", 5 * 2**20),
        ("5G", 5 * 2**30),
        ("5tib", 5 * 2**40),
    ],
)
def test_a_size(text: str, value: int) -> None:
    env = environment(text)
    assert env.size("X", 1) == value
    assert env.problems == []


@pytest.mark.parametrize(
    "text", ["many", "0", "0G", "1.5G", "-1", "5 P", "5 i", "G", "5\u212a", "\u0661", "9" * 5000]
)
def test_what_is_not_a_size(text: str) -> None:
    env = environment(text)
    assert env.size("X", 42) == 42
    (problem,) = env.problems
    assert problem.startswith("X must be a number of bytes such as 1048576, 64KiB or 5G, not ")


def test_a_choice() -> None:
    env = environment("Debug")
    assert env.choice("X", "info", ("debug", "info")) == "debug"
    env = environment("loud")
    assert env.choice("X", "info", ("debug", "info")) == "info"
    assert env.problems == ["X must be one of debug, info, not 'loud'."]


def test_words() -> None:
    assert environment(" a , b,,c ").words("X", str.isalpha, "letters") == ["a", "b", "c"]


def test_words_that_are_none() -> None:
    env = environment("a,1,b,2 ")
    assert env.words("X", str.isalpha, "letters") == ["a", "b"]
    assert env.problems == [
        "X must be letters, separated by commas; '1' is not one.",
        "X must be letters, separated by commas; '2' is not one.",
    ]


@given(st.text())
@settings(deadline=None)
@example("5\u212a")
@example("5\u0130B")
def test_whatever_is_set_there_is_a_value_or_a_complaint_that_names_it(text: str) -> None:
    env = environment(text)
    assert isinstance(env.flag("X", default=True), bool)
    assert 1 <= env.integer("X", 5, low=1, high=9) <= 9
    assert 1 <= env.seconds("X", 5, low=1, high=9) <= 9
    assert env.size("X", 5) >= 0
    assert env.choice("X", "a", ("a", "b")) in ("a", "b")
    assert all(problem.startswith("X must be ") for problem in env.problems)
    if not text.strip():
        assert env.problems == []


def test_the_process_environment_is_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBJGW_SOMETHING", "said")
    assert Environment().text("OBJGW_SOMETHING", "default") == "said"
