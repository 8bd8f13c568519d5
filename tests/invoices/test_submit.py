"""Uploads by a real browser to carriers that know nothing of this house: once, with evidence."""

import json
from datetime import date
from pathlib import Path

import pytest
from django.db.models.functions import Now

from billing_portal.audit.models import AuditEvent
from billing_portal.jobs.models import Job
from billing_portal.outbox.models import OutboxEvent
from billing_portal.tenancy.encryption import file_keys
from invoices.actions.carriers import (
    BadSite,
    add_carrier,
    add_login,
    add_recipe,
    allow_automation,
    change_carrier,
    stop_carrier,
)
from invoices.actions.submit import (
    NotRetryable,
    cancel_submission,
    queue_submission,
    retry_submission,
    submit_again,
    submit_later,
)
from invoices.actions.waiting import settle_uploads, start_carrier
from invoices.gateways import files
from invoices.models import Carrier, CarrierLogin, Evidence, Submission
from invoices.queries.uploads import wanting_a_person
from tests.customers.factories import TimekeeperFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.jobs.running import drain
from tests.outside.carrier.server import DemoCarriers

RECIPES = Path(__file__).parents[1] / "outside/carrier/recipes"
DEMO = json.loads(RECIPES.with_name("demo.json").read_text("utf-8"))
PASSWORD = "Copper-Lantern-41"


@pytest.fixture
def site(tmp_path, settings):
    settings.FILES_DIR = tmp_path / "files"
    settings.EMAIL_PORT = 1
    with DemoCarriers(book=tmp_path / "carriers.db") as carriers:
        yield carriers


def known(key):
    return next(each for each in DEMO["carriers"] if each["key"] == key)


def carrier_at(site, key, *, password=""):
    """Set a carrier up as people do."""
    user_name, right = next(iter(known(key)["users"].items()))
    carrier = add_carrier(code=key, name=known(key)["name"], origin=site.url, by=SYSTEM)
    recipe = json.loads((RECIPES / f"{key}.json").read_text("utf-8"))
    add_recipe(carrier, content={**recipe, "timeout_ms": 4_000}, by=SYSTEM)
    add_login(
        carrier, user_name=user_name, password=password or right, by=SYSTEM,
        owner=books.user_of(books.member("biller")),
    )  # fmt: skip
    return allow_automation(carrier, by=SYSTEM)


def final_for(tenant, key, *, client_matter="", rate="425.00"):
    """Return a final invoice that the carrier's own rules accept."""
    tenant.tax_id, tenant.region = known(key)["law_firm_ids"][0], "NY"
    tenant.save()
    made = books.customer(grouping="BY_MATTER", formats=["pdf", "ledes1998b"])
    made.carrier_code, made.uploads_ledes, made.sends_pdf = key, True, False
    made.save()
    matter = books.matter_of(
        made, client_matter_id=client_matter or known(key)["client_matters"][0]
    )
    keeper = TimekeeperFactory.create(
        external_id="T-101", external_key="t-101", name="Okafor, Ada", classification="PARTNR"
    )
    from decimal import Decimal

    books.captured(books.time_worked(matter, keeper=keeper, unit_price=Decimal(rate), hours="1.5"))
    (draft,) = books.drafted()
    invoice = books.final(draft, books.member("owner"), on=date(2026, 11, 2))
    assert "failed" not in drain()
    return invoice


@pytest.mark.parametrize("key", ["northfield", "halvorsen", "brightwater"])
def test_a_file_is_confirmed_by_the_carriers_reference_and_evidence(tenant, site, key):
    carrier_at(site, key)
    final_for(tenant, key)
    submission = Submission.objects.get()
    (entry,) = site.entries(key)
    assert (submission.state, submission.reference) == ("CONFIRMED", entry["reference"])
    assert (submission.sha256, submission.attempts) == (entry["sha256"], 1)
    evidence = Evidence.objects.order_by("position")
    assert {each.kind for each in evidence} == {"SCREENSHOT", "PAGE_TEXT"}
    shot = evidence.filter(kind="SCREENSHOT")[0]
    assert files.read(tenant.pk, shot.sha256).startswith(b"\x89PNG")
    assert OutboxEvent.objects.filter(kind="submission.confirmed").count() == 1


