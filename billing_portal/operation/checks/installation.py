"""The settings: are they fit for people who are not us?"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from billing_portal.members.keys import unknown_networks
from billing_portal.portal.findings import Finding, fail, ok, warn

_SHORTEST_KEY = 50
_KEY_BYTES = 32
_DEVELOPMENT = "development"
_LOOPBACK = {"127.0.0.1", "localhost", "::1", None}


def installation(_now: datetime) -> Iterator[Finding]:
    """Look at environment, keys, hosts, TLS, cookies, networks and the time-zone data."""
    yield _environment()
    yield _secret_key()
    yield _field_keys()
    yield _hosts()
    yield _tls()
    yield _cookies()
    yield _networks()
    yield _time_zones()


def _bad() -> Callable[[str, str, str], Finding]:
    """What is a fault in production is only worth a word elsewhere."""
    return fail if settings.IS_PRODUCTION else warn


def _environment() -> Finding:
    words = f"{settings.ENVIRONMENT}, DEBUG is {'on' if settings.DEBUG else 'off'}"
    if settings.DEBUG:
        return _bad()("environment", words, "Switch DEBUG off: it shows settings and data.")
    if not settings.IS_PRODUCTION:
        return warn("environment", words, "Set PORTAL_ENVIRONMENT=production to serve a firm.")
    return ok("environment", words)


def _secret_key() -> Finding:
    key = settings.SECRET_KEY
    if key.startswith("for development") or len(key) < _SHORTEST_KEY:
        words = "the one for development" if key.startswith("for dev") else f"{len(key)} characters"
        advice = f"Set SECRET_KEY to {_SHORTEST_KEY} random characters or more."
        return _bad()("secret key", words, advice)
    return ok("secret key", f"{len(key)} characters")


def _field_keys() -> Finding:
    keys = settings.FIELD_KEYS.split(",")
    advice = "Each is base64 of 32 random bytes: openssl rand -base64 32."
    try:
        raw = [base64.b64decode(key, validate=True) for key in keys]
    except binascii.Error:
        return fail("field keys", "one is no base64", advice)
    if any(len(each) != _KEY_BYTES for each in raw):
        return fail("field keys", "one has not 32 bytes", advice)
    if any(each.startswith(_DEVELOPMENT.encode()) for each in raw):
        return _bad()("field keys", "the one for development is among them", advice)
    return ok("field keys", f"{len(keys)}, the first wraps")


def _hosts() -> Finding:
    site, allowed = urlsplit(settings.SITE_URL).hostname or "", settings.ALLOWED_HOSTS
    if "*" in allowed or "" in allowed:
        return _bad()("hosts", "any name is answered", "Name them in ALLOWED_HOSTS.")
    if not any(site == each or (each[0] == "." and site.endswith(each)) for each in allowed):
        words = f"SITE_URL's {site} is not among ALLOWED_HOSTS"
        return fail("hosts", words, "Add it: every link in mail leads there.")
    return ok("hosts", ", ".join(allowed))


def _tls() -> Finding:
    site = urlsplit(settings.SITE_URL)
    if site.scheme != "https":
        is_here = site.hostname in _LOOPBACK and not settings.IS_PRODUCTION
        words = f"{settings.SITE_URL} is not encrypted"
        return (warn if is_here else fail)("TLS", words, "Set an https SITE_URL.")
    if not settings.TRUSTED_PROXIES:
        words = "https, and no proxy of ours in front"
        advice = "If a proxy ends TLS, set TRUSTED_PROXIES: requests redirect for ever otherwise."
        return warn("TLS", words, advice)
    return ok("TLS", f"https, HSTS {settings.SECURE_HSTS_SECONDS // 86_400} days")


def _cookies() -> Finding:
    loose = [
        name
        for name, holds in (
            ("SESSION_COOKIE_SECURE", settings.SESSION_COOKIE_SECURE),
            ("CSRF_COOKIE_SECURE", settings.CSRF_COOKIE_SECURE),
            ("SESSION_COOKIE_HTTPONLY", settings.SESSION_COOKIE_HTTPONLY),
            ("the __Host- prefix", settings.SESSION_COOKIE_NAME.startswith("__Host-")),
        )
        if not holds
    ]
    if loose:
        return _bad()("cookies", f"without {', '.join(loose)}", "An https SITE_URL sets them.")
    return ok("cookies", "secure, of this host only, out of reach of scripts")


def _networks() -> Finding:
    strange = unknown_networks(settings.METRICS_NETWORKS)
    if strange:
        words = f"METRICS_NETWORKS holds {', '.join(strange)}"
        return fail("monitoring", words, "Write networks as 10.0.0.0/8.")
    if not (settings.METRICS_TOKEN or settings.METRICS_NETWORKS):
        return ok("monitoring", "/metrics is closed")
    return ok("monitoring", "/metrics is open to who has the token or asks from a network named")


def _time_zones() -> Finding:
    """A system's own data is often older, and then days begin and end at other moments."""
    installed, pinned = metadata.version("tzdata"), _pinned("tzdata")
    if pinned and installed != pinned:
        words = f"tzdata {installed}, and {pinned} is pinned"
        return warn("time zones", words, "Install requirements.txt anew.")
    return ok("time zones", f"tzdata {installed}")


def _pinned(package: str) -> str:
    file = Path(settings.BASE_DIR) / "requirements.txt"
    lines = file.read_text().splitlines() if file.exists() else []
    found = [line.partition("==")[2] for line in lines if line.startswith(f"{package}==")]
    return found[0] if found else ""
