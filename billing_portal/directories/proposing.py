"""What may be proposed as a directory: addresses, certificates, domains, each as it must be."""

from __future__ import annotations

import re
from typing import Any

from billing_portal.directories.certificates import NotCertificates, as_pem, certificates_in
from billing_portal.directories.fetching import NotAPlace, checked_url
from billing_portal.directories.models import Protocol
from billing_portal.errors import Refused

_DOMAIN = re.compile(
    r"^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$"
)
_ENTITY_ID = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]{1,190}$")
_MOST_DOMAINS = 50
_LONGEST = {"sso_url": 500, "subject_attribute": 200, "email_attribute": 200}
_SAYS = {
    Protocol.OIDC: ("client_id", "client_secret"),
    Protocol.SAML: ("sso_url", "certificates", "subject_attribute", "email_attribute"),
}


class BadDirectory(Refused):
    """The issuer, the client, a certificate or a domain is none."""

    code = "directories.bad"


def checked(protocol: str, issuer: str, domains: list[str], said: dict[str, str]) -> dict[str, Any]:
    """Return what a directory is made of, by the names of its columns, tidied.

    :param said: what the protocol needs, by name; the secret is left as it is.
    :raises BadDirectory: when a value cannot be, or belongs to the other protocol.
    """
    if protocol not in Protocol.values:
        raise BadDirectory("A directory speaks OpenID Connect or SAML 2.0.")
    own = {name: said.get(name, "") for name in _SAYS[Protocol(protocol)]}
    foreign = sorted(name.replace("_", " ") for name in said if said[name] and name not in own)
    if foreign:
        raise BadDirectory(f"{Protocol(protocol).label} has no {', '.join(foreign)}: leave it out.")
    told = {
        name: value if name == "client_secret" else value.strip() for name, value in own.items()
    }
    issuer, names = issuer.strip(), sorted({each.strip().lower() for each in domains})
    if protocol == Protocol.SAML:
        told["certificates"] = _checked_saml(issuer, told)
    else:
        _refuse_bad_client(issuer, told)
    _refuse_bad_domains(names)
    return {"protocol": protocol, "issuer": issuer, "domains": names, **told}


def _refuse_bad_client(issuer: str, told: dict[str, str]) -> None:
    try:
        parts = checked_url(issuer)
    except NotAPlace as error:
        raise BadDirectory(str(error)) from error
    if parts.query:
        raise BadDirectory("An issuer has no question mark in it.")
    if not told["client_id"] or not told["client_secret"]:
        raise BadDirectory("Give the client id and the secret that the provider gave you.")


def _checked_saml(issuer: str, told: dict[str, str]) -> str:
    """Return the certificates as they are kept, if all about the provider can be."""
    if not _ENTITY_ID.match(issuer):
        raise BadDirectory("Give the provider's entity ID: it looks like an address, or urn:…")
    for name, longest in _LONGEST.items():
        if len(told[name]) > longest or not told[name].isprintable():
            raise BadDirectory(f"The {name.replace('_', ' ')} is too long, or not one line.")
    try:
        checked_url(told["sso_url"])
        return as_pem(certificates_in(told["certificates"]))
    except (NotAPlace, NotCertificates) as error:
        raise BadDirectory(str(error)) from error


def _refuse_bad_domains(domains: list[str]) -> None:
    bad = [each for each in domains if not _DOMAIN.match(each)]
    if bad or not domains or len(domains) > _MOST_DOMAINS:
        raise BadDirectory(
            f"Name 1 to {_MOST_DOMAINS} domains, such as arnesen.test"
            + (f"; these are none: {', '.join(bad)}." if bad else ".")
        )
