"""The OpenAPI document is made once a process and media type."""

from typing import Any

import pytest
from django.test import RequestFactory
from drf_spectacular.generators import SchemaGenerator

from objgw_site.views import SchemaView, schema_document


def test_it_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    class CountingGenerator(SchemaGenerator):
        def get_schema(self, *args: Any, **kwargs: Any) -> Any:
            made.append(self)
            return super().get_schema(*args, **kwargs)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(SchemaView, "generator_class", CountingGenerator)
    schema_document.cache_clear()
    view, factory = SchemaView.as_view(), RequestFactory()
    for media_type in ("application/json", "application/yaml") * 3:
        for indent in range(3):
            request = factory.get("/schema", headers={"Accept": f"{media_type}; indent={indent}"})
            assert view(request).status_code == 200
    assert len(made) == 2
