"""GET /schema: made once, and sent again only when it is another one."""

import pytest
import yaml

from tests.support.client import Client

TYPES = [
    "application/vnd.oai.openapi",
    "application/yaml",
    "application/vnd.oai.openapi+json",
    "application/json",
]


@pytest.mark.parametrize("media_type", TYPES)
def test_it_has_an_entity_tag(http: Client, media_type: str) -> None:
    answer = http.get("/schema", Accept=media_type)
    assert answer.status == 200
    assert (answer["Content-Type"] or "").split(";")[0] == media_type
    assert answer["Vary"] == "Accept"
    assert answer["Cache-Control"] == "no-cache"
    tag = answer["ETag"]
    assert tag
    again = http.get("/schema", Accept=media_type, If_None_Match=tag)
    assert (again.status, again.body, again["ETag"]) == (304, b"", tag)
    assert http.get("/schema", Accept=media_type, If_None_Match='"other"').body == answer.body
    head = http.request("HEAD", "/schema", {"Accept": media_type})
    assert (head["ETag"], head["Content-Length"]) == (tag, str(len(answer.body)))


def test_each_type_is_another_representation(http: Client) -> None:
    """RFC 9110 section 8.8.3: their strong tags differ as their bytes do."""
    answers = [http.get("/schema", Accept=media_type) for media_type in TYPES]
    assert len({answer["ETag"] for answer in answers}) == len({answer.body for answer in answers})
    assert all(yaml.safe_load(answer.body) == yaml.safe_load(answers[0].body) for answer in answers)


def test_parameters_of_the_type_make_no_other_document(http: Client) -> None:
    plain = http.get("/schema", Accept="application/json")
    assert http.get("/schema", Accept="application/json; indent=1").body == plain.body
