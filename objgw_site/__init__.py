"""The Django project of objgw."""

#: The only place that says it: the OpenAPI document, pyproject.toml and a release read it here.
__version__ = "0.1.0"
