"""Optimistic concurrency: an edit or verdict names the version that was read."""

from __future__ import annotations

from rest_framework.request import Request

from billing_portal.api.problems import Malformed, VersionNeeded
from billing_portal.bounds import whole_number
from billing_portal.errors import Stale


def etag(version: int) -> str:
    """Return a version as a strong entity tag."""
    return f'"{version}"'


def version_seen(request: Request) -> int:
    """Return the version in If-Match.

    :raises VersionNeeded: without the header (428).
    :raises Malformed: when it is no version of ours (400).
    """
    text = request.headers.get("If-Match")
    if text is None:
        raise VersionNeeded
    version = whole_number(text.strip().strip('"'))
    if version is None:
        raise Malformed('If-Match is the ETag of what you read, such as "3".', header="If-Match")
    return version


def must_match(seen: int, current: int) -> None:
    """Pass when the version read is today's.

    :raises Stale: otherwise (412).
    """
    if seen != current:
        raise Stale(seen, current)
