"""What goes over the wire: ``…In`` types what comes, ``…Out`` shows what is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing_portal.api.asking import wrong_at
from billing_portal.api.rendering import MoneyOut, money
from billing_portal.api.shapes import Day, DecimalText, Prose, StrictIn
from billing_portal.ids import public_id
from billing_portal.money import Money
from invoices.models import BillingRun, Invoice, InvoiceLine, LineEdit, RunItem, Verdict
from invoices.queries.previews import Compared
from invoices.queries.runs import Progress
from invoices.schedule import AGGREGATIONS, Execution, aggregation_of


class RunIn(StrictIn):
    """A line of the schedule, and the day it stands for (today unless named)."""

    billing_aggregation = serializers.ChoiceField(choices=list(AGGREGATIONS))
    period_of_execution = serializers.ChoiceField(choices=list(Execution))
    on = Day(required=False)


class OnIn(StrictIn):
    """The day of a deed; today unless named."""

    on = Day(required=False)


class ProgressOut(serializers.Serializer):
    """How many items of a run came to what."""

    total = serializers.IntegerField()
    pending = serializers.IntegerField()
    drafted = serializers.IntegerField()
    nothing = serializers.IntegerField()
    carried = serializers.IntegerField()
    parked = serializers.IntegerField()
    canceled = serializers.IntegerField()


class RunOut(serializers.Serializer):
    """A billing run."""

    object = serializers.CharField(default="billing_run")
    id = serializers.CharField(source="public_id")
    state = serializers.CharField()
    billing_aggregation = serializers.SerializerMethodField()
    period_of_execution = serializers.CharField(source="execution")
    on = serializers.DateField()
    bills_until = serializers.DateField()
    planned_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    progress = serializers.SerializerMethodField()

    def get_billing_aggregation(self, run: BillingRun) -> str:
        """Return the aggregation as the schedule names it."""
        return aggregation_of(run.cadence)

    @extend_schema_field(ProgressOut)
    def get_progress(self, run: BillingRun) -> dict[str, int]:
        """Return the counts that the endpoint looked up for the page in one query."""
        found: dict[int, Progress] = self.context["progress"]
        shown: dict[str, int] = ProgressOut(found[run.pk]).data
        return shown


class RunItemOut(serializers.Serializer):
    """What is due in a run, and what came of it."""

    object = serializers.CharField(default="run_item")
    id = serializers.CharField(source="public_id")
    position = serializers.IntegerField()
    customer = serializers.CharField(source="window.customer.external_id")
    matter = serializers.CharField(
        source="window.matter.external_id", default=None, allow_null=True
    )
    starts_on = serializers.DateField(source="window.starts_on")
    ends_on = serializers.DateField(source="window.ends_on")
    outcome = serializers.CharField()
    code = serializers.CharField()
    reason = serializers.CharField()
    charges = serializers.IntegerField(source="planned_charges")
    amount = serializers.SerializerMethodField()

    @extend_schema_field(MoneyOut)
    def get_amount(self, item: RunItem) -> dict[str, str]:
        """Return what was unbilled when it was planned."""
        return money(Money.of_minor(item.planned_amount, item.window.currency))


class ComparedOut(serializers.Serializer):
    """A customer, or a matter billed by itself, against the run before."""

    object = serializers.CharField(default="run_comparison")
    customer = serializers.CharField(source="customer.external_id")
    matter = serializers.CharField(source="matter.external_id", default=None, allow_null=True)
    standing = serializers.CharField()
    reason = serializers.CharField(default=None, allow_null=True)
    charges = serializers.IntegerField()
    now = serializers.SerializerMethodField()
    before = serializers.SerializerMethodField()

    @extend_schema_field(MoneyOut)
    def get_now(self, row: Compared) -> dict[str, str]:
        """Return what this plan found unbilled."""
        return money(row.now)

    @extend_schema_field(MoneyOut)
    def get_before(self, row: Compared) -> dict[str, str]:
        """Return what the plan before found unbilled."""
        return money(row.before)


class PreviewOut(serializers.Serializer):
    """A plan against the run before, the largest differences first, at most 1,000 of them."""

    object = serializers.CharField(default="run_preview")
    before = serializers.CharField(allow_null=True)
    counts = serializers.DictField(child=serializers.IntegerField())
    data = ComparedOut(many=True)  # type: ignore[assignment]  # a field of that name


class LineOut(serializers.Serializer):
    """A line as it is billed, and as it was worked; narratives are for people of the firm."""

    object = serializers.CharField(default="invoice_line")
    id = serializers.CharField(source="public_id")
    number = serializers.IntegerField()
    charge = serializers.CharField(source="charge.public_id", default=None, allow_null=True)
    kind = serializers.CharField()
    matter = serializers.CharField(source="matter.external_id", default=None, allow_null=True)
    timekeeper = serializers.CharField(
        source="timekeeper.external_id", default=None, allow_null=True
    )
    worked_on = serializers.DateField()
    quantity = serializers.CharField()
    unit_price = serializers.CharField()
    amount = serializers.SerializerMethodField()
    as_worked = serializers.SerializerMethodField()
    task_code = serializers.CharField()
    activity_code = serializers.CharField()
    expense_code = serializers.CharField()
    narrative = serializers.CharField()
    is_edited = serializers.BooleanField()

    @extend_schema_field(MoneyOut)
    def get_amount(self, line: InvoiceLine) -> dict[str, str]:
        """Return what is billed, net."""
        return money(Money.of_minor(line.amount, self.context["currency"]))

    @extend_schema_field(MoneyOut(allow_null=True))
    def get_as_worked(self, line: InvoiceLine) -> dict[str, str] | None:
        """Return what the work came to before anybody edited it."""
        return None if line.charge is None else money(line.charge.total)


class InvoiceOut(serializers.Serializer):
    """An invoice, or the credit note that corrects one.

    ``balance`` is what the ledger says is owed; there is no flag for paid. The amounts of a credit
    note stand for what it takes away from the invoice ``corrects``, which it names as its
    ``credit_note``; they are not below zero.
    """

    object = serializers.CharField(default="invoice")
    id = serializers.CharField(source="public_id")
    kind = serializers.CharField()
    state = serializers.CharField()
    version = serializers.IntegerField()
    number = serializers.CharField()
    customer = serializers.CharField(source="customer.external_id")
    matter = serializers.CharField(source="matter.external_id", default=None, allow_null=True)
    reviewer = serializers.EmailField(source="reviewer.email", default=None, allow_null=True)
    period_starts_on = serializers.DateField()
    period_ends_on = serializers.DateField()
    issued_on = serializers.DateField(allow_null=True)
    due_on = serializers.DateField(allow_null=True)
    corrects = serializers.CharField(source="corrects.public_id", default=None, allow_null=True)
    credit_note = serializers.SerializerMethodField()
    reason = serializers.CharField()
    net = MoneyOut(source="net_money")
    tax = MoneyOut(source="tax_money")
    total = MoneyOut(source="total_money")
    as_worked = MoneyOut(source="as_worked_money")
    balance = serializers.SerializerMethodField()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_credit_note(self, invoice: Invoice) -> str | None:
        """Return the note that was asked for or made, if any."""
        uid: UUID | None = getattr(invoice, "note_uid", None)
        return None if uid is None else public_id(Invoice.ID_PREFIX, uid)

    @extend_schema_field(MoneyOut)
    def get_balance(self, invoice: Invoice) -> dict[str, str]:
        """Return what is owed."""
        return money(Money.of_minor(int(getattr(invoice, "owed", 0)), invoice.currency))


class InvoiceWholeOut(InvoiceOut):
    """An invoice with its lines."""

    lines = serializers.SerializerMethodField()

    @extend_schema_field(LineOut(many=True))
    def get_lines(self, invoice: Invoice) -> list[dict[str, Any]]:
        """Return the lines that the endpoint looked up."""
        context = {"currency": invoice.currency}
        return list(LineOut(self.context["lines"], many=True, context=context).data)


class CommentIn(StrictIn):
    """Something to say about an invoice, or about one of its lines."""

    text = Prose(max_length=2000)
    line = serializers.CharField(max_length=60, required=False)


class CommentOut(serializers.Serializer):
    """What somebody of the firm said; without ``line`` it is about the whole invoice."""

    object = serializers.CharField(default="invoice_comment")
    id = serializers.CharField(source="public_id")
    line = serializers.CharField(source="line.public_id", default=None, allow_null=True)
    version = serializers.IntegerField()
    text = serializers.CharField()
    by = serializers.CharField(source="made_by_name")
    at = serializers.DateTimeField(source="made_at")


class CheckOut(serializers.Serializer):
    """One thing to know before approving; ``lines`` are numbers of lines."""

    object = serializers.CharField(default="invoice_check")
    rule = serializers.CharField()
    severity = serializers.CharField()
    title = serializers.CharField()
    cause = serializers.CharField()
    lines = serializers.ListField(child=serializers.CharField())


class ChecksOut(serializers.Serializer):
    """The checks of an invoice, not paged."""

    object = serializers.CharField(default="list")
    data = CheckOut(many=True)  # type: ignore[assignment]  # a field of that name


class SeenIn(StrictIn):
    """An invoice, and the version of it that was read."""

    id = serializers.CharField(max_length=60)
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class ApprovalsIn(StrictIn):
    """Which versions to approve; with ``dry_run`` it is only found out which could be."""

    invoices = SeenIn(many=True, allow_empty=False, max_length=200)  # type: ignore[call-arg]  # of many
    dry_run = serializers.BooleanField(default=False)

    def validate_invoices(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the rows.

        :raises ValidationError: at each place that names an invoice which one above names.
        """
        named = [row["id"] for row in rows]
        again = [(place, "id") for place, each in enumerate(named) if each in named[:place]]
        if again:
            words = "One above names this invoice already."
            raise wrong_at(*again, words=words, code="duplicate")
        return rows


