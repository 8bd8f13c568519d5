"""The manners of the API, shown on jobs: keys, pages, problems, repeats."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from billing_portal.api.models import IdempotentAnswer
from billing_portal.ids import public_id
from billing_portal.jobs.models import Job
from billing_portal.members import granting
from billing_portal.tenancy.actors import system
from billing_portal.tenancy.permissions import ROLES
from billing_portal.tenancy.scope import tenant_scope
from tests.factories import TenantFactory
from tests.jobs import sample_jobs

pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"


class Caller:
    """A firm's own system, calling with its key."""

    def __init__(self, client, firm, scopes=()):
        now = datetime.now(UTC)
        with tenant_scope(firm.pk):
            key, text = granting.request_key(
                firm,
                name="system",
                by=system("one"),
                expires_at=now + timedelta(1),
                scopes=list(scopes),
            )
            granting.approve_key(key, by=system("two"), at=now)
        self.client, self.headers = client, {"Authorization": f"Bearer {text}"}

    def get(self, path, **query):
        return self.client.get(path, query, headers=self.headers)

    def post(self, path, body=None, **headers):
        return self.client.post(
            path,
            json.dumps(body or {}),
            content_type="application/json",
            headers=self.headers | {k.replace("_", "-"): v for k, v in headers.items()},
        )


@pytest.fixture
def caller(client, firm):
    return Caller(client, firm)


@pytest.fixture
def jobs(firm):
    with tenant_scope(firm.pk):
        return [sample_jobs.note.enqueue(number=number) for number in range(5)]


def test_a_list_pages_by_key_and_says_where_the_next_page_is(caller, jobs):
    first = caller.get("/api/v1/jobs", limit=2)
    second = caller.get("/api/v1/jobs", limit=2, after=first.json()["next_cursor"])
    third = caller.get("/api/v1/jobs", limit=2, after=second.json()["next_cursor"])

    pages = [first.json(), second.json(), third.json()]
    assert [row["id"] for page in pages for row in page["data"]] == [
        job.public_id for job in reversed(jobs)
    ]
    assert [page["has_more"] for page in pages] == [True, True, False]
    assert 'rel="next"' in first.headers["Link"]
    assert "Link" not in third.headers


@pytest.mark.parametrize("count", [1, 5])
def test_a_page_costs_the_same_whatever_its_length(caller, firm, count, django_assert_num_queries):
    with tenant_scope(firm.pk):
        for number in range(count):
            sample_jobs.note.enqueue(number=number)
    caller.get("/api/v1/jobs")

    with django_assert_num_queries(8):
        caller.get("/api/v1/jobs")


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"after": "nonsense"}, "cursor"),
        ({"stauts": "queued"}, "Did you mean status?"),
        ({"cursor": "abc"}, "Did you mean after?"),
        ({"page_size": "10"}, "Did you mean limit?"),
        ({"colour": "red"}, "no parameter colour"),
    ],
)
def test_what_cannot_be_understood_is_400_and_says_why(caller, query, detail):
    answer = caller.get("/api/v1/jobs", **query)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == PROBLEM
    assert answer.json()["code"] == "malformed"
    assert detail in answer.json()["detail"]


def test_a_cursor_is_good_for_the_filters_it_was_made_with(caller, jobs):
    cursor = caller.get("/api/v1/jobs", limit=2).json()["next_cursor"]

    answer = caller.get("/api/v1/jobs", limit=2, after=cursor, status="queued")

    assert answer.status_code == 400


def test_filters_compare_and_take_several_values(caller, jobs):
    Job.objects.filter(pk=jobs[0].pk).update(state="failed")

    assert len(caller.get("/api/v1/jobs", status="failed").json()["data"]) == 1
    assert len(caller.get("/api/v1/jobs", status="failed,queued").json()["data"]) == 5


def test_another_firms_job_looks_like_one_that_does_not_exist(caller):
    with tenant_scope(TenantFactory.create().pk):
        theirs = sample_jobs.note.enqueue(number=1)

    answers = [
        caller.get(f"/api/v1/jobs/{name}")
        for name in (theirs.public_id, public_id("job", uuid4()), "inv_" + "0" * 26, "job_x")
    ]

    bodies = [{**a.json(), "request_id": ""} for a in answers]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert all(body == bodies[0] for body in bodies)


