"""What a browser was sent out with: one question for one firm, for ten minutes, five at a time."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from billing_portal.directories.asking import Asked, keep, take
from billing_portal.directories.relying import new_question

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def request_():
    """A request with a session and nothing else."""
    return SimpleNamespace(session={})


def sent_out(request, *, firm=1):
    asked = Asked(new_question(), firm, "dir_1", "/t/arnesen/inbox/")
    keep(request, asked, at=AT)
    return asked


def brought_back(request, asked, *, firm=1, after=0):
    return take(request, state=asked.question.state, firm=firm, at=AT + timedelta(seconds=after))


def test_a_question_comes_back_as_it_went_out(request_):
    asked = sent_out(request_)

    assert brought_back(request_, asked, after=600) == asked


def test_it_comes_back_once(request_):
    asked = sent_out(request_)
    brought_back(request_, asked)

    assert brought_back(request_, asked) is None


def test_it_is_none_after_ten_minutes(request_):
    assert brought_back(request_, sent_out(request_), after=601) is None


def test_it_is_none_at_another_firm_and_lost_there(request_):
    asked = sent_out(request_, firm=1)

    assert brought_back(request_, asked, firm=2) is None
    assert brought_back(request_, asked, firm=1) is None


def test_five_are_under_way_and_the_sixth_drops_the_oldest(request_):
    sent = [sent_out(request_) for _ in range(6)]

    assert brought_back(request_, sent[0]) is None
    assert [brought_back(request_, each) for each in sent[1:]] == sent[1:]


def test_state_nonce_and_verifier_are_no_two_alike():
    asked = [new_question() for _ in range(2)]

    assert len({text for each in asked for text in (each.state, each.nonce, each.verifier)}) == 6