def test_what_the_carrier_rejects_is_rejected_with_its_reasons(tenant, site):
    carrier_at(site, "northfield")
    final_for(tenant, "northfield", client_matter="NFM-00000")
    submission = Submission.objects.get()
    assert (submission.state, submission.code) == ("REJECTED", "carrier.rejected")
    assert submission.reason
    assert site.entries("northfield")[0]["status"] == "Rejected"


def test_a_rejected_file_is_uploaded_again_once_its_cause_is_mended(tenant, site):
    carrier_at(site, "northfield")
    final_for(tenant, "northfield", client_matter="NFM-00000")
    rejected = Submission.objects.get()
    assert list(wanting_a_person()) == [rejected]
    mended = known("northfield")
    mended = mended | {"client_matters": [*mended["client_matters"], "NFM-00000"]}
    site.ask("/_control/carriers", mended)
    again = submit_again(rejected, by=SYSTEM)
    drain()
    again.refresh_from_db()
    assert (again.number, again.state) == (2, "CONFIRMED")
    assert list(wanting_a_person()) == []
    with pytest.raises(NotRetryable):
        submit_again(rejected, by=SYSTEM)


@pytest.mark.parametrize("key", [each["key"] for each in DEMO["carriers"]])
def test_a_second_upload_is_not_answered_by_the_first_ones_rejection(tenant, site, key):
    carrier_at(site, key)
    final_for(tenant, key, client_matter="NOBODY-000")
    rejected = Submission.objects.get()
    assert rejected.state == "REJECTED"
    again = submit_again(rejected, by=SYSTEM)
    drain()
    again.refresh_from_db()
    assert again.state == "REJECTED", again.reason
    entries = {each["reference"]: each["status"] for each in site.entries(key)}
    assert entries == {rejected.reference: "Rejected", again.reference: "Rejected"}


@pytest.mark.parametrize("key", [each["key"] for each in DEMO["carriers"]])
def test_an_unknown_outcome_of_a_second_upload_is_not_looked_up_in_the_first(tenant, site, key):
    carrier_at(site, key)
    final_for(tenant, key, client_matter="NOBODY-000")
    rejected = Submission.objects.get()
    again = submit_again(rejected, by=SYSTEM)
    # As after a worker that died between writing down its start and the upload.
    Submission.objects.filter(pk=again.pk).update(was_handed_over=True, state="UPLOADING")
    drain()
    again.refresh_from_db()
    assert again.state == "REJECTED"
    assert again.reference not in {"", rejected.reference}
    assert len(site.entries(key)) == 2


def test_a_word_that_the_recipe_does_not_know_goes_to_a_person(tenant, site):
    carrier = carrier_at(site, "northfield")
    recipe = json.loads((RECIPES / "northfield.json").read_text("utf-8"))
    add_recipe(carrier, content={**recipe, "statuses": {"Rejected": "REJECTED"}}, by=SYSTEM)
    final_for(tenant, "northfield")
    submission = Submission.objects.get()
    assert (submission.state, submission.code) == ("NEEDS_PERSON", "carrier.unknown_word")
    assert submission.reference == site.entries("northfield")[0]["reference"]


def test_a_wrong_password_is_tried_once_and_stops_the_carrier(tenant, site):
    carrier = carrier_at(site, "northfield", password="Wrong-Lantern-99")
    final_for(tenant, "northfield")
    submission = Submission.objects.get()
    assert (submission.state, submission.code) == ("NEEDS_PERSON", "carrier.login_refused")
    carrier.refresh_from_db()
    assert carrier.stopped_reason
    start_carrier(carrier, by=SYSTEM)  # with the same password: it is not tried a second time
    retry_submission(submission, by=SYSTEM)
    drain()
    submission.refresh_from_db()
    assert (submission.state, submission.attempts) == ("QUEUED", 1)
    assert (submission.code, "refused this login" in submission.reason) == (
        "carriers.not_ready",
        True,
    )
    add_login(
        carrier, user_name="harrow.billing", password=PASSWORD, by=SYSTEM,
        owner=CarrierLogin.objects.get().owner,
    )  # fmt: skip
    start_carrier(carrier, by=SYSTEM)  # what waited goes on by itself
    drain()
    assert Submission.objects.get().state == "CONFIRMED"