def test_a_key_without_the_scope_is_403_and_learns_its_name(client, firm):
    answer = Caller(client, firm, scopes=["charges.capture"]).get("/api/v1/jobs")

    assert answer.status_code == 403
    assert answer.json()["permission"] == "jobs.read"
    assert "ask for a key that has" in answer.json()["detail"]
    assert "grants it" not in answer.json()["detail"]


def test_a_verb_that_is_not_offered_is_405(caller):
    assert caller.post("/api/v1/jobs").status_code == 405


def test_a_deed_needs_a_key_for_repeats(caller, jobs):
    answer = caller.post(f"/api/v1/jobs/{jobs[0].public_id}/cancellation")

    assert answer.status_code == 400
    assert answer.json()["header"] == "Idempotency-Key"


def test_a_path_longer_than_any_is_nowhere(caller):
    answer = caller.post(f"/api/v1/jobs/{'a' * 3900}/cancellation", Idempotency_Key="k1")

    assert answer.status_code == 404


def test_a_repeat_gets_the_same_answer_and_does_nothing(caller, jobs):
    path = f"/api/v1/jobs/{jobs[0].public_id}/cancellation"
    first = caller.post(path, Idempotency_Key="k1")
    second = caller.post(path, Idempotency_Key="k1")

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"


def test_a_key_used_for_another_request_is_refused_and_nothing_is_done(caller, jobs):
    caller.post(f"/api/v1/jobs/{jobs[0].public_id}/cancellation", Idempotency_Key="k1")

    answer = caller.post(f"/api/v1/jobs/{jobs[1].public_id}/cancellation", Idempotency_Key="k1")

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency.key_reused")
    jobs[1].refresh_from_db()
    assert jobs[1].state == "queued"


