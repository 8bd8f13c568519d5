"""Invoices over REST: read them, edit lines, give verdicts, finalize."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from billing_portal.api.asking import by, today, typed, uid_in_path, wrong_at
from billing_portal.api.idempotency import idempotent
from billing_portal.api.schema import IF_MATCH
from billing_portal.api.versions import etag, must_match, version_seen
from billing_portal.api.views import NounViewSet, one_of
from billing_portal.errors import Refused
from customers.models import lookup_key
from invoices.actions import checking, credit, edit, review
from invoices.actions.approve_many import Approvals, approve_many
from invoices.actions.comments import add_comment
from invoices.actions.finalize import finalize
from invoices.api import shapes
from invoices.models import Invoice, InvoiceLine
from invoices.queries import invoices as asked_of

_EDIT = "invoices.edit"


_NO_SUCH = Refused("There is no such invoice.")


def _approval(public_id: str, refusal: Refused | None) -> dict[str, str]:
    status = "approved" if refusal is None else "refused"
    code = "not_found" if refusal is _NO_SUCH else getattr(refusal, "code", "")
    return {"id": public_id, "status": status, "code": code, "detail": str(refusal or "")}


class InvoiceViewSet(NounViewSet):
    """Read invoices; move them along. Edits and verdicts name the version that was read."""

    permissions: ClassVar = {
        "list": "invoices.read",
        "retrieve": "invoices.read",
        "checks": "invoices.read",
        "comments": "invoices.read",
        "add_comment": _EDIT,
        "line": _EDIT,
        "review_request": _EDIT,
        "approval": "invoices.approve",
        "approvals": "invoices.approve",
        "rejection": "invoices.approve",
        "reopening": _EDIT,
        "discard": _EDIT,
        "finalization": "invoices.finalize",
        "credit_note": "credit_notes.request",
    }
    filters: ClassVar = {
        "state": one_of("state"),
        "kind": one_of("kind"),
        "number": one_of("number"),
        "customer": lambda value: {"customer__external_key": lookup_key(value)},
        "matter": lambda value: {"matter__external_key": lookup_key(value)},
        "reviewer": lambda value: {"reviewer__email": value.lower()},
    }
    lists_within: ClassVar = {"comments": {}}
    id_prefix = Invoice.ID_PREFIX
    serializer_class = shapes.InvoiceOut

    def get_queryset(self) -> QuerySet[Invoice]:
        """Return the firm's invoices with what is owed on them."""
        return asked_of.invoices()

    def shown(self, row: Invoice) -> Response:
        """Answer with the invoice as it is now, its lines too. Two queries."""
        invoice = asked_of.invoices().get(pk=row.pk)
        context = {"lines": asked_of.lines_of(invoice)}
        answer = Response(shapes.InvoiceWholeOut(invoice, context=context).data)
        answer["ETag"] = etag(invoice.version)
        return answer

    @extend_schema(responses=shapes.ChecksOut)
    @action(detail=True, methods=["get"])
    def checks(self, request: Request, **_: Any) -> Response:
        """Say what is odd about an invoice that is not final, the worst first."""
        invoice = self.get_object()
        found = checking.checked(invoice, asked_of.lines_of(invoice), on=today(request))
        return Response({"object": "list", "data": shapes.CheckOut(found.checks, many=True).data})

    @extend_schema(responses=shapes.CommentOut(many=True))
    @action(detail=True, methods=["get"])
    def comments(self, request: Request, **_: Any) -> Response:
        """List what people of the firm said about an invoice and its lines, newest first."""
        page = self.paginate_queryset(asked_of.comments_of(self.get_object()))
        return self.get_paginated_response(shapes.CommentOut(page, many=True).data)

    @extend_schema(request=shapes.CommentIn, responses={201: shapes.CommentOut})
    @comments.mapping.post
    @idempotent
    def add_comment(self, request: Request, **_: Any) -> Response:
        """Say something about an invoice, or about one of its lines."""
        invoice, asked = self.get_object(), typed(shapes.CommentIn, request.data)
        line = self._line_named(invoice, asked["line"]) if asked.get("line") else None
        made = add_comment(invoice, text=asked["text"], line=line, by=by(request))
        return Response(shapes.CommentOut(made).data, status=201)

    @extend_schema(
        request=shapes.LineEditIn, responses=shapes.InvoiceWholeOut, parameters=[IF_MATCH]
    )
    @action(detail=True, methods=["patch"], url_path="lines/<str:line>")
    def line(self, request: Request, line: str, **_: Any) -> Response:
        """Change how a line is billed, with a reason; how it was worked is kept."""
        seen, invoice = self._seen(request)
        asked = typed(shapes.LineEditIn, request.data)
        reason_code, reason = asked.pop("reason_code"), asked.pop("reason", "")
        changed = edit.edit_line(
            self._line(invoice, line),
            version_seen=seen,
            changes=asked,
            reason_code=reason_code,
            reason=reason,
            by=by(request),
            on=today(request),
        )
        return self.shown(changed)

    @extend_schema(request=shapes.AnswerIn, responses=shapes.InvoiceWholeOut)
    @action(detail=True, methods=["post"], url_path="review-request")
    @idempotent
    def review_request(self, request: Request, **_: Any) -> Response:
        """Hand a draft to its reviewer; one that was returned is changed or answered first."""
        draft, answer = self.get_object(), typed(shapes.AnswerIn, request.data)["answer"]
        (invoice,) = review.request_review([draft], answer=answer, by=by(request))
        return self.shown(invoice)

    @extend_schema(request=None, responses=shapes.InvoiceWholeOut, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def approval(self, request: Request, **_: Any) -> Response:
        """Approve the version that was read."""
        seen, invoice = self._seen(request)
        return self.shown(review.approve(invoice, version_seen=seen, by=by(request)))

    @extend_schema(request=shapes.ApprovalsIn, responses=shapes.ApprovalsOut)
    @action(detail=False, methods=["post"])
    def approvals(self, request: Request, **_: Any) -> Response:
        """Approve many invoices, each at the version that was read; the answer is per row."""
        asked = typed(shapes.ApprovalsIn, request.data)
        versions = {each["id"]: each["version"] for each in asked["invoices"]}
        seen = [(each, versions[each.public_id]) for each in asked_of.by_public_ids(versions)]
        is_trial = asked["dry_run"]
        done = approve_many(seen, by=by(request), is_trial=is_trial) if seen else Approvals()
        rows = {
            **{public_id: _approval(public_id, _NO_SUCH) for public_id in versions},
            **{each.public_id: _approval(each.public_id, None) for each in done.approved},
            **{each.public_id: _approval(each.public_id, no) for each, no in done.refused},
        }
        told = {"dry_run": is_trial, "totals": done.totals, "data": list(rows.values())}
        return Response(shapes.ApprovalsOut({"object": "list", **told}).data)

    @extend_schema(request=shapes.ReturnIn, responses=shapes.InvoiceWholeOut, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"], url_path="return")
    def rejection(self, request: Request, **_: Any) -> Response:
        """Send an invoice back to the billing staff, saying what is wrong."""
        seen, invoice = self._seen(request)
        asked = typed(shapes.ReturnIn, request.data)
        returned = review.return_invoice(invoice, version_seen=seen, by=by(request), **asked)
        return self.shown(returned)

    @extend_schema(request=shapes.ReasonIn, responses=shapes.InvoiceWholeOut, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def reopening(self, request: Request, **_: Any) -> Response:
        """Take an approval back; it is a draft again."""
        seen, invoice = self._seen(request)
        text = typed(shapes.ReasonIn, request.data)["reason"]
        return self.shown(review.reopen(invoice, version_seen=seen, text=text, by=by(request)))

    @extend_schema(request=shapes.ReasonIn, responses=shapes.InvoiceWholeOut, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, **_: Any) -> Response:
        """Throw a draft away; its work is unbilled again."""
        seen, invoice = self._seen(request)
        reason = typed(shapes.ReasonIn, request.data)["reason"]
        gone = edit.discard(
            invoice, version_seen=seen, reason=reason, by=by(request), on=today(request)
        )
        return self.shown(gone)

    @extend_schema(request=shapes.OnIn, responses=shapes.InvoiceWholeOut)
    @action(detail=True, methods=["post"])
    @idempotent
    def finalization(self, request: Request, **_: Any) -> Response:
        """Turn an approved invoice into a claim: number, tax, books, frozen facts.

        A day before that of the series' last number is refused, and so is another day than that
        of an invoice which is final already.
        """
        now = today(request)
        asked = typed(shapes.OnIn, request.data).get("on")
        row, today_if_asked = self.get_object(), now if asked else None
        (invoice,) = finalize([row], by=by(request), on=asked or now, today=today_if_asked)
        return self.shown(invoice)

    @extend_schema(request=shapes.ReasonIn, responses={201: shapes.InvoiceWholeOut})
    @action(detail=True, methods=["post"], url_path="credit-note")
    @idempotent
    def credit_note(self, request: Request, **_: Any) -> Response:
        """Ask that the whole invoice be credited; a person approves the note in the portal."""
        invoice = self.get_object()
        reason = typed(shapes.ReasonIn, request.data)["reason"]
        answer = self.shown(credit.request_credit_note(invoice, reason=reason, by=by(request)))
        answer.status_code = 201
        return answer

    def _line_named(self, invoice: Invoice, line: str) -> InvoiceLine:
        """Return the line that a body names: unlike one in the path, it may be plainly wrong."""
        try:
            return self._line(invoice, line)
        except Http404 as error:
            raise wrong_at(("line",), words="The invoice has no such line.") from error

    def _line(self, invoice: Invoice, line: str) -> InvoiceLine:
        uid = uid_in_path(InvoiceLine.ID_PREFIX, line)
        found: InvoiceLine | None = InvoiceLine.objects.filter(invoice=invoice, uid=uid).first()
        if found is None:
            raise Http404
        return found

    def _seen(self, request: Request) -> tuple[int, Invoice]:
        seen, invoice = version_seen(request), self.get_object()
        must_match(seen, invoice.version)
        return seen, invoice
