"""Third layout: a table of submissions, a dialog to upload, and a status that changes by itself."""

from __future__ import annotations

from html import escape

from tests.outside.carrier.desk import Visit
from tests.outside.carrier.layouts import door
from tests.outside.carrier.look import box, chip, frame, hidden
from tests.outside.web import Response, answer, page

_SCRIPT = """
const dialog = document.querySelector('#upload-dialog');
document.querySelector('#new-submission').addEventListener('click', () => dialog.showModal());
document.querySelector('#close-dialog').addEventListener('click', () => dialog.close());
const rows = document.querySelector('#rows');
async function refresh() {
  const got = await fetch(rows.dataset.source + location.search);
  if (got.ok) rows.innerHTML = await got.text();
  if (rows.querySelector('[data-status=Validating]')) setTimeout(refresh, 300);
}
const form = document.querySelector('#upload-form');
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  try {
    const got = await fetch(form.action, { method: 'POST', body: new FormData(form) });
    if (!got.ok) throw new Error(got.status);
    dialog.close();
    form.reset();
    await refresh();
  } catch (error) {
    document.querySelector('#upload-error').hidden = false;
  }
});
refresh();
"""


def serve(visit: Visit) -> Response:
    """Answer one request to the site."""
    outside = {"/": _sign_in, "/verify": _verify, "/sign-out": door.sign_out}
    inside = {
        "/submissions": _submissions,
        "/submissions/rows": _rows_alone,
        "/submissions/new": _new,
        "/submission": door.submission,
    }
    return door.answer(visit, outside=outside, inside=inside)


def _verify(visit: Visit) -> Response:
    return door.verify(visit, home="/submissions")


def _rows_alone(visit: Visit) -> Response:
    return page(_rows(visit))


def _sign_in(visit: Visit) -> Response:
    if visit.request.method == "POST" and visit.is_own_form:
        user, password = visit.value("email"), visit.value("secret")
        return door.try_password(visit, user, password, home="/submissions")
    body = (
        f'<h1>Partner portal</h1><form class="card" id="sign-in" method="post">{hidden(visit)}'
        f"{box(visit, 'email', 'E-mail', 'email')}{box(visit, 'secret', 'Password', 'password')}"
        "<button>Log in</button></form>"
    )
    return page(frame(visit, "Partner portal", body))


def _submissions(visit: Visit) -> Response:
    wanted = visit.request.query.get("q", "")
    body = (
        '<h1>Submissions</h1><button type="button" id="new-submission">New submission</button>'
        '<form id="filter" method="get"><label for="q">Search</label>'
        f'<input type="search" id="q" name="q" value="{escape(wanted)}"></form>'
        '<dialog id="upload-dialog"><h1>New submission</h1>'
        f'<p class="alert" id="upload-error" hidden>We could not confirm your upload.</p>'
        f'<form id="upload-form" method="post" action="{visit.at("/submissions/new")}" '
        f'enctype="multipart/form-data">{hidden(visit)}<div class="drop">'
        f"{box(visit, 'attachment', 'Drop a LEDES file here or choose one', 'file')}</div>"
        '<button id="start-upload">Upload</button> '
        '<button type="button" id="close-dialog">Close</button></form></dialog>'
        '<table id="submissions"><thead><tr><th scope="col">File</th><th scope="col">Invoices</th>'
        '<th scope="col">Status</th><th scope="col">Reference</th><th scope="col">Remarks</th>'
        f'</tr></thead><tbody id="rows" data-source="{visit.at("/submissions/rows")}">'
        f"{_rows(visit)}</tbody></table><script>{_SCRIPT}</script>"
    )
    return page(frame(visit, "Submissions", body))


def _rows(visit: Visit) -> str:
    entries = visit.entries(visit.request.query.get("q", ""))[:200]
    if not entries:
        return '<tr id="nothing"><td colspan="5">No submissions.</td></tr>'
    return "".join(
        f'<tr data-sha256="{entry["sha256"]}" class="submission {_done(entry["status"])}">'
        f'<td class="file">{escape(entry["file_name"])}</td>'
        f'<td class="invoices">{escape(", ".join(entry["invoices"]))}</td>'
        f'<td class="status">{chip(entry["status"])}</td>'
        f'<td class="reference"><a href="{visit.at("/submission?reference=")}{entry["reference"]}">'
        f'{entry["reference"]}</a></td><td class="remarks">{_remarks(entry)}</td></tr>'
        for entry in entries
    )


def _done(status: str) -> str:
    return "in-progress" if status == "Validating" else "decided"


def _remarks(entry: dict[str, list[dict[str, str]]]) -> str:
    reasons = [
        f"<div class='remark'>Row {each['row']}: {escape(each['code'])}: {escape(each['text'])}"
        "</div>"
        for each in entry["reasons"]
    ]
    reductions = [
        f"<div class='remark'>Line {escape(each['line'])}: reduced by {escape(each['amount'])}: "
        f"{escape(each['reason'])}</div>"
        for each in entry["reductions"]
    ]
    return "".join(reasons + reductions)


def _new(visit: Visit) -> Response:
    if not (visit.request.method == "POST" and visit.is_own_form and visit.has_upload):
        return answer({"error": "Choose a file."}, status=400)
    taken = visit.take_upload("attachment")
    return taken if isinstance(taken, Response) else answer({"reference": taken}, status=201)
