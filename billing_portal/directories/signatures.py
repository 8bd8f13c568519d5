"""What a directory has signed of its answer, and nothing else of it: proof against wrapping.

Sources: SAML 2.0 Core, section 5.4 (one enveloped signature over its parent, exclusive
canonicalization, no other transform); Somorovsky et al., On Breaking SAML (2012), for the eight
ways to move signed elements where the reader does not look. An answer holds one assertion, so
there is no second one to look at by mistake; and what is read is what the signature was computed
over, parsed anew.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from billing_portal.directories.saml_xml import ASSERTION, PROTOCOL, SIGNATURE
from billing_portal.directories.tokens import NotProven
from billing_portal.untrusted_xml import parser

RESPONSE_TAG, ASSERTION_TAG = f"{{{PROTOCOL}}}Response", f"{{{ASSERTION}}}Assertion"
_SIGNATURE_TAG = f"{{{SIGNATURE}}}Signature"
_TRANSFORMS = {
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
}
_IDS = {"id", "Id", "ID", "{http://www.w3.org/XML/1998/namespace}id"}
_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]{0,255}$")
_CONFIGURATION = SignatureConfiguration(
    require_x509=True,
    expect_references=1,
    ignore_ambiguous_key_info=True,  # the key in the answer is never asked, so it cannot disagree
    signature_methods=frozenset(
        {
            *(SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512),
            *(SignatureMethod.SHA256_RSA_MGF1, SignatureMethod.SHA384_RSA_MGF1),
            *(SignatureMethod.SHA512_RSA_MGF1, SignatureMethod.ECDSA_SHA256),
            *(SignatureMethod.ECDSA_SHA384, SignatureMethod.ECDSA_SHA512),
        }
    ),
    digest_algorithms=frozenset(
        {DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512}
    ),
)
_METHODS = {each.value for each in _CONFIGURATION.signature_methods}
_DIGESTS = {each.value for each in _CONFIGURATION.digest_algorithms}
_WRONG = (SignXMLException, UnsupportedAlgorithm, etree.LxmlError, ValueError, TypeError)


def signed_assertion(root: Any, certificates: list[x509.Certificate]) -> Any:
    """Return the one assertion of an answer as it was signed, by itself or as part of the answer.

    Every signature that is there has to hold.

    :raises NotProven: when there is none, or one that does not hold or is not made as SAML wants.
    """
    assertion = _only_assertion(root)
    places = [each.getparent() for each in root.iter(_SIGNATURE_TAG)]
    if not places:
        raise NotProven("unsigned")
    if any(place is not root and place is not assertion for place in places):
        raise NotProven("wrapped")
    if len(places) != len(set(places)):
        raise NotProven("references")
    proven = {place.tag: _proven(root, place, certificates) for place in places}
    if ASSERTION_TAG in proven:
        return proven[ASSERTION_TAG]
    return _only_assertion(proven[RESPONSE_TAG])


def _only_assertion(root: Any) -> Any:
    """Return the assertion, where there is one in the whole document and it is in its place."""
    if root.tag != RESPONSE_TAG or len(list(root.iter(RESPONSE_TAG))) != 1:
        raise NotProven("form")
    found = list(root.iter(ASSERTION_TAG))
    if len(found) != 1:
        raise NotProven("assertions")
    if found[0].getparent() is not root:
        raise NotProven("wrapped")
    return found[0]


def _proven(root: Any, place: Any, certificates: list[x509.Certificate]) -> Any:
    """Return an element as its own signature was computed over it."""
    name = _refuse_unlike_saml(root, place)
    where = "./" if place is root else f"./{ASSERTION_TAG}/"
    for certificate in certificates:
        configuration = replace(
            _CONFIGURATION, location=where, verification_time=certificate.not_valid_before_utc
        )
        try:
            result = XMLVerifier().verify(
                etree.tostring(root),
                x509_cert=certificate,
                parser=parser(keeps_instructions=True),
                id_attribute="ID",
                expect_config=configuration,
            )
        except _WRONG:
            continue
        signed = getattr(result, "signed_xml", None)
        if signed is None or (signed.tag, signed.get("ID")) != (place.tag, name):
            raise NotProven("wrapped")
        return signed
    raise NotProven("signature")


def _refuse_unlike_saml(root: Any, place: Any) -> str:
    """Pass when a signature is about its parent alone, in ways that are allowed; return its ID."""
    name, signature = place.get("ID", ""), place.find(_SIGNATURE_TAG)
    named = [each for each in root.iter() if name in {each.get(kind) for kind in _IDS}]
    if not _NAME.match(name) or len(named) != 1:
        raise NotProven("references")
    references = list(signature.iter(f"{{{SIGNATURE}}}Reference"))
    if len(references) != 1 or references[0].get("URI") != f"#{name}":
        raise NotProven("references")
    if signature.find(f"{{{SIGNATURE}}}Object") is not None:
        raise NotProven("wrapped")
    said = {
        kind: {each.get("Algorithm") for each in signature.iter(f"{{{SIGNATURE}}}{kind}")}
        for kind in ("SignatureMethod", "DigestMethod", "Transform", "CanonicalizationMethod")
    }
    if not (said["SignatureMethod"] <= _METHODS and said["DigestMethod"] <= _DIGESTS):
        raise NotProven("algorithm")
    if not said["Transform"] | said["CanonicalizationMethod"] <= _TRANSFORMS:
        raise NotProven("transforms")
    return str(name)
