"""The doctor finds real faults, says what to do, and exits by the worst."""

import io
import json
import os
import shutil
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from django.core.management import call_command
from django.db import connection

from billing_portal.audit import anchoring, sealing
from billing_portal.audit.models import PendingSeal
from billing_portal.audit.trail import record
from billing_portal.jobs import gatekeeper
from billing_portal.jobs.models import ClockLine, Job, Slot
from billing_portal.jobs.supervisor import TICK_LOCK
from billing_portal.operation.checks import database, installation, outside, trail, work
from billing_portal.operation.examination import examined
from billing_portal.portal.findings import Level
from billing_portal.tenancy.actors import system
from invoices.gateways import trial

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
GOOD_KEY = "a long key of random characters, which this one is not at all"


def found(check, now=None):
    """Return a check's findings by what they are about."""
    return {each.what: each for each in check(now or datetime.now(UTC))}


@pytest.fixture
def mail_server(settings):
    """A real mail server, on a port of its own."""
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    server = Controller(Sink(), hostname=settings.EMAIL_HOST, port=settings.EMAIL_PORT)
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _owner(settings, databases):
    settings.DATABASE_OWNER_URL = databases.url("owner", connection.settings_dict["NAME"])


@pytest.fixture
def folders(settings, tmp_path):
    settings.FILES_DIR, settings.ANCHORS_DIR = tmp_path / "files", tmp_path / "anchors"
    settings.FILES_DIR.mkdir()
    settings.ANCHORS_DIR.mkdir()


@pytest.fixture
def production(settings):
    settings.ENVIRONMENT, settings.IS_PRODUCTION = "production", True
    settings.SECRET_KEY = GOOD_KEY
    settings.FIELD_KEYS = "c29tZSBvdGhlciBrZXkgb2YgdGhpcnR5LXR3byBieXQ="
    settings.SITE_URL, settings.ALLOWED_HOSTS = "https://bills.firm.test", [".firm.test"]
    settings.TRUSTED_PROXIES = 1
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SESSION_COOKIE_NAME = "__Host-session"
    return settings


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_database_of_the_tests_is_well():
    assert {each.level for each in found(database.database).values()} == {Level.OK}


def test_a_production_that_is_set_up_well_has_nothing_to_mend(production):
    levels = {what: each.level for what, each in found(installation.installation).items()}

    assert set(levels.values()) == {Level.OK}
    assert len(levels) == 8


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("SECRET_KEY", "short", "secret key"),
        ("SECRET_KEY", "for development and tests only: no installation may run", "secret key"),
        ("FIELD_KEYS", "not base64 at all!", "field keys"),
        ("FIELD_KEYS", "c2hvcnQ=", "field keys"),
        ("FIELD_KEYS", "ZGV2ZWxvcG1lbnQta2V5LW5vdC1hLXNlY3JldC0zMmI=", "field keys"),
        ("ALLOWED_HOSTS", ["*"], "hosts"),
        ("ALLOWED_HOSTS", ["other.test"], "hosts"),
        ("SITE_URL", "http://bills.firm.test", "TLS"),
        ("SESSION_COOKIE_SECURE", False, "cookies"),
        ("SESSION_COOKIE_NAME", "session", "cookies"),
        ("DEBUG", True, "environment"),
        ("METRICS_NETWORKS", ["10.0.0.0/33"], "monitoring"),
    ],
)
def test_settings_that_are_not_fit_for_production_are_faults(production, name, value, what):
    setattr(production, name, value)

    bad = [each for each in found(installation.installation).values() if each.level is Level.FAIL]

    assert [each.what for each in bad] == [what]
    assert all(each.advice for each in bad)


def test_a_mail_server_that_answers_is_well_and_a_stopped_one_a_fault(
    settings, mail_server, folders
):
    assert found(outside.outside)["mail"].level is Level.OK

    settings.EMAIL_PORT = free_port()
    stopped = found(outside.outside)["mail"]

    assert stopped.level is Level.FAIL
    assert "ConnectionRefusedError" in stopped.words
    assert "EMAIL_PORT" in stopped.advice


