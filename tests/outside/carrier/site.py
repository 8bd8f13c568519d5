"""The carriers' sites under one roof, and the control that tests and demonstrations hold in hand.

``/<carrier key>/...`` is a carrier's site. ``/_control/...`` is no part of any site: it shows the
book, switches faults and decides what a claims desk would decide.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.outside.carrier.book import STATUSES
from tests.outside.carrier.desk import Desk, Visit
from tests.outside.carrier.layouts import single, steps, table
from tests.outside.carrier.master import BadConfiguration, carrier_from
from tests.outside.web import Request, Response, answer, page, redirect

_LAYOUTS = {"single": single.serve, "steps": steps.serve, "table": table.serve}
_COOKIE = "counsel_session"


@dataclass(frozen=True)
class Sites:
    """The whole server as a function from request to answer."""

    desk: Desk

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        if request.path.startswith("/_control/"):
            return self._control(request)
        key, _, rest = request.path.removeprefix("/").partition("/")
        carrier = self.desk.carriers.get(key)
        if carrier is None:
            return page("<h1>Not found</h1>", status=404)
        faults = self.desk.faults_of(key)
        if faults.slow_seconds:
            time.sleep(faults.slow_seconds)
        if faults.down:
            return page("<h1>Service unavailable</h1><p>Scheduled maintenance.</p>", status=503)
        if faults.redirect_to:
            return redirect(faults.redirect_to)
        session_key, session = self.desk.accounts.session(request.cookies.get(_COOKIE, ""), key)
        visit = Visit(self.desk, carrier, request, session, session_key, f"/{rest}")
        return _with_cookie(_LAYOUTS[carrier.layout](visit), f"/{key}/", session_key)

    def _control(self, request: Request) -> Response:
        verb = f"{request.method} {request.path.removeprefix('/_control/')}"
        try:
            return self._controlled(verb, request)
        except (BadConfiguration, KeyError, TypeError, ValueError) as trouble:
            return answer({"error": f"{type(trouble).__name__}: {trouble}"}, status=400)

    def _controlled(self, verb: str, request: Request) -> Response:
        verbs = {
            "GET book": self._book,
            "GET file": self._file,
            "POST faults": self._faults,
            "POST reset": self._reset,
            "POST decide": self._decide,
            "POST carriers": self._carriers,
        }
        if verb not in verbs:
            return answer({"error": f"No control is called {verb!r}."}, status=404)
        return verbs[verb](request)

    def _book(self, request: Request) -> Response:
        return answer(self.desk.book.entries(request.query.get("carrier", "")))

    def _file(self, request: Request) -> Response:
        data = self.desk.book.bytes_of(request.query["reference"])
        return Response(404 if data is None else 200, data or b"", "text/plain")

    def _faults(self, request: Request) -> Response:
        asked = dict(request.json())
        key = self.desk.carriers[asked.pop("carrier")].key
        return answer(self.desk.set_faults(key, asked))

    def _reset(self, _: Request) -> Response:
        self.desk.reset()
        return answer({"reset": True})

    def _carriers(self, request: Request) -> Response:
        carrier = carrier_from(request.json())
        self.desk.carriers[carrier.key] = carrier
        return answer({"carrier": carrier.key})

    def _decide(self, request: Request) -> Response:
        asked = request.json()
        if asked["status"] not in STATUSES:
            raise ValueError(f"{asked['status']!r} is none of {', '.join(STATUSES)}.")
        reductions = [
            {name: str(each[name]) for name in ("line", "amount", "reason")}
            for each in asked.get("reductions", [])
        ]
        reference, status = asked["reference"], asked["status"]
        done = self.desk.book.decide(reference, status=status, reductions=reductions)
        return answer({"decided": done}, status=200 if done else 404)


def _with_cookie(response: Response, path: str, session_key: str) -> Response:
    cookie = f"{_COOKIE}={session_key}; Path={path}; HttpOnly; SameSite=Lax"
    return Response(
        response.status,
        response.body,
        response.content_type,
        (*response.headers, ("Set-Cookie", cookie)),
        response.cut,
    )
