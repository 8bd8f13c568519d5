"""The demo directory holds to the book: what it would take, an attack on us could not show."""

import base64
import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.outside.directory.server import DemoDirectory, WrongPassword

BACK = "http://127.0.0.1:1/back/"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]
ASKED = {
    "client_id": "portal",
    "redirect_uri": BACK,
    "response_type": "code",
    "scope": "openid email",
    "state": "s",
    "nonce": "n",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture
def idp(tmp_path):
    with DemoDirectory(book=tmp_path / "book.jsonl") as running:
        running.open(
            key="arnesen",
            name="Arnesen",
            client_id="portal",
            client_secret="secret",
            redirect_uris=[BACK],
            people=[{"user": "ada", "password": "p", "sub": "1", "email": "ada@arnesen.test"}],
        )
        yield running


def go(idp, **changed):
    address = f"{idp.issuer('arnesen')}/authorize?{urllib.parse.urlencode(ASKED | changed)}"
    back = idp.sign_in(address, user="ada", password="p")
    return urllib.parse.parse_qs(urllib.parse.urlsplit(back).query)


def redeem(idp, code, *, organization="arnesen", **changed):
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
    }
    secret = changed.pop("secret", "secret")
    pair = base64.b64encode(f"portal:{secret}".encode()).decode()
    request = urllib.request.Request(
        f"{idp.issuer(organization)}/token",
        urllib.parse.urlencode(form | changed).encode(),
        {"Authorization": f"Basic {pair}"},
    )
    with urllib.request.urlopen(request, timeout=15) as got:
        return json.loads(got.read())


def refusal(call, *arguments, **named):
    with pytest.raises(urllib.error.HTTPError) as refused:
        call(*arguments, **named)
    refused.value.close()
    return refused.value.code


def test_the_directory_gives_a_token_for_a_code(idp):
    answer = go(idp)
    tokens = redeem(idp, answer["code"][0])
    _, payload, signature = tokens["id_token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))

    assert (answer["state"], answer["iss"]) == (["s"], [idp.issuer("arnesen")])
    assert (claims["sub"], claims["aud"], claims["nonce"]) == ("1", "portal", "n")
    assert len(base64.urlsafe_b64decode(signature + "==")) == 256
    assert [entry["what"] for entry in idp.entries()] == ["signed_in", "redeemed"]


def test_the_directory_takes_a_code_once(idp):
    code = go(idp)["code"][0]
    redeem(idp, code)

    assert refusal(redeem, idp, code) == 400


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"code_verifier": "w" * 43}, 400),
        ({"redirect_uri": f"{BACK}x"}, 400),
        ({"grant_type": "password"}, 400),
        ({"secret": "wrong"}, 401),
    ],
)
def test_the_directory_redeems_for_who_asked_only(idp, changed, status):
    assert refusal(redeem, idp, go(idp)["code"][0], **changed) == status


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "other"},
        {"redirect_uri": f"{BACK}x"},
        {"response_type": "token"},
        {"state": ""},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
    ],
)
def test_the_directory_sends_nobody_to_who_may_not_ask(idp, changed):
    assert refusal(go, idp, **changed) == 400


def test_the_directory_knows_its_people_by_password(idp):
    address = f"{idp.issuer('arnesen')}/authorize?{urllib.parse.urlencode(ASKED)}"

    with pytest.raises(WrongPassword):
        idp.sign_in(address, user="ada", password="wrong")
    assert idp.entries() == []
