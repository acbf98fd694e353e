"""HTTP from clients: gunicorn's worker, its configuration and its limits.

Nothing outside of this package knows gunicorn or gevent. gunicorn's master imports it and forks, so
Django is imported by none of its modules at the top: the worker patches the standard library first.
"""