def test_a_mail_server_that_says_nothing_is_given_up_after_the_settings_time(settings, folders):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        settings.EMAIL_TIMEOUT = 1
        began = datetime.now(UTC)

        finding = found(outside.outside)["mail"]

    assert finding.level is Level.FAIL
    assert timedelta(seconds=1) <= datetime.now(UTC) - began < timedelta(seconds=5)


def test_a_missing_folder_is_a_fault(settings, folders, mail_server):
    settings.FILES_DIR.rmdir()

    findings = found(outside.outside)

    assert findings["files"].level is Level.FAIL
    assert "FILES_DIR" in findings["files"].advice
    assert findings["anchors"].level is Level.OK


def test_a_folder_that_is_served_to_everybody_is_a_fault(settings, folders, mail_server, tmp_path):
    settings.STATIC_ROOT = tmp_path

    findings = found(outside.outside)

    assert findings["files"].level is Level.FAIL
    assert "served to everybody" in findings["files"].words


@pytest.mark.parametrize(("free", "level"), [(6, Level.OK), (3, Level.WARN), (0.1, Level.FAIL)])
def test_a_disk_with_little_room_is_told(folders, mail_server, monkeypatch, free, level):
    usage = shutil.disk_usage("/")._replace(free=int(free * 2**30))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    assert found(outside.outside)["disk"].level is level


def test_without_workers_nobody_is_elected(settings):
    assert found(work.work)["supervisor"].level is Level.FAIL


def test_who_holds_the_lock_of_the_clock_is_the_supervisor(databases):
    with psycopg.connect(databases.url("app", connection.settings_dict["NAME"])) as elected:
        elected.execute("select pg_advisory_lock(%s)", [TICK_LOCK])
        elected.commit()

        finding = found(work.work)["supervisor"]

    assert finding.level is Level.OK
    assert finding.words.startswith("elected, ticked 0:00:0")


def test_slots_and_lines_of_the_clock_that_are_missing_are_told(settings):
    findings = found(work.work)

    assert findings["slots"].level is Level.FAIL
    assert "browser has 0 of 1" in findings["slots"].words
    assert findings["clock"].level is Level.WARN


def test_a_clock_that_nobody_strikes_is_a_fault(firm, settings):
    gatekeeper.make_slots(settings.JOB_SLOTS)
    ClockLine.objects.create(name="x", job="x", every_seconds=60, next_due_at="2026-01-01T00:00Z")

    findings = found(work.work)

    assert findings["slots"].level is Level.OK
    assert findings["clock"].level is Level.FAIL
    assert "“x, every 60 s”" in findings["clock"].words


def test_a_slot_of_a_job_that_has_ended_is_a_fault(firm):
    gatekeeper.make_slots({"default": 2, "documents": 2, "mail": 2, "browser": 1})
    job = Job.objects.create(
        tenant=firm, name="x", queue="mail", state=Job.State.SUCCEEDED, ended_at=NOW
    )
    Slot.objects.filter(queue="mail", number=1).update(job=job)

    assert found(work.work)["slots"].level is Level.FAIL


def test_a_worker_is_left_for_what_people_wait_for(settings):
    settings.JOB_SLOTS = {"default": 2, "documents": 2, "mail": 2, "browser": 1}
    settings.JOB_WORKERS = 4
    assert found(work.work)["hands"].level is Level.OK

    settings.JOB_WORKERS = 3
    finding = found(work.work)["hands"]
    assert finding.level is Level.WARN
    assert "JOB_WORKERS to 4" in finding.advice


def test_jobs_whose_workers_are_gone_are_a_fault(firm):
    old = datetime.now(UTC) - timedelta(minutes=5)
    Job.objects.create(
        tenant=firm, name="x", queue="mail", state=Job.State.RUNNING, claim_no=1, lease_until=old
    )

    assert found(work.work)["workers"].level is Level.FAIL


