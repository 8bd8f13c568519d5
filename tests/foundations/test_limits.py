"""How much may be asked: counted on cost where all processes share it, and said in headers."""

import json
import threading

import pytest
from django.db import connection, connections

from billing_portal.api import limits
from billing_portal.api.limits import Draw
from billing_portal.api.models import Bucket
from billing_portal.jobs.models import Job
from tests.conformity import description
from tests.factories import MembershipFactory, TenantFactory, UserFactory
from tests.foundations.test_api import Caller

pytestmark = pytest.mark.django_db
SIGNED_IN = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def caller(client, firm):
    return Caller(client, firm)


@pytest.fixture
def limited(settings):
    """Set limits for one test, the others staying as they are."""

    def limit(**units):
        named = {name.replace("_", "-"): number for name, number in units.items()}
        settings.RATE_LIMITS = settings.RATE_LIMITS | named

    return limit


def test_an_answer_says_how_much_is_left(caller, limited):
    limited(key=100, firm=1000, address=0)

    answer = caller.get("/api/v1/jobs")

    assert answer.headers["RateLimit-Policy"] == '"firm";q=1000;w=60, "key";q=100;w=60'
    assert answer.headers["RateLimit"] == '"firm";r=998;t=1, "key";r=98;t=2'
    assert "Retry-After" not in answer.headers


def test_beyond_the_limit_a_request_is_answered_429_and_has_no_effect(caller, limited, firm):
    limited(key=2)
    job = Job.objects.create(tenant=firm, name="x", queue="default", state=Job.State.FAILED)
    caller.get("/api/v1/jobs")

    answer = caller.post(f"/api/v1/jobs/{job.public_id}/retry", Idempotency_Key="once")

    assert answer.status_code == 429
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "rate.exceeded"
    assert answer.json()["policies"] == ["key"]
    assert 59 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit"].startswith('"address";r=')
    assert Job.objects.count() == 1


def test_a_refused_request_costs_nothing(caller, limited):
    limited(key=2, firm=100)
    caller.get("/api/v1/jobs")
    before = Bucket.objects.get(name__startswith="firm:").full_at

    refused = [caller.get("/api/v1/jobs").status_code for _ in range(3)]

    assert refused == [429, 429, 429]
    assert Bucket.objects.get(name__startswith="firm:").full_at == before


def test_what_was_spent_flows_back(caller, limited):
    limited(key=2)
    caller.get("/api/v1/jobs")
    assert caller.get("/api/v1/jobs").status_code == 429

    with connection.cursor() as cursor:
        cursor.execute("update api_bucket set full_at = full_at - interval '61 seconds'")

    assert caller.get("/api/v1/jobs").status_code == 200


