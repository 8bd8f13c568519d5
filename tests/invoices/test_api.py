"""Charges over REST: rows answered in their place, files whole or not at all."""

import json
from datetime import date

import pytest

from billing_portal.tenancy.scope import tenant_scope
from invoices.models import Charge
from tests.customers.factories import MatterFactory, RateFactory, TimekeeperFactory
from tests.foundations.test_api import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller(client, firm):
    return Caller(client, firm)


@pytest.fixture
def row(firm):
    with tenant_scope(firm.pk):
        matter, timekeeper = MatterFactory.create(), TimekeeperFactory.create()
        RateFactory.create(timekeeper=timekeeper, starts_on=date(2026, 1, 1))
    return {
        "key": "t:1",
        "kind": "TIME",
        "customer": matter.customer.external_id,
        "matter": matter.external_id,
        "timekeeper": timekeeper.external_id,
        "worked_on": "2026-10-15",
        "quantity": "1.5",
        "narrative": "Attend deposition.",
    }


def send(caller, *rows):
    return caller.post("/api/v1/charges/batches", {"source": "case-system", "rows": list(rows)})


def count(firm):
    with tenant_scope(firm.pk):
        return Charge.objects.count()


def test_a_batch_is_answered_row_by_row(caller, firm, row):
    answer = send(
        caller,
        row,
        row | {"key": "t:2", "quantity": 1.5},
        row | {"key": "t:3", "hours": "1.5"},
        row | {"key": "t:4", "customer": "nobody"},
        row | {"key": "t:5", "worked_on": "yesterday"},
    )

    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [(r["index"], r["status"], r["code"], r["column"]) for r in results] == [
        (0, "accepted", "", ""),
        (1, "refused", "charges.value", "quantity"),
        (2, "refused", "charges.value", "hours"),
        (3, "refused", "charges.unknown_customer", "customer"),
        (4, "refused", "charges.value", "worked_on"),
    ]
    assert answer.json()["counts"] == {"accepted": 1, "refused": 4}
    assert count(firm) == 1


def test_a_repeated_batch_does_no_harm(caller, firm, row):
    send(caller, row)

    assert send(caller, row).json()["counts"] == {"duplicate": 1}
    assert count(firm) == 1


def test_a_charge_is_read_by_its_id_without_its_narrative(caller, row):
    made = send(caller, row).json()["results"][0]["id"]

    shown = caller.get(f"/api/v1/charges/{made}")

    assert shown.status_code == 200
    assert shown.json()["amount"]["currency"] == "USD"
    assert "Attend deposition" not in shown.content.decode()


def test_lists_filter_by_source_and_kind(caller, row):
    send(caller, row)

    assert len(caller.get("/api/v1/charges", kind="TIME").json()["data"]) == 1
    assert caller.get("/api/v1/charges", kind="EXPENSE").json()["data"] == []
    assert caller.get("/api/v1/charges", knid="TIME").status_code == 400


@pytest.mark.parametrize("body", [{}, {"source": "s", "rows": []}, {"source": "s", "rows": [1]}])
def test_a_batch_out_of_form_is_422_by_json_pointer(caller, firm, body):
    answer = caller.post("/api/v1/charges/batches", body)

    assert answer.status_code == 422
    assert all(error["pointer"].startswith("/") for error in answer.json()["errors"])
    assert count(firm) == 0


@pytest.mark.parametrize("number", ["1e3", "\u0661", " 1", "1_0", "+1"])
def test_a_number_is_written_as_in_a_file(caller, firm, row, number):
    answer = send(caller, row | {"quantity": number})

    (result,) = answer.json()["results"]
    assert (result["status"], result["column"]) == ("refused", "quantity")
    assert count(firm) == 0


def upload(caller, text):
    return caller.client.post(
        "/api/v1/charges/files", text, content_type="text/csv", headers=caller.headers
    )