@pytest.mark.parametrize("version", ['"2"', ""])
def test_a_key_used_with_another_version_is_refused(caller, jobs, version):
    path = f"/api/v1/jobs/{jobs[0].public_id}/cancellation"
    first = caller.post(path, Idempotency_Key="k1", If_Match='"1"')
    again = caller.post(path, Idempotency_Key="k1", If_Match='"1"')

    answer = caller.post(path, Idempotency_Key="k1", If_Match=version)

    assert (first.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency.key_reused")


def test_a_refusal_is_409_and_is_not_kept(caller, jobs, firm):
    Job.objects.filter(pk=jobs[0].pk).update(state="succeeded")

    answer = caller.post(f"/api/v1/jobs/{jobs[0].public_id}/cancellation", Idempotency_Key="k1")

    assert (answer.status_code, answer.json()["code"]) == (409, "job.not_waiting")
    with tenant_scope(firm.pk):
        assert not IdempotentAnswer.objects.exists()


@pytest.mark.parametrize(
    "body", [b'{"a": 1, "a": 2}', b'{"a": NaN}', b"{", b"[" * 100_000, b"\xff", b"{'a': 1}"]
)
def test_a_body_that_is_not_strict_json_is_400_and_does_nothing(caller, jobs, body):
    answer = caller.client.post(
        f"/api/v1/jobs/{jobs[0].public_id}/cancellation",
        body,
        content_type="application/json",
        headers=caller.headers | {"Idempotency-Key": "k1"},
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    jobs[0].refresh_from_db()
    assert jobs[0].state == "queued"


def test_the_description_is_open_and_the_viewer_asks_nobody_outside(client):
    schema = client.get("/api/schema", headers={"Accept": "application/json"})
    page = client.get("/api/docs").content.decode()

    assert schema.status_code == 200
    assert "/api/v1/jobs" in schema.content.decode()
    assert "https://" not in page


def _paths(patterns, prefix=""):
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _paths(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield path, pattern


def test_every_endpoint_names_a_permission_for_each_of_its_verbs():
    endpoints = [
        (path, pattern.callback)
        for path, pattern in _paths(get_resolver().url_patterns)
        if path.startswith("api/v1/") and hasattr(pattern.callback, "cls")
    ]
    bare = [
        f"{path}: {verb}"
        for path, view in endpoints
        for verb in view.actions.values()
        if verb not in view.cls.permissions
    ]

    assert endpoints
    assert bare == []


def test_every_verb_of_the_api_is_one_that_some_key_may_use():
    asked = {
        (path, view.cls.permissions[verb])
        for path, pattern in _paths(get_resolver().url_patterns)
        if path.startswith("api/v1/") and hasattr(view := pattern.callback, "cls")
        for verb in view.actions.values()
    }

    assert asked
    assert {pair for pair in asked if pair[1] not in ROLES["service"]} == set()


def test_a_failed_job_is_retried_by_a_key(caller, jobs, firm):
    Job.objects.filter(pk=jobs[0].pk).update(state="failed", ended_at=datetime.now(UTC))

    answer = caller.post(f"/api/v1/jobs/{jobs[0].public_id}/retry", Idempotency_Key="k1")

    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    again = caller.post(f"/api/v1/jobs/{jobs[0].public_id}/retry", Idempotency_Key="k2")
    assert (again.status_code, again.json()["code"]) == (409, "job.tried_again")
    assert answer.json()["id"] in again.json()["detail"]


def shown(answer, status, code):
    """Hold an answer against what every problem has."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM)
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == answer.headers["Request-Id"]
    assert int(answer.headers["Content-Length"]) == len(answer.content)


@pytest.mark.parametrize("path", ["/api/v1/nope", "/api/v1/jobs/", "/api/nope", "/t/x/api/v1/jobs"])
def test_an_unknown_path_is_a_problem_too(caller, path):
    shown(caller.get(path), 404, "not_found")


@pytest.mark.parametrize("path", ["/api/v1/jobs", "/api/schema", "/api/docs/problems"])
def test_a_verb_that_is_not_offered_is_a_problem(client, caller, path):
    answer = client.delete(path, headers=caller.headers)

    shown(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


def test_a_fault_of_ours_is_a_problem_that_tells_nothing(client, caller, monkeypatch):
    def fail(*_args):
        raise RuntimeError("a secret")

    monkeypatch.setattr("billing_portal.jobs.api.JobViewSet.get_queryset", fail)
    client.raise_request_exception = False

    answer = caller.get("/api/v1/jobs")

    shown(answer, 500, "broken")
    assert b"secret" not in answer.content


def test_a_request_that_reaches_no_endpoint_is_a_problem(client, caller):
    answer = client.get("/api/v1/jobs", headers=caller.headers | {"Host": "elsewhere.test"})

    shown(answer, 400, "malformed")


def test_without_a_key_the_answer_says_how_to_sign_in(client, firm):
    answer = client.get("/api/v1/jobs")

    shown(answer, 401, "api_key.not_accepted")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/api/v1/charges/batches", "application/json"),
        ("/api/v1/charges/files", "text/csv"),
        ("/api/v1/charges/ledes-files", "text/plain"),
        ("/api/v1/bank-files", "application/xml"),
    ],
)
def test_a_body_is_read_up_to_a_limit(client, caller, monkeypatch, path, media_type):
    monkeypatch.setattr("billing_portal.api.parsing.MOST_BYTES", 100)
    headers = caller.headers | {"Idempotency-Key": "large"}

    answer = client.post(path, b"{" + b" " * 100, content_type=media_type, headers=headers)

    shown(answer, 413, "body.too_large")


def test_a_body_of_another_type_is_a_problem(client, caller):
    headers = caller.headers | {"Idempotency-Key": "other"}

    answer = client.post(
        "/api/v1/charges/batches", "a=b", content_type="text/html", headers=headers
    )

    shown(answer, 415, "malformed")


def test_a_parameter_that_stands_twice_is_told(caller, jobs):
    answer = caller.client.get("/api/v1/jobs?queue=mail&queue=default", headers=caller.headers)

    assert answer.status_code == 400
    assert answer.json()["parameter"] == "queue"
    assert "with commas between them" in answer.json()["detail"]
