"""SAML 2.0 from the side that relies on it: how a directory is asked, and how it asks who we are.

Sources: SAML 2.0 Bindings, section 3.4 (HTTP-Redirect: deflated, in the address), Profiles 4.1,
Metadata. Only what this portal asked for is answered; each firm has its own name and address here,
so that an answer meant for one firm is none for another.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from lxml import etree

from billing_portal.directories.assertions import Ours, Proven, Provider, proven_by
from billing_portal.directories.certificates import NotCertificates, as_pem, certificates_of
from billing_portal.directories.relying import Question
from billing_portal.directories.saml_xml import (
    ADDRESS,
    ASSERTION,
    METADATA,
    PERSISTENT,
    POST,
    PROTOCOL,
    REDIRECT,
    SIGNATURE,
    NotSaml,
    parsed,
    text_of,
    written,
)

_M, _D = f"{{{METADATA}}}", f"{{{SIGNATURE}}}"


class NotADirectory(ValueError):
    """What was pasted does not describe one SAML directory."""


@dataclass(frozen=True)
class Described:
    """A directory as its metadata describes it; the certificates are PEM."""

    entity_id: str
    sso_url: str
    certificates: str


def address_of(provider: Provider, ours: Ours, question: Question, *, now: datetime) -> str:
    """Return where the browser goes to be asked."""
    spaces = {"samlp": PROTOCOL, "saml": ASSERTION}
    asked = etree.Element(f"{{{PROTOCOL}}}AuthnRequest", nsmap=spaces)
    asked.set("ID", name_of(question))
    asked.set("Version", "2.0")
    asked.set("IssueInstant", written(now))
    asked.set("Destination", provider.sso_url)
    asked.set("AssertionConsumerServiceURL", ours.acs)
    asked.set("ProtocolBinding", POST)
    if question.since:
        asked.set("ForceAuthn", "true")
    etree.SubElement(asked, f"{{{ASSERTION}}}Issuer").text = ours.entity_id
    etree.SubElement(asked, f"{{{PROTOCOL}}}NameIDPolicy", AllowCreate="true")
    squeezed = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = squeezed.compress(etree.tostring(asked)) + squeezed.flush()
    told = {"SAMLRequest": base64.b64encode(deflated).decode(), "RelayState": question.state}
    place = provider.sso_url
    return f"{place}{'&' if urlsplit(place).query else '?'}{urlencode(told)}"


def answered(
    provider: Provider, ours: Ours, question: Question, response: str, *, now: datetime
) -> Proven:
    """Return whom the directory's answer to a question proves.

    :raises Refused: when it proves nobody.
    """
    return proven_by(
        response, provider, ours, request=name_of(question), now=now, since=question.since
    )


def name_of(question: Question) -> str:
    """Return the ID of a question; an XML name begins with no digit."""
    return f"_{question.nonce}"


def metadata_of(ours: Ours) -> bytes:
    """Return the portal's description of itself for one firm, to be given to its directory."""
    root = etree.Element(f"{_M}EntityDescriptor", nsmap={"md": METADATA}, entityID=ours.entity_id)
    role = etree.SubElement(
        root,
        f"{_M}SPSSODescriptor",
        AuthnRequestsSigned="false",
        WantAssertionsSigned="true",
        protocolSupportEnumeration=PROTOCOL,
    )
    for kind in (PERSISTENT, ADDRESS):
        etree.SubElement(role, f"{_M}NameIDFormat").text = kind
    consumer = etree.SubElement(role, f"{_M}AssertionConsumerService")
    told = {"Binding": POST, "Location": ours.acs, "index": "0", "isDefault": "true"}
    for name, value in told.items():
        consumer.set(name, value)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def described(metadata: str) -> Described:
    """Return the one directory that pasted metadata describes.

    Its own signature is not asked: two owners agree on what it says.

    :raises NotADirectory: when it describes none, or several, or not how to ask it.
    """
    try:
        root = parsed(metadata.strip().encode())
    except NotSaml as error:
        raise NotADirectory(f"The metadata cannot be read. {error}") from error
    role, one = root.findall(f"{_M}IDPSSODescriptor"), "The metadata of one directory is needed"
    if root.tag != f"{_M}EntityDescriptor" or len(role) != 1:
        raise NotADirectory(f"{one}: an EntityDescriptor with an IDPSSODescriptor.")
    places = [
        each.get("Location", "")
        for each in role[0].findall(f"{_M}SingleSignOnService")
        if each.get("Binding") == REDIRECT
    ]
    if not places:
        raise NotADirectory("The directory names no address for sign-in by HTTP-Redirect.")
    try:
        certificates = as_pem(certificates_of(_signing(role[0])))
    except NotCertificates as error:
        raise NotADirectory(f"In the metadata: {error}") from error
    return Described(root.get("entityID", ""), places[0], certificates)


def _signing(role: Any) -> list[str]:
    return [
        text_of(certificate)
        for key in role.findall(f"{_M}KeyDescriptor")
        if key.get("use", "signing") == "signing"
        for certificate in key.findall(f"{_D}KeyInfo/{_D}X509Data/{_D}X509Certificate")
    ]
