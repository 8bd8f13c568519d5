"""What a SAML directory says of a person, believed only when everything about it holds.

Sources: SAML 2.0 Core, sections 2 and 3.2; Profiles, section 4.1.4 (web browser single sign-on),
read strictly. The answer is to the very question that this browser was sent out with, at this
firm's own address, for this firm's portal alone; it is fresh, and it names the person by a key
that never goes to another.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509

from billing_portal.directories import signatures
from billing_portal.directories.saml_xml import (
    ADDRESS,
    ASSERTION,
    MOST_BYTES,
    PERSISTENT,
    PROTOCOL,
    TRANSIENT,
    NotSaml,
    moment_of,
    parsed,
    text_of,
)
from billing_portal.directories.tokens import NotProven, Person, is_subject
from billing_portal.errors import Refused

_P, _A = f"{{{PROTOCOL}}}", f"{{{ASSERTION}}}"
_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_ENTITY = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
_CONDITIONS = {f"{_A}AudienceRestriction", f"{_A}OneTimeUse", f"{_A}ProxyRestriction"}
_CLOCKS_DIFFER = timedelta(seconds=60)
_FRESH = timedelta(seconds=600)  # since the assertion was issued
_LONGEST_ADDRESS = 254


class Encrypted(Refused):
    """The directory encrypts what it says, for which the portal has no key."""

    code = "directories.encrypted"


@dataclass(frozen=True)
class Provider:
    """A firm's SAML directory, as two of its owners have agreed on it.

    :ivar subject_attribute: holds the person's key, where the NameID does not.
    :ivar email_attribute: holds the address, where the NameID is none.
    """

    entity_id: str
    sso_url: str
    certificates: list[x509.Certificate]
    subject_attribute: str = ""
    email_attribute: str = ""


@dataclass(frozen=True)
class Ours:
    """The portal as a firm's directory knows it: each firm has its own."""

    entity_id: str
    acs: str


@dataclass(frozen=True)
class Proven:
    """Whom an assertion proves, its own name, and when it wants the session to end, if it does."""

    person: Person
    assertion: str
    ends_at: datetime | None


def proven_by(
    response: str, provider: Provider, ours: Ours, *, request: str, now: datetime, since: int = 0
) -> Proven:
    """Return whom a directory's answer proves, if it holds in every respect.

    :param response: as the form brought it, in base64.
    :param request: the ID of the question that this browser was sent out with.
    :param since: when the person must have proven themselves there, or later; 0 is whenever.
    :raises NotProven: otherwise, with the first respect in which it does not.
    :raises Encrypted: when it cannot be read.
    """
    root = _parsed(response)
    _refuse_unanswered(root, provider, ours, request)
    assertion = signatures.signed_assertion(root, provider.certificates)
    statement = _only(assertion, f"{_A}AuthnStatement", "statement")
    ends_at = moment_of(statement.get("SessionNotOnOrAfter"))
    began = moment_of(statement.get("AuthnInstant"))
    issued = moment_of(assertion.get("IssueInstant"))
    respects = {
        "issuer": _is_issuer(assertion.find(f"{_A}Issuer"), provider),
        "issued": issued is not None and abs(now - issued) < _FRESH,
        "confirmation": _is_confirmed(assertion, ours, request, now),
        "conditions": _holds_now(assertion, now),
        "audience": _is_for(assertion, ours),
        "statement": began is not None and began <= now + _CLOCKS_DIFFER,
        "stale": began is not None and began.timestamp() >= since - _CLOCKS_DIFFER.seconds,
        "session_over": not statement.get("SessionNotOnOrAfter") or (ends_at or now) > now,
    }
    for reason, holds in respects.items():
        if not holds:
            raise NotProven(reason)
    context = statement.find(f"{_A}AuthnContext/{_A}AuthnContextClassRef")
    person = _person(assertion, provider, ours, acr=text_of(context))
    return Proven(person, str(assertion.get("ID")), ends_at)


def _parsed(response: str) -> Any:
    if len(response) > 2 * MOST_BYTES:
        raise NotProven("size")
    try:
        return parsed(base64.b64decode("".join(response.split()), validate=True))
    except (NotSaml, binascii.Error, ValueError) as error:
        raise NotProven("form") from error