def test_a_site_that_is_down_is_tried_again_later(tenant, site):
    carrier_at(site, "northfield")
    site.set_faults("northfield", down=True)
    final_for(tenant, "northfield")
    submission = Submission.objects.get()
    assert (submission.state, submission.code) == ("QUEUED", "carrier.down")
    assert not submission.was_handed_over
    assert Job.objects.get(queue="browser").state == "queued"
    site.set_faults("northfield", down=False)
    submit_later(tenant_id=tenant.pk, submission_id=submission.pk)
    assert Submission.objects.get().state == "CONFIRMED"


def test_a_lost_answer_is_looked_up_before_any_second_upload(tenant, site):
    carrier_at(site, "northfield")
    site.set_faults("northfield", lose_answers=1)
    final_for(tenant, "northfield")
    submission = Submission.objects.get()
    assert (submission.state, submission.was_handed_over) == ("UNSURE", True)
    submit_later(tenant_id=tenant.pk, submission_id=submission.pk)
    submission.refresh_from_db()
    assert submission.state == "CONFIRMED"
    assert len(site.entries("northfield")) == 1


def test_an_upload_canceled_in_doubt_is_looked_for_by_the_next_one_too(tenant, site):
    carrier_at(site, "northfield")
    site.set_faults("northfield", lose_answers=1)
    final_for(tenant, "northfield")
    unsure = Submission.objects.get()
    cancel_submission(unsure, by=SYSTEM)
    next_one = queue_submission(unsure.document, by=SYSTEM)
    assert (next_one.number, next_one.was_handed_over) == (2, True)
    submit_later(tenant_id=tenant.pk, submission_id=next_one.pk)
    next_one.refresh_from_db()
    assert next_one.state == "CONFIRMED"
    assert len(site.entries("northfield")) == 1


def test_a_worker_that_died_before_the_upload_looks_and_uploads_once(tenant, site):
    carrier_at(site, "northfield")
    site.set_faults("northfield", down=True)
    final_for(tenant, "northfield")
    site.set_faults("northfield", down=False)
    # As a worker leaves it that was killed after its first commit and before the browser's call.
    Submission.objects.update(was_handed_over=True, state="UPLOADING")
    submit_later(tenant_id=tenant.pk, submission_id=Submission.objects.get().pk)
    assert Submission.objects.get().state == "CONFIRMED"
    assert len(site.entries("northfield")) == 1
    assert AuditEvent.objects.filter(action="submission.looked_for").count() == 1


def test_a_login_is_not_shown_to_another_site_than_it_was_given_for(tenant, site, tmp_path):
    carrier = carrier_at(site, "northfield")
    with DemoCarriers(book=tmp_path / "thief.db") as thief:
        carrier = change_carrier(carrier, version_seen=carrier.version, origin=thief.url, by=SYSTEM)
        assert carrier.automation_allowed_by == ""
        start_carrier(carrier, by=SYSTEM)
        final_for(tenant, "northfield")
        submission = Submission.objects.get()
        assert (submission.state, submission.attempts) == ("QUEUED", 0)
        assert f"was given for {site.url}" in submission.reason
        assert thief.entries("northfield") == []
    told = AuditEvent.objects.get(action="carrier.changed").details["changed"]
    assert told["origin"] == [site.url, thief.url]


@pytest.mark.parametrize("origin", ["x", "-1", "²", "http://carrier.test", "https://a.test/b"])
def test_an_origin_that_is_none_or_in_the_clear_is_refused(tenant, origin):
    with pytest.raises(BadSite):
        add_carrier(code="c", name="C", origin=origin, by=SYSTEM)


