"""JSON Web Tokens, well made by default and spoiled on request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

KID = "2026-11"


class Signer:
    """A key of 2,048 bits, and another that nobody knows of."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._other = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def jwks(self) -> dict[str, Any]:
        """Return the public key as a JWKS lists it."""
        numbers = self._key.public_key().public_numbers()
        return {
            "keys": [
                {
                    "kty": "RSA",
                    "use": "sig",
                    "alg": "RS256",
                    "kid": KID,
                    "n": _number(numbers.n),
                    "e": _number(numbers.e),
                }
            ]
        }

    def token(self, claims: dict[str, Any], fault: str = "") -> str:
        """Return the claims as a token.

        :param fault: ``none`` and ``None``: no signature, and it says so; ``unsigned``: RS256 with
            nothing after the last dot; ``other_key``: signed by a stranger; ``embedded``: by a
            stranger whose key rides in the header; ``hmac``: HS256 with the public key as secret;
            ``tampered``: one claim changed afterwards; ``no_kid``: a key that is not named.
        """
        header: dict[str, Any] = {"alg": "RS256", "typ": "JWT", "kid": KID}
        if fault == "no_kid":
            del header["kid"]
        if fault in {"none", "None"}:
            return f"{_part({**header, 'alg': fault})}.{_part(claims)}."
        if fault == "unsigned":
            return f"{_part(header)}.{_part(claims)}."
        if fault == "hmac":
            return self._by_public_key({**header, "alg": "HS256"}, claims)
        key = self._other if fault in {"other_key", "embedded"} else self._key
        if fault == "embedded":
            numbers = self._other.public_key().public_numbers()
            header["jwk"] = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
        signed = f"{_part(header)}.{_part(claims)}"
        signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        if fault == "tampered":
            signed = f"{_part(header)}.{_part({**claims, 'amr': ['mfa']})}"
        return f"{signed}.{_bytes(signature)}"

    def _by_public_key(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        public = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        signed = f"{_part(header)}.{_part(claims)}"
        return f"{signed}.{_bytes(hmac.new(public, signed.encode(), hashlib.sha256).digest())}"


def _part(value: dict[str, Any]) -> str:
    return _bytes(json.dumps(value).encode())


def _number(value: int) -> str:
    return _bytes(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _bytes(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
