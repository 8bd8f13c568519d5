"""What happens at the door of every layout: wrong passwords, locks, one-time codes, signing out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from tests.outside.carrier.desk import Visit
from tests.outside.carrier.look import box, findings, frame, hidden
from tests.outside.web import Response, page, redirect

_REFUSED = "The user name or password is not correct."
_LOCKED = "This account is locked after too many attempts. Please call counsel support."


Page = Callable[[Visit], Response]


def answer(visit: Visit, *, outside: Mapping[str, Page], inside: Mapping[str, Page]) -> Response:
    """Answer with the page at the visit's path; those inside only to who is signed in."""
    if visit.path in outside:
        return outside[visit.path](visit)
    if not visit.session.user:
        return redirect(visit.at("/"))
    if visit.path in inside:
        return inside[visit.path](visit)
    return page(frame(visit, "Not found", "<h1>Page not found</h1>"), status=404)


def try_password(visit: Visit, user: str, password: str, *, home: str) -> Response:
    """Let a visitor in, ask for a code, or refuse plainly."""
    accounts = visit.desk.accounts
    if not accounts.is_right(visit.carrier, user, password):
        return refused(visit, locked=accounts.is_locked(visit.carrier.key, user))
    faults = visit.desk.faults_of(visit.carrier.key)
    if faults.code_wanted or faults.captcha_wanted:
        visit.session.owes_code = user
        return redirect(visit.at("/verify"))
    visit.session.user = user
    return redirect(visit.at(home))


def refused(visit: Visit, *, locked: bool) -> Response:
    """Return the page that says no."""
    kind, text = ("account-locked", _LOCKED) if locked else ("sign-in-refused", _REFUSED)
    body = (
        f'<h1>Sign in</h1><p class="alert" id="{kind}" role="alert">{text}</p>'
        f'<p><a href="{visit.at("/")}">Back to sign in</a></p>'
    )
    return page(frame(visit, "Sign in", body), status=401)


def verify(visit: Visit, *, home: str) -> Response:
    """Ask for the one-time code (or show the picture puzzle) that stands before the site."""
    session = visit.session
    if not session.owes_code:
        return redirect(visit.at("/"))
    if visit.request.method == "POST" and visit.is_own_form:
        if visit.value("code") == visit.carrier.one_time_code:
            session.user, session.owes_code = session.owes_code, ""
            return redirect(visit.at(home))
        return refused(visit, locked=False)
    if visit.desk.faults_of(visit.carrier.key).captcha_wanted:
        what, kind = "Tick every picture that shows a bridge to go on.", "captcha"
    else:
        what, kind = "We have sent a six-digit code to your phone.", "one-time-code"
    body = (
        f'<h1>Verify that it is you</h1><form class="card" id="{kind}" method="post">'
        f"{hidden(visit)}<p>{what}</p>{box(visit, 'code', 'Code')}"
        "<button>Verify</button></form>"
    )
    return page(frame(visit, "Verification", body))


def sign_out(visit: Visit) -> Response:
    """End the session."""
    visit.desk.accounts.forget(visit.session_key)
    return redirect(visit.at("/"))


def submission(visit: Visit) -> Response:
    """Show one submission with its reasons and reductions."""
    wanted = visit.request.query.get("reference", "")
    entries = visit.entries(wanted)
    if not entries:
        return page(frame(visit, "Not found", "<h1>No such submission</h1>"), status=404)
    entry = entries[0]
    body = (
        f'<h1>Submission {entry["reference"]}</h1><section class="card" id="submission">'
        f'<p>Reference <span class="big" id="reference">{entry["reference"]}</span></p>'
        f'<p>Status <span class="big" id="status">{escape(entry["status"])}</span></p>'
        f'<p>File <span id="file-name">{escape(entry["file_name"])}</span></p>'
        f'<p>SHA-256 <code id="sha256">{entry["sha256"]}</code></p></section>{findings(entry)}'
    )
    return page(frame(visit, "Submission", body))
