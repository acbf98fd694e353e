"""Django settings of objgw. Everything that may differ comes from the environment.

docs/configuration.md has one table of all variables.
"""

import importlib.util
import secrets
from pathlib import Path

from access.provider_url import is_provider_url
from objgw_site import __version__
from objgw_site.env import Environment
from objgw_site.hosts import is_pattern
from objgw_site.origins import is_origin
from objgw_site.server.machine import this_machine
from objgw_site.server.variables import read_variables

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()

DEBUG = env.flag("DJANGO_DEBUG", default=False)
# Nothing is signed with it (no sessions, no cookies), so a fresh one for each process will do.
SECRET_KEY = env.text("DJANGO_SECRET_KEY", secrets.token_urlsafe(48))
# Not Django's to judge: a middleware does it for every path, and views see no other host.
ALLOWED_HOSTS = ["*"]
EXTRA_HOSTS = env.words(
    "DJANGO_ALLOWED_HOSTS",
    is_pattern,
    "names such as store.example, .store.example for it and all below it, or * for any",
)
OBJGW_CORS_ORIGINS = env.words(
    "OBJGW_CORS_ORIGINS",
    is_origin,
    "origins as browsers send them, such as https://app.example or http://localhost:8080",
)

# --- who are the nodes ------------------------------------------------------------------------
OBJGW_DISCOVERY = env.text("OBJGW_DISCOVERY", "docker")
OBJGW_NODE_NAME = env.text("OBJGW_NODE_NAME", "amazin-object-storage-node")
OBJGW_NODE_PORT = env.integer("OBJGW_NODE_PORT", 9000, low=1, high=65535)
OBJGW_NODES = env.text("OBJGW_NODES", "")
# For nodes in containers that have no label objgw.tls.
OBJGW_NODE_TLS = env.flag("OBJGW_NODE_TLS", default=False)
# A PEM file with the authorities that sign nodes' certificates; the system's without.
OBJGW_NODE_CA = env.text("OBJGW_NODE_CA", "")
OBJGW_EXPECTED_NODES = env.optional_integer("OBJGW_EXPECTED_NODES", low=1, high=100_000)
OBJGW_SNAPSHOT_TTL = env.seconds("OBJGW_SNAPSHOT_TTL", 10.0, low=0.1, high=3600)
OBJGW_DISCOVERY_TIMEOUT = env.seconds("OBJGW_DISCOVERY_TIMEOUT", 5.0, low=0.1, high=60)

# --- which node owns an id, and how to reach it -----------------------------------------------
OBJGW_ROUTER = env.text("OBJGW_ROUTER", "modulo")
# Seconds for which a gateway may act by a layout without having read it again. Those that read it
# do so five times within, or once a second.
OBJGW_LAYOUT_LEASE = env.seconds("OBJGW_LAYOUT_LEASE", 5.0, low=1, high=300)
OBJGW_BUCKET = env.text("OBJGW_BUCKET", "objects")
OBJGW_CONNECT_TIMEOUT = env.seconds("OBJGW_CONNECT_TIMEOUT", 1.0, low=0.05, high=60)
OBJGW_READ_TIMEOUT = env.seconds("OBJGW_READ_TIMEOUT", 30.0, low=0.1, high=3600)
OBJGW_NODE_CONCURRENCY = env.integer("OBJGW_NODE_CONCURRENCY", 64, low=1, high=10_000)
OBJGW_MAX_OBJECT_SIZE = env.size("OBJGW_MAX_OBJECT_SIZE", 5 * 2**40)

OBJGW_CLIENT_TIMEOUT = env.seconds("OBJGW_CLIENT_TIMEOUT", 60.0, low=1, high=86_400)
# Bytes a second that a client sends or takes at the least, after so many seconds; 0 for none.
OBJGW_CLIENT_MIN_RATE = env.integer("OBJGW_CLIENT_MIN_RATE", 256, low=0, high=2**30)
OBJGW_CLIENT_GRACE = env.seconds("OBJGW_CLIENT_GRACE", 20.0, low=1, high=3600)

