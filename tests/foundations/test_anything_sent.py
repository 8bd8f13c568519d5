"""Whatever is sent to the API, it answers as its description says, and never by breaking.

Each example is one request to one described operation: values that fit, that nearly fit, and that
no caller means. An answer that is not described, or an error of ours, fails it.
"""

import json
import os
from datetime import date
from decimal import Decimal
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing_portal.money import Money
from billing_portal.tenancy.scope import tenant_scope
from ledger.actions.payments import receive
from tests.conformity import description
from tests.foundations.test_api import Caller
from tests.invoices import books
from tests.invoices.books import SYSTEM

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("ANYTHING_EXAMPLES", "150"))
DEEP = json.loads("[" * 60 + "]" * 60)
ODD = [
    *(None, True, False, 0, -1, 1, 1.5, 2**31, 2**63, -(2**63) - 1, 10**400, [], {}, [[]], DEEP),
    *("", " ", "x", "0", "1", "-1", "1.00", "1e400", "1e-400", "NaN", "Infinity", "-0", "٣", "²"),
    *("9" * 30, "9" * 5000, "0." + "1" * 40, "a" * 130, "a" * 20_000),
    *("İ" * 60, "ß" * 61, "ﷺ" * 20),
    *("0001-01-01", "9999-12-31", "2026-02-30", "2026-11-31", "-2026-01-01", "2026-11-02"),
    *(
        "2026-11-02T00:00:00Z",
        "USD",
        "usd",
        "XXX",
        "XAU",
        "JPY",
        "Mars/Olympus",
        "America/New_York",
    ),
    *("a\x1bb", "a\u202eb", "a\nb", "a\u2028b", "\ud800", "\U0010ffff", "\ufffe", "a\x00b"),
    *(
        "a@b.test",
        "DRAFT",
        "TIME",
        "monthly",
        "beginning-of-the-month",
        "%",
        "_",
        "\\",
        "'",
        '"; --',
    ),
    *("inv_", "inv_" + "7" * 26, "inv_" + "z" * 26, "pay_" + "0" * 26, "null"),
    *("../..", "a/b", "."),
]
PREFIXES = {
    "invoices": "inv",
    "runs": "run",
    "payments": "pay",
    "customers": "cus",
    "matters": "mat",
    "line": "lin",
    "entry": "ent",
    "charges": "cha",
    "timekeepers": "tim",
}
MARKS = [
    "1",
    "0",
    '"1"',
    '"0"',
    'W/"1"',
    "*",
    "",
    '"',
    '""',
    '"1", "2"',
    "²",
    "9" * 40,
    "-1",
    "1.0",
]


def operations():
    """Return every described operation: path, verb and what is said of it."""
    return [
        (path, verb, told)
        for path, verbs in description()["paths"].items()
        for verb, told in verbs.items()
        if path.startswith("/api/v1/")
    ]


