"""The post office of the foundations: letters are written in the deed and mailed by a job.

A letter may carry a token, so it is encrypted until the mail server has taken it; then it is gone.
The job names it by its number. A repeat is the same letter under the same Message-ID.
"""

from __future__ import annotations

import json
import secrets
import smtplib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models.functions import Now
from django.template.loader import render_to_string

from billing_portal.jobs.queue import job
from billing_portal.members.encryption import lock_up, open_up
from billing_portal.members.models import Letter, Membership
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope

_ATTEMPTS = 6
_PERMANENT = 500
_LONGEST = 300
_PLACE = "members_letter.sealed"


@dataclass(frozen=True)
class Written:
    """A letter's content."""

    recipient: str
    subject: str
    text: str
    html: str
    sender: str = ""
    reply_to: str = ""


def written_for(firm: Any, recipient: str, **context: Any) -> Written:
    """Return a letter in the house's form: a firm, a heading, paragraphs, facts, one button.

    :param firm: a Tenant, or a mapping with the same names for what is of no firm.
    :param context: ``subject``, ``heading``, ``preheader``, ``paragraphs``, ``facts``,
        ``button_url``, ``button_label`` and ``footer``, as templates/mail shows them.
    """
    shown = {"firm": firm, **context}
    is_firm = isinstance(firm, Tenant)
    return Written(
        recipient=recipient,
        subject=" ".join(render_to_string("mail/base_subject.txt", shown).split()),
        text=render_to_string("mail/base.txt", shown),
        html=render_to_string("mail/base.html", shown),
        sender=_sender_of(firm) if is_firm else "",
        reply_to=firm.email if is_firm else "",
    )


@transaction.atomic
def post(written: Written, *, firm: Tenant, about: str = "") -> Letter:
    """Hand a letter to the mail's queue; it leaves after the commit.

    :param firm: whose jobs carry it.
    :param about: what it belongs to, such as ``invitation:7``; what waited for that is dropped.
    """
    if about:
        Letter.objects.filter(tenant=firm, about=about).delete()
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2]
    letter = Letter.objects.create(
        tenant=firm,
        about=about,
        sealed=lock_up(json.dumps(asdict(written)), place=_PLACE),
        message_id=f"letter-{secrets.token_hex(12)}@{domain}",
    )
    with tenant_scope(firm.pk):
        send_letter_later.enqueue(key=f"letter:{letter.pk}", letter_id=letter.pk)
    return letter


def carrier_for(email: str) -> Tenant | None:
    """Return the firm whose jobs carry a letter to a person: theirs, else the oldest. One query.

    A stranger's letter takes the same way as a member's, so that nothing is learned from the time
    that it takes to write one.
    """
    firms = Tenant.objects.order_by("pk")
    held = Membership.objects.filter(user__email=email, ended_at__isnull=True)
    return firms.filter(pk__in=held.values("tenant_id")).first() or firms.first()


@job(
    title="Mail a letter",
    queue="mail",
    timeout=90,
    max_attempts=_ATTEMPTS,
    backoff=10,
    scoped=False,
)
def send_letter_later(*, tenant_id: int, letter_id: int) -> None:
    """Mail a letter. Twice does no harm: a letter that went is gone, a repeat is the same mail.

    :raises OSError: when the server does not take it now; the job is tried again later.
    """
    with tenant_scope(tenant_id):
        letter = Letter.objects.filter(pk=letter_id, refused_at__isnull=True).first()
    if letter is None:
        return
    message = _message(letter)
    try:
        message.send()
    except OSError as error:  # smtplib's errors are OSErrors too
        with tenant_scope(tenant_id):
            is_final = _note_failure(letter_id, error)
        if not is_final:
            raise
    else:
        with tenant_scope(tenant_id):
            Letter.objects.filter(pk=letter_id).delete()


def _note_failure(letter_id: int, error: OSError) -> bool:
    """Write down why a letter did not leave; say whether it never will."""
    code, words = _words_of(error)
    letter = Letter.objects.select_for_update().filter(pk=letter_id).first()
    if letter is None:
        return True  # another letter took its place meanwhile
    letter.attempts += 1
    letter.error_text = words[:_LONGEST]
    is_final = code >= _PERMANENT
    if is_final:
        letter.refused_at, letter.sealed = Now(), ""
    letter.save()
    return is_final


def _words_of(error: OSError) -> tuple[int, str]:
    """Return what the server said of this letter: its code, 0 for none, and words."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return code, _refusal(code, said)
    if isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPDataError):
        return error.smtp_code, _refusal(error.smtp_code, error.smtp_error)
    return 0, f"The mail server does not answer: {type(error).__name__}."


def _refusal(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", errors="replace") if isinstance(said, bytes) else said
    return f"The mail server refused: {code} {' '.join(text.split())}"


def _message(letter: Letter) -> EmailMultiAlternatives:
    content = Written(**json.loads(open_up(letter.sealed, place=_PLACE)))
    message = EmailMultiAlternatives(
        content.subject,
        content.text,
        content.sender or settings.DEFAULT_FROM_EMAIL,
        [content.recipient],
        reply_to=[content.reply_to] if content.reply_to else None,
        headers={
            "Message-ID": f"<{letter.message_id}>",
            "Date": format_datetime(_whole(letter.written_at)),
            "Auto-Submitted": "auto-generated",
        },
    )
    message.attach_alternative(content.html, "text/html")
    return message


def _whole(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def _sender_of(firm: Tenant) -> str:
    name = firm.name.replace('"', "")
    return f'"{name}" <{settings.DEFAULT_FROM_EMAIL}>'
