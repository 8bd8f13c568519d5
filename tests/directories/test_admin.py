"""The back office of sign-in: two owners agree; the secret goes in and never comes out."""

import pytest
from django.test import Client

from billing_portal.directories.models import Directory, DirectoryIdentity
from billing_portal.tenancy.scope import tenant_scope
from tests.factories import UserFactory
from tests.visiting import Visitor, office_key, signed_in, text_of

pytestmark = pytest.mark.django_db
ROOM = "admin/directories/"
FORM = {
    "issuer": "https://id.arnesen.test",
    "client_id": "portal",
    "secret": "Cormorant-Slipway-71",
    "ends": "arnesen.test, pike.test\nalbany.test",
    "strong_acr": "",
}


@pytest.fixture
def ada(client, firm):
    return Visitor(client, firm)


def press(visitor, noun, deed, row):
    signed_in(visitor.client, visitor.user)
    return visitor.client.post(
        visitor.address(f"{ROOM}{noun}/"), {"action": deed, "_selected_action": row.pk}, follow=True
    )


def only(firm, model=Directory):
    with tenant_scope(firm.pk):
        return model.objects.get()


def test_two_owners_agree_on_a_directory(client, firm, ada):
    added = ada.post(f"{ROOM}directory/add/", FORM)
    luis = Visitor(client, firm)

    own = press(ada, "directory", "approve", only(firm))
    other = press(luis, "directory", "approve", only(firm))

    firm.refresh_from_db()
    assert added.status_code == 302
    assert "Another person must approve what you proposed" in own.content.decode()
    assert "1 done" in other.content.decode()
    assert only(firm).state == "ACTIVE"
    assert firm.directory_domains == ["albany.test", "arnesen.test", "pike.test"]


def test_two_owners_agree_on_its_end(client, firm, ada):
    ada.post(f"{ROOM}directory/add/", FORM)
    luis = Visitor(client, firm)
    press(luis, "directory", "approve", only(firm))

    press(luis, "directory", "propose_end", only(firm))
    press(ada, "directory", "approve_end", only(firm))

    firm.refresh_from_db()
    assert (only(firm).state, firm.directory) == ("ENDED", "")


def test_a_proposal_is_rejected(client, firm, ada):
    ada.post(f"{ROOM}directory/add/", FORM)

    press(ada, "directory", "reject", only(firm))

    assert only(firm).state == "REJECTED"


def test_the_secret_is_never_shown(firm, ada):
    ada.post(f"{ROOM}directory/add/", FORM)
    row = only(firm)

    pages = [f"{ROOM}directory/", f"{ROOM}directory/{office_key(row)}/change/"]
    shown = "".join(ada.get(path).content.decode() for path in pages)

    assert "https://id.arnesen.test" in shown
    assert "arnesen.test, pike.test" in shown
    assert "Cormorant" not in shown
    assert row.client_secret not in shown


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"issuer": "http://id.arnesen.test"}, "not encrypted"),
        ({"ends": "nonsense"}, "these are none: nonsense"),
        ({"is_required": "on"}, "Let somebody come in by it first"),
        ({"secret": ""}, "required"),
    ],
)
def test_what_is_refused_is_shown_on_the_form(firm, ada, wrong, words):
    page = ada.post(f"{ROOM}directory/add/", FORM | wrong)

    assert words in page.content.decode()
    with tenant_scope(firm.pk):
        assert not Directory.objects.exists()


def test_an_open_session_alone_proposes_and_releases_nothing(firm, ada):
    with tenant_scope(firm.pk):
        row = DirectoryIdentity.objects.create(
            issuer="https://id.arnesen.test", subject="7f1c", user=UserFactory.create()
        )
    signed_in(ada.client, ada.user, ago=600)

    proposed = ada.post(f"{ROOM}directory/add/", FORM)
    form = {"action": "release", "_selected_action": row.pk}
    released = ada.post(f"{ROOM}directoryidentity/", form)

    assert "/accounts/reauthenticate/" in proposed.url
    assert "/accounts/reauthenticate/" in released.url
    with tenant_scope(firm.pk):
        assert not Directory.objects.exists()
    assert only(firm, DirectoryIdentity).released_by == ""


def test_nothing_is_edited_or_deleted(firm, ada):
    ada.post(f"{ROOM}directory/add/", FORM)
    row = only(firm)

    changed = ada.post(
        f"{ROOM}directory/{office_key(row)}/change/", FORM | {"issuer": "https://evil.test"}
    )
    deleted = ada.post(f"{ROOM}directory/{office_key(row)}/delete/", {"post": "yes"})

    assert (changed.status_code, deleted.status_code) == (403, 403)
    assert only(firm).issuer == "https://id.arnesen.test"


@pytest.mark.parametrize(("role", "status"), [("biller", 200), ("auditor", 200), ("reviewer", 403)])
def test_who_reads_members_reads_it_and_only_owners_propose(client, firm, role, status):
    visitor = Visitor(client, firm, role)

    assert visitor.get(f"{ROOM}directory/").status_code == status
    assert visitor.post(f"{ROOM}directory/add/", FORM).status_code == 403


def test_another_firm_sees_nothing(firm, ada, neighbor):
    ada.post(f"{ROOM}directory/add/", FORM)
    row = only(firm)
    stranger = Visitor(Client(), neighbor.firm)

    assert "id.arnesen.test" not in text_of(stranger.get(f"{ROOM}directory/"))
    assert stranger.get(f"{ROOM}directory/{office_key(row)}/change/").status_code == 404


def test_an_identity_is_released(firm, ada):
    with tenant_scope(firm.pk):
        DirectoryIdentity.objects.create(
            issuer="https://id.arnesen.test", subject="7f1c", user=UserFactory.create()
        )

    press(ada, "directoryidentity", "release", only(firm, DirectoryIdentity))

    assert only(firm, DirectoryIdentity).released_by == f"user:{ada.user.pk}"