# --- who may do what --------------------------------------------------------------------------
OBJGW_AUTH_KEYS = env.file("OBJGW_AUTH_KEYS")
OBJGW_AUTH_JWKS_URL = env.matching(
    "OBJGW_AUTH_JWKS_URL",
    "",
    is_provider_url,
    "the https URL of a JWK Set (http only for this machine), without user and password",
)
OBJGW_AUTH_JWKS_REFRESH = env.seconds("OBJGW_AUTH_JWKS_REFRESH", 300.0, low=1, high=86_400)
OBJGW_AUTH_ISSUER = env.text("OBJGW_AUTH_ISSUER", "")
OBJGW_AUTH_AUDIENCE = env.text("OBJGW_AUTH_AUDIENCE", "objgw")
OBJGW_AUTH_LEEWAY = env.seconds("OBJGW_AUTH_LEEWAY", 30.0, low=0, high=300)
OBJGW_AUTH_REVOKED = env.file("OBJGW_AUTH_REVOKED")
#: Whether somebody has to have a token. One that was meant, and cannot be read, closes, too.
OBJGW_AUTH = any(env.is_set(name) for name in ("OBJGW_AUTH_KEYS", "OBJGW_AUTH_JWKS_URL"))

OBJGW_STATUS_PAGE = env.flag("OBJGW_STATUS_PAGE", default=True)

# The server reads its own variables, and stops by itself; here they are read to be checked.
_server = read_variables(env, this_machine())
OBJGW_LOG_LEVEL = _server.log_level
OBJGW_LOG_FORMAT = _server.log_format
OBJGW_WORKERS = _server.workers
OBJGW_TRUSTED_PROXIES = _server.trusted_proxies
OBJGW_SPOOL_SIZE = env.size("OBJGW_SPOOL_SIZE", None)
#: What could not be read above; objgw_site.checks refuses to start with any.
ENVIRONMENT_PROBLEMS = env.problems
#: Variables that look like ours and are none. Those of docker-compose.yml, of the tests and of CI
#: are, though they mean nothing to the gateway.
UNKNOWN_VARIABLES = env.unknown(
    "OBJGW_",
    elsewhere=(
        "OBJGW_BASE_IMAGE",
        "OBJGW_CERTIFICATES",
        "OBJGW_DOCKER_SOCKET",
        "OBJGW_FAULTS",
        "OBJGW_FAULTS_SEED",
        "OBJGW_GRAFANA_IMAGE",
        "OBJGW_GRAFANA_PORT",
        "OBJGW_NODE_IMAGE",
        "OBJGW_NO_SKIPS",
        "OBJGW_PORT",
        "OBJGW_PROMETHEUS_IMAGE",
        "OBJGW_PROMETHEUS_PORT",
        "OBJGW_PULL_TIMEOUT",
        "OBJGW_TESTS",
    ),
)

# One of these that means nothing may be meant to close the gateway, which is open without.
_closing = [text for text in UNKNOWN_VARIABLES if text.startswith("OBJGW_AUTH")]
ENVIRONMENT_PROBLEMS = ENVIRONMENT_PROBLEMS + _closing
UNKNOWN_VARIABLES = [text for text in UNKNOWN_VARIABLES if text not in _closing]

INSTALLED_APPS = [
    # Before staticfiles, whose runserver would serve assets without the middleware.
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "objgw_site",
    "problems",
    "access",
    "nodes",
    "objects",
]
# The demo stays out of the production image.
if importlib.util.find_spec("demo") is not None:
    INSTALLED_APPS.append("demo")

# The assets of /docs, and in development of the browsable API, straight from their packages.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

