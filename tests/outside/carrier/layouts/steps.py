"""Second layout: the name, then the password, a menu, an upload, and a page that works on it."""

from __future__ import annotations

from html import escape

from tests.outside.carrier.desk import Visit
from tests.outside.carrier.layouts import door
from tests.outside.carrier.look import box, findings, frame, hidden, listing
from tests.outside.web import Response, page, redirect


def serve(visit: Visit) -> Response:
    """Answer one request to the site."""
    outside = {
        "/": _identify,
        "/password": _password,
        "/verify": _verify,
        "/sign-out": door.sign_out,
    }
    inside = {
        "/home": _home,
        "/exchange": _exchange,
        "/processing": _processing,
        "/find": _find,
        "/submission": door.submission,
    }
    return door.answer(visit, outside=outside, inside=inside)


def _verify(visit: Visit) -> Response:
    return door.verify(visit, home="/home")


def _identify(visit: Visit) -> Response:
    if visit.request.method == "POST" and visit.is_own_form:
        visit.session.named = visit.value("user_id")
        return redirect(visit.at("/password"))
    body = (
        '<h1>Welcome</h1><form class="card" id="identify" method="post">'
        f"{hidden(visit)}<p>Step 1 of 2</p>{box(visit, 'user_id', 'Vendor user ID')}"
        "<button>Continue</button></form>"
    )
    return page(frame(visit, "Welcome", body))


def _password(visit: Visit) -> Response:
    if not visit.session.named:
        return redirect(visit.at("/"))
    if visit.request.method == "POST" and visit.is_own_form:
        return door.try_password(
            visit, visit.session.named, visit.value("passphrase"), home="/home"
        )
    body = (
        '<h1>Enter your password</h1><form class="card" id="prove" method="post">'
        f"{hidden(visit)}<p>Step 2 of 2: {escape(visit.session.named)}</p>"
        f"{box(visit, 'passphrase', 'Password', 'password')}<button>Sign in</button></form>"
    )
    return page(frame(visit, "Password", body))


def _home(visit: Visit) -> Response:
    links = (
        ("/exchange", "invoice-exchange", "Send an invoice file"),
        ("/find", "find-submission", "Find a submission"),
    )
    items = "".join(
        f'<li><a id="{name}" href="{visit.at(path)}">{text}</a></li>' for path, name, text in links
    )
    body = f'<h1>Vendor desk</h1><section class="card"><ul id="menu">{items}</ul></section>'
    return page(frame(visit, "Vendor desk", body))


def _exchange(visit: Visit) -> Response:
    if visit.request.method == "POST" and visit.is_own_form and visit.has_upload:
        taken = visit.take_upload("invoice_file")
        if isinstance(taken, Response):
            return taken
        return redirect(visit.at(f"/processing?reference={taken}"))
    body = (
        '<h1>Send an invoice file</h1><form class="card" id="exchange" method="post" '
        f'enctype="multipart/form-data">{hidden(visit)}'
        f"{box(visit, 'invoice_file', 'File (LEDES 1998B)', 'file', more='required')}"
        "<button>Send</button></form>"
    )
    return page(frame(visit, "Send an invoice file", body))


def _processing(visit: Visit) -> Response:
    entries = visit.entries(visit.request.query.get("reference", ""))
    if not entries:
        return redirect(visit.at("/home"))
    entry = entries[0]
    if entry["status"] == "Validating":
        head = '<meta http-equiv="refresh" content="1">'
        body = '<h1>Processing</h1><p id="processing">Your file is being checked.</p>'
        return page(frame(visit, "Processing", body, head=head))
    body = (
        '<h1>Receipt</h1><section class="card" id="receipt"><dl><dt>Tracking number</dt>'
        f'<dd class="big" id="tracking">{entry["reference"]}</dd><dt>Outcome</dt>'
        f'<dd class="big" id="outcome">{escape(entry["status"])}</dd></dl></section>'
        f"{findings(entry)}"
    )
    return page(frame(visit, "Receipt", body))


def _find(visit: Visit) -> Response:
    wanted = visit.request.query.get("name", "")
    entries = visit.entries(wanted) if wanted else []
    found = listing(visit, entries) if entries else ""
    if wanted and not entries:
        found = '<p id="nothing">Nothing under that name.</p>'
    body = (
        '<h1>Find a submission</h1><form class="card" id="find" method="get">'
        '<label for="name">File name, invoice number or tracking number</label>'
        f'<input type="text" id="name" name="name" value="{escape(wanted)}"><button>Find</button>'
        f"</form>{found}"
    )
    return page(frame(visit, "Find a submission", body))