def test_what_waits_for_its_carrier_goes_on_when_that_is_ready(tenant, site):
    carrier = carrier_at(site, "northfield")
    stop_carrier(carrier, reason="Maintenance.", by=SYSTEM)
    final_for(tenant, "northfield")
    assert settle_uploads(by=SYSTEM) == 0
    waiting = Submission.objects.get()
    assert (waiting.state, waiting.code, waiting.attempts) == ("QUEUED", "carriers.not_ready", 0)
    allow_automation(carrier, by=SYSTEM)
    assert settle_uploads(by=SYSTEM) == 1
    assert settle_uploads(by=SYSTEM) == 0
    drain()
    assert Submission.objects.get().state == "CONFIRMED"


def test_an_upload_that_no_job_brings_on_comes_to_a_person(tenant, site):
    carrier_at(site, "northfield")
    final_for(tenant, "northfield")
    Submission.objects.update(state="UPLOADING", answered_at=None, reference="")
    Job.objects.filter(name=submit_later.name).update(state="paused", ended_at=None)
    assert settle_uploads(by=SYSTEM) == 0
    Job.objects.filter(name=submit_later.name).update(state="failed", ended_at=Now())
    assert settle_uploads(by=SYSTEM) == 1
    found = Submission.objects.get()
    assert (found.state, found.code) == ("NEEDS_PERSON", "submissions.job_failed")
    retry_submission(found, by=SYSTEM)
    drain()
    found.refresh_from_db()
    assert (found.state, len(site.entries("northfield"))) == ("CONFIRMED", 1)


def test_a_changed_page_stops_this_carrier_only(tenant, site):
    carrier = carrier_at(site, "northfield")
    site.set_faults("northfield", changed_page=True)
    final_for(tenant, "northfield")
    submission = Submission.objects.get()
    assert (submission.state, submission.code) == ("NEEDS_PERSON", "carrier.page_changed")
    carrier.refresh_from_db()
    assert carrier.stopped_reason
    assert site.entries("northfield") == []


def test_the_password_is_nowhere_in_the_clear(tenant, site, caplog):
    carrier_at(site, "northfield")
    final_for(tenant, "northfield")
    row = CarrierLogin.objects.get()
    assert PASSWORD not in row.password
    told = [
        *AuditEvent.objects.values_list("details", flat=True),
        *OutboxEvent.objects.values_list("body", flat=True),
        *Job.objects.values_list("args", flat=True),
    ]
    assert PASSWORD not in str(told) + caplog.text
    texts = Evidence.objects.filter(kind="PAGE_TEXT")
    assert all(PASSWORD.encode() not in files.read(tenant.pk, each.sha256) for each in texts)


def test_a_neighbor_sees_no_carrier_upload_or_evidence(tenant, site, neighbor):
    carrier_at(site, "northfield")
    final_for(tenant, "northfield")
    with neighbor:
        assert [kind.objects.count() for kind in (Carrier, Submission, Evidence)] == [0, 0, 0]


def test_a_damaged_file_is_not_uploaded_and_waits_for_a_person(tenant, site, settings):
    carrier = carrier_at(site, "northfield")
    stop_carrier(carrier, reason="Maintenance.", by=SYSTEM)
    final_for(tenant, "northfield")
    submission = Submission.objects.get()
    name = file_keys().name_of(submission.sha256)
    place = settings.FILES_DIR / str(tenant.pk) / name[:2] / f"{name}.locked"
    right = place.read_bytes()
    place.write_bytes(right[:-1])
    start_carrier(carrier, by=SYSTEM)  # what waited goes on by itself
    drain()
    submission.refresh_from_db()
    assert (submission.state, submission.code) == ("NEEDS_PERSON", "documents.damaged")
    assert not submission.was_handed_over
    assert site.entries("northfield") == []
    place.write_bytes(right)
    retry_submission(submission, by=SYSTEM)
    drain()
    submission.refresh_from_db()
    assert submission.state == "CONFIRMED"
