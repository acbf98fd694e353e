"""Signed links: one character changed, and it is none."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.grant import LinkTerms
from access.links import is_file_name, is_signed, link_grant, link_to
from access.problems import InvalidLink, LinkExpired
from access.scopes import READ, WRITE
from access.tests.keys import new_key

KEY, OTHER = new_key(), new_key()
TERMS = LinkTerms("GET", "abc", 2_000_000_000, file_name="a photo.png")
UPLOAD = LinkTerms("PUT", "abc", 2_000_000_000, 1000, "image/png")


def query_of(terms: LinkTerms) -> str:
    return urlsplit(link_to(terms, KEY)).query


def accepted(query: str, method: str = "GET", object_id: str = "abc", now: float = 0) -> bool:
    try:
        link_grant(query, method, object_id, [OTHER, KEY], now)
    except (InvalidLink, LinkExpired):
        return False
    return True


def test_it_allows_what_it_says() -> None:
    read = link_grant(query_of(TERMS), "GET", "abc", [OTHER, KEY], 0)
    assert read.scopes == {READ}
    assert (read.link, read.token_id) == (TERMS, KEY.key_id)
    write = link_grant(query_of(UPLOAD), "PUT", "abc", [KEY], 0)
    assert write.scopes == {WRITE}
    assert write.link == UPLOAD


def test_a_link_for_get_is_good_for_head() -> None:
    assert accepted(query_of(TERMS), "HEAD")
    assert not accepted(query_of(UPLOAD), "HEAD")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "get", ""])
def test_it_is_not_good_for_another_method(method: str) -> None:
    assert not accepted(query_of(TERMS), method)


def test_it_is_not_good_for_another_id_or_with_another_key() -> None:
    assert not accepted(query_of(TERMS), object_id="abd")
    with pytest.raises(InvalidLink):
        link_grant(query_of(TERMS), "GET", "abc", [OTHER], 0)
    with pytest.raises(InvalidLink):
        link_grant(query_of(TERMS), "GET", "abc", [], 0)


def test_it_is_good_until_it_expires() -> None:
    assert accepted(query_of(TERMS), now=2_000_000_000)
    with pytest.raises(LinkExpired, match="2033-05-18T03:33:20Z"):
        link_grant(query_of(TERMS), "GET", "abc", [KEY], 2_000_000_000.5)


@given(st.sampled_from([TERMS, UPLOAD]), st.data())
def test_with_one_character_changed_it_is_none(terms: LinkTerms, data: st.DataObject) -> None:
    query = query_of(terms)
    assert accepted(query, terms.method)
    place = data.draw(st.integers(0, len(query) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda char: char != query[place]))
    changed = query[:place] + other + query[place + 1 :]
    # %2f is %2F, and still the same link.
    if parse_qsl(changed, keep_blank_values=True) != parse_qsl(query):
        assert not accepted(changed, terms.method)


@given(st.sampled_from([TERMS, UPLOAD]), st.data())
def test_with_a_parameter_more_or_less_it_is_none(terms: LinkTerms, data: st.DataObject) -> None:
    pairs = query_of(terms).split("&")
    place = data.draw(st.integers(0, len(pairs) - 1))
    assert not accepted("&".join(pairs[:place] + pairs[place + 1 :]), terms.method)
    assert not accepted("&".join([*pairs, pairs[place]]), terms.method)
    assert not accepted("&".join([*pairs, "x=1"]), terms.method)


@given(st.text(max_size=200))
def test_what_nobody_signed_is_none(text: str) -> None:
    assert not accepted(f"signature={text}")
    assert not accepted(text + "&signature=")


@pytest.mark.parametrize(
    "expires",
    ["02000000000", "+2000000000", "2e9", "\u0662000000000", "-1", " 2000000000", ""],
)
def test_a_moment_is_written_in_one_way(expires: str) -> None:
    assert not accepted(query_of(TERMS).replace("2000000000", expires))


def test_another_parameter_is_no_signature() -> None:
    assert is_signed("expires=1&signature=x")
    assert is_signed("signature=x")
    assert not is_signed("my_signature=x&a=1")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\nb", "a\u202eb", "x" * 256])
def test_what_is_no_file_name_is_refused(name: str) -> None:
    assert not is_file_name(name)
    assert is_file_name("ein Föto.png")
