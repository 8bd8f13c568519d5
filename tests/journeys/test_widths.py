"""Whatever people type, no page is wider than the screen: long words without a space wrap."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing_portal.members.models import User
from billing_portal.tenancy.scope import tenant_scope
from customers.models import Customer, Matter
from invoices.actions.comments import add_comment
from invoices.actions.edit import edit_line
from invoices.actions.review import request_review, return_invoice
from tests.customers.factories import TimekeeperFactory
from tests.factories import MembershipFactory, TenantFactory
from tests.invoices import books
from tests.invoices.books import SYSTEM
from tests.journeys.looking import PASSWORD, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
SCREENS = [360, 768, 1280]
WORD = "Donaudampfschifffahrtselektrizitatenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
NOTE = f"{'Agreed with the adjuster on the telephone after a long talk. ' * 6}{WORD[:120]}"
# What is folded away or read aloud only has no width; a list scrolls in its frame, except as cards.
TOO_WIDE = """
() => {
  const hidden = ".hidden-visually, .tabs, thead, details:not([open]) *";
  const whole = innerWidth < 720 ? ".cards" : ".lines";
  const scrolls = `.table-wrap:not(:has(> ${whole}))`;
  const frames = [...document.querySelectorAll(".table-wrap:has(> .lines)")];
  return [...document.querySelectorAll("main *")]
    .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
    .filter((each) => !each.closest(`${hidden}, ${scrolls}`))
    .concat(frames.filter((each) => each.scrollWidth > each.clientWidth))
    .map((each) => `${each.tagName}.${each.className}: ${each.textContent.trim().slice(0, 40)}`)
    .slice(0, 5);
}
"""


@pytest.fixture
def firm():
    firm = TenantFactory.create(slug="arnesen", name=f"Arnesen {WORD}"[:100])
    user = MembershipFactory.create(tenant=firm, role="owner", user__email="ada@arnesen.test").user
    user.set_password(PASSWORD)
    user.name = WORD[:100]
    user.save()
    return firm


@pytest.fixture
def invoice(firm):
    """A draft in review in which everybody wrote long words, after a return that was answered."""
    with tenant_scope(firm.pk):
        owner = books.actor_of(User.objects.get(email="ada@arnesen.test"))
        made = books.customer(reviewer=owner)
        matter = books.matter_of(made)
        Customer.objects.filter(pk=made.pk).update(name=WORD[:120])
        Matter.objects.filter(pk=matter.pk).update(name=WORD[:160])
        keeper = TimekeeperFactory.create(name=WORD[:30])
        miles: dict[str, Any] = {"kind": "EXPENSE", "quantity": Decimal("1234.5")}
        miles |= {"timekeeper": "", "narrative": WORD, "expense_code": "E110"}
        miles |= {"unit_price": Decimal("98.7654"), "task_code": "", "activity_code": ""}
        books.captured(
            books.time_worked(matter, keeper=keeper, hours="12.25"),
            books.time_worked(matter, **miles),
        )
        (draft,) = books.drafted()
        request_review([draft], by=SYSTEM)
        draft = _edited(draft)
        return_invoice(draft, version_seen=3, category="OTHER", text=NOTE, by=owner)
        add_comment(draft, text=f"{NOTE}\n{WORD}", line=books.lines_of(draft)[0], by=SYSTEM)
        return request_review([draft], answer=WORD, by=SYSTEM)[0]


def _edited(draft):
    by = books.member("biller", WORD[:100])
    for version, line in enumerate(books.lines_of(draft), 1):
        changes = {"quantity": line.quantity - Decimal("1.1234"), "narrative": f"{WORD} {NOTE}"}
        draft = edit_line(
            line, version_seen=version, reason_code="CORRECTION", reason=NOTE, by=by,
            changes=changes | {"unit_price": line.unit_price - Decimal("0.4321")},
            on=date(2026, 11, 3),
        )  # fmt: skip
    return draft


@pytest.mark.parametrize("width", SCREENS)
def test_nothing_is_wider_than_the_screen_whatever_was_typed(
    chromium, live_server, firm, invoice, width
):
    with tenant_scope(firm.pk):
        line, run = books.lines_of(invoice)[0], invoice.run_item.run
    own = f"invoices/{invoice.public_id}/"
    paths = ["inbox/", "invoices/", f"invoices/?q={WORD}", f"search/?q={WORD[:9]}"]
    paths += ["runs/", f"runs/{run.public_id}/", "charges/", "jobs/", "audit/", "people/"]
    paths += [f"{own}return/", f"{own}lines/{line.public_id}/"]
    paths += [own, *(f"{own}?mode={mode}" for mode in ("clean", "original"))]
    page = chromium.new_page(viewport={"width": width, "height": 780})
    sign_in(page, f"{live_server.url}/t/{firm.slug}/inbox/", "ada@arnesen.test")

    wide = {}
    for path in paths:
        page.goto(f"{live_server.url}/t/{firm.slug}/{path}")
        whole, found = (
            page.evaluate("document.documentElement.scrollWidth"),
            page.evaluate(TOO_WIDE),
        )
        if found or whole > width:
            wide[path] = [whole, *found]
    page.close()

    assert wide == {}
