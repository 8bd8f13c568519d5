"""What people read of the inside: every job and every deed in the trail has plain words."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

from billing_portal.audit.deeds import DEEDS
from billing_portal.jobs.engines import REGISTRY
from billing_portal.jobs.models import Job
from billing_portal.tenancy.permissions import ROLES
from dunning.models import Reminder
from invoices.models import Delivery, Submission, Verdict
from ledger.forms import KINDS

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("billing_portal", "customers", "invoices", "ledger", "dunning")
RECORDERS = {"record", "record_many", "record_named", "record_in_each_firm"}
# Names that are put together when the deed is written: what may come of each.
MADE = {
    "f'job.{to.value}'": {
        f"job.{state}" for state in (Job.State.CANCELED, Job.State.PAUSED, Job.State.QUEUED)
    },
    "f'submission.{state.lower()}'": {
        f"submission.{state.lower()}" for state in Submission.State.values
    },
    "f'delivery.{state.lower()}'": {
        f"delivery.{state.lower()}" for state in (Delivery.State.SENT, Delivery.State.FAILED)
    },
    "f'reminder.{state.lower()}'": {
        f"reminder.{state.lower()}"
        for state in (Reminder.State.SENT, Reminder.State.FAILED, Reminder.State.SKIPPED)
    },
    "f'run.{deed}'": {
        f"run.{deed}" for deed in ("started", "paused", "resumed", "canceled", "retried", "ended")
    },
    "name": {f"invoice.{kind.lower()}" for kind in Verdict.Kind.values},
}
# Names that a helper of the module is given: its callers write them out.
HANDED_ON = {"action", "deed"}
TRAIL = "billing_portal/audit/trail.py"  # hands on what it is given, from everywhere


def _calls(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _name(call):
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def _written_out(calls):
    """Return the texts such as ``role.ended`` that calls of a module's own helpers are given."""
    given = [argument for call in calls if _name(call).startswith("_") for argument in call.args]
    texts = [each.value for each in given if isinstance(each, ast.Constant)]
    return {text for text in texts if isinstance(text, str) and "." in text}


def _recorded():
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            if str(file.relative_to(ROOT)) == TRAIL:
                continue
            calls = _calls(ast.parse(file.read_text()))
            for call in calls:
                if _name(call) in RECORDERS and call.args:
                    yield str(file.relative_to(ROOT)), call.args[0], calls


def _deeds() -> dict[str, str]:
    found: dict[str, str] = {}
    for file, told, calls in _recorded():
        first = told.value.elts[0] if isinstance(told, ast.Starred) else told  # type: ignore[attr-defined]  # a tuple
        if isinstance(first, ast.Constant):
            names = {str(first.value)}
        elif ast.unparse(first) in HANDED_ON:
            names = _written_out(calls)
        else:
            names = MADE[ast.unparse(first)]
        found |= dict.fromkeys(names, file)
    return found


def test_the_deeds_that_the_code_records_are_found():
    found = _deeds()

    assert {"invoice.line_edited", "role.ended", "bank_details.rejected", "run.paused"} <= set(
        found
    )
    assert len({told for _, told, _ in _recorded()}) > 80


@pytest.mark.parametrize(("deed", "file"), sorted(_deeds().items()))
def test_a_deed_has_words(deed, file):
    assert str(DEEDS.get(deed, "")), f"{file} records {deed}"


def test_the_words_name_no_deed_that_nobody_does():
    assert set(DEEDS) - set(_deeds()) == set()


def test_the_words_of_deeds_are_told_apart_and_free_of_keys():
    words = [str(said) for said in DEEDS.values()]

    assert len(set(words)) == len(words)
    assert [said for said in words if "_" in said or "." in said] == []


def test_every_job_has_words():
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            if "\n@job(" in file.read_text():
                import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    own = {name: job for name, job in REGISTRY.items() if name.split(".")[0] in ROOMS}

    assert len(own) >= 12
    assert [name for name, job in own.items() if not job.title[:1].isupper()] == []


def test_every_kind_of_entry_has_words():
    kinds = {
        keyword.value.value
        for room in ROOMS
        for file in sorted((ROOT / room).rglob("actions/*.py"))
        for call in _calls(ast.parse(file.read_text()))
        if _name(call) == "NewEntry"
        for keyword in call.keywords
        if keyword.arg == "kind" and isinstance(keyword.value, ast.Constant)
    }

    assert {"payment", "reversal"} <= kinds
    assert kinds <= set(KINDS)


@pytest.mark.parametrize("word", ["administrator", "superuser", "supervisor"])
def test_pages_send_nobody_to_a_role_that_no_firm_has(word):
    """A firm has owners, billers, reviewers, timekeepers and auditors (``permissions.ROLES``)."""
    files = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "templates").rglob("*.txt")]

    assert word not in ROLES
    assert [str(file) for file in files if word in file.read_text().lower()] == []
