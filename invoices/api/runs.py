"""Billing runs over REST: plan, start, watch, pause, retry, hand to review, finalize."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from billing_portal.api.asking import by, today, typed, uid_in_path
from billing_portal.api.idempotency import HEADER, idempotent
from billing_portal.api.views import NounViewSet, one_of
from billing_portal.jobs.api import JobOut
from invoices.actions import run as running
from invoices.actions.plan import plan_run
from invoices.actions.send_run import send_to_review
from invoices.api import shapes
from invoices.models import BillingRun, RunItem
from invoices.queries.previews import preview_of
from invoices.queries.runs import items_in, progress_of_runs

_START = "runs.start"
_COMPARED = _NAMED = 1000


class RunViewSet(NounViewSet):
    """Plan and start month ends, and see what came of them."""

    permissions: ClassVar = {
        "list": "runs.read",
        "retrieve": "runs.read",
        "create": _START,
        "start": _START,
        "pause": _START,
        "resumption": _START,
        "cancellation": _START,
        "items": "runs.read",
        "preview": "runs.read",
        "retry": _START,
        "review_requests": "invoices.edit",
        "finalization": "invoices.finalize",
    }
    filters: ClassVar = {"state": one_of("state"), "execution": one_of("execution")}
    lists_within: ClassVar = {"items": {"status": one_of("outcome")}}
    id_prefix = BillingRun.ID_PREFIX
    serializer_class = shapes.RunOut

    def get_queryset(self) -> QuerySet[BillingRun]:
        """Return the firm's runs."""
        return BillingRun.objects.all()

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Look up how far all runs of the page are, in one query."""
        if not args:
            return shapes.RunOut(**kwargs)
        shown: Any = args[0]
        runs: list[BillingRun] = list(shown) if kwargs.get("many") else [shown]
        context = {**self.get_serializer_context(), "progress": progress_of_runs(runs)}
        return shapes.RunOut(*args, **kwargs, context=context)

    @extend_schema(request=shapes.RunIn, responses={201: shapes.RunOut})
    @idempotent
    def create(self, request: Request, **_: Any) -> Response:
        """Plan a run: find what is due, bill nothing yet."""
        asked = typed(shapes.RunIn, request.data)
        run = plan_run(
            key=f"api:{hashlib.sha256(request.headers[HEADER].encode()).hexdigest()}",
            billing_aggregation=asked["billing_aggregation"],
            period_of_execution=asked["period_of_execution"],
            on=asked.get("on") or today(request),
            now=datetime.now(UTC),
            by=by(request),
        )
        answer = self.shown(run)
        answer.status_code = 201
        return answer

    @extend_schema(request=None, responses={202: shapes.RunOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def start(self, request: Request, **_: Any) -> Response:
        """Put a planned run to work."""
        return self._moved(running.start_run(self.get_object(), by=by(request)))

    @extend_schema(request=None, responses={202: shapes.RunOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def pause(self, request: Request, **_: Any) -> Response:
        """Begin no further batch."""
        return self._moved(running.pause_run(self.get_object(), by=by(request)))

    @extend_schema(request=None, responses={202: shapes.RunOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def resumption(self, request: Request, **_: Any) -> Response:
        """Go on with what is pending."""
        return self._moved(running.resume_run(self.get_object(), by=by(request)))

    @extend_schema(request=None, responses={202: shapes.RunOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def cancellation(self, request: Request, **_: Any) -> Response:
        """Give up what is pending."""
        return self._moved(running.cancel_run(self.get_object(), by=by(request)))

    @extend_schema(responses=shapes.RunItemOut(many=True))
    @action(detail=True, methods=["get"])
    def items(self, request: Request, **_: Any) -> Response:
        """List what was due in a run and what came of it, the last place first."""
        rows = items_in(self.get_object())
        page = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response(shapes.RunItemOut(page, many=True).data)

    @extend_schema(responses=shapes.PreviewOut)
    @action(detail=True, methods=["get"])
    def preview(self, request: Request, **_: Any) -> Response:
        """Hold what the plan found against the run before: new, missing, more or less by 30 %."""
        found = preview_of(self.get_object())
        rows = shapes.ComparedOut(found.rows[:_COMPARED], many=True).data
        before = found.before.public_id if found.before else None
        return Response(
            {"object": "run_preview", "before": before, "counts": found.counts, "data": rows}
        )

    @extend_schema(request=None, responses={202: shapes.RunItemOut})
    @action(detail=True, methods=["post"], url_path="items/<str:item>/retry")
    @idempotent
    def retry(self, request: Request, item: str, **_: Any) -> Response:
        """Draft a parked item again."""
        run = self.get_object()
        uid = uid_in_path(RunItem.ID_PREFIX, item)
        found = RunItem.objects.filter(run=run, uid=uid).first()
        if found is None:
            raise Http404
        again = running.retry_item(found, by=by(request))
        return Response(shapes.RunItemOut(again).data, status=202)

    @extend_schema(request=shapes.ReviewRequestsIn, responses=shapes.ReviewRequestsOut)
    @action(detail=True, methods=["post"], url_path="review-requests")
    @idempotent
    def review_requests(self, request: Request, **_: Any) -> Response:
        """Hand the drafts of a run to their reviewers; those that cannot go stay and are named."""
        run, is_trial = self.get_object(), typed(shapes.ReviewRequestsIn, request.data)["dry_run"]
        done = send_to_review(run, by=by(request), is_trial=is_trial)
        rows = [
            {"id": each.public_id, "code": no.code, "detail": str(no)}
            for each, no in done.left[:_NAMED]
        ]
        told = {"sent": len(done.sent), "left": len(done.left), "data": rows}
        return Response(shapes.ReviewRequestsOut({"dry_run": is_trial, **told}).data)

    @extend_schema(request=shapes.OnIn, responses={202: JobOut})
    @action(detail=True, methods=["post"])
    @idempotent
    def finalization(self, request: Request, **_: Any) -> Response:
        """Finalize what is approved, in the order of the run, by a job."""
        now = today(request)
        on = typed(shapes.OnIn, request.data).get("on") or now
        job = running.finalize_approved(self.get_object(), by=by(request), on=on, today=now)
        return Response(JobOut(job).data, status=202)

    def _moved(self, run: BillingRun) -> Response:
        answer = self.shown(run)
        answer.status_code = 202
        return answer
