"""The directory as a function from request to answer: SAML 2.0 by the book, and the control.

``/<organization>/`` is an identity provider of its own: metadata and a sign-in page. It answers
portals that it was told of only, at the address that it was told, by a form that posts itself from
its own site. ``/_control/...`` is no part of it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import html
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from tests.outside.organizations import control
from tests.outside.saml.answers import answer as answer_of
from tests.outside.saml.answers import values_of
from tests.outside.saml.people import Organization, Register
from tests.outside.saml.signing import Signer
from tests.outside.web import Request, Response, answer, page

_P = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_A = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_DENIED = "urn:oasis:names:tc:SAML:2.0:status:Responder"
_STYLE = "body{font:1rem sans-serif;max-width:24rem;margin:3rem auto;padding:0 1rem}"


@dataclass(frozen=True)
class Directory:
    """The whole server."""

    register: Register
    signer: Signer

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        if request.path.startswith("/_control/"):
            more = {"GET certificates": self._certificates}
            return control(self.register, request, more)
        key, _, rest = request.path.removeprefix("/").partition("/")
        organization = self.register.organizations.get(key)
        if organization is None:
            return page("<h1>Not found</h1>", status=404)
        base = f"http://{request.headers.get('host', '')}/{key}"
        verbs: dict[str, Callable[[], Response]] = {
            "GET metadata": lambda: self._metadata(organization, base),
            "GET sso": lambda: _sign_in_page(organization, request.query),
            "POST sso": lambda: self._sign_in(organization, request.form),
        }
        verb = f"{request.method} {rest}"
        return verbs[verb]() if verb in verbs else page("<h1>Not found</h1>", status=404)

    def _sign_in(self, organization: Organization, form: Mapping[str, str]) -> Response:
        asked = _asked(organization, form.get("SAMLRequest", ""))
        if asked is None:
            return page("<h1>Bad request</h1>", status=400)
        person = organization.people.get(form.get("user", ""))
        has_canceled = "cancel" in form
        if not has_canceled and (
            person is None
            or not hmac.compare_digest(
                person["password"].encode(), form.get("password", "").encode()
            )
        ):
            return _sign_in_page(organization, form, wrong=True)
        said = values_of(
            person or {"name_id": ""},
            issuer=_entity(organization),
            audience=organization.audience,
            acs=organization.acs,
            request=asked["id"],
        )
        said |= {"status": _DENIED} if has_canceled else {}
        faults = organization.faults
        text = answer_of(said | faults.get("said", {}), without_assertion=has_canceled)
        what = "nothing" if has_canceled else faults.get("signed", "assertion")
        signed = self.signer.sign(text, what=what, how=faults.get("signature", ""))
        self.register.note(organization, "signed_in", form.get("user", ""))
        return _post_page(organization, signed, form.get("RelayState", ""))

    def _metadata(self, organization: Organization, base: str) -> Response:
        text = (
            '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
            f'entityID="{_entity(organization)}"><md:IDPSSODescriptor '
            'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
            '<md:KeyDescriptor use="signing"><ds:KeyInfo '
            'xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>'
            f"{self.signer.der()}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
            "</md:KeyDescriptor><md:SingleSignOnService "
            'Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
            f'Location="{base}/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>'
        )
        return Response(200, text.encode(), "application/samlmetadata+xml")

    def _certificates(self, _: Request) -> Response:
        return answer({name: self.signer.pem(name) for name in ("ours", "other", "curve")})


def _entity(organization: Organization) -> str:
    return f"urn:demo:directory:{organization.key}"


def _asked(organization: Organization, deflated: str) -> dict[str, Any] | None:
    """Return what a portal asks, or None where this directory was told of no such portal."""
    try:
        root = etree.fromstring(zlib.decompress(base64.b64decode(deflated), -15))
    except (binascii.Error, zlib.error, etree.XMLSyntaxError):
        return None
    issuer, acs = root.findtext(f"{_A}Issuer"), root.get("AssertionConsumerServiceURL")
    if root.tag != f"{_P}AuthnRequest" or (issuer, acs) != (
        organization.audience,
        organization.acs,
    ):
        return None
    return {"id": root.get("ID"), "anew": root.get("ForceAuthn") == "true"}


def _sign_in_page(
    organization: Organization, asked: Mapping[str, str], *, wrong: bool = False
) -> Response:
    question = _asked(organization, asked.get("SAMLRequest", ""))
    if question is None:
        return page("<h1>Bad request</h1>", status=400)
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(asked.get(name, ""))}">'
        for name in ("SAMLRequest", "RelayState")
    )
    told = '<p role="alert">That is not right.</p>' if wrong else ""
    told += "<p>Once more, please.</p>" if question["anew"] else ""
    return page(
        f'<!doctype html><html lang="en"><title>{html.escape(organization.name)}</title>'
        f"<style>{_STYLE}</style><h1>{html.escape(organization.name)}</h1>{told}"
        f'<form method="post" action="sso">{hidden}'
        '<p><label>User <input name="user"></label>'
        '<p><label>Password <input name="password" type="password"></label>'
        '<p><button>Sign in</button> <button name="cancel" value="1">Cancel</button></form>'
    )


def _post_page(organization: Organization, signed: bytes, state: str) -> Response:
    """Send the answer by the browser: a form that posts itself, with a button where it cannot."""
    return page(
        '<!doctype html><html lang="en"><title>Signing in</title><body '
        'onload="document.forms[0].submit()">'
        f'<form method="post" action="{html.escape(organization.acs)}">'
        f'<input type="hidden" name="SAMLResponse" value="{base64.b64encode(signed).decode()}">'
        f'<input type="hidden" name="RelayState" value="{html.escape(state)}">'
        "<button>Go on</button></form>"
    )