def resolved(schema):
    """Return a schema behind its name."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return description()["components"]["schemas"][name] if name else schema


@st.composite
def objects(draw, schema, known):
    """Return an object with most of what it needs, half of what it may have, and seldom more."""
    needed = schema.get("required", [])
    made = {
        name: draw(values(each, known))
        for name, each in schema.get("properties", {}).items()
        if draw(st.integers(0, 9)) < (9 if name in needed else 5)
    }
    return made | ({draw(st.text(max_size=5)): 1} if draw(st.integers(0, 19)) == 0 else {})


@st.composite
def values(draw, schema, known):
    """Return a value that fits a schema more often than not, and is odd otherwise."""
    schema = resolved(schema)
    several = [each for name in ("allOf", "oneOf", "anyOf") for each in schema.get(name, [])]
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(ODD))
    if several:
        return draw(values(draw(st.sampled_from(several)), known))
    numbers = st.decimals("-10", "1000", places=2).map(str)
    kinds = {
        "object": objects(schema, known),
        "array": st.lists(values(schema.get("items", {}), known), max_size=3),
        "boolean": st.booleans(),
        "integer": st.integers(-1, 400),
        "enum": st.sampled_from(schema.get("enum", [""])),
        "date": st.dates(date(2026, 1, 1), date(2027, 12, 31)).map(date.isoformat),
    }
    types = schema.get("type", "string")
    one = types if isinstance(types, str) else draw(st.sampled_from(types))
    names = ("enum" if "enum" in schema else "", schema.get("format"), one)
    kind = next((kinds[each] for each in names if each in kinds), None)
    text = st.sampled_from(known) | numbers | st.text(max_size=12)
    return draw(text if kind is None else kind)


@st.composite
def requests(draw, known):
    """Return one request: verb, address, headers, body and its type."""
    path, verb, told = draw(st.sampled_from(operations()))
    address, query = path, {}
    headers = {"Idempotency-Key": str(uuid4())}
    odd_text = st.sampled_from([str(each) for each in ODD])
    for each in told.get("parameters", []):
        text = draw(st.sampled_from(known) | odd_text | st.text(min_size=1, max_size=9))
        if each["in"] == "path":
            noun = path.split("/")[3] if each["name"] == "id" else each["name"]
            fit = [one for one in known if one.partition("_")[0] == PREFIXES.get(noun)]
            text = text if draw(st.integers(0, 9)) == 0 or not fit else draw(st.sampled_from(fit))
            address = address.replace(
                "{" + each["name"] + "}", quote(text, safe="", errors="replace")
            )
        elif each["in"] == "query" and draw(st.integers(0, 3)) == 0:
            query[each["name"]] = text.encode(errors="replace")
        elif each["name"] == "If-Match":
            headers["If-Match"] = draw(st.just('"1"') | st.sampled_from(MARKS))
    types = told.get("requestBody", {}).get("content", {})
    media_type = draw(st.sampled_from(sorted(types))) if types else "application/json"
    if media_type == "application/json":
        schema = types.get(media_type, {}).get("schema", {})
        body = json.dumps(draw(values(schema, known))) if types else ""
    else:
        body = draw(st.sampled_from(["", "\x00", "a,b\n1", "LEDES1998B[]\n", "<a/>", "\ufeff"])
                    | st.text(max_size=40)).encode(errors="replace")  # fmt: skip
    return verb, f"{address}?{urlencode(query)}" if query else address, headers, body, media_type


@pytest.fixture
def caller(client, firm):
    return Caller(client, firm)


@pytest.fixture
def known(firm):
    """What the firm has, by the names that a caller knows."""
    with tenant_scope(firm.pk):
        reviewer = books.member("reviewer")
        made = books.customer(reviewer=reviewer)
        matter = books.matter_of(made)
        draft, final = books.a_draft(reviewer=reviewer), books.finalized(reviewer=reviewer)
        on = date(2026, 11, 5)
        payments = [
            receive(
                source="test", key=key, customer=key, amount=Money(Decimal(500), "USD"),
                received_on=on, booked_on=on, bank="main", by=SYSTEM,
            )
            for key in ("", final.customer.public_id)
        ]  # fmt: skip
        run = books.monthly_run()
        lines = [*books.lines_of(draft), *books.lines_of(final)]
        rows = [made, matter, draft, final, run, *payments, *lines, payments[0].entry]
        return [
            *(each.public_id for each in rows),
            *(made.external_id, matter.external_id, final.customer.external_id, final.number),
        ]


@settings(max_examples=EXAMPLES, print_blob=True)
@given(st.data())
def test_whatever_is_sent_is_answered_as_described(client, caller, known, no_limits, data):
    verb, address, headers, body, media_type = data.draw(requests(known))

    answer = client.generic(
        verb.upper(), address, body, content_type=media_type, headers=caller.headers | headers
    )

    assert answer.status_code < 500


@pytest.fixture
def no_limits(settings):
    """How often may be asked is another test's matter."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 0)
