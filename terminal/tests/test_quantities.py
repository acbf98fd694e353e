"""Sizes and times, read and written."""

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.quantities import in_bytes, in_seconds, parse_size, seconds_between, size_up_to


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("64KiB", 65_536), ("64k", 65_536), ("5G", 5 * 2**30), ("2 MB", 2**21), ("9B", 9)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5M", "KiB", "1X", "1e3", "\u0661"])
def test_what_is_no_size(text: str) -> None:
    assert parse_size(text) is None
    with pytest.raises(argparse.ArgumentTypeError, match="such as 1048576 or 64KiB, up to"):
        size_up_to(100)(text)


def test_a_size_that_is_too_large() -> None:
    assert size_up_to(2**20)("1MiB") == 2**20
    with pytest.raises(argparse.ArgumentTypeError, match=r"'2MiB' .* up to 1\.00 MiB"):
        size_up_to(2**20)("2MiB")


@pytest.mark.parametrize("text", ["0", "61", "nan", "inf", "-1", "many", ""])
def test_what_is_no_number_of_seconds(text: str) -> None:
    assert seconds_between(0.1, 60)("0.5") == 0.5
    with pytest.raises(argparse.ArgumentTypeError, match=r"no number of seconds from 0\.1 to 60"):
        seconds_between(0.1, 60)(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "0.98 KiB"),
        (1536, "1.50 KiB"),
        (64 * 2**20, "64.0 MiB"),
        (5 * 2**50, "5120 TiB"),
    ],
)
def test_bytes_in_words(count: int, text: str) -> None:
    assert in_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00031, "0.31 ms"), (0.0125, "12.5 ms"), (0.5, "500 ms"), (3.2, "3.20 s"), (61, "61.0 s")],
)
def test_times_in_words(seconds: float, text: str) -> None:
    assert in_seconds(seconds) == text


@given(st.integers(1, 10**18))
def test_what_is_written_can_be_read_back_to_three_digits(size: int) -> None:
    number, unit = in_bytes(size).split()
    factor = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}[unit]
    assert float(number) * factor == pytest.approx(size, rel=0.006)
