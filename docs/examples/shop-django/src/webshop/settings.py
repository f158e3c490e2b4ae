"""Settings: what a deployment gives comes from the environment, and secrets have no default."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

DEBUG = os.environ.get("DJANGO_DEBUG") == "1"
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or secrets.token_urlsafe(50)
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "localhost").split(",")
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "webshop"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "webshop.urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE", Path.cwd() / "webshop.sqlite3"),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

ADYEN_API_KEY = os.environ.get("ADYEN_API_KEY", "")
"""The key of the credential whose client key the shop's pages have."""
ADYEN_MANAGEMENT_URL = os.environ.get("ADYEN_MANAGEMENT_URL", "https://management-test.adyen.com/v3")
