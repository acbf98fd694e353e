"""Which texts are object ids."""

import re
import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from objects.exceptions import InvalidId
from objects.identifiers import PATTERN, parse_id

VALID = st.text(string.ascii_letters + string.digits, min_size=1, max_size=32)


@given(VALID)
@settings(deadline=None)
@example("a" * 32)
@example("0")
def test_every_valid_id_is_taken_as_it_is(text: str) -> None:
    assert parse_id(text) == text


@given(VALID, st.characters(), st.integers(0, 32))
@settings(deadline=None)
@example("abc", "\n", 3)
@example("abc", "\0", 1)
@example("abc", "-", 0)
@example("1", "\u0661", 1)  # an Arabic-Indic digit
@example("1", "\uff11", 1)  # a full-width one
@example("a", "\u212a", 1)  # the Kelvin sign, "k" when case is ignored
@example("a", "\u017f", 0)  # the long s, likewise
@example("a", "\u00e4", 0)
def test_one_wrong_character_is_enough(text: str, character: str, at: int) -> None:
    spoilt = text[:at] + character + text[at:]
    allowed = character in string.ascii_letters + string.digits and len(spoilt) <= 32
    if allowed:
        assert parse_id(spoilt) == spoilt
    else:
        with pytest.raises(InvalidId):
            parse_id(spoilt)


@given(st.text())
@settings(deadline=None)
@example("")
def test_any_text_is_an_id_just_when_the_published_pattern_says_so(text: str) -> None:
    # ECMA-262's "$" is the end, not also before a final newline as in Python.
    if re.fullmatch(PATTERN, text) and not text.endswith("\n"):
        assert parse_id(text) == text
    else:
        with pytest.raises(InvalidId):
            parse_id(text)


@pytest.mark.parametrize("length", [33, 1000])
def test_the_message_for_a_long_id_counts(length: int) -> None:
    with pytest.raises(InvalidId, match=f"this one has {length} characters"):
        parse_id("a" * length)


def test_the_message_shows_what_was_wrong_without_control_characters() -> None:
    with pytest.raises(InvalidId, match=r"'a\\nb' is not\.") as caught:
        parse_id("a\nb")
    assert (caught.value.status, caught.value.code) == (400, "invalid_id")
