"""A member's browser in one firm, without the pictures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time
from html import unescape

from billing_portal.portal.office_keys import OfficeKey
from tests.factories import MembershipFactory, UserFactory

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


class Visitor:
    """Somebody who has signed in and holds one role."""

    def __init__(self, client, firm, role="owner"):
        self.client, self.firm = client, firm
        self.user = UserFactory.create()
        MembershipFactory.create(tenant=firm, user=self.user, role=role)
        signed_in(client, self.user)

    def get(self, path, query=None, **headers):
        """Ask for a page of the firm."""
        return self.client.get(self.address(path), query, headers=headers)

    def post(self, path, form=None, *, follow=False):
        """Send a form of the firm."""
        return self.client.post(self.address(path), form or {}, follow=follow)

    def address(self, path):
        """Return the path with the firm before it, unless it is there already."""
        return path if path.startswith("/t/") else f"/t/{self.firm.slug}/{path}"


def signed_in(client, user, *, ago=0):
    """Sign a person in, as if they had typed their password so many seconds ago."""
    client.force_login(user, backend=BACKEND)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - ago}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def office_key(row):
    """Return how addresses of the back office name a row."""
    return OfficeKey().to_url(row.pk)


def text_of(answer):
    """Return what a reader sees of the page's own part, words apart by one space."""
    body = answer.content.decode()
    _, found, rest = body.partition("<main")
    within = rest.partition("</main>")[0] if found else body
    return " ".join(
        unescape(re.sub(r"<[^>]*>", " ", f"<main{within}" if found else within)).split()
    )


def links_of(answer):
    """Return the addresses that the page leads to."""
    return [unescape(url) for url in re.findall(r'href="([^"]+)"', answer.content.decode())]


def one_time_code(secret):
    """Return what an authenticator app shows now (RFC 6238: SHA-1, six digits, 30 seconds)."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    (number,) = struct.unpack_from(">I", digest, digest[-1] & 15)
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"
