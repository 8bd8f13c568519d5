"""The relying party alone, with a provider that says whatever a test wants."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import time_machine

from billing_portal.directories.fetching import Unreachable
from billing_portal.directories.relying import Client, address_of, answered, new_question
from billing_portal.directories.tokens import NotProven
from tests.outside import web

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BACK = "https://portal.test/callback/"
SECRET = "a:b %/+ü"


class Provider:
    """Describes itself, and keeps what it is asked."""

    def __init__(self, serve):
        self.said, self.asked = {}, []
        self.issuer = serve(self.answer).rstrip("/")

    def answer(self, request):
        """Answer the description; anything else it only writes down."""
        self.asked.append(request)
        if request.path != "/.well-known/openid-configuration":
            return web.answer({}, status=400)
        places = {
            f"{each}_endpoint": f"{self.issuer}/{each}" for each in ("authorization", "token")
        }
        return web.answer(
            {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"} | places | self.said
        )

    @property
    def client(self):
        """The portal, as the provider knows it."""
        return Client(self.issuer, "portal:1", SECRET)

    def redeem(self, **answer):
        """Bring an answer back; it is never a good one here."""
        given = {"code": "c", "iss": self.issuer} | answer
        given = {name: value for name, value in given.items() if value is not None}
        return answered(self.client, self.question, given, back_to=BACK, now=NOW)

    question = new_question()


@pytest.fixture
def provider(serve):
    return Provider(serve)


def asked_for(provider, path):
    return [each for each in provider.asked if each.path == path]


@pytest.mark.parametrize("method", ["client_secret_basic", None])
def test_the_secret_goes_into_the_header_whole(provider, method):
    if method:
        provider.said = {"token_endpoint_auth_methods_supported": ["private_key_jwt", method]}

    with pytest.raises(Unreachable):
        provider.redeem()
    (asked,) = asked_for(provider, "/token")
    kind, _, pair = asked.headers["authorization"].partition(" ")
    name, secret = base64.b64decode(pair).decode().split(":")
    assert (kind, unquote(name), unquote(secret)) == ("Basic", "portal:1", SECRET)
    assert set(asked.form) == {"grant_type", "code", "redirect_uri", "code_verifier"}


def test_the_secret_goes_into_the_form_where_the_provider_wants_it_there(provider):
    provider.said = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}

    with pytest.raises(Unreachable):
        provider.redeem()
    (asked,) = asked_for(provider, "/token")
    assert "authorization" not in asked.headers
    assert (asked.form["client_id"], asked.form["client_secret"]) == ("portal:1", SECRET)
    assert asked.form["code_verifier"] == provider.question.verifier
    assert asked.form["redirect_uri"] == BACK


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"error": "access_denied"}, "declined"),
        ({"code": None}, "declined"),
        ({"code": ""}, "declined"),
        ({"iss": "https://evil.test"}, "mixed_up"),
        ({"iss": ""}, "mixed_up"),
    ],
)
def test_an_answer_that_proves_nobody_redeems_no_code(provider, answer, reason):
    with pytest.raises(NotProven) as no:
        provider.redeem(**answer)

    assert no.value.reason == reason
    assert asked_for(provider, "/token") == []


def test_an_answer_may_leave_out_an_issuer_that_was_not_promised(provider):
    with pytest.raises(Unreachable):
        provider.redeem(iss=None)

    assert len(asked_for(provider, "/token")) == 1


def test_an_answer_may_not_leave_out_an_issuer_that_was_promised(provider):
    provider.said = {"authorization_response_iss_parameter_supported": True}

    with pytest.raises(NotProven):
        provider.redeem(iss=None)
    assert asked_for(provider, "/token") == []


@pytest.mark.parametrize(
    "said",
    [
        {"userinfo_endpoint": "http://evil.test/userinfo"},
        {"userinfo_endpoint": None},
        {"jwks_uri": "ftp://evil.test/jwks"},
        {"token_endpoint": "https://ada@evil.test/token"},
    ],
)
def test_a_provider_that_names_a_place_that_is_none_is_not_asked(provider, said):
    provider.said = said

    with pytest.raises(Unreachable, match="where to sign in"):
        address_of(provider.client, new_question(), back_to=BACK)


def test_a_description_is_kept_for_five_minutes(provider):
    with time_machine.travel(NOW) as clock:
        for _ in range(2):
            address_of(provider.client, new_question(), back_to=BACK)
        kept = len(provider.asked)
        clock.shift(timedelta(seconds=301))
        address_of(provider.client, new_question(), back_to=BACK)

    assert (kept, len(provider.asked)) == (1, 2)


def test_an_address_with_a_question_of_its_own_is_asked_on(provider):
    provider.said = {"authorization_endpoint": f"{provider.issuer}/authorize?tenant=7"}

    parts = urlsplit(address_of(provider.client, new_question(), back_to=BACK))

    asked = parse_qs(parts.query)
    assert (asked["tenant"], asked["redirect_uri"]) == (["7"], [BACK])
    assert "prompt" not in asked


def test_the_challenge_is_the_digest_of_the_verifier(provider):
    question = new_question()

    asked = parse_qs(urlsplit(address_of(provider.client, question, back_to=BACK)).query)

    digest = hashlib.sha256(question.verifier.encode()).digest()
    assert asked["code_challenge"] == [base64.urlsafe_b64encode(digest).decode().rstrip("=")]
    assert asked["code_challenge_method"] == ["S256"]
    assert (asked["state"], asked["nonce"]) == ([question.state], [question.nonce])


def test_a_proof_that_has_to_be_new_is_asked_for(provider):
    question = new_question(since=1)

    asked = parse_qs(urlsplit(address_of(provider.client, question, back_to=BACK)).query)

    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])


def test_a_provider_that_is_away_is_asked_again_after_ten_seconds(provider):
    provider.said = {"issuer": "https://evil.test"}
    with time_machine.travel(NOW) as clock:
        for _ in range(2):
            with pytest.raises(Unreachable):
                address_of(provider.client, new_question(), back_to=BACK)
        kept, provider.said = len(provider.asked), {}
        clock.shift(timedelta(seconds=11))
        address_of(provider.client, new_question(), back_to=BACK)

    assert (kept, len(provider.asked)) == (1, 2)