def test_a_file_is_taken(caller, firm, row):
    names = [name for name in row if name != "narrative"]
    text = ",".join(names) + "\n" + ",".join(row[name] for name in names)

    answer = upload(caller, text)

    assert (answer.status_code, answer.json()) == (201, {"counts": {"accepted": 1}})
    assert count(firm) == 1


def test_a_file_with_a_bad_cell_tells_all_and_takes_nothing(caller, firm, row):
    names = [name for name in row if name != "narrative"]
    good = ",".join(row[name] for name in names)
    text = ",".join(names) + "\n" + good + "\n" + good.replace("1.5", "one")

    answer = upload(caller, text)

    assert (answer.status_code, answer.json()["code"]) == (422, "charges.file_unreadable")
    assert answer.json()["errors"] == [
        {
            "row": 3,
            "column": "quantity",
            "rule": "number",
            "text": "Write digits, a point and up to four decimals.",
            "key": "t:1",
        }
    ]
    assert count(firm) == 0


def test_a_file_with_an_unknown_customer_takes_nothing(caller, firm, row):
    names = [name for name in row if name != "narrative"]
    lines = [row, row | {"key": "t:2", "customer": "nobody"}]
    text = "\n".join([",".join(names), *(",".join(r[n] for n in names) for r in lines)])

    answer = upload(caller, text)

    assert (answer.status_code, answer.json()["code"]) == (422, "charges.rows_refused")
    assert answer.json()["errors"] == [
        {
            "row": 3,
            "column": "customer",
            "rule": "charges.unknown_customer",
            "text": "There is no such customer.",
            "key": "t:2",
        }
    ]
    assert count(firm) == 0


def test_all_that_stands_against_a_file_is_told_together(caller, firm, row):
    names = [name for name in row if name != "narrative"]
    lines = [
        row | {"key": "t:2", "customer": "nobody"},
        row | {"key": "t:3", "worked_on": "2026-13-01"},
        row | {"key": "t:4", "quantity": "25"},
        row | {"key": "t:5"},
    ]
    text = "\n".join(
        [",".join([*names, "extra"]), *(",".join([*(r[n] for n in names), ""]) for r in lines)]
    )

    answer = upload(caller, text)

    assert (answer.status_code, answer.json()["code"]) == (422, "charges.file_unreadable")
    assert [(e["row"], e["column"], e["rule"], e["key"]) for e in answer.json()["errors"]] == [
        (1, "extra", "column.unknown", ""),
        (2, "customer", "charges.unknown_customer", "t:2"),
        (3, "worked_on", "date", "t:3"),
        (4, "quantity", "charges.too_many_hours", "t:4"),
    ]
    assert count(firm) == 0


def test_another_firms_charge_is_404(caller, client, row):
    from tests.factories import TenantFactory

    made = send(caller, row).json()["results"][0]["id"]
    stranger = Caller(client, TenantFactory.create())

    assert stranger.get(f"/api/v1/charges/{made}").status_code == 404
    assert stranger.get("/api/v1/charges").json()["data"] == []


def test_a_key_that_may_only_read_captures_nothing(client, firm, row):
    reader = Caller(client, firm, scopes=["charges.read"])

    answer = send(reader, row)

    assert answer.status_code == 403
    assert json.loads(answer.content)["permission"] == "charges.capture"
    assert count(firm) == 0


@pytest.mark.parametrize(
    ("rest", "media_type"), [("files", "text/csv"), ("ledes-files", "text/plain")]
)
def test_an_empty_body_is_no_file(caller, rest, media_type):
    answer = caller.client.post(
        f"/api/v1/charges/{rest}", b"", content_type=media_type, headers=caller.headers
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_a_key_twice_in_one_file_is_found_in_its_row(caller, firm, row):
    names = [name for name in row if name != "narrative"]
    lines = [row, row | {"quantity": "2"}]
    text = "\n".join([",".join(names), *(",".join(r[n] for n in names) for r in lines)])

    (error,) = upload(caller, text).json()["errors"]

    assert (error["row"], error["column"], error["rule"]) == (3, "key", "charges.conflict")
    assert error["text"]
    assert count(firm) == 0
