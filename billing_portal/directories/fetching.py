"""The way out to a firm's directory: JSON over TLS, from where the firm's people may send us.

A firm names the address, so it could name one that only this machine reaches. The host is looked up
once, its address checked and connected to; nothing is followed, nothing is read without end. A
redirect would carry the client's secret elsewhere.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from django.conf import settings

from billing_portal.errors import Refused

_SECONDS = 5.0
_SECONDS_IN_ALL = 10.0
_MOST_BYTES = 256 * 1024
_LATER = "Try again later."


class Unreachable(Refused):
    """The directory does not answer, or not as an OpenID provider does. Trying later may help."""

    code = "directories.unreachable"


class NotAPlace(ValueError):
    """The address is none that a directory may stand at."""


def checked_url(url: str) -> SplitResult:
    """Return an address taken apart.

    :raises NotAPlace: when it is not encrypted, names a person, or is no address at all; plain HTTP
        is for loopback outside production.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError as error:
        raise NotAPlace(f"{url!r} is no address.") from error
    is_clear = not url.isascii() or any(sign.isspace() for sign in url) or "@" in parts.netloc
    if not host or is_clear or parts.fragment:
        raise NotAPlace(f"{url!r} is no address of a directory.")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_at_home(host)):
        raise NotAPlace(f"{url!r} is not encrypted: write https.")
    return parts


def fetch(
    url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the JSON object at an address; ``form`` is posted there. Takes 10 seconds at most.

    :raises Unreachable: when there is none.
    """
    ends = time.monotonic() + _SECONDS_IN_ALL
    told = {"Accept": "application/json", "Connection": "close", **(headers or {})}
    body = None if form is None else urlencode(form)
    if body is not None:
        told["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        line, path = _line(url)
        try:
            line.request("GET" if body is None else "POST", path, body, told)
            answer = line.getresponse()
            if answer.status != HTTPStatus.OK:
                raise Unreachable(f"Your firm's directory answered {answer.status}. {_LATER}")
            text = _read(answer, ends)
        finally:
            line.close()
        found = json.loads(text)
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        raise Unreachable(f"Your firm's directory does not answer. {_LATER}") from error
    if not isinstance(found, dict):
        raise Unreachable(f"Your firm's directory does not answer as one does. {_LATER}")
    return found


def _read(answer: http.client.HTTPResponse, ends: float) -> bytes:
    text = b""
    while chunk := answer.read1(_MOST_BYTES):
        text += chunk
        if len(text) > _MOST_BYTES or time.monotonic() > ends:
            raise OSError("too much, or too slow")
    return text


def _line(url: str) -> tuple[http.client.HTTPConnection, str]:
    parts = checked_url(url)
    host = str(parts.hostname)
    is_safe = parts.scheme == "https"
    port = parts.port or (443 if is_safe else 80)
    address = _checked_address(host, port)
    kind = _SafeLine if is_safe else _PlainLine
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return kind(host, port, address), path


class _PlainLine(http.client.HTTPConnection):
    """A connection to the address that was checked, whatever the name says a moment later."""

    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=_SECONDS)
        self.address = address

    def connect(self) -> None:
        """Connect to the checked address."""
        self.sock = socket.create_connection((self.address, self.port), _SECONDS)


class _SafeLine(_PlainLine):
    """The same over TLS, with the certificate held against the name."""

    default_port = 443

    def connect(self) -> None:
        """Connect to the checked address and prove the name."""
        plain = socket.create_connection((self.address, self.port), _SECONDS)
        context = ssl.create_default_context()
        self.sock = context.wrap_socket(plain, server_hostname=self.host)


def _checked_address(host: str, port: int) -> str:
    """Return the first address of a host that may be asked.

    :raises OSError: when the host is unknown, or one of its addresses is private.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(where[0]) for *_, where in found]
    if not settings.PRIVATE_DIRECTORIES and not all(_is_public(each) for each in addresses):
        raise OSError(f"{host} is in a private network")
    return addresses[0]


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    chosen = mapped or ip
    return bool(chosen.is_global and not chosen.is_multicast)


def _is_at_home(host: str) -> bool:
    if settings.IS_PRODUCTION:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
