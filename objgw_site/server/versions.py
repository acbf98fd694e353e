"""The versions of gunicorn and gevent that the server is made for."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

#: The same as in requirements/production.in; a release outside of these may have changed what
#: `objgw_site.server.internals` relies on.
REQUIRED = {"gunicorn": ">=27,<28", "gevent": ">=26,<27"}


def wrong_versions() -> Iterator[str]:
    """A message for each package that is missing, or installed in another version."""
    # gunicorn requires it, so it is there wherever this is called.
    from packaging.specifiers import SpecifierSet

    for name, required in REQUIRED.items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            yield f"{name}{required} is needed and not installed; {_REMEDY}"
            continue
        if not SpecifierSet(required).contains(installed, prereleases=True):
            yield f"{name} {installed} is installed, and {required} is needed; {_REMEDY}"


_REMEDY = "install what requirements/production.txt names"
