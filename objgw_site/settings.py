"""Django settings of objgw. Everything that may differ comes from the environment.

docs/configuration.md has one table of all variables.
"""

import importlib.util
import secrets
from pathlib import Path

from objgw_site.env import Environment

VERSION = "0.1.0"
BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()

DEBUG = env.flag("DJANGO_DEBUG", default=False)
# Nothing is signed with it (no sessions, no cookies), so a fresh one for each process will do.
SECRET_KEY = env.text("DJANGO_SECRET_KEY", secrets.token_urlsafe(48))
ALLOWED_HOSTS = env.words("DJANGO_ALLOWED_HOSTS", ["*"])

# --- who are the nodes ------------------------------------------------------------------------
OBJGW_DISCOVERY = env.text("OBJGW_DISCOVERY", "docker")
OBJGW_NODE_NAME = env.text("OBJGW_NODE_NAME", "amazin-object-storage-node")
OBJGW_NODE_PORT = env.integer("OBJGW_NODE_PORT", 9000, low=1, high=65535)
OBJGW_NODES = env.text("OBJGW_NODES", "")
OBJGW_EXPECTED_NODES = env.optional_integer("OBJGW_EXPECTED_NODES", low=1, high=100_000)
OBJGW_SNAPSHOT_TTL = env.seconds("OBJGW_SNAPSHOT_TTL", 10.0, low=0.1, high=3600)
OBJGW_DISCOVERY_TIMEOUT = env.seconds("OBJGW_DISCOVERY_TIMEOUT", 5.0, low=0.1, high=60)
# Called with a node, says what keeps it from serving (None: nothing). Injected, because what
# talks S3 is not for the nodes app to know.
OBJGW_NODE_PROBE = "objects.store.probe"
# Likewise: called with the nodes in order, gives the part of all ids that each owns.
OBJGW_NODE_SHARES = "objects.routing.shares"

# --- which node owns an id, and how to reach it -----------------------------------------------
OBJGW_ROUTER = env.text("OBJGW_ROUTER", "modulo")
OBJGW_BUCKET = env.text("OBJGW_BUCKET", "objects")
OBJGW_CONNECT_TIMEOUT = env.seconds("OBJGW_CONNECT_TIMEOUT", 1.0, low=0.05, high=60)
OBJGW_READ_TIMEOUT = env.seconds("OBJGW_READ_TIMEOUT", 30.0, low=0.1, high=3600)
OBJGW_NODE_CONCURRENCY = env.integer("OBJGW_NODE_CONCURRENCY", 64, low=1, high=10_000)
OBJGW_MAX_OBJECT_SIZE = env.size("OBJGW_MAX_OBJECT_SIZE", 5 * 2**40)

OBJGW_CLIENT_TIMEOUT = env.seconds("OBJGW_CLIENT_TIMEOUT", 60.0, low=1, high=86_400)

OBJGW_LOG_LEVEL = env.choice(
    "OBJGW_LOG_LEVEL", "info", ("debug", "info", "warning", "error", "critical")
)

#: What could not be read above; objgw_site.checks refuses to start with any.
ENVIRONMENT_PROBLEMS = env.problems

INSTALLED_APPS = [
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "objgw_site",
    "problems",
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
    "objgw_site.middleware.host_middleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
]
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
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]
    + (["objects.pages.PageRenderer"] if DEBUG else []),
    "DEFAULT_PARSER_CLASSES": [],
    "EXCEPTION_HANDLER": "problems.handler.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    # Our own query parameter must not be taken for DRF's format switch.
    "URL_FORMAT_OVERRIDE": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "objgw",
    "DESCRIPTION": "Objects in, objects out: a stateless gateway in front of S3 nodes.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "displayRequestDuration": True},
    # Nothing is fetched from anywhere else.
    "REDOC_DIST": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "objects.schema.add_head",
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
        "line": {
            "format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s",
        }
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
        "django": {"level": "INFO", "handlers": ["stderr"], "propagate": False},
        # From ERROR on, for below it every 404 would be made into a record to be thrown away.
        "django.request": {"level": "ERROR", "filters": ["unhandled"]},
    },
}
