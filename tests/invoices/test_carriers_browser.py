"""A real Chromium against the demo carriers' real pages."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from invoices.gateways.carriers.base import (
    CarrierDown,
    CodeWanted,
    Credentials,
    EvidenceKind,
    LoginRefused,
    OutcomeUnknown,
    PageChanged,
    Retry,
    UploadFile,
    Wanted,
)
from invoices.gateways.carriers.browser import NoBrowser, look_up, submit
from invoices.gateways.carriers.recipe_check import recipe_from
from tests.outside.carrier.sample import SampleLine, sample
from tests.outside.carrier.server import DemoCarriers

RECIPES = Path(__file__).parents[1] / "outside" / "carrier" / "recipes"
DEMO = json.loads(RECIPES.with_name("demo.json").read_text("utf-8"))


@dataclass(frozen=True)
class Known:
    """What the firm knows of one demo carrier."""

    key: str
    matter: str
    prefix: str

    @property
    def credentials(self):
        described = next(each for each in DEMO["carriers"] if each["key"] == self.key)
        return Credentials(*next(iter(described["users"].items())))

    @property
    def recipe(self):
        described = json.loads((RECIPES / f"{self.key}.json").read_text("utf-8"))
        return recipe_from({**described, "timeout_ms": 4_000})


CARRIERS = [
    Known("northfield", "NFM-20418", "NFM"),
    Known("halvorsen", "HC/24/1182", "HAL"),
    Known("brightwater", "BW-550012", "BRI"),
]
every_layout = pytest.mark.parametrize("known", CARRIERS, ids=lambda known: known.key)


@pytest.fixture
def site(tmp_path):
    with DemoCarriers(book=tmp_path / "carriers.db") as carriers:
        yield carriers


def a_file(data, name="HS-2026-0417.txt"):
    return UploadFile(name, data, hashlib.sha256(data).hexdigest())


def good_file(known, number="HS-2026-0417"):
    return a_file(sample(number, known.matter), f"{number}.txt")


def hand_over(known, file, site, number="HS-2026-0417"):
    return submit(known.recipe, known.credentials, file, origin=site.url, invoice_number=number)


@every_layout
def test_submit_returns_the_carriers_reference_with_evidence(known, site):
    file = good_file(known)

    outcome = hand_over(known, file, site)

    (entry,) = site.entries(known.key)
    assert outcome.reference == entry["reference"]
    assert outcome.reference.startswith(f"{known.prefix}-")
    assert (outcome.carrier_status, outcome.status) == ("Accepted", "RECEIVED")
    assert outcome.messages == ()
    assert entry["sha256"] == file.sha256
    assert entry["invoices"] == {"HS-2026-0417": "850.00"}
    pictures = [each for each in outcome.evidence if each.kind is EvidenceKind.SCREENSHOT]
    assert len(pictures) == 3
    assert all(each.data.startswith(b"\x89PNG") for each in pictures)
    texts = [each.data.decode() for each in outcome.evidence if each.kind is EvidenceKind.PAGE_TEXT]
    assert outcome.reference in texts[-1]
    assert known.credentials.password not in "".join(texts)


@every_layout
def test_submit_tells_why_a_file_is_rejected(known, site):
    line = SampleLine(cost="500.00", total="1000.00", task="")
    file = a_file(sample("HS-2026-0418", known.matter, line, total="1000.00"))

    outcome = hand_over(known, file, site)

    assert (outcome.carrier_status, outcome.status) == ("Rejected", "REJECTED")
    assert outcome.messages == (
        "Row 3: CODE: A fee needs a task and an activity code.",
        "Row 3: RATE: Rate 500.00 exceeds the approved rate 425.00.",
    )
    assert [entry["status"] for entry in site.entries()] == ["Rejected"]


@every_layout
def test_submit_of_the_same_invoice_again_is_rejected_as_a_duplicate(known, site):
    hand_over(known, good_file(known), site)
    changed = a_file(sample("HS-2026-0417", known.matter, starts_on="20261002"))

    outcome = hand_over(known, changed, site)

    assert outcome.status == "REJECTED"
    assert outcome.messages == ("Row 3: DUPLICATE: Invoice HS-2026-0417 was accepted before.",)


@every_layout
def test_submit_with_a_wrong_password_is_refused_once_and_for_a_person(known, site):
    wrong = Credentials(known.credentials.user, "not-the-password")

    with pytest.raises(LoginRefused, match="does not take these credentials") as refused:
        submit(known.recipe, wrong, good_file(known), origin=site.url)

    assert refused.value.retry is Retry.AFTER_A_PERSON
    assert refused.value.evidence
    assert site.entries() == []


@every_layout
def test_submit_to_a_locked_account_is_refused(known, site):
    wrong = Credentials(known.credentials.user, "not-the-password")
    for _ in range(3):
        with pytest.raises(LoginRefused):
            submit(known.recipe, wrong, good_file(known), origin=site.url)

    with pytest.raises(LoginRefused) as refused:
        hand_over(known, good_file(known), site)

    assert b"locked" in b"".join(each.data for each in refused.value.evidence)
    assert site.entries() == []


@every_layout
@pytest.mark.parametrize("puzzle", ["code_wanted", "captcha_wanted"])
def test_submit_leaves_codes_and_captchas_to_a_person(known, puzzle, site):
    site.set_faults(known.key, **{puzzle: True})

    with pytest.raises(CodeWanted) as wanted:
        hand_over(known, good_file(known), site)

    assert wanted.value.retry is Retry.AFTER_A_PERSON
    assert site.entries() == []


@every_layout
def test_submit_to_a_site_that_is_down_may_be_tried_later(known, site):
    site.set_faults(known.key, down=True)

    with pytest.raises(CarrierDown, match="503") as down:
        hand_over(known, good_file(known), site)

    assert down.value.retry is Retry.LATER
    assert site.entries() == []


def test_submit_to_a_site_that_nobody_serves_may_be_tried_later(site):
    url = site.url
    site.stop()

    with pytest.raises(CarrierDown, match="ERR_CONNECTION_REFUSED"):
        submit(CARRIERS[0].recipe, CARRIERS[0].credentials, good_file(CARRIERS[0]), origin=url)


def test_submit_to_a_site_too_slow_for_its_recipe_may_be_tried_later(site):
    known = CARRIERS[0]
    site.set_faults(known.key, slow_seconds=3)

    with pytest.raises(CarrierDown, match="did not come in time"):
        submit(
            replace(known.recipe, timeout_ms=700),
            known.credentials,
            good_file(known),
            origin=site.url,
        )

    assert site.entries() == []


def test_submit_waits_for_a_slow_site_within_its_recipe(site):
    known = CARRIERS[0]
    site.set_faults(known.key, slow_seconds=0.4)

    assert hand_over(known, good_file(known), site).status == "RECEIVED"


@pytest.mark.parametrize(
    ("known", "selector"),
    [
        (CARRIERS[0], "Sign in - Northfield Mutual"),
        (CARRIERS[1], "Welcome - Halvorsen Casualty"),
        (CARRIERS[2], "Partner portal - Brightwater Indemnity"),
    ],
    ids=lambda value: getattr(value, "key", ""),
)
def test_submit_stops_at_a_changed_page_and_names_the_step(known, selector, site):
    site.set_faults(known.key, changed_page=True)

    with pytest.raises(PageChanged) as changed:
        hand_over(known, good_file(known), site)

    assert (changed.value.step, changed.value.selector) == ("sign_in[2]", selector)
    assert changed.value.retry is Retry.AFTER_A_PERSON
    assert site.entries() == []


@every_layout
def test_a_lost_answer_is_unknown_and_the_look_up_finds_the_file(known, site):
    site.set_faults(known.key, lose_answers=1)
    file = good_file(known)

    with pytest.raises(OutcomeUnknown, match="may have been received") as unknown:
        hand_over(known, file, site)
    found = look_up(
        known.recipe,
        known.credentials,
        Wanted(file.name, file.sha256, "HS-2026-0417"),
        origin=site.url,
    )

    assert unknown.value.retry is Retry.AFTER_LOOK_UP
    (entry,) = site.entries()
    assert found is not None
    assert found.reference == entry["reference"]
    assert (found.carrier_status, found.status) == ("Accepted", "RECEIVED")
    assert found.evidence


@every_layout
def test_look_up_finds_nothing_where_nothing_was_sent(known, site):
    file = good_file(known)
    wanted = Wanted(file.name, file.sha256, "HS-2026-0417")

    found = look_up(known.recipe, known.credentials, wanted, origin=site.url)

    assert found is None
    assert site.entries() == []


@every_layout
def test_look_up_does_not_take_other_bytes_for_the_file(known, site):
    hand_over(known, good_file(known), site)
    other = Wanted("HS-2026-0417.txt", "0" * 64, "HS-2026-0417")

    found = look_up(known.recipe, known.credentials, other, origin=site.url)

    assert found is None


@every_layout
def test_look_up_reads_later_decisions_and_reductions(known, site):
    file = good_file(known)
    reference = hand_over(known, file, site).reference
    cut = {"line": "1", "amount": "42.50", "reason": "Rate agreed for review is lower"}
    site.ask(
        "/_control/decide", {"reference": reference, "status": "Approved", "reductions": [cut]}
    )

    found = look_up(
        known.recipe,
        known.credentials,
        Wanted(file.name, file.sha256, "HS-2026-0417"),
        origin=site.url,
    )

    assert found is not None
    assert (found.carrier_status, found.status) == ("Approved", "APPROVED")
    assert found.messages == ("Line 1: reduced by 42.50: Rate agreed for review is lower",)


@pytest.fixture
def stranger():
    """A server that is no carrier's; what is asked of it is written down."""
    asked = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_address[1], asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_submit_asks_nothing_of_strangers_that_a_page_names(host, site, stranger):
    known = CARRIERS[0]
    port, asked = stranger
    described = next(each for each in DEMO["carriers"] if each["key"] == known.key)
    site.ask("/_control/carriers", {**described, "beacon": f"http://{host}:{port}/pixel?id=1"})

    outcome = hand_over(known, good_file(known), site)

    assert outcome.status == "RECEIVED"
    assert outcome.blocked == (f"http://{host}:{port}/pixel",)
    assert asked == []


def test_submit_does_not_follow_a_redirect_to_a_stranger(site, stranger):
    known = CARRIERS[0]
    port, asked = stranger
    site.set_faults(known.key, redirect_to=f"http://localhost:{port}/elsewhere")

    with pytest.raises(CarrierDown):
        hand_over(known, good_file(known), site)

    assert asked == []
    assert site.entries() == []


@pytest.mark.parametrize(
    ("origin", "why"),
    [
        ("http://ebilling.northfield.test", "not encrypted"),
        ("ftp://127.0.0.1", "not encrypted"),
        ("https://ebilling.northfield.test/path", "no origin"),
        ("https://someone@ebilling.northfield.test", "no origin"),
        ("northfield", "no origin"),
    ],
)
def test_submit_refuses_an_origin_that_is_none_or_in_the_clear(origin, why):
    known = CARRIERS[0]

    with pytest.raises(ValueError, match=why):
        submit(known.recipe, known.credentials, good_file(known), origin=origin)


def test_submit_says_when_there_is_no_browser(site, monkeypatch):
    known = CARRIERS[0]
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(NoBrowser, match="chromium-headless-shell"):
        hand_over(known, good_file(known), site)
