"""SAML answers as XML, well made by default; what a fault names is laid over the true values."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"


def moment(after: float = 0) -> str:
    """Return a moment so many seconds from now."""
    return datetime.fromtimestamp(time.time() + after, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def values_of(
    person: Mapping[str, Any], *, issuer: str, audience: str, acs: str, request: str
) -> dict[str, Any]:
    """Return what a true answer says of a person; everything can be laid over."""
    return {
        "response_id": f"_{secrets.token_hex(16)}",
        "assertion_id": f"_{secrets.token_hex(16)}",
        "status": SUCCESS,
        "issuer": issuer,
        "response_issuer": issuer,
        "destination": acs,
        "recipient": acs,
        "audience": audience,
        "response_to": request,
        "in_response_to": request,
        "issued": moment(),
        "confirmed_until": moment(300),
        "not_before": moment(-5),
        "not_on_or_after": moment(300),
        "began": moment(),
        "session_ends": None,
        "method": "urn:oasis:names:tc:SAML:2.0:cm:bearer",
        "context": person.get("context", PASSWORD),
        "name": person["name_id"],
        "name_format": person.get("name_format", PERSISTENT),
        "name_qualifier": None,
        "sp_name_qualifier": None,
        "attributes": person.get("attributes", {}),
        "conditions": "",
        "statements": 1,
    }


def answer(said: Mapping[str, Any], *, without_assertion: bool = False) -> str:
    """Return the answer, not signed yet."""
    inside = "" if without_assertion else _assertion(said)
    named = _attributes(
        ID=said["response_id"],
        Version="2.0",
        IssueInstant=said["issued"],
        Destination=said["destination"],
        InResponseTo=said["response_to"],
    )
    issuer = said["response_issuer"]
    told = f"<saml:Issuer>{escape(issuer)}</saml:Issuer>" if issuer else ""
    return (
        '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" '
        f'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"{named}>{told}'
        f"<samlp:Status><samlp:StatusCode Value={quoteattr(said['status'])}/></samlp:Status>"
        f"{inside}</samlp:Response>"
    )


def _assertion(said: Mapping[str, Any]) -> str:
    named = _attributes(ID=said["assertion_id"], Version="2.0", IssueInstant=said["issued"])
    return (
        '<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"'
        f"{named}><saml:Issuer>{escape(said['issuer'])}</saml:Issuer>"
        f"{_subject(said)}{_conditions(said)}{_statement(said) * said['statements']}"
        f"{_attribute_statement(said['attributes'])}</saml:Assertion>"
    )


def _subject(said: Mapping[str, Any]) -> str:
    named = _attributes(
        Format=said["name_format"],
        NameQualifier=said["name_qualifier"],
        SPNameQualifier=said["sp_name_qualifier"],
    )
    data = _attributes(
        Recipient=said["recipient"],
        InResponseTo=said["in_response_to"],
        NotOnOrAfter=said["confirmed_until"],
    )
    name = said["name"]  # already XML: a comment may stand in it
    told = f"<saml:NameID{named}>{name}</saml:NameID>" if name is not None else ""
    return (
        f"<saml:Subject>{told}<saml:SubjectConfirmation Method={quoteattr(said['method'])}>"
        f"<saml:SubjectConfirmationData{data}/></saml:SubjectConfirmation></saml:Subject>"
    )


def _conditions(said: Mapping[str, Any]) -> str:
    named = _attributes(NotBefore=said["not_before"], NotOnOrAfter=said["not_on_or_after"])
    audience = said["audience"]
    told = (
        f"<saml:AudienceRestriction><saml:Audience>{escape(audience)}</saml:Audience>"
        "</saml:AudienceRestriction>"
        if audience
        else ""
    )
    return f"<saml:Conditions{named}>{told}{said['conditions']}</saml:Conditions>"


def _statement(said: Mapping[str, Any]) -> str:
    named = _attributes(AuthnInstant=said["began"], SessionNotOnOrAfter=said["session_ends"])
    return (
        f"<saml:AuthnStatement{named}><saml:AuthnContext><saml:AuthnContextClassRef>"
        f"{escape(said['context'])}</saml:AuthnContextClassRef></saml:AuthnContext>"
        "</saml:AuthnStatement>"
    )


def _attribute_statement(attributes: Mapping[str, Any]) -> str:
    told = "".join(
        f"<saml:Attribute Name={quoteattr(name)}>"
        + "".join(
            f"<saml:AttributeValue>{value}</saml:AttributeValue>"
            for value in (values if isinstance(values, list) else [values])
        )
        + "</saml:Attribute>"
        for name, values in attributes.items()
    )
    return f"<saml:AttributeStatement>{told}</saml:AttributeStatement>" if told else ""


def _attributes(**named: str | None) -> str:
    return "".join(
        f" {name}={quoteattr(value)}" for name, value in named.items() if value is not None
    )
