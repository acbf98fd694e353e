"""The WSGI application. It refuses to start with settings that cannot work."""

import os
import sys

import django
from django.core.checks import ERROR, run_checks

from objgw_site.server.handler import Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "objgw_site.settings")

#: gunicorn's master stops for good when a worker ends with this status while it loads the
#: application (gunicorn.arbiter.Arbiter.APP_LOAD_ERROR), instead of starting it over and over.
APP_LOAD_ERROR = 4

django.setup(set_prefix=False)
application = Handler()

if errors := [message for message in run_checks() if message.level >= ERROR]:
    for error in errors:
        print(f"objgw does not start: {error.msg} ({error.id})", file=sys.stderr, flush=True)
    sys.exit(APP_LOAD_ERROR)
