"""Which firm's directory is asked, and what tells nobody whether an address is known."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.directories.going import give_password
from tests.visiting import links_of, text_of

pytestmark = pytest.mark.django_db


def test_the_sign_in_page_leads_to_the_firms_directory(client, arnesen):
    page = client.get(f"/accounts/login/?next={arnesen.inbox}")
    (choice,) = [url for url in links_of(page) if url.startswith("/accounts/sso/")]

    answer = client.get(choice, follow=True)

    assert "Sign in with Arnesen Pike LLP" in text_of(answer)


def test_an_address_finds_the_firms_that_speak_for_it(client, arnesen, miramar):
    answer = client.post("/accounts/sso/", {"email": "Whoever@Arnesen.Test"})

    assert "Sign in with Arnesen Pike LLP" in text_of(answer)
    assert "Miramar" not in text_of(answer)


def test_an_address_is_answered_alike_whether_it_is_known_or_not(client, arnesen):
    arnesen.member("ada")

    known, unknown = (
        text_of(client.post("/accounts/sso/", {"email": f"{name}@arnesen.test"}))
        for name in ("ada", "nobody")
    )

    assert known == unknown


@pytest.mark.parametrize("email", ["ada@elsewhere.test", "ada", "", "@", "a@[127.0.0.1]"])
def test_an_address_that_no_firm_speaks_for_is_a_field_error(client, arnesen, email):
    answer = client.post("/accounts/sso/", {"email": email})

    assert answer.status_code == 422


@pytest.mark.parametrize("path", ["", "callback/", "callback/?state=x&code=y"])
def test_a_firm_without_a_directory_looks_like_none(client, firm, path):
    theirs = client.get(f"/accounts/sso/{firm.slug}/{path}")
    nobodys = client.get(f"/accounts/sso/no-such-firm/{path}")

    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    assert text_of(theirs) == text_of(nobodys)


def test_wrong_passwords_are_counted_as_before(client, arnesen):
    ada = give_password(arnesen.member("ada"))
    arnesen.sign_in(client, "ada")
    client.logout()

    form = {"login": ada.email, "password": "wrong"}
    answers = [client.post("/accounts/login/", form).status_code for _ in range(9)]

    assert answers[-1] == 429


def test_a_question_is_good_for_ten_minutes(client, arnesen):
    arnesen.member("ada")
    back = arnesen.bring(client, "ada")

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
        answer = client.get(back)

    assert answer.status_code == 400
    assert "_auth_user_id" not in client.session
