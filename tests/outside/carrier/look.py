"""How the carriers' sites look: one frame, three coats of paint."""

from __future__ import annotations

from html import escape
from typing import Any

from tests.outside.carrier.desk import Visit

_PAINT = {
    "single": "--ink:#14243b;--main:#12406b;--tint:#e8eff6;--edge:#c3d2e0;--mark:#c8963e;--r:2px",
    "steps": "--ink:#23261f;--main:#2d5b3f;--tint:#eef3ec;--edge:#cbd6c6;--mark:#a6471f;--r:10px",
    "table": "--ink:#1d1b2c;--main:#3d3a8c;--tint:#efeffa;--edge:#d4d3ea;--mark:#0f8a8a;--r:6px",
}
_STYLE = """
*{box-sizing:border-box}
body{margin:0;color:var(--ink);background:#fff;font:15px/1.5 Georgia,'Times New Roman',serif}
body.steps,body.table{font-family:system-ui,'Segoe UI',Helvetica,Arial,sans-serif}
header{display:flex;align-items:baseline;gap:28px;padding:16px 32px;background:var(--main);
color:#fff;border-bottom:4px solid var(--mark)}
header b{font-size:21px;letter-spacing:.02em}
header nav{display:flex;gap:18px;margin-left:auto}
header a{color:#fff}
main{max-width:1020px;margin:28px auto;padding:0 32px}
h1{font-size:25px;font-weight:600;margin:0 0 14px}
form.card,section.card{border:1px solid var(--edge);background:var(--tint);
border-radius:var(--r);padding:20px 24px;max-width:540px;margin-bottom:22px}
label{display:block;font-weight:600;margin:12px 0 4px}
input[type=text],input[type=password],input[type=email],input[type=search],input[type=file]
{width:100%;padding:8px 10px;border:1px solid var(--edge);border-radius:var(--r);
font:inherit;background:#fff}
button,.button{display:inline-block;margin-top:16px;padding:9px 20px;border:0;
border-radius:var(--r);background:var(--main);color:#fff;font:inherit;font-weight:600;
cursor:pointer;text-decoration:none}
table{width:100%;border-collapse:collapse;margin-top:14px}
th,td{text-align:left;padding:8px 10px;border-bottom:1px solid var(--edge);vertical-align:top}
th{font-size:12px;text-transform:uppercase;letter-spacing:.06em}
td{font-variant-numeric:tabular-nums}
.alert{border-left:4px solid #a11;background:#fbeeee;padding:10px 14px;margin:0 0 16px}
.chip{display:inline-block;padding:1px 10px;border-radius:99px;background:var(--tint);
border:1px solid var(--edge)}
.chip[data-status=Rejected]{background:#fbeeee;border-color:#dca6a6}
.chip[data-status=Accepted]{background:#e9f6ec;border-color:#a9d3b4}
.big{font-size:20px;font-weight:600}
dialog{border:1px solid var(--edge);border-radius:var(--r);padding:24px 28px;min-width:440px}
dialog::backdrop{background:rgb(20 20 40 / 45%)}
.drop{border:2px dashed var(--edge);border-radius:var(--r);padding:26px;text-align:center}
footer{max-width:1020px;margin:48px auto 20px;padding:0 32px;font-size:13px;color:#555}
"""


def frame(visit: Visit, title: str, body: str, *, head: str = "") -> str:
    """Return a whole page of the carrier's site."""
    carrier = visit.carrier
    beacon = f'<img src="{escape(carrier.beacon)}" alt="" width="1" height="1">'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)} - {escape(carrier.name)}</title>{head}"
        f"<style>:root{{{_PAINT[carrier.layout]}}}{_STYLE}</style></head>"
        f'<body class="{carrier.layout}"><header><b>{escape(carrier.name)}</b>'
        f"<span>Legal invoice exchange</span>{_menu(visit)}</header><main>{body}</main>"
        f"<footer>{escape(carrier.name)}. Counsel support: counsel@{carrier.key}.test"
        f"{beacon if carrier.beacon else ''}</footer></body></html>"
    )


def _menu(visit: Visit) -> str:
    if not visit.session.user:
        return ""
    return (
        f'<nav><span id="signed-in-as">{escape(visit.session.user)}</span>'
        f'<a href="{visit.at("/sign-out")}">Sign out</a></nav>'
    )


def hidden(visit: Visit) -> str:
    """Return the field by which a form proves that it was made for this session."""
    return f'<input type="hidden" name="form_token" value="{visit.session.form_token}">'


def box(visit: Visit, name: str, label: str, kind: str = "text", *, more: str = "") -> str:
    """Return a labeled field whose name and id follow the site's present naming."""
    known = visit.name(name)
    return (
        f'<label for="{known}">{escape(label)}</label>'
        f'<input type="{kind}" id="{known}" name="{known}" {more}>'
    )


def chip(status: str) -> str:
    """Return a status as a small label."""
    return f'<span class="chip" data-status="{escape(status)}">{escape(status)}</span>'


def findings(entry: dict[str, Any]) -> str:
    """Return the reasons against a file and the reductions of its lines, as lists."""
    reasons = "".join(
        f"<li>Row {reason['row']}: {escape(reason['code'])}: {escape(reason['text'])}</li>"
        for reason in entry["reasons"]
    )
    reductions = "".join(
        f"<li>Line {escape(each['line'])}: reduced by {escape(each['amount'])}:"
        f" {escape(each['reason'])}</li>"
        for each in entry["reductions"]
    )
    parts = (("reasons", "Reasons", reasons), ("reductions", "Reductions", reductions))
    return "".join(
        f'<h2>{title}</h2><ul class="{kind}">{items}</ul>' for kind, title, items in parts if items
    )


def listing(visit: Visit, entries: list[dict[str, Any]]) -> str:
    """Return submissions as a table, one row each, with links to their pages."""
    rows = "".join(
        f'<tr data-sha256="{entry["sha256"]}" data-file="{escape(entry["file_name"])}">'
        f'<td class="reference"><a href="{visit.at("/submission?reference=")}{entry["reference"]}">'
        f'{entry["reference"]}</a></td><td class="file">{escape(entry["file_name"])}</td>'
        f'<td class="invoices">{escape(", ".join(entry["invoices"]))}</td>'
        f'<td class="status">{chip(entry["status"])}</td>'
        f'<td class="received">{entry["received_at"][:19].replace("T", " ")}</td>'
        f'<td class="sha256"><code>{entry["sha256"]}</code></td></tr>'
        for entry in entries
    )
    return (
        '<table id="found"><thead><tr><th scope="col">Reference</th><th scope="col">File</th>'
        '<th scope="col">Invoices</th><th scope="col">Status</th><th scope="col">Received (UTC)'
        f'</th><th scope="col">SHA-256</th></tr></thead><tbody>{rows}</tbody></table>'
    )
