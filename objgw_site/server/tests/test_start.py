"""The gateway does not start with settings that cannot work, and says which."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

GOOD = {"OBJGW_DISCOVERY": "static", "OBJGW_NODES": "http://key:hush-hush@127.0.0.1:9"}
BAD = [
    ({"OBJGW_DISCOVERY": "kubernetes"}, "OBJGW_DISCOVERY must be one of docker, swarm, static"),
    ({"OBJGW_NODES": "http://key:hush-hush@h:0"}, "OBJGW_NODES, entry 1"),
    ({"OBJGW_NODE_PORT": "70000"}, "OBJGW_NODE_PORT must be a whole number from 1 to 65535"),
    ({"OBJGW_EXPECTED_NODES": "three"}, "OBJGW_EXPECTED_NODES must be a whole number"),
    ({"OBJGW_ROUTER": "dice"}, "OBJGW_ROUTER must be modulo"),
    ({"OBJGW_BUCKET": "Ob"}, "OBJGW_BUCKET must be 3 to 63"),
    ({"OBJGW_LOG_LEVEL": "loud"}, "OBJGW_LOG_LEVEL must be one of debug"),
    ({"DJANGO_DEBUG": "perhaps"}, "DJANGO_DEBUG must be true or false"),
    ({"OBJGW_MAX_OBJECT_SIZE": "big"}, "OBJGW_MAX_OBJECT_SIZE must be a number of bytes"),
    ({"OBJGW_READ_TIMEOUT": "0"}, "OBJGW_READ_TIMEOUT must be a number of seconds"),
    ({"OBJGW_WORKERS": "0"}, "OBJGW_WORKERS must be a whole number from 1 to 1024, not '0'"),
    ({"OBJGW_WORKER_CONNECTIONS": "-1"}, "OBJGW_WORKER_CONNECTIONS must be a whole number"),
    ({"OBJGW_CLIENT_CONNECTIONS": "-1"}, "OBJGW_CLIENT_CONNECTIONS must be a whole number"),
    ({"OBJGW_CLIENT_SHARE": "0"}, "OBJGW_CLIENT_SHARE must be a whole number from 1 to 100"),
    ({"OBJGW_CLIENT_MIN_RATE": "1k"}, "OBJGW_CLIENT_MIN_RATE must be a whole number"),
    ({"OBJGW_CLIENT_GRACE": "0"}, "OBJGW_CLIENT_GRACE must be a number of seconds from 1"),
    ({"OBJGW_TRUSTED_PROXIES": "nginx"}, "OBJGW_TRUSTED_PROXIES must be IP addresses or networks"),
    ({"OBJGW_BIND": "xx"}, "OBJGW_BIND must be an address or a host name, a colon and a port"),
    ({"OBJGW_GRACEFUL_TIMEOUT": "1h"}, "OBJGW_GRACEFUL_TIMEOUT must be a whole number"),
    ({"OBJGW_SPOOL_SIZE": "7MiB"}, "OBJGW_SPOOL_SIZE must be at least 8 MiB for each"),
    ({"OBJGW_ACCESS_LOG": "-"}, "OBJGW_ACCESS_LOG must be true or false"),
    ({"OBJGW_LOG_FORMAT": "xml"}, "OBJGW_LOG_FORMAT must be one of json, console"),
    ({"OBJGW_METRICS": "9090"}, "OBJGW_METRICS must be true or false"),
    ({"OBJGW_CORS_ORIGINS": "*"}, "OBJGW_CORS_ORIGINS must be origins as browsers send them"),
    ({"DJANGO_ALLOWED_HOSTS": "http://x"}, "DJANGO_ALLOWED_HOSTS must be names such as"),
]


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **GOOD, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_gunicorn(**environment: str) -> subprocess.CompletedProcess[str]:
    return run(
        *("-m", "gunicorn", "-c", "python:objgw_site.server.config", "objgw_site.wsgi"),
        **{"OBJGW_BIND": "127.0.0.1:0", "OBJGW_WORKERS": "1", **environment},
    )


def test_good_settings_pass() -> None:
    assert run("manage.py", "check").returncode == 0


def test_check_names_every_value_that_cannot_work() -> None:
    found = run(
        "manage.py", "check", **{key: value for bad, _ in BAD[2:] for key, value in bad.items()}
    )
    assert found.returncode == 1
    assert "Traceback" not in found.stderr
    for _, complaint in BAD[2:]:
        assert complaint in found.stderr


@pytest.mark.parametrize(("bad", "complaint"), BAD[:2])
def test_check_names_bad_nodes(bad: dict[str, str], complaint: str) -> None:
    found = run("manage.py", "check", **bad)
    assert found.returncode == 1
    assert complaint in found.stderr
    assert "hush-hush" not in found.stderr


def test_check_names_a_docker_daemon_that_cannot_be_there() -> None:
    found = run("manage.py", "check", OBJGW_DISCOVERY="docker", DOCKER_HOST="docker")
    assert found.returncode == 1
    assert "DOCKER_HOST must be unix:///PATH or tcp://HOST:PORT" in found.stderr


def test_check_refuses_a_largest_object_of_no_bytes() -> None:
    found = run("manage.py", "check", OBJGW_MAX_OBJECT_SIZE="0")
    assert found.returncode == 1
    assert "OBJGW_MAX_OBJECT_SIZE must be a number of bytes" in found.stderr


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ({"OBJGW_BUCKET": "Ob"}, "objgw does not start: OBJGW_BUCKET must be"),
        ({"OBJGW_NODES": ""}, "objgw does not start: OBJGW_NODES is empty"),
        ({"OBJGW_WORKERS": "many"}, "objgw does not start: OBJGW_WORKERS must be"),
    ],
)
def test_the_server_says_so_and_ends(bad: dict[str, str], complaint: str) -> None:
    found = run_gunicorn(**bad)
    assert found.returncode != 0
    assert complaint in found.stderr
    assert found.stderr.count(complaint) == 1
    assert "Traceback" not in found.stderr


MISTYPED = {"OBJGW_EXPECTED_NODE": "3", "OBJGW_COLOUR_OF_SKY": "blue", "OBJGW_PORT": "80"}


def test_check_warns_of_variables_that_mean_nothing() -> None:
    found = run("manage.py", "check", **MISTYPED)
    assert found.returncode == 0
    assert (
        "OBJGW_EXPECTED_NODE is no setting of objgw; did you mean OBJGW_EXPECTED_NODES?"
        in found.stderr
    )
    assert "OBJGW_COLOUR_OF_SKY is no setting of objgw" in found.stderr
    assert "OBJGW_PORT" not in found.stderr


def test_the_server_warns_of_them_once() -> None:
    # It ends for another reason, so that there is something to wait for.
    found = run_gunicorn(OBJGW_BUCKET="Ob", OBJGW_WORKERS="2", **MISTYPED)
    assert found.stderr.count("OBJGW_EXPECTED_NODE is no setting of objgw") == 1


@pytest.mark.parametrize("module", ["objgw_site.server.worker", "objgw_site.server.config"])
def test_the_server_has_no_django_before_it_forks(module: str) -> None:
    """The worker has to patch the standard library first."""
    code = (
        f"import sys, {module}; "
        "print([name for name in sys.modules if name.split('.')[0] == 'django'])"
    )
    found = run("-c", code)
    assert (found.returncode, found.stdout) == (0, "[]\n"), found.stderr


@pytest.mark.parametrize("arguments", [[], ["objects"], ["--parallel", "2", "--help"]])
def test_manage_py_test_says_what_to_run(arguments: list[str]) -> None:
    found = run("manage.py", "test", *arguments)
    assert (found.returncode, found.stdout) == (2, "")
    assert "make test" in found.stderr
    assert "Traceback" not in found.stderr