def test_a_batch_costs_by_its_bytes(caller, limited):
    limited(key=1000, address=0, firm=0)
    rows = [{"key": f"row-{number}", "note": "n" * 300} for number in range(1000)]
    size = len(json.dumps({"rows": rows}))

    answer = caller.post("/api/v1/charges/batch", {"rows": rows})

    cost = 5 + -(-size // 16384)
    assert cost == 26
    assert answer.headers["RateLimit"].startswith(f'"key";r={1000 - cost};')


def test_each_operation_is_described_with_its_cost_and_its_429():
    operations = {
        f"{verb} {path}": operation
        for path, verbs in description()["paths"].items()
        for verb, operation in verbs.items()
    }

    assert operations["get /api/v1/invoices"]["x-cost"] == 2
    assert operations["get /api/v1/invoices/{id}"]["x-cost"] == 1
    assert {op["x-cost"] for name, op in operations.items() if not name.startswith("get ")} == {5}
    assert all("429" in operation["responses"] for operation in operations.values())
    assert "x-cost" in description()["info"]["description"]


def test_one_firm_that_has_spent_its_own_leaves_another_alone(client, limited, firm):
    limited(firm=2)
    busy, other = Caller(client, firm), Caller(client, TenantFactory.create())
    busy.get("/api/v1/jobs")

    answers = [busy.get("/api/v1/jobs"), Caller(client, firm).get("/api/v1/jobs")]

    assert [answer.status_code for answer in answers] == [429, 429]
    assert answers[1].json()["policies"] == ["firm"]
    assert other.get("/api/v1/jobs").status_code == 200


def test_an_address_that_asks_too_much_leaves_others_alone(client, limited, firm):
    limited(address=2)
    caller = Caller(client, firm)
    client.get("/api/v1/jobs", headers=caller.headers)

    here = client.get("/api/v1/jobs", headers=caller.headers)
    there = client.get("/api/v1/jobs", headers=caller.headers, REMOTE_ADDR="192.0.2.7")

    assert [here.status_code, there.status_code] == [429, 200]


def test_guessing_keys_ends_in_429_for_the_address_only(client, limited):
    limited(failures=3)
    wrong = {"Authorization": f"Bearer bp_0123456789_{'x' * 43}"}

    here = [client.get("/api/v1/jobs", headers=wrong).status_code for _ in range(5)]
    there = client.get("/api/v1/jobs", headers=wrong, REMOTE_ADDR="192.0.2.7").status_code

    assert here == [401, 401, 401, 429, 429]
    assert there == 401


def test_a_right_guess_after_too_many_wrong_ones_is_not_told_from_them(client, limited, firm):
    limited(failures=3)
    caller, colleague = Caller(client, firm), Caller(client, firm)
    guess = {"Authorization": caller.headers["Authorization"][:-43] + "x" * 43}
    for _ in range(3):
        client.get("/api/v1/jobs", headers=guess)

    right = caller.get("/api/v1/jobs")

    assert right.status_code == 429
    assert right.json()["policies"] == ["failures"]
    assert colleague.get("/api/v1/jobs").status_code == 200
    elsewhere = client.get("/api/v1/jobs", headers=caller.headers, REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code == 200


def test_a_limit_of_zero_is_none(caller, limited):
    limited(key=0, firm=0, address=0, failures=0)

    answer = caller.get("/api/v1/jobs")

    assert answer.status_code == 200
    assert "RateLimit" not in answer.headers
    assert not Bucket.objects.exists()


def test_more_than_a_full_bucket_holds_is_granted_once_a_minute(limited):
    limited(key=3)

    verdicts = [limits.take([Draw("key", "1", 50)]).is_granted for _ in range(2)]

    assert verdicts == [True, False]


def test_forms_are_counted_for_each_person(client, limited, firm):
    limited(posts=1)
    people = [MembershipFactory.create(tenant=firm, user=UserFactory.create()) for _ in range(2)]
    answers = {}
    for number, member in enumerate(people):
        client.force_login(member.user, SIGNED_IN)
        answers[number] = [client.post(f"/t/{firm.slug}/nowhere/") for _ in range(2)]

    assert [[a.status_code for a in answers[n]] for n in answers] == [[404, 429], [404, 429]]
    refused = answers[0][1]
    assert 59 <= int(refused.headers["Retry-After"]) <= 60
    assert "Nothing was changed" in refused.content.decode()
    assert client.get(f"/t/{firm.slug}/inbox/").status_code == 200


def test_sign_in_forms_are_counted_for_each_address(client, limited):
    limited(posts_address=1)
    form = {"login": "nobody@firm.test", "password": "wrong"}

    answers = [client.post("/accounts/login/", form).status_code for _ in range(2)]

    assert answers == [200, 429]
    assert client.post("/accounts/login/", form, REMOTE_ADDR="192.0.2.7").status_code == 200


@pytest.mark.parametrize(
    ("peer", "holder"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("", "nowhere"),
    ],
)
def test_a_network_that_one_caller_holds_is_one_address(peer, holder):
    assert limits.holder_of_address(peer) == holder


def test_full_buckets_are_forgotten(limited):
    limited(key=10)
    limits.take([Draw("key", "1", 5)])
    limits.take([Draw("key", "2", 5)])
    Bucket.objects.filter(name="key:1").update(full_at="2026-01-01T00:00Z")

    assert limits.forget_full() == 1
    assert [bucket.name for bucket in Bucket.objects.all()] == ["key:2"]


@pytest.mark.django_db(transaction=True)
def test_processes_share_the_count_and_never_wait_for_each_other_for_ever(limited):
    limited(key=40, firm=1000, address=1000)
    granted: list[bool] = []
    broken: list[Exception] = []

    def ask(number: int) -> None:
        # Each thread has a connection of its own; the draws come in different orders.
        draws = [Draw("key", "1", 1), Draw("firm", "1", 1), Draw("address", "a", 1)]
        try:
            order = draws[::-1] if number % 2 else draws
            granted.extend(limits.take(order).is_granted for _ in range(25))
        except Exception as error:  # noqa: BLE001 -- told to the test
            broken.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert broken == []
    assert len(granted) == 100
    # 40 at once; what flows back while the test runs is two units in three seconds.
    assert 40 <= sum(granted) <= 45


def test_the_table_is_not_logged_and_is_read_by_its_key():
    with connection.cursor() as cursor:
        cursor.execute("select relpersistence from pg_class where relname = 'api_bucket'")
        assert cursor.fetchone() == ("u",)
