"""What holds after an answer that must sign nobody in."""

from __future__ import annotations

from tests.visiting import text_of


def refused(client, firm, answer, reason, *, words="did not prove who you are"):
    """Hold that nobody was signed in, nothing is bound, and why is on record."""
    assert answer.status_code == 403
    assert words in text_of(answer)
    assert "_auth_user_id" not in client.session
    assert client.get(firm.inbox).status_code == 302
    assert firm.bound() == []
    assert firm.said()[-1] == ("sign_in.refused", reason)
    assert [action for action, _ in firm.said()].count("sign_in.refused") == 1


def not_begun(answer):
    assert answer.status_code == 400
    assert "not begun in this browser" in text_of(answer)
