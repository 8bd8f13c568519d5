"""The rules of ID tokens at their edges: how far clocks may differ, which key may have signed."""

import json
from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from billing_portal.directories.tokens import NotProven, claims_of, person_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MOMENT = int(NOW.timestamp())
ISSUER, CLIENT, NONCE = "https://id.test/arnesen", "portal", "n-1"
OURS, OTHER = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


def public(key, **more):
    """Return a key as a provider lists it."""
    return json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | more


def token(key=OURS, *, alg="RS256", kid="k", **claims):
    said = {"iss": ISSUER, "aud": CLIENT, "sub": "ada", "nonce": NONCE}
    said |= {"iat": MOMENT, "exp": MOMENT + 300} | claims
    return jwt.encode(said, key, algorithm=alg, headers={"kid": kid} if kid else {})


def read(text, *, keys=None, since=0):
    return claims_of(
        text,
        keys=[public(OURS, kid="k")] if keys is None else keys,
        issuer=ISSUER,
        client_id=CLIENT,
        nonce=NONCE,
        now=NOW,
        since=since,
    )


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": MOMENT - 59},
        {"iat": MOMENT - 599},
        {"iat": MOMENT + 599},
        {"nbf": MOMENT + 60},
        {"azp": CLIENT},
        {"aud": [CLIENT]},
        {"sub": "x" * 255},
    ],
)
def test_what_is_within_the_bounds_holds(claims):
    assert read(token(**claims))["nonce"] == NONCE


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": MOMENT - 60}, "expired"),
        ({"iat": MOMENT - 600}, "issued"),
        ({"iat": MOMENT + 600}, "issued"),
        ({"nbf": MOMENT + 61}, "not_yet"),
        ({"nbf": True}, "not_yet"),
        ({"sub": "x" * 256}, "subject"),
        ({"sub": "ada\n"}, "subject"),
    ],
)
def test_what_is_beyond_the_bounds_does_not(claims, reason):
    with pytest.raises(NotProven) as no:
        read(token(**claims))

    assert no.value.reason == reason


@pytest.mark.parametrize("proven", [MOMENT - 60, MOMENT, MOMENT + 5])
def test_a_proof_since_the_question_is_fresh(proven):
    assert read(token(auth_time=proven), since=MOMENT)["auth_time"] == proven


@pytest.mark.parametrize("claims", [{"auth_time": MOMENT - 61}, {}, {"auth_time": "now"}])
def test_a_proof_before_the_question_is_stale(claims):
    with pytest.raises(NotProven) as no:
        read(token(**claims), since=MOMENT)

    assert no.value.reason == "stale"


def test_the_key_that_the_token_names_is_taken_of_several():
    keys = [public(OTHER, kid="old"), public(OURS, kid="k")]

    assert read(token(), keys=keys)["sub"] == "ada"


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [public(OURS, kid="another")],
        [public(OURS, kid="k", use="enc")],
        [public(OURS, kid="k", alg="RS512")],
        [public(OURS, kid="k"), public(OTHER, kid="k")],
        ["k"],
    ],
)
def test_a_key_that_is_not_named_or_not_meant_for_it_signs_nothing(keys):
    with pytest.raises(NotProven) as no:
        read(token(), keys=keys)

    assert no.value.reason == "key"


def test_a_token_that_names_no_key_fits_none_of_several():
    with pytest.raises(NotProven) as no:
        read(token(kid=""), keys=[public(OURS, kid="k"), public(OTHER, kid="l")])

    assert no.value.reason == "key"


def test_another_key_under_the_same_name_signs_nothing():
    with pytest.raises(NotProven) as no:
        read(token(OTHER))

    assert no.value.reason == "signature"


def test_a_key_of_the_browsers_own_secret_is_no_algorithm():
    with pytest.raises(NotProven) as no:
        read(token("s" * 32, alg="HS256"), keys=[{"kty": "oct", "kid": "k", "k": "cw"}])

    assert no.value.reason == "algorithm"


@pytest.mark.parametrize("verified", [True, "true"])
def test_a_verified_address_counts_in_lower_case(verified):
    said = {"iss": ISSUER, "sub": "ada", "email": " Ada@Arnesen.Test ", "email_verified": verified}

    assert person_of(said).email == "ada@arnesen.test"


@pytest.mark.parametrize("verified", [None, False, "false", "yes", 1.5, [True]])
def test_an_address_that_is_not_verified_is_none(verified):
    said = {"iss": ISSUER, "sub": "ada", "email": "ada@arnesen.test", "email_verified": verified}

    assert person_of(said).email == ""
