"""ID tokens: what a directory says of a person, believed only when everything about it holds.

Source: OpenID Connect Core 1.0, section 3.1.3.7, read strictly. The signature is checked although
the token comes straight from the provider over TLS; algorithms are those with a public key; the
token is for this portal alone; it is fresh, and answers the very question that was asked.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt

from billing_portal.errors import Refused

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
# What a token says is held against the question here, with words for the trail.
_SIGNATURE_ONLY: Any = {
    f"verify_{name}": False for name in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
}
_CLOCKS_DIFFER = 60  # seconds
_FRESH = 600  # seconds since it was issued
_LONGEST_SUBJECT = 255


class NotProven(Refused):
    """What came from the directory does not prove who somebody is.

    :ivar reason: one word for the audit trail, such as ``audience``; the person is told no more
        than that it failed.
    """

    code = "directories.not_proven"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__("Your firm's directory did not prove who you are. Nobody was signed in.")


@dataclass(frozen=True)
class Person:
    """Who somebody is by the word of a directory.

    :ivar subject: the directory's own key of the person, which never goes to another.
    :ivar email: in lower case; empty unless the directory has verified it.
    :ivar factors: ``amr``, how they proved themselves there; ``acr`` sums it up.
    """

    issuer: str
    subject: str
    email: str = ""
    factors: frozenset[str] = frozenset()
    acr: str = ""


def claims_of(
    id_token: str,
    *,
    keys: list[Any],
    issuer: str,
    client_id: str,
    nonce: str,
    now: datetime,
    since: int = 0,
) -> dict[str, Any]:
    """Return the claims of a token that holds in every respect.

    :param keys: the provider's keys, as its JWKS lists them.
    :param since: when the person must have proven themselves there, or later; 0 is whenever.
    :raises NotProven: otherwise, with the first respect in which it does not.
    """
    claims = _signed(id_token, keys)
    moment = now.timestamp()
    audience = claims.get("aud")
    respects = {
        "issuer": claims.get("iss") == issuer,
        "audience": audience in (client_id, [client_id]),
        "party": claims.get("azp", client_id) == client_id,
        "subject": is_subject(claims.get("sub")),
        "nonce": hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()),
        "expired": _number(claims.get("exp")) > moment - _CLOCKS_DIFFER,
        "issued": abs(moment - _number(claims.get("iat"))) < _FRESH,
        "stale": not since or _number(claims.get("auth_time")) >= since - _CLOCKS_DIFFER,
        "not_yet": _number(claims.get("nbf", moment)) <= moment + _CLOCKS_DIFFER,
    }
    for reason, holds in respects.items():
        if not holds:
            raise NotProven(reason)
    return claims


def person_of(claims: dict[str, Any], *, told: dict[str, Any] | None = None) -> Person:
    """Return the person whom checked claims name.

    :param told: what the provider's userinfo says, for providers that keep the address there.
    :raises NotProven: when userinfo speaks of somebody else.
    """
    if told is not None and told.get("sub") != claims["sub"]:
        raise NotProven("userinfo")
    said = claims if told is None else told
    is_verified = said.get("email_verified") in (True, "true")  # some providers write a string
    email, methods = said.get("email"), claims.get("amr")
    return Person(
        issuer=claims["iss"],
        subject=claims["sub"],
        email=email.strip().lower() if is_verified and isinstance(email, str) else "",
        factors=frozenset(map(str, methods)) if isinstance(methods, list) else frozenset(),
        acr=str(claims.get("acr") or ""),
    )


def is_subject(value: Any) -> bool:
    """Say whether a value can be a directory's key of a person."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_SUBJECT and value.isprintable()


def _signed(id_token: str, keys: list[Any]) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(id_token)
    except jwt.PyJWTError as error:
        raise NotProven("form") from error
    if header.get("alg") not in ALGORITHMS:
        raise NotProven("algorithm")
    try:
        key = jwt.PyJWK(_key(header, keys), algorithm=header["alg"])
        return jwt.decode(id_token, key, algorithms=[header["alg"]], options=_SIGNATURE_ONLY)
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise NotProven("signature") from error


def _key(header: dict[str, Any], keys: list[Any]) -> dict[str, Any]:
    """Return the key that the header names, or the only one there is; never one that it carries."""
    fit = [
        each
        for each in keys
        if isinstance(each, dict)
        and each.get("kid") == header.get("kid", each.get("kid"))
        and each.get("use", "sig") == "sig"
        and each.get("alg", header["alg"]) == header["alg"]
    ]
    if len(fit) != 1:
        raise NotProven("key")
    return fit[0]


def _number(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else float("nan")
