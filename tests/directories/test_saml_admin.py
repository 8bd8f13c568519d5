"""The back office of SAML sign-in: pasted by one owner, compared and approved by another."""

import pytest
from django.test import Client

from billing_portal.directories.certificates import certificates_in, fingerprint
from billing_portal.directories.models import Directory
from billing_portal.tenancy.scope import tenant_scope
from tests.visiting import Visitor, office_key, signed_in, text_of

pytestmark = pytest.mark.django_db
ROOM = "admin/directories/directory/"


@pytest.fixture
def ada(client, firm):
    return Visitor(client, firm)


@pytest.fixture
def form(saml_idp):
    saml_idp.open(key="office", name="Office", audience="x", acs="x", people=[])
    return {"protocol": "SAML", "ends": "arnesen.test", "metadata": saml_idp.metadata("office")}


def rows(firm):
    with tenant_scope(firm.pk):
        return list(Directory.objects.order_by("pk"))


def test_metadata_is_enough(client, firm, ada, form, saml_idp):
    added = ada.post(f"{ROOM}add/", form)
    luis = Visitor(client, firm)
    signed_in(luis.client, luis.user)
    (row,) = rows(firm)

    shown = text_of(luis.get(f"{ROOM}{office_key(row)}/change/"))
    luis.post(ROOM, {"action": "approve", "_selected_action": row.pk})

    assert added.status_code == 302
    assert fingerprint(certificates_in(saml_idp.certificates()["ours"])[0]) in shown
    assert f"{saml_idp.url}/office/sso" in shown
    assert "Client" not in shown
    (row,) = rows(firm)
    assert (row.state, row.protocol, row.issuer) == ("ACTIVE", "SAML", "urn:demo:directory:office")


def test_it_can_be_typed_instead(firm, ada, form, saml_idp):
    typed = {
        "issuer": "urn:demo:directory:office",
        "sso_url": "https://id.arnesen.test/sso",
        "certificates": saml_idp.certificates()["ours"],
        "subject_attribute": "number",
        "email_attribute": "mail",
    }

    added = ada.post(f"{ROOM}add/", form | typed | {"metadata": ""})

    (row,) = rows(firm)
    assert added.status_code == 302
    assert (row.sso_url, row.subject_attribute) == ("https://id.arnesen.test/sso", "number")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"metadata": ""}, "This field is required"),
        ({"metadata": "<a/>"}, "The metadata of one directory is needed"),
        ({"metadata": "<!DOCTYPE a><a/>"}, "declares a document type"),
        ({"issuer": "urn:x"}, "leave one of the two out"),
        ({"protocol": "OIDC"}, "choose that protocol"),
        ({"protocol": "LDAP"}, "valid choice"),
        ({"secret": "Cormorant-Slipway-71"}, "has no client secret"),
        ({"is_required": "on"}, "Let somebody come in by it first"),
    ],
)
def test_what_is_refused_is_shown_on_the_form(firm, ada, form, wrong, words):
    page = ada.post(f"{ROOM}add/", form | wrong)

    assert words in text_of(page)
    assert rows(firm) == []


def test_the_form_says_how_the_provider_is_told_of_the_portal(firm, ada):
    shown = text_of(ada.get(f"{ROOM}add/"))

    assert f"http://testserver/accounts/sso/{firm.slug}/metadata/" in shown
    assert f"http://testserver/accounts/sso/{firm.slug}/acs/" in shown


def test_another_firm_sees_nothing(firm, ada, form, neighbor):
    ada.post(f"{ROOM}add/", form)
    (row,) = rows(firm)
    stranger = Visitor(Client(), neighbor.firm)

    assert "urn:demo:directory" not in text_of(stranger.get(ROOM))
    assert stranger.get(f"{ROOM}{office_key(row)}/change/").status_code == 404
