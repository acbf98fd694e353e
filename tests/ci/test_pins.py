"""What the project is built from is named so that it cannot change under it."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
COMPOSE_FILES = ["docker-compose.yml", "deploy/docker-compose.socket-filter.yml"]
#: Not part of the gateway, and so by release: nobody could look up a digest where this was written.
OPTIONAL = ["observability"]


def read(name: str) -> str:
    return (ROOT / name).read_text()


def default_of(variable: str, text: str) -> list[str]:
    return re.findall(rf"\$\{{{variable}:-([^}}]+)\}}", text)


def base_image() -> str:
    [image] = re.findall(r"^ARG BASE_IMAGE=(\S+)$", read("Dockerfile"), re.MULTILINE)
    return str(image)


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_images_are_named_by_digest(name: str) -> None:
    text = read(name)
    images = [
        service["image"]
        for service in yaml.safe_load(text)["services"].values()
        if "image" in service and service.get("profiles") != OPTIONAL
    ]
    assert images
    for image in images:
        assert DIGEST.search(image.removesuffix("}")), image


def test_optional_images_are_named_by_release() -> None:
    services = yaml.safe_load(read("docker-compose.yml"))["services"].values()
    images = [service["image"] for service in services if service.get("profiles") == OPTIONAL]
    assert len(images) == 2
    for image in images:
        assert re.search(r":v?[0-9]+\.[0-9]+\.[0-9]+\}$", image), image


def test_the_base_image_is_one_and_named_by_digest() -> None:
    assert DIGEST.search(base_image())
    assert default_of("OBJGW_BASE_IMAGE", read("docker-compose.yml")) == [base_image()]


def test_actions_are_named_by_commit() -> None:
    for workflow in (ROOT / ".github/workflows").glob("*.yml"):
        used = re.findall(r"uses: (\S+)", workflow.read_text())
        assert used
        for action in used:
            if action.startswith("./"):
                continue  # of this repository, and so of this commit
            assert re.search(r"@[0-9a-f]{40}$", action), f"{workflow.name}: {action}"


@pytest.mark.parametrize("name", ["base", "production", "demo", "development"])
def test_requirements_have_hashes_and_name_no_index(name: str) -> None:
    text = read(f"requirements/{name}.txt")
    pinned = re.findall(r"^[a-z0-9][a-z0-9._-]*==\S+ \\$", text, re.MULTILINE)
    assert pinned
    others = [
        line
        for line in text.splitlines()
        if not re.match(
            r"[a-z0-9][a-z0-9._-]*==\S+ \\$|    --hash=sha256:[0-9a-f]{64}|    # via|#|$", line
        )
    ]
    assert others == []


def test_hashes_are_demanded() -> None:
    assert "--require-hashes" in read("Dockerfile")
    [install] = re.findall(r"^PIP_INSTALL := (.*)$", read("Makefile"), re.MULTILINE)
    assert "--require-hashes" in install


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_every_container_bounds_its_log(name: str) -> None:
    for service in yaml.safe_load(read(name))["services"].values():
        if "image" in service or "build" in service:
            assert service["logging"] == {
                "driver": "json-file",
                "options": {"max-size": "10m", "max-file": "3"},
            }
