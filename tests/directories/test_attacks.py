"""Tokens and answers that attackers make: none of them signs anybody in, and each is on record."""

import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client

from tests.directories.going import SET_UP
from tests.outside.directory.server import WrongPassword
from tests.visiting import text_of

pytestmark = pytest.mark.django_db
YEAR = 365 * 24 * 3600


@pytest.fixture
def ada(arnesen):
    return arnesen.member("ada")


def held_off(client, firm, reason):
    """Hold that nobody was signed in, nothing is bound, and why is on record."""
    answer = firm.sign_in(client, "ada")

    assert answer.status_code == 403
    assert "did not prove who you are" in text_of(answer)
    assert "_auth_user_id" not in client.session
    assert client.get(firm.inbox).status_code == 302
    assert firm.bound() == []
    assert firm.said() == [*SET_UP, ("sign_in.refused", reason)]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("none", "algorithm"),
        ("None", "algorithm"),
        ("hmac", "algorithm"),
        ("unsigned", "signature"),
        ("other_key", "signature"),
        ("embedded", "signature"),
        ("tampered", "signature"),
    ],
)
def test_a_token_that_the_directory_did_not_sign_proves_nobody(client, arnesen, ada, fault, reason):
    arnesen.idp.set_faults("arnesen", signature=fault)

    held_off(client, arnesen, reason)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://evil.test"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"aud": "portal-of-miramar"}, "audience"),
        ({"aud": ["portal-of-arnesen", "portal-of-miramar"]}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": None}, "audience"),
        ({"azp": "portal-of-miramar"}, "party"),
        ({"nonce": "of another sign-in"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ["x"]}, "nonce"),
        ({"sub": None}, "subject"),
        ({"sub": ""}, "subject"),
        ({"sub": 7}, "subject"),
        ({"sub": "x" * 256}, "subject"),
        ({"sub": "ada\u0000"}, "subject"),
        ({"exp": None}, "expired"),
        ({"exp": "tomorrow"}, "expired"),
        ({"exp": True}, "expired"),
        ({"exp": int(time.time()) - 3600}, "expired"),
        ({"iat": None}, "issued"),
        ({"iat": int(time.time()) - 3600}, "issued"),
        ({"iat": int(time.time()) + YEAR}, "issued"),
        ({"nbf": int(time.time()) + YEAR}, "not_yet"),
    ],
)
def test_a_token_that_says_something_else_proves_nobody(client, arnesen, ada, claims, reason):
    arnesen.idp.set_faults("arnesen", claims=claims)
    if None in claims.values():  # the fault leaves the claim out
        assert next(iter(claims)) in {"iss", "aud", "nonce", "sub", "exp", "iat"}

    held_off(client, arnesen, reason)


def test_a_token_whose_key_is_not_named_is_held_against_the_only_key(client, arnesen, ada):
    arnesen.idp.set_faults("arnesen", signature="no_kid")

    assert arnesen.sign_in(client, "ada").url == arnesen.inbox


def test_userinfo_of_somebody_else_proves_nobody(client, arnesen, ada):
    arnesen.idp.set_faults("arnesen", thin=True, userinfo={"sub": "arnesen|eve"})

    held_off(client, arnesen, "userinfo")


def test_a_directory_that_keeps_the_address_in_userinfo_is_asked_there(client, arnesen, ada):
    arnesen.idp.set_faults("arnesen", thin=True)

    assert arnesen.sign_in(client, "ada").url == arnesen.inbox


def test_an_answer_that_names_another_issuer_is_mixed_up(client, arnesen, ada):
    arnesen.idp.set_faults("arnesen", answer_issuer="https://evil.test")

    held_off(client, arnesen, "mixed_up")


def test_an_answer_that_leaves_out_its_issuer_is_mixed_up(client, arnesen, ada):
    path, _, query = arnesen.bring(client, "ada").partition("?")
    kept = "&".join(part for part in query.split("&") if not part.startswith("iss="))

    answer = client.get(f"{path}?{kept}")

    assert answer.status_code == 403
    assert arnesen.said()[-1] == ("sign_in.refused", "mixed_up")


def test_who_cancels_at_the_directory_is_not_signed_in(client, arnesen, ada):
    answer = arnesen.sign_in(client, "ada", cancel="1")

    assert answer.status_code == 403
    assert arnesen.said()[-1] == ("sign_in.refused", "declined")


def test_a_wrong_password_there_comes_back_to_nobody(client, arnesen, ada):
    with pytest.raises(WrongPassword):
        arnesen.bring(client, "ada", password="wrong")

    assert arnesen.said() == SET_UP


