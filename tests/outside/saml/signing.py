"""XML signatures, well made by default and spoiled on request."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.signer import XMLSigner

INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}Assertion"
ISSUER = "{urn:oasis:names:tc:SAML:2.0:assertion}Issuer"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"


class _Careless(XMLSigner):
    """Signs by whatever is asked for."""

    def check_deprecated_methods(self) -> None:
        """Let SHA-1 pass."""


class Signer:
    """A key with its certificate, one of another kind, and one that nobody knows of."""

    def __init__(self) -> None:
        self._keys: dict[str, Any] = {
            "ours": rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "other": rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "curve": ec.generate_private_key(ec.SECP256R1()),
        }
        self._certificates = {name: _certificate(key) for name, key in self._keys.items()}

    def pem(self, name: str = "ours") -> str:
        """Return a certificate."""
        return self._certificates[name].public_bytes(Encoding.PEM).decode()

    def der(self, name: str = "ours") -> str:
        """Return a certificate as metadata carries it."""
        raw = self._certificates[name].public_bytes(Encoding.DER)
        return base64.b64encode(raw).decode()

    def sign(self, text: str, *, what: str = "assertion", how: str = "") -> bytes:
        """Return an answer with its signatures.

        :param what: ``assertion``, ``response``, ``both`` or ``nothing``.
        :param how: ``other``: by a stranger, whose certificate rides along; ``curve``: by the
            elliptic key; ``sha1``, ``hmac``, ``sha384``: by another algorithm; ``inclusive``:
            canonicalized in a way that SAML does not know; ``tampered``: changed afterwards.
        """
        root = etree.fromstring(text.encode())
        if what in {"assertion", "both"}:
            assertion = root.find(ASSERTION)
            place = root.index(assertion)
            root.remove(assertion)
            root.insert(place, self._signed(assertion, how))
        if what in {"response", "both"}:
            root = self._signed(root, how)
        if how == "tampered":
            name = root.find(".//{urn:oasis:names:tc:SAML:2.0:assertion}NameID")
            name.text += "x"
        return bytes(etree.tostring(root))

    def _signed(self, element: Any, how: str) -> Any:
        name = element.get("ID")
        placeholder = etree.Element(
            f"{{{SIGNATURE}}}Signature", Id="placeholder", nsmap={"ds": SIGNATURE}
        )
        element.insert(1 if element.find(ISSUER) is not None else 0, placeholder)
        methods = {"sha1": "rsa-sha1", "hmac": "hmac-sha256", "sha384": "rsa-sha384"}
        signer = _Careless(
            signature_algorithm={"curve": "ecdsa-sha256"}.get(how, methods.get(how, "rsa-sha256")),
            digest_algorithm="sha1" if how == "sha1" else "sha256",
            c14n_algorithm=INCLUSIVE if how == "inclusive" else EXCLUSIVE,
        )
        who = how if how in self._keys else "ours"
        if how == "hmac":
            return signer.sign(element, key=self.pem().encode(), reference_uri=name)
        return signer.sign(
            element, key=self._keys[who], cert=[self._certificates[who]], reference_uri=name
        )


def _certificate(key: Any) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Demo directory")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
