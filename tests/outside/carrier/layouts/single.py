"""First layout: one sign-in page, an upload form, and the answer on the page that follows."""

from __future__ import annotations

from html import escape

from tests.outside.carrier.desk import Visit
from tests.outside.carrier.layouts import door
from tests.outside.carrier.look import box, findings, frame, hidden, listing
from tests.outside.web import Response, page


def serve(visit: Visit) -> Response:
    """Answer one request to the site."""
    outside = {"/": _sign_in, "/sign-in": _sign_in, "/verify": _verify, "/sign-out": door.sign_out}
    inside = {"/upload": _upload, "/history": _history, "/submission": door.submission}
    return door.answer(visit, outside=outside, inside=inside)


def _verify(visit: Visit) -> Response:
    return door.verify(visit, home="/upload")


def _sign_in(visit: Visit) -> Response:
    if visit.request.method == "POST" and visit.is_own_form:
        user, password = visit.value("username"), visit.value("password")
        return door.try_password(visit, user, password, home="/upload")
    body = (
        '<h1>Counsel sign in</h1><form class="card" id="sign-in" method="post" '
        f'action="{visit.at("/sign-in")}">{hidden(visit)}{box(visit, "username", "User name")}'
        f"{box(visit, 'password', 'Password', 'password')}<button>Sign in</button></form>"
    )
    return page(frame(visit, "Sign in", body))


def _upload(visit: Visit) -> Response:
    if visit.request.method == "POST" and visit.is_own_form and visit.has_upload:
        taken = visit.take_upload("ledes_file")
        return taken if isinstance(taken, Response) else _result(visit, taken)
    body = (
        '<h1>Submit invoices</h1><form class="card" id="upload" method="post" '
        f'enctype="multipart/form-data">{hidden(visit)}'
        f"{box(visit, 'ledes_file', 'LEDES 1998B file', 'file', more='required')}"
        f"{box(visit, 'note', 'Note to the claims desk (optional)')}"
        "<button>Submit file</button></form>"
        f'<p><a id="history-link" href="{visit.at("/history")}">Submission history</a></p>'
    )
    return page(frame(visit, "Submit invoices", body))


def _result(visit: Visit, reference: str) -> Response:
    entry = next(
        each
        for each in visit.desk.book.entries(visit.carrier.key)
        if each["reference"] == reference
    )
    body = (
        '<h1>Your submission</h1><section class="card" id="result"><p>Reference number '
        f'<span class="big" id="reference">{reference}</span></p>'
        f'<p>Status <span class="big" id="status">{entry["status"]}</span></p>'
        f"<p>File {escape(entry['file_name'])}</p></section>{findings(entry)}"
        f'<p><a href="{visit.at("/upload")}">Submit another file</a></p>'
    )
    return page(frame(visit, "Your submission", body))


def _history(visit: Visit) -> Response:
    wanted = visit.request.query.get("q", "")
    entries = visit.entries(wanted)
    found = listing(visit, entries) if entries else '<p id="nothing">No submissions found.</p>'
    body = (
        '<h1>Submission history</h1><form class="card" id="search" method="get">'
        '<label for="q">Invoice number, file name, reference or SHA-256</label>'
        f'<input type="search" id="q" name="q" value="{escape(wanted)}"><button>Search</button>'
        f"</form>{found}"
    )
    return page(frame(visit, "Submission history", body))
