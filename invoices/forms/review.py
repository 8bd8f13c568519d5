"""What reviewers and billing staff type."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from billing_portal.bounds import FIRST_DAY, LAST_DAY, is_plain_decimal
from invoices.models import Charge, InvoiceLine, LineEdit, Verdict
from invoices.schedule import AGGREGATIONS, Execution


class PlainDecimal(forms.DecimalField):
    """A number in plain digits, as every door takes it."""

    def to_python(self, value: Any) -> Any:
        """Return the number.

        :raises ValidationError: for other digits, an exponent or a sign between thousands.
        """
        if isinstance(value, str) and value.strip() and not is_plain_decimal(value.strip()):
            raise forms.ValidationError("Write digits, with a point before decimals.")
        return super().to_python(value)


class Labelled(forms.Form):
    """A form that says what the page calls its fields."""

    def labels(self) -> dict[str, str]:
        """Return the labels by the names of the fields."""
        return {name: str(each.label) for name, each in self.fields.items()}


class LineForm(Labelled):
    """New values of a line, and why."""

    quantity = PlainDecimal(max_digits=14, decimal_places=4, label="Quantity")
    unit_price = PlainDecimal(max_digits=14, decimal_places=4, label="Price")
    narrative = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}), required=False, label="Narrative"
    )
    task_code = forms.CharField(max_length=20, required=False, label="Task")
    activity_code = forms.CharField(max_length=20, required=False, label="Activity")
    expense_code = forms.CharField(max_length=20, required=False, label="Expense")
    reason_code = forms.ChoiceField(
        choices=[("", "Choose …"), *LineEdit.Reason.choices], label="Reason"
    )
    reason = forms.CharField(max_length=500, required=False, label="Note")

    NUMBERS: ClassVar = ("quantity", "unit_price")

    def __init__(self, *args: Any, line: InvoiceLine, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.line = line
        names = ("quantity", "unit_price", "narrative", *_CODES)
        self.initial.update({name: getattr(line, name) for name in names})
        for name in self.NUMBERS:
            self.initial[name] = f"{getattr(line, name).normalize():f}"
            self.fields[name].widget = forms.TextInput(attrs={"inputmode": "decimal"})
        hidden = ("expense_code",) if line.timekeeper_id else ("task_code", "activity_code")
        for name in hidden:
            if not getattr(line, name):
                del self.fields[name]

    def clean_quantity(self) -> Decimal:
        """Refuse hours below zero beside what else is wrong; the action does so, too."""
        quantity: Decimal = self.cleaned_data["quantity"]
        if self.line.kind == Charge.Kind.TIME and quantity < 0:
            raise forms.ValidationError("Hours are not below zero.")
        return quantity

    def changes(self) -> dict[str, Any]:
        """Return the new values by the names that the action takes."""
        named = dict(self.cleaned_data)
        named.pop("reason_code")
        named.pop("reason")
        return named

    def set_beside(self, now: InvoiceLine) -> None:
        """Say under each field what stands on the line now, where something else was typed."""
        for name in ("quantity", "unit_price", "narrative", *_CODES):
            if name not in self.fields or self.cleaned_data.get(name) == getattr(now, name):
                continue
            value = getattr(now, name)
            stands = f"{value.normalize():f}" if name in self.NUMBERS else value
            said = f"On the invoice now: {stands}" if stands else "On the invoice now: nothing"
            self.fields[name].help_text = self[name].help_text = said


_CODES = ("task_code", "activity_code", "expense_code")


class ReturnForm(Labelled):
    """What is wrong with an invoice."""

    category = forms.ChoiceField(
        choices=[("", "Choose …"), *(c for c in Verdict.Category.choices if c[0])],
        label="What is wrong",
    )
    text = forms.CharField(
        max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), label="Say it in words"
    )


class AnswerForm(forms.Form):
    """What is said to whoever returned a draft."""

    answer = forms.CharField(
        max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), label="Your answer"
    )


_AGGREGATION_WORDS = {"per-charge": "For each charge", "semi-monthly": "Semimonthly"}
_EXECUTION_WORDS = {
    Execution.BEGINNING_OF_THE_MONTH: "By the 1st of the month",
    Execution.MIDDLE_OF_THE_MONTH: "By the 16th of the month",
    Execution.EVERY_DAY: "By that very day",
}


class RunForm(forms.Form):
    """A line of the schedule, and the day it stands for."""

    billing_aggregation = forms.ChoiceField(
        choices=[(name, _AGGREGATION_WORDS.get(name, name.capitalize())) for name in AGGREGATIONS],
        label="Customers who are billed",
    )
    period_of_execution = forms.ChoiceField(
        choices=[(each.value, _EXECUTION_WORDS[each]) for each in Execution],
        label="Billing periods that ended",
    )
    on = forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}),
        label="Day it stands for",
        help_text="An earlier day bills what was not billed then.",
        validators=[MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)],
    )
