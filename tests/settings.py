"""Settings of the test suite: the product's own, with fast passwords and quiet logs."""

import os

os.environ.setdefault("PORTAL_ENVIRONMENT", "test")
os.environ.setdefault("LOG_LEVEL", "ERROR")

from billing_portal.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

JOB_MODULES = []  # tests count the jobs that they ask for, not the clock's

MIDDLEWARE = ["tests.conformity.HoldsToItsDescription", *MIDDLEWARE]  # noqa: F405
