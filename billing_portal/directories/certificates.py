"""The certificates by which a directory signs: pasted, held against each answer, never fetched.

A certificate here is a key that two owners have agreed on. Whether it has expired is not asked at
sign-in (SAML V2.0 Metadata Interoperability Profile, section 2.6.1): directories go on signing with
it, and a firm that requires its directory would be locked out overnight. Its end is shown instead.
"""

from __future__ import annotations

import base64
import re

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

MOST = 2
_RSA_BITS, _CURVE_BITS = 2048, 256
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


class NotCertificates(ValueError):
    """What was pasted are no one or two certificates that may sign."""


def certificates_in(pem: str) -> list[x509.Certificate]:
    """Return the certificates in a text, in their order, each once.

    :raises NotCertificates: when there are none or more than two, or one has a key too weak.
    """
    bodies, rest = _PEM.findall(pem), _PEM.sub("", pem).strip()
    if rest or not bodies:
        raise NotCertificates(
            "Paste the signing certificate whole, from -----BEGIN CERTIFICATE----- to its end."
        )
    return certificates_of(bodies)


def certificates_of(bodies: list[str]) -> list[x509.Certificate]:
    """Return certificates from what stands between their PEM lines, as metadata carries them.

    :raises NotCertificates: as ``certificates_in`` does.
    """
    try:
        raw = [base64.b64decode("".join(body.split()), validate=True) for body in bodies]
        found = [x509.load_der_x509_certificate(each) for each in dict.fromkeys(raw)]
        weak = [each for each in found if not _is_strong(each)]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NotCertificates("One of the certificates cannot be read.") from error
    if not 1 <= len(found) <= MOST:
        raise NotCertificates(f"A directory signs by one or {MOST} certificates.")
    if weak:
        raise NotCertificates("A certificate needs an RSA key of 2,048 bits or an elliptic curve.")
    return found


def as_pem(certificates: list[x509.Certificate]) -> str:
    """Return certificates as one text."""
    return "".join(each.public_bytes(Encoding.PEM).decode() for each in certificates)


def fingerprint(certificate: x509.Certificate) -> str:
    """Return SHA-256 over a certificate as people compare it: pairs of digits."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _is_strong(certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= _RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= _CURVE_BITS