def _refuse_unanswered(root: Any, provider: Provider, ours: Ours, request: str) -> None:
    """Pass when the answer as a whole says yes, to this question, here."""
    if root.tag != f"{_P}Response" or root.get("Version") != "2.0":
        raise NotProven("form")
    statuses = root.findall(f"{_P}Status/{_P}StatusCode")
    if [each.get("Value") for each in statuses] != [_SUCCESS]:
        raise NotProven("declined")
    encrypted = ("EncryptedAssertion", "EncryptedID", "EncryptedAttribute")
    if next(root.iter(*(f"{_A}{kind}" for kind in encrypted)), None) is not None:
        raise Encrypted(
            "Your firm's directory encrypts its answers, which the portal does not read. "
            "An administrator of the directory can switch that off. Nobody was signed in."
        )
    issuer = root.find(f"{_A}Issuer")
    if issuer is not None and not _is_issuer(issuer, provider):
        raise NotProven("issuer")
    if root.get("Destination") != ours.acs:
        raise NotProven("destination")
    if not _is_same(root.get("InResponseTo"), request):
        raise NotProven("question")


def _is_confirmed(assertion: Any, ours: Ours, request: str, now: datetime) -> bool:
    """Say whether the bearer of the assertion may be this browser: one confirmation holds whole."""
    subjects = assertion.findall(f"{_A}Subject")
    if len(subjects) != 1:
        return False
    told = [
        data
        for each in subjects[0].findall(f"{_A}SubjectConfirmation")
        if each.get("Method") == _BEARER
        for data in each.findall(f"{_A}SubjectConfirmationData")
    ]
    return any(
        data.get("Recipient") == ours.acs
        and _is_same(data.get("InResponseTo"), request)
        and data.get("NotBefore") is None  # a bearer's has none: Profiles 4.1.4.2
        and data.get("NotOnOrAfter") is not None
        and _is_within(data, now)
        for data in told
    )


def _holds_now(assertion: Any, now: datetime) -> bool:
    """Say whether there is one set of conditions, of kinds that are understood, and it holds."""
    found = assertion.findall(f"{_A}Conditions")
    return (
        len(found) == 1
        and all(each.tag in _CONDITIONS for each in found[0])
        and _is_within(found[0], now)
    )


def _is_within(element: Any, now: datetime) -> bool:
    begins, ends = element.get("NotBefore"), element.get("NotOnOrAfter")
    first, last = moment_of(begins), moment_of(ends)
    has_begun = begins is None or (first is not None and first <= now + _CLOCKS_DIFFER)
    return has_begun and (ends is None or (last is not None and now < last + _CLOCKS_DIFFER))


def _is_for(assertion: Any, ours: Ours) -> bool:
    """Say whether every restriction of who may read it names this firm's portal."""
    restrictions = assertion.findall(f"{_A}Conditions/{_A}AudienceRestriction")
    return bool(restrictions) and all(
        ours.entity_id in [text_of(each) for each in one.findall(f"{_A}Audience")]
        for one in restrictions
    )


def _is_issuer(issuer: Any, provider: Provider) -> bool:
    return text_of(issuer) == provider.entity_id and issuer.get("Format", _ENTITY) == _ENTITY


def _person(assertion: Any, provider: Provider, ours: Ours, *, acr: str) -> Person:
    name = assertion.find(f"{_A}Subject/{_A}NameID")
    kind = "" if name is None else name.get("Format", "")
    if kind == TRANSIENT:
        raise NotProven("transient")
    if provider.subject_attribute:
        subject = _value(assertion, provider.subject_attribute)
    else:
        subject = text_of(name) if kind == PERSISTENT and _is_ours(name, provider, ours) else ""
    if not is_subject(subject):
        raise NotProven("subject")
    if provider.email_attribute:
        email = _value(assertion, provider.email_attribute)
    else:
        email = text_of(name) if kind == ADDRESS else ""
    has_place = len(email) <= _LONGEST_ADDRESS and email.isprintable() and email.count("@") == 1
    email = email.lower() if has_place else ""
    return Person(issuer=provider.entity_id, subject=subject, email=email, acr=acr)


def _is_ours(name: Any, provider: Provider, ours: Ours) -> bool:
    """Say whether a key was given by this directory, for this portal: elsewhere it is another's."""
    by = name.get("NameQualifier") or provider.entity_id
    to = name.get("SPNameQualifier") or ours.entity_id
    return bool((by, to) == (provider.entity_id, ours.entity_id))


def _value(assertion: Any, attribute: str) -> str:
    """Return the one value of an attribute, or an empty text where it has none or several."""
    values = [
        value
        for each in assertion.findall(f"{_A}AttributeStatement/{_A}Attribute")
        if each.get("Name") == attribute
        for value in each.findall(f"{_A}AttributeValue")
    ]
    return text_of(values[0]) if len(values) == 1 else ""


def _only(parent: Any, tag: str, reason: str) -> Any:
    found = parent.findall(tag)
    if len(found) != 1:
        raise NotProven(reason)
    return found[0]


def _is_same(said: str | None, known: str) -> bool:
    return hmac.compare_digest((said or "").encode(), known.encode())