class ApprovalOut(serializers.Serializer):
    """What came of one invoice: ``approved``, or ``refused`` with the code of the rule."""

    id = serializers.CharField()
    status = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ApprovalsOut(serializers.Serializer):
    """What came of each invoice, and what the approved ones come to, by currency."""

    object = serializers.CharField(default="list")
    dry_run = serializers.BooleanField()
    totals = MoneyOut(many=True)
    data = ApprovalOut(many=True)  # type: ignore[assignment]  # a field of that name


class LineEditIn(StrictIn):
    """New values of a line, and why."""

    quantity = DecimalText(max_digits=13, decimal_places=4, required=False)
    unit_price = DecimalText(max_digits=13, decimal_places=4, required=False)
    narrative = Prose(max_length=15_000, required=False, allow_blank=True)
    task_code = serializers.CharField(max_length=20, required=False, allow_blank=True)
    activity_code = serializers.CharField(max_length=20, required=False, allow_blank=True)
    expense_code = serializers.CharField(max_length=20, required=False, allow_blank=True)
    reason_code = serializers.ChoiceField(choices=LineEdit.Reason.choices)
    reason = Prose(max_length=500, required=False, allow_blank=True)


class AnswerIn(StrictIn):
    """What is said to whoever returned the draft; it is kept as a comment and stays in the firm."""

    answer = Prose(max_length=2000, default="", allow_blank=True)


class ReviewRequestsIn(StrictIn):
    """With ``dry_run`` it is only found out which drafts could be sent."""

    dry_run = serializers.BooleanField(default=False)


class LeftOut(serializers.Serializer):
    """A draft that stays, with the code of the rule that would refuse it by itself."""

    id = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ReviewRequestsOut(serializers.Serializer):
    """How many drafts went to their reviewers and how many stay, of these at most 1,000 named."""

    dry_run = serializers.BooleanField()
    sent = serializers.IntegerField()
    left = serializers.IntegerField()
    data = LeftOut(many=True)  # type: ignore[assignment]  # a field of that name


class ReturnIn(StrictIn):
    """What is wrong with an invoice."""

    category = serializers.ChoiceField(choices=[c for c in Verdict.Category.choices if c[0]])
    text = Prose(max_length=2000)


class ReasonIn(StrictIn):
    """Why something is done."""

    reason = Prose(max_length=500)