def not_begun(answer):
    assert answer.status_code == 400
    assert "not begun in this browser" in text_of(answer)


def test_an_answer_counts_once(client, arnesen, ada):
    back = arnesen.bring(client, "ada")
    client.get(back)
    client.post("/accounts/logout/")

    not_begun(client.get(back))
    assert "_auth_user_id" not in client.session


def test_an_answer_that_was_refused_counts_no_more_either(client, arnesen, ada):
    arnesen.idp.set_faults("arnesen", signature="none")
    back = arnesen.bring(client, "ada")
    client.get(back)
    arnesen.idp.set_faults("arnesen")

    not_begun(client.get(back))


def test_an_answer_counts_in_the_browser_that_asked_only(client, arnesen, ada):
    back, thief = arnesen.bring(client, "ada"), Client()

    not_begun(thief.get(back))
    assert "_auth_user_id" not in thief.session


def test_a_victims_browser_takes_no_answer_of_an_attackers(client, arnesen, ada):
    arnesen.member("eve")
    attackers, victim = arnesen.bring(client, "eve"), Client()
    arnesen.begin(victim)  # has begun itself, with another state

    not_begun(victim.get(attackers))
    assert "_auth_user_id" not in victim.session


def test_a_stolen_code_is_worth_nothing_with_another_question(client, arnesen, ada):
    stolen = parse_qs(urlsplit(arnesen.bring(client, "ada")).query)
    thief = Client()
    own = parse_qs(urlsplit(arnesen.begin(thief)).query)["state"][0]

    answer = thief.get(
        f"{arnesen.path}callback/",
        {"state": own, "code": stolen["code"][0], "iss": stolen["iss"][0]},
    )

    assert answer.status_code == 503  # the directory held the verifier against the challenge
    assert "_auth_user_id" not in thief.session


def test_an_answer_for_one_firm_is_none_for_another(client, arnesen, miramar, ada):
    miramar.member("ada")
    query = arnesen.bring(client, "ada").partition("?")[2]

    not_begun(client.get(f"{miramar.path}callback/?{query}"))
    assert "_auth_user_id" not in client.session


def test_an_answer_to_a_directory_that_was_replaced_is_none(client, arnesen, ada):
    back = arnesen.bring(client, "ada")
    arnesen.agree()

    not_begun(client.get(back))


@pytest.mark.parametrize(
    "query", ["", "?state=", "?state=x", "?code=x", "?error=x", "?state=%00&code=%00"]
)
def test_an_answer_to_no_question_is_a_bad_request(client, arnesen, query):
    assert client.get(f"{arnesen.path}callback/{query}").status_code == 400
    assert arnesen.said() == SET_UP


@pytest.mark.parametrize("verb", ["post", "put", "delete"])
def test_an_answer_comes_by_a_link_only(client, arnesen, verb):
    assert getattr(client, verb)(f"{arnesen.path}callback/").status_code == 405


def test_nobody_is_sent_out_from_another_site(arnesen):
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(arnesen.path).status_code == 403
    assert "Refresh" not in strict.get(arnesen.path).headers


@pytest.mark.parametrize(
    "description",
    [
        {"issuer": "https://evil.test"},
        {"issuer": None},
        {"token_endpoint": "http://evil.test/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://evil.test/\r\nSet-Cookie: a=b"},
        {"jwks_uri": None},
    ],
)
def test_a_directory_that_describes_itself_wrongly_is_not_asked(client, arnesen, description):
    arnesen.idp.set_faults("arnesen", description=description)

    answer = client.post(arnesen.path)

    assert answer.status_code == 503
    assert "Refresh" not in answer.headers


def test_a_directory_that_is_away_is_not_asked_at_every_click(client, arnesen):
    arnesen.idp.set_faults("arnesen", down=True)
    client.post(arnesen.path)
    arnesen.idp.set_faults("arnesen")

    assert client.post(arnesen.path).status_code == 503
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=11)):
        assert client.post(arnesen.path).status_code == 200


def test_a_directory_that_is_down_is_said_to_be(client, arnesen, ada):
    back = arnesen.bring(client, "ada")
    arnesen.idp.set_faults("arnesen", down=True)

    answer = client.get(back)

    assert answer.status_code == 503
    assert "Try again later" in text_of(answer)
    assert arnesen.said()[-1] == ("sign_in.refused", "directories.unreachable")


def test_a_wrong_client_secret_signs_nobody_in(client, arnesen, ada):
    arnesen.agree(client_secret="of another client")

    assert arnesen.sign_in(client, "ada").status_code == 503
    assert "_auth_user_id" not in client.session
