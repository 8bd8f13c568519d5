"""Typed numbers and days: read when they are meant well, refused at the door otherwise."""

import base64
from datetime import date
from decimal import Decimal

import pytest
from rest_framework.serializers import ValidationError

from billing_portal.api.shapes import DecimalText
from billing_portal.bounds import (
    is_a_day,
    is_more_than_a_day,
    is_plain_decimal,
    is_too_far_ahead,
    whole_number,
)
from billing_portal.money import NotAnAmount, amount_typed
from billing_portal.tenancy.scope import tenant_scope
from customers.models import Customer
from tests.factories import MembershipFactory
from tests.foundations.test_api import PROBLEM, Caller

NINES = "9" * 3000


@pytest.mark.parametrize("text", ["", "²", "٣", "-1", "1.0", "1_0", " 1", NINES])
def test_only_a_few_ascii_digits_are_a_whole_number(text):
    assert whole_number(text) is None


def test_a_whole_number_fits_every_key():
    assert (whole_number("0"), whole_number("9" * 18)) == (0, 10**18 - 1)


@pytest.mark.parametrize(
    ("day", "is_inside"),
    [
        (date(1, 1, 1), False),
        (date(1989, 12, 31), False),
        (date(1990, 1, 1), True),
        (date(2099, 12, 31), True),
        (date(9999, 12, 31), False),
    ],
)
def test_days_are_those_of_a_working_life(day, is_inside):
    assert is_a_day(day) is is_inside


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1234.5", "USD", 123450),
        ("1,234.50", "USD", 123450),
        ("0.07", "USD", 7),
        ("1,000,000", "JPY", 1000000),
        ("1.005", "KWD", 1005),
    ],
)
def test_an_amount_is_read_as_it_is_written(text, currency, minor):
    assert amount_typed(text, currency).minor == minor


@pytest.mark.parametrize(
    "text",
    [
        *("", "abc", "1,50", "1.005", "1e3", "1e9999999", "-1", "+1", "1.", ".5", "0,500"),
        *("1234,567", "1,2345", "12 000", "NaN", "Infinity", "\u0661", "1\n", "9" * 16),
    ],
)
def test_what_could_be_read_in_two_ways_is_no_amount(text):
    with pytest.raises(NotAnAmount, match=r"Write an amount such as 1,234\.50"):
        amount_typed(text, "USD")


def test_a_currency_without_cents_takes_none():
    with pytest.raises(NotAnAmount, match="such as 123,450, with 0 decimals"):
        amount_typed("1.5", "JPY")


@pytest.fixture
def caller(client, firm):
    return Caller(client, firm)


def is_malformed(answer):
    return (answer.status_code, answer.headers["Content-Type"]) == (400, PROBLEM)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ['[Infinity, "x"]', '[1e400, "x"]', "[" * 2500, "[9" + "9" * 30 + ', "x"]', "[1]", "é"]
)
def test_a_forged_cursor_is_refused(caller, text):
    cursor = base64.urlsafe_b64encode(text.encode()).decode()

    assert is_malformed(caller.get("/api/v1/jobs", after=cursor))


@pytest.mark.django_db
@pytest.mark.parametrize("limit", ["²", NINES])
def test_a_forged_limit_is_refused(caller, limit):
    assert is_malformed(caller.get("/api/v1/jobs", limit=limit))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        r'{"source": "\ud800", "rows": [{}]}',
        r'{"\ud800": 1}',
        r'{"source": "a\u0000b", "rows": [{}]}',
        r'{"source": "s", "rows": [{"a\u0000": 1}]}',
        '{"source": "s", "rows": ' + "[" * 100_000 + "}",
    ],
)
def test_a_body_that_no_table_can_hold_is_refused(caller, body):
    answer = caller.client.post(
        "/api/v1/charges/batches", body, content_type="application/json", headers=caller.headers
    )

    assert is_malformed(answer)


@pytest.mark.django_db
@pytest.mark.parametrize("rest", ["jobs?status=%00", "charges?customer=a%00b", "jobs/%00"])
def test_a_nul_in_a_question_to_the_api_is_refused(caller, rest):
    assert is_malformed(caller.client.get(f"/api/v1/{rest}", headers=caller.headers))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "rest", ["invoices/?q=%00", "admin/invoices/invoice/?state__exact=%00", "inv%00oices/"]
)
def test_a_nul_in_the_address_of_a_page_is_refused(client, firm, rest):
    user = MembershipFactory.create(tenant=firm, role="owner").user
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")

    answer = client.get(f"/t/{firm.slug}/{rest}")

    assert answer.status_code == 400
    assert "This cannot be understood" in answer.content.decode()


@pytest.mark.django_db
def test_a_nul_in_a_form_or_cookie_is_refused(client):
    form = {"login": "a@firm.test", "password": "a\0b"}
    assert client.post("/accounts/login/", form).status_code == 400
    assert client.post("/accounts/login/", {"a\0b": "x"}).status_code == 400
    session = {"Cookie": r'session="abcdefgh\000ijkl"'}
    assert client.get("/", headers=session).status_code == 400
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "latin-1"])
def test_a_form_in_other_letters_than_ours_is_refused(client, charset):
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    answer = client.generic("POST", "/accounts/login/", "x=1", content_type=kind)
    assert (answer.status_code, answer.content) == (400, b"Forms are sent in UTF-8.")


def test_an_address_longer_than_its_column_is_refused_by_row(caller, firm):
    row = {"external_id": "C9", "name": "Nine", "currency": "USD"}
    long = "a" * 300 + "@x.test"
    rows = [row | {"invoice_email": long}, row | {"external_id": "C10"}]
    answer = caller.post("/api/v1/customers/upserts", {"rows": rows}, Idempotency_Key="k")
    assert answer.status_code == 200
    statuses = [each["status"] for each in answer.json()["results"]]
    assert statuses[0] == "refused"
    with tenant_scope(firm.pk):
        assert not Customer.objects.filter(external_key="c9").exists()


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "-0.0001", "123456789.1234", "007"])
def test_a_decimal_is_digits_with_at_most_one_point(text):
    assert is_plain_decimal(text)
    assert DecimalText(max_digits=13, decimal_places=4).run_validation(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        *("1e3", "1E3", "+1", "1_000", "1,5", " 1", "1 ", "1\n", ".5", "5.", "", "-", "NaN"),
        *("Infinity", "\u0661", "\uff11", "\u00bd", "0x1", "--1", "1.2.3", "\u22121", "9" * 19),
    ],
)
def test_no_other_text_is_a_decimal(text):
    assert not is_plain_decimal(text)
    with pytest.raises(ValidationError) as refused:
        DecimalText(max_digits=13, decimal_places=4).run_validation(text)
    assert refused.value.get_codes() == ["number"]


def test_work_is_dated_a_month_ahead_at_most():
    assert not is_too_far_ahead(date(2026, 12, 2), date(2026, 11, 1))
    assert is_too_far_ahead(date(2026, 12, 3), date(2026, 11, 1))


def test_a_day_has_24_hours():
    assert not is_more_than_a_day(Decimal(24))
    assert is_more_than_a_day(Decimal("24.0001"))
