"""What a grant covers, and what of a listing it shows."""

from hypothesis import given
from hypothesis import strategies as st

from access.grant import Grant, LinkTerms

texts = st.text("abAB1", max_size=5)


def grant(prefixes: tuple[str, ...] | None, link: LinkTerms | None = None) -> Grant:
    return Grant("", "", frozenset(), prefixes, 0.0, link)


def test_any_id_where_it_has_no_prefixes() -> None:
    assert grant(None).covers("abc")
    assert grant(None).within("ab") == ("ab",)


def test_no_id_where_it_has_an_empty_list_of_them() -> None:
    assert not grant(()).covers("abc")
    assert grant(()).within("") == ()


def test_a_link_covers_one_id() -> None:
    link = LinkTerms("GET", "abc", 1)
    assert grant(None, link).covers("abc")
    assert not grant(None, link).covers("abcd")


@given(st.lists(texts, max_size=5), texts, texts)
def test_a_listing_shows_what_is_covered(prefixes: list[str], asked: str, object_id: str) -> None:
    allowed = grant(tuple(prefixes))
    shown = [each for each in allowed.within(asked) if object_id.startswith(each)]
    wanted = object_id.startswith(asked) and allowed.covers(object_id)
    # Once, not twice: prefixes that are listed one after the other must not overlap.
    assert len(shown) == (1 if wanted else 0)
    assert list(allowed.within(asked)) == sorted(allowed.within(asked))
