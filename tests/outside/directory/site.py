"""The directory as a function from request to answer: OpenID Connect by the book, and the control.

``/<organization>/`` is an issuer of its own: description, sign-in page, token, keys, userinfo. It
holds to RFC 7636 (a verifier is demanded), redirects only to addresses registered exactly, and
takes each code once. ``/_control/...`` is no part of it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode

from tests.outside.directory.people import Grant, Organization, Register
from tests.outside.directory.signing import Signer
from tests.outside.organizations import control
from tests.outside.web import Request, Response, answer, page, redirect

_ASKED = (
    *("client_id", "redirect_uri", "response_type", "scope", "state", "nonce"),
    *("code_challenge", "code_challenge_method"),
)
_STYLE = "body{font:1rem sans-serif;max-width:24rem;margin:3rem auto;padding:0 1rem}"


@dataclass(frozen=True)
class Directory:
    """The whole server."""

    register: Register
    signer: Signer

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        if request.path.startswith("/_control/"):
            return control(self.register, request)
        key, _, rest = request.path.removeprefix("/").partition("/")
        organization = self.register.organizations.get(key)
        if organization is None:
            return page("<h1>Not found</h1>", status=404)
        if organization.faults.get("down"):
            return page("<h1>Service unavailable</h1>", status=503)
        issuer = f"http://{request.headers.get('host', '')}/{key}"
        return self._served(f"{request.method} {rest}", request, organization, issuer)

    def _served(
        self, verb: str, request: Request, organization: Organization, issuer: str
    ) -> Response:
        verbs: dict[str, Callable[[], Response]] = {
            "GET .well-known/openid-configuration": lambda: answer(
                _description(issuer) | organization.faults.get("description", {})
            ),
            "GET authorize": lambda: _sign_in_page(organization, request.query),
            "POST authorize": lambda: self._sign_in(organization, request.form, issuer),
            "POST token": lambda: self._token(organization, request, issuer),
            "GET jwks": lambda: answer(self.signer.jwks()),
            "GET userinfo": lambda: self._userinfo(organization, request),
        }
        return verbs[verb]() if verb in verbs else page("<h1>Not found</h1>", status=404)

    def _sign_in(
        self, organization: Organization, form: Mapping[str, str], issuer: str
    ) -> Response:
        trouble = _trouble(organization, form)
        if trouble:
            return page(f"<h1>Bad request</h1><p>{html.escape(trouble)}</p>", status=400)
        back = {"state": form["state"], "iss": organization.faults.get("answer_issuer", issuer)}
        if "cancel" in form:
            return _back(form, {**back, "error": "access_denied"})
        person = organization.people.get(form.get("user", ""))
        if person is None or not hmac.compare_digest(
            person["password"].encode(), form.get("password", "").encode()
        ):
            return _sign_in_page(organization, form, wrong=True)
        code = self.register.give_code(organization, person["user"], form)
        return _back(form, {**back, "code": code})

    def _token(self, organization: Organization, request: Request, issuer: str) -> Response:
        form = request.form
        if not _is_client(organization, request):
            return answer({"error": "invalid_client"}, status=401)
        redeemed = self.register.redeem(organization, form.get("code", ""))
        if redeemed is None or not _fits(redeemed[0], form):
            return answer({"error": "invalid_grant"}, status=400)
        grant, token = redeemed
        claims = self._claims(organization, grant, issuer)
        fault = organization.faults.get("signature", "")
        told = {"access_token": token, "token_type": "Bearer", "expires_in": 300}
        return answer(told | {"id_token": self.signer.token(claims, fault)})

    def _claims(self, organization: Organization, grant: Grant, issuer: str) -> dict[str, Any]:
        person, now = organization.people[grant.user], int(time.time())
        claims = {
            "iss": issuer,
            "aud": organization.client_id,
            "sub": person["sub"],
            "iat": now,
            "exp": now + 300,
            "nonce": grant.asked.get("nonce", ""),
        }
        claims["auth_time"] = now
        if not organization.faults.get("thin"):
            claims |= _address(person)
        claims |= {name: person[name] for name in ("amr", "acr") if name in person}
        claims |= organization.faults.get("claims", {})
        return {name: value for name, value in claims.items() if value is not None}

    def _userinfo(self, organization: Organization, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        user = self.register.holder(organization, token)
        if user is None:
            return answer({"error": "invalid_token"}, status=401)
        person = organization.people[user]
        told = {"sub": person["sub"], **_address(person)}
        return answer(told | organization.faults.get("userinfo", {}))


def _description(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }


def _address(person: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "email": person["email"],
        "email_verified": person.get("email_verified", True),
        "name": person.get("name", ""),
    }


def _trouble(organization: Organization, asked: Mapping[str, str]) -> str:
    """Say what is wrong with what the relying party asks; it is never answered there."""
    rules = {
        "No such client.": asked.get("client_id") == organization.client_id,
        "This address is not registered.": asked.get("redirect_uri") in organization.redirect_uris,
        "Only codes are given.": asked.get("response_type") == "code",
        "No state.": bool(asked.get("state")),
        "A challenge is demanded.": len(asked.get("code_challenge", "")) == 43
        and asked.get("code_challenge_method") == "S256",
    }
    return next((told for told, holds in rules.items() if not holds), "")


def _sign_in_page(
    organization: Organization, asked: Mapping[str, str], *, wrong: bool = False
) -> Response:
    trouble = _trouble(organization, asked)
    if trouble:
        return page(f"<h1>Bad request</h1><p>{html.escape(trouble)}</p>", status=400)
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(asked.get(name, ""))}">'
        for name in _ASKED
    )
    told = '<p role="alert">That is not right.</p>' if wrong else ""
    return page(
        f'<!doctype html><html lang="en"><title>{html.escape(organization.name)}</title>'
        f"<style>{_STYLE}</style><h1>{html.escape(organization.name)}</h1>{told}"
        f'<form method="post" action="authorize">{hidden}'
        '<p><label>User <input name="user"></label>'
        '<p><label>Password <input name="password" type="password"></label>'
        '<p><button>Sign in</button> <button name="cancel" value="1">Cancel</button></form>'
    )


def _back(asked: Mapping[str, str], told: Mapping[str, str]) -> Response:
    return redirect(f"{asked['redirect_uri']}?{urlencode(told)}")


def _is_client(organization: Organization, request: Request) -> bool:
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    if kind != "Basic":
        return False
    name, _, secret = base64.b64decode(text).decode().partition(":")
    given = f"{unquote(name)}\n{unquote(secret)}".encode()
    known = f"{organization.client_id}\n{organization.client_secret}".encode()
    return hmac.compare_digest(given, known)


def _fits(grant: Grant, form: Mapping[str, str]) -> bool:
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return (
        form.get("grant_type") == "authorization_code"
        and form.get("redirect_uri") == grant.asked.get("redirect_uri")
        and hmac.compare_digest(challenge, grant.asked.get("code_challenge", ""))
    )
