"""Which question, which browser, which firm: an answer counts once and where it was asked."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client

from billing_portal.directories.models import TakenAssertion
from tests.directories.going import SET_UP
from tests.directories.refusals import not_begun, refused
from tests.outside.saml.server import WrongPassword

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(harbor):
    return harbor.member("ada")


def test_an_answer_counts_once(client, harbor, ada):
    form = harbor.bring(client, "ada")
    harbor.hand_in(client, form)
    client.post("/accounts/logout/")

    not_begun(harbor.hand_in(client, form))
    assert "_auth_user_id" not in client.session


def test_an_assertion_is_heard_once_whatever_the_session_says(client, harbor, ada, scope_of):
    form, question = harbor.bring(client, "ada"), client.session["directory_questions"]
    harbor.hand_in(client, form)
    client.logout()
    session = client.session
    session["directory_questions"] = question  # as two requests at the same moment would see it
    session.save()

    answer = harbor.hand_in(client, form)

    assert answer.status_code == 403
    assert "_auth_user_id" not in client.session
    assert harbor.said()[-1] == ("sign_in.refused", "replayed")
    with scope_of(harbor):
        assert TakenAssertion.objects.count() == 1


def test_an_answer_that_was_refused_counts_no_more_either(client, harbor, ada):
    form = harbor.bring(client, "ada")
    harbor.hand_in(client, {**form, "SAMLResponse": ""})

    not_begun(harbor.hand_in(client, form))


def test_an_answer_counts_in_the_browser_that_asked_only(client, harbor, ada):
    form, thief = harbor.bring(client, "ada"), Client()

    not_begun(harbor.hand_in(thief, form))
    assert "_auth_user_id" not in thief.session


def test_a_victims_browser_takes_no_answer_of_an_attackers(client, harbor, ada):
    harbor.member("eve")
    attackers, victim = harbor.bring(client, "eve"), Client()
    own = parse_qs(urlsplit(harbor.begin(victim)).query)["RelayState"][0]

    not_begun(harbor.hand_in(victim, attackers))
    answer = harbor.hand_in(victim, {**attackers, "RelayState": own})

    assert answer.status_code == 403
    assert harbor.said()[-1] == ("sign_in.refused", "question")
    assert "_auth_user_id" not in victim.session


def test_nobody_is_signed_in_unasked(client, harbor, ada):
    form = harbor.bring(client, "ada")
    thief = Client()

    not_begun(harbor.hand_in(thief, {"SAMLResponse": form["SAMLResponse"]}))


def test_an_answer_for_one_firm_is_none_for_another(client, harbor, quay, ada):
    quay.member("ada", user=ada)
    form = harbor.bring(client, "ada")

    not_begun(quay.hand_in(client, form))
    assert "_auth_user_id" not in client.session


def test_another_firms_directory_answers_no_question_of_this_one(client, harbor, quay, ada):
    """Quay's directory may hold anybody: it signs a true answer, to Quay, about Harbor's ada."""
    quay.knows("ada", name_id="harbor|ada", attributes={"mail": ada.email})
    theirs = quay.bring(client, "ada")
    asked = parse_qs(urlsplit(harbor.begin(client)).query)["RelayState"][0]

    answer = harbor.hand_in(client, {**theirs, "RelayState": asked})

    refused(client, harbor, answer, "issuer")


def test_a_directory_of_several_firms_speaks_for_each_alone(client, harbor, quay, ada):
    """One provider serves both firms: same issuer, same key; the audience tells them apart."""
    quay.agree(issuer=harbor.idp.entity("harbor"), sso_url=harbor.sso_url)
    quay.member("ada", user=ada)
    theirs = harbor.bring(client, "ada")
    ours = client.session["directory_questions"][-1]["question"]
    session = client.session
    kept = {"question": ours, "firm": quay.tenant.pk, "directory": quay.tenant.directory}
    kept |= {"to": quay.inbox, "at": datetime.now(UTC).timestamp()}
    session["directory_questions"] = [kept]
    session.save()

    refused(client, quay, quay.hand_in(client, theirs), "destination")


def test_an_answer_to_a_directory_that_was_replaced_is_none(client, harbor, ada):
    form = harbor.bring(client, "ada")
    harbor.agree()

    not_begun(harbor.hand_in(client, form))


def test_a_certificate_that_was_replaced_signs_nobody_in(client, harbor, ada):
    harbor.agree(certificates=harbor.idp.certificates()["other"])

    answer = harbor.sign_in(client, "ada")

    assert answer.status_code == 403
    assert harbor.said()[-1] == ("sign_in.refused", "signature")


def test_an_openid_question_is_not_answered_by_saml_nor_the_other_way(client, arnesen, harbor, ada):
    arnesen.member("ada", user=ada)
    asked = parse_qs(urlsplit(arnesen.begin(client)).query)["state"][0]
    form = harbor.bring(client, "ada")

    here = client.post(f"{arnesen.path}acs/", {**form, "RelayState": asked, "again": "1"})
    there = client.get(f"{harbor.path}callback/", {"state": form["RelayState"], "code": "x"})

    not_begun(here)
    not_begun(there)


def test_a_question_is_forgotten_after_ten_minutes(client, harbor, ada):
    form = harbor.bring(client, "ada")

    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=601)):
        not_begun(harbor.hand_in(client, form))


def test_who_cancels_at_the_directory_is_not_signed_in(client, harbor, ada):
    refused(client, harbor, harbor.sign_in(client, "ada", cancel="1"), "declined")


def test_a_wrong_password_there_comes_back_to_nobody(client, harbor, ada):
    with pytest.raises(WrongPassword):
        harbor.bring(client, "ada", password="wrong")

    assert harbor.said() == SET_UP


@pytest.mark.parametrize("verb", ["get", "put", "delete", "head"])
def test_an_answer_comes_by_a_form_only(client, harbor, verb):
    assert getattr(client, verb)(f"{harbor.path}acs/").status_code == 405


@pytest.mark.parametrize("state", ["", "x", "\u00e9", "x" * 5000])
def test_an_answer_to_no_question_is_a_bad_request(client, harbor, state):
    not_begun(harbor.hand_in(client, {"RelayState": state, "SAMLResponse": "x"}))
    assert harbor.said() == SET_UP


def test_nobody_is_sent_out_from_another_site(harbor):
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(harbor.path).status_code == 403


# --- The form that is sent once more --------------------------------------------------------------


def test_what_comes_without_a_session_is_sent_once_more_from_here(client, harbor, ada):
    form, bare = harbor.bring(client, "ada"), Client()

    shown = bare.post(f"{harbor.path}acs/", form)

    within = shown.content.decode().partition("<form")[2].partition("</form>")[0]
    assert shown.status_code == 200
    assert dict(re.findall(r'name="(\w+)" value="([^"]*)"', within)) == {"again": "1", **form}
    assert not shown.cookies  # else they would take the place of the browser's own
    assert "no-store" in shown.headers["Cache-Control"]
    assert client.post(f"{harbor.path}acs/", {**form, "again": "1"}).url == harbor.inbox


def test_a_directory_on_the_same_site_needs_no_second_form(client, harbor, ada):
    form = harbor.bring(client, "ada")

    assert client.post(f"{harbor.path}acs/", form).url == harbor.inbox


def test_what_is_shown_again_is_text(client, harbor):
    evil = '"><script>alert(1)</script>'

    shown = client.post(f"{harbor.path}acs/", {"RelayState": evil, "SAMLResponse": evil})

    assert "<script>alert" not in shown.content.decode()


def test_what_is_too_large_is_not_shown_again(client, harbor):
    form = {"RelayState": "x", "SAMLResponse": "A" * 600_000}

    not_begun(client.post(f"{harbor.path}acs/", form))


def test_it_needs_no_token_of_ours_but_the_question(client, harbor, ada):
    strict = Client(enforce_csrf_checks=True)
    form = harbor.bring(client, "ada")
    strict.cookies = client.cookies

    assert harbor.hand_in(strict, form).url == harbor.inbox
