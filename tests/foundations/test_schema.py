"""The API's description is committed, complete and what the endpoints do."""

import io
import json

import pytest
import yaml
from django.core.management import call_command
from django.http import HttpRequest, JsonResponse
from django.urls import resolve

from tests.conformity import COMMITTED, HoldsToItsDescription, NotAsDescribed, description


def test_the_committed_description_is_todays():
    made = io.StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=made)

    assert yaml.safe_load(made.getvalue()) == yaml.safe_load(COMMITTED.read_text()), (
        "The API has changed: make schema, and look at the difference as its callers will."
    )


def test_every_operation_says_who_may_and_how_it_may_end():
    for path, verbs in description()["paths"].items():
        for verb, operation in verbs.items():
            where = f"{verb} {path}"
            assert operation["x-permission"], where
            assert operation["summary"].endswith("."), where
            assert operation["description"], where
            assert operation["security"] == [{"apiKey": []}], where
            assert {"400", "401", "403"} <= set(operation["responses"]), where
            good = [each for each in operation["responses"] if each.startswith("2")]
            assert good, where
            assert "content" in operation["responses"][good[0]], where


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"object": "list"}),
        (200, {"object": "list", "data": [{}], "has_more": False, "next_cursor": None}),
        (418, {}),
    ],
)
def test_an_answer_that_is_not_described_is_found(status, body):
    request = HttpRequest()
    request.method, request.path = "GET", "/api/v1/charges"
    request.resolver_match = resolve("/api/v1/charges")
    held = HoldsToItsDescription(lambda _: JsonResponse(body, status=status))

    with pytest.raises(NotAsDescribed):
        held(request)


@pytest.mark.django_db
def test_problems_are_explained_where_their_type_points(client):
    page = client.get("/api/docs/problems").content.decode()

    for code in ("invoices.not_approved", "ledger.period_closed", "version.conflict"):
        assert f'id="{code}"' in page
    assert json.dumps("https://")[1:-1] not in page