def test_jobs_that_wait_for_long_are_told(firm):
    old = datetime.now(UTC) - timedelta(minutes=20)
    Job.objects.create(tenant=firm, name="x", queue="mail", run_after=old)

    finding = found(work.work)["queues"]

    assert finding.level is Level.WARN
    assert finding.words.startswith("1 wait, the oldest for 0:20:0")


def test_a_broker_that_is_away_is_a_fault_where_celery_is_chosen(settings):
    place = f"127.0.0.1:{free_port()}"
    settings.CELERY_BROKER_URL = f"amqp://guest:a-password@{place}//"
    assert "broker" not in found(work.work)
    settings.JOB_ENGINE = "celery"

    finding = found(work.work)["broker"]

    assert finding.level is Level.FAIL
    assert place in finding.words
    assert "a-password" not in finding.words


def test_seals_and_anchors_that_are_behind_are_told(folders, tenant):
    now = datetime.now(UTC)
    record("sample.noted", tenant, by=system("test"))
    assert found(trail.trail)["seals of audit"].level is Level.OK
    PendingSeal.objects.update(recorded_at=now - timedelta(minutes=5))
    assert found(trail.trail)["seals of audit"].level is Level.WARN

    sealing.seal("audit")
    anchoring.anchor(tenant, "audit", now - timedelta(hours=2))
    assert found(trail.trail)["anchors of audit"].level is Level.OK
    record("sample.noted", tenant, by=system("test"))
    sealing.seal("audit")

    assert found(trail.trail)["anchors of audit"].level is Level.FAIL


def test_a_page_is_printed_and_another_shown():
    findings = found(trial.trial)

    assert [each.level for each in findings.values()] == [Level.OK, Level.OK]


def test_without_chromium_there_is_no_page(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    finding = found(trial.trial)["browser"]

    assert finding.level is Level.FAIL
    assert "NoBrowser" in finding.words


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(settings, folders, mail_server):
    settings.DOCTOR_CHECKS = [
        "tests.operation.test_doctor.faints",
        "billing_portal.operation.checks.outside.outside",
    ]

    findings = list(examined(NOW))

    assert [each.level for each in findings][:2] == [Level.FAIL, Level.OK]
    assert findings[0].words == "the check broke off: ZeroDivisionError"


def faints(_now):
    yield 1 // 0


@pytest.mark.parametrize(
    ("checks", "code"),
    [
        (["database.database"], 0),
        (["database.database", "installation.installation"], 1),
        (["database.database", "work.work"], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst(settings, checks, code):
    settings.DOCTOR_CHECKS = [f"billing_portal.operation.checks.{name}" for name in checks]
    said = io.StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("doctor", stdout=said)

    assert ended.value.code == code
    assert ("→" in said.getvalue()) is (code > 0)


def run_doctor(**environment):
    """Run the command as an operator does; return the exit code and the findings by their name."""
    run = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json"],
        cwd=ROOT, env={**os.environ, "LOG_LEVEL": "CRITICAL", **environment},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    answer = json.loads(run.stdout)
    return run.returncode, {each["what"]: each for each in answer["findings"]}


def test_a_role_with_too_many_rights_is_a_fault(databases):
    name = connection.settings_dict["NAME"]

    code, findings = run_doctor(DATABASE_URL=databases.url("owner", name))

    assert code == 2
    assert findings["application's role"]["level"] == "fail"
    assert "owns tables" in findings["application's role"]["words"]
    assert "may create databases" in findings["application's role"]["words"]


def test_a_database_that_is_away_is_a_fault_and_the_rest_is_looked_at():
    away = f"postgresql://portal_app@127.0.0.1:{free_port()}/portal"

    code, findings = run_doctor(DATABASE_URL=away, DATABASE_OWNER_URL=away)

    assert code == 2
    assert findings["database"]["words"] == "the check broke off: OperationalError"
    assert findings["printing"]["level"] == "ok"