MIDDLEWARE = [
    "problems.middleware.request_id_middleware",
    "objgw_site.middleware.content_length_middleware",
    "objgw_site.middleware.gate_middleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
]
if OBJGW_CORS_ORIGINS:
    INSTALLED_APPS.append("corsheaders")
    # Before the gate, whose refusals a page is to read, too.
    MIDDLEWARE.insert(
        MIDDLEWARE.index("objgw_site.middleware.gate_middleware"),
        "corsheaders.middleware.CorsMiddleware",
    )
    CORS_ALLOWED_ORIGINS = OBJGW_CORS_ORIGINS
    CORS_ALLOW_METHODS = ("GET", "HEAD", "PUT", "DELETE")
    # A page may send and read any field, for X-Object-Meta-* has no list of names. The asterisk
    # stands for all but Authorization, as there are no cookies (Fetch, section 3.3.3).
    CORS_ALLOW_HEADERS = ("*", "Authorization")
    CORS_EXPOSE_HEADERS = ("*",)
if OBJGW_AUTH:
    # Outside of the gate, whose refusals count as well.
    MIDDLEWARE.insert(1, "objgw_site.audit.audit_middleware")
DEFAULT_EXCEPTION_REPORTER = "objgw_site.exception_reports.Reporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "objgw_site.exception_reports.CredentialFilter"
ROOT_URLCONF = "objgw_site.urls"
WSGI_APPLICATION = "objgw_site.wsgi.application"
APPEND_SLASH = False

# A stateless gateway: no database, no sessions, no users.
DATABASES: dict[str, dict[str, object]] = {}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "objgw",
    }
}

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
STATIC_URL = "/static/"

USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "access.authentication.LinkAuthentication",
        "access.authentication.BearerAuthentication",
    ]
    if OBJGW_AUTH
    else [],
    "DEFAULT_PERMISSION_CLASSES": ["access.permissions.ScopePermission"] if OBJGW_AUTH else [],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_RENDERER_CLASSES": ["problems.rendering.JSONRenderer"]
    + (["objects.pages.renderers.PageRenderer"] if DEBUG else []),
    "DEFAULT_PARSER_CLASSES": [],
    "EXCEPTION_HANDLER": "problems.handler.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    # Our own query parameter must not be taken for DRF's format switch.
    "URL_FORMAT_OVERRIDE": None,
}

# In the package drf-spectacular-sidecar: nothing is fetched from anywhere else.
_SWAGGER_UI = "static/drf_spectacular_sidecar/swagger-ui-dist"
SPECTACULAR_SETTINGS = {
    "TITLE": "objgw",
    "DESCRIPTION": "Objects in, objects out: a stateless gateway in front of S3 nodes.",
    "VERSION": __version__,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"],
    # Relative to the document and to /docs, as every link is (objects.http.links).
    "SERVERS": [{"url": "."}],
    "SWAGGER_UI_DIST": _SWAGGER_UI,
    "SWAGGER_UI_FAVICON_HREF": f"{_SWAGGER_UI}/favicon-32x32.png",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "displayRequestDuration": True},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "objects.schema.add_head",
        "access.schema.add_refusals",
    ],
    "CONTACT": {},
    "LICENSE": {"name": "MIT"},
    "SCHEMA_COERCE_PATH_PK_SUFFIX": False,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "problems.request_id.RequestIdFilter"},
        # Django logs every answer of 400 and above; ours are logged where they are made. What is
        # left to it are the exceptions that no view handled.
        "unhandled": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: bool(record.exc_info),
        },
    },
    "formatters": {
        "line": {"()": "telemetry.logs.formatter", "form": OBJGW_LOG_FORMAT},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request_id"],
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "objgw": {"level": OBJGW_LOG_LEVEL.upper()},
        # Who changed what is asked for later, when it is too late to say it.
        "objgw.audit": {"level": "INFO"},
        "django": {"level": "INFO", "handlers": ["stderr"], "propagate": False},
        # From ERROR on, for below it every 404 would be made into a record to be thrown away.
        "django.request": {"level": "ERROR", "filters": ["unhandled"]},
    },
}
