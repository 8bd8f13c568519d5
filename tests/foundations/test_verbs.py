"""Every endpoint is asked with verbs that it does not offer: that is 405, never a fault."""

import re

import pytest
from django.urls import URLResolver, get_resolver

from tests.foundations.test_api import Caller, shown

pytestmark = pytest.mark.django_db


def _routes(patterns, prefix=""):
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        else:
            yield route


def _paths():
    """Return an address below each route of the API, none of them of a row that is there."""
    found = [each for each in _routes(get_resolver().url_patterns) if each.startswith("api/v1/")]
    assert len(found) > 40
    return sorted({"/" + re.sub(r"<[^>]+>", "x", route) for route in found})


@pytest.mark.parametrize("verb", ["OPTIONS", "TRACE"])
def test_a_verb_that_no_endpoint_offers_is_405_everywhere(client, firm, verb):
    caller = Caller(client, firm)

    for path in _paths():
        answer = client.generic(verb, path, headers=caller.headers)

        shown(answer, 405, "method_not_allowed")
        assert verb not in answer.headers["Allow"], path
        assert answer.headers["Allow"], path


def test_options_without_a_key_is_401_as_for_every_verb(client, firm):
    shown(client.options("/api/v1/jobs"), 401, "api_key.not_accepted")


def test_options_of_a_key_without_any_scope_for_it_is_405_too(client, firm):
    caller = Caller(client, firm, scopes=["charges.capture"])

    shown(client.options("/api/v1/jobs", headers=caller.headers), 405, "method_not_allowed")
