"""OpenID Connect from the side that relies on it: authorization code flow with PKCE.

Sources: OpenID Connect Core 1.0, Discovery 1.0; RFC 7636 (PKCE), 9207 (issuer in the answer), 9700
(what is known to go wrong). Each question has its own state, nonce and verifier; each firm has its
own address to come back to, so that an answer meant for one firm is none for another.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.core.cache import cache

from billing_portal.directories.fetching import NotAPlace, Unreachable, checked_url, fetch
from billing_portal.directories.tokens import NotProven, Person, claims_of, person_of

_WELL_KNOWN = "/.well-known/openid-configuration"
_KNOWN_FOR = 300  # seconds that a provider's description is kept
_AWAY_FOR = 10  # seconds in which a provider that did not answer is not asked again
_SCOPE = "openid email profile"


@dataclass(frozen=True)
class Client:
    """The portal as a firm's directory knows it; the secret is in clear, for one sign-in."""

    issuer: str
    client_id: str
    secret: str


@dataclass(frozen=True)
class Question:
    """What makes one sign-in unlike any other; kept in the session until the answer comes.

    :ivar since: seconds since 1970; the person has to prove themselves there after it, whatever
        session they have there. 0 leaves it to the directory.
    """

    state: str
    nonce: str
    verifier: str
    since: int = 0


def new_question(*, since: int = 0) -> Question:
    """Return a question that nobody can guess."""
    state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
    return Question(state, nonce, verifier, since)


def address_of(client: Client, question: Question, *, back_to: str) -> str:
    """Return where the browser goes to be asked. Asks for the provider's description at most once.

    :raises Unreachable: when the provider does not describe itself as one.
    """
    digest = hashlib.sha256(question.verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "scope": _SCOPE,
        "client_id": client.client_id,
        "redirect_uri": back_to,
        "state": question.state,
        "nonce": question.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    if question.since:
        asked |= {"prompt": "login", "max_age": "0"}
    place = str(_described(client.issuer)["authorization_endpoint"])
    return f"{place}{'&' if urlsplit(place).query else '?'}{urlencode(asked)}"


def answered(
    client: Client, question: Question, answer: Mapping[str, str], *, back_to: str, now: datetime
) -> Person:
    """Return whom the provider's answer proves. Two to four requests to the provider.

    :param answer: the parameters that the browser brought back.
    :raises NotProven: when it proves nobody.
    :raises Unreachable: when the provider does not answer.
    """
    described = _described(client.issuer)
    names_itself = described.get("authorization_response_iss_parameter_supported") is True
    if answer.get("iss", "" if names_itself else client.issuer) != client.issuer:
        raise NotProven("mixed_up")
    if answer.get("error") or not answer.get("code"):
        raise NotProven("declined")
    tokens = _redeemed(client, question, described, answer["code"], back_to)
    keys = fetch(str(described["jwks_uri"])).get("keys")
    claims = claims_of(
        str(tokens.get("id_token", "")),
        keys=keys if isinstance(keys, list) else [],
        issuer=client.issuer,
        client_id=client.client_id,
        nonce=question.nonce,
        now=now,
        since=question.since,
    )
    if "email" in claims or "userinfo_endpoint" not in described:
        return person_of(claims)
    bearer = {"Authorization": f"Bearer {tokens.get('access_token', '')}"}
    return person_of(claims, told=fetch(str(described["userinfo_endpoint"]), headers=bearer))


def _redeemed(
    client: Client, question: Question, described: dict[str, Any], code: str, back_to: str
) -> dict[str, Any]:
    """Change the code for tokens; who stole it lacks the verifier."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back_to,
        "code_verifier": question.verifier,
    }
    headers = {}
    methods = described.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    if "client_secret_basic" in methods:
        pair = f"{quote(client.client_id, safe='')}:{quote(client.secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": client.client_id, "client_secret": client.secret}
    return fetch(str(described["token_endpoint"]), form=form, headers=headers)


def _described(issuer: str) -> dict[str, Any]:
    """Return the provider's description of itself, kept for five minutes.

    That there is none is kept for some seconds, too: anybody may ask for it, and asking takes long.
    """
    key = f"directory:{hashlib.sha256(issuer.encode()).hexdigest()}"
    described: dict[str, Any] | str | None = cache.get(key)
    if described is None:
        try:
            described = fetch(issuer.rstrip("/") + _WELL_KNOWN)
            _refuse_other(issuer, described)
        except Unreachable as refusal:
            cache.set(key, str(refusal), _AWAY_FOR)
            raise
        cache.set(key, described, _KNOWN_FOR)
    if isinstance(described, str):
        raise Unreachable(described)
    return described


def _refuse_other(issuer: str, described: dict[str, Any]) -> None:
    """Pass when the description is of this very issuer and names places that may be asked."""
    if described.get("issuer") != issuer:
        raise Unreachable("Your firm's directory calls itself by another name than it was given.")
    places = ["authorization_endpoint", "token_endpoint", "jwks_uri"]
    places += ["userinfo_endpoint"] if "userinfo_endpoint" in described else []
    try:
        for place in places:
            checked_url(str(described.get(place)))
    except NotAPlace as error:
        raise Unreachable("Your firm's directory does not say where to sign in.") from error
