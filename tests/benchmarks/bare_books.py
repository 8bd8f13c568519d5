"""The books without a guard: tables of the same columns and indexes, and ways to write them."""

from __future__ import annotations

import os
from datetime import date
from typing import Any
from uuid import uuid4

import psycopg

from billing_portal import postgres

DAY = date(2026, 10, 31)
BARE = """
create schema bare;
create table bare.entry
  (like ledger_entry including defaults including identity including indexes);
create table bare.posting
  (like ledger_posting including defaults including identity including indexes);
alter table bare.entry alter xact drop default, alter xact drop not null;
alter table bare.posting alter xact drop default, alter xact drop not null;
grant usage on schema bare to {role};
grant select, insert on all tables in schema bare to {role};
grant usage on all sequences in schema bare to {role};
"""
ENTRY_COLUMNS = (
    "tenant_id, id, uid, kind, booked_on, effective_on, period_id, key, fingerprint, source,"
    " reason, correction_group, actor"
)
POSTING_COLUMNS = "tenant_id, entry_id, line_no, account_id, currency, amount, tax_code"


def make_bare() -> None:
    """Make the tables beside those of the books."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as connection:
        connection.execute(BARE.format(role=postgres.APP_ROLE))


class Bare:
    """The same rows without a guard: no trigger, policy, foreign key, fingerprint or seal."""

    def __init__(self, connection: psycopg.Connection, firm_id: int) -> None:
        self.connection, self.firm_id, self.last = connection, firm_id, 0

    def rows(self, count: int, lines: int) -> tuple[list, list]:
        """Return headers and lines, with ids never used before."""
        ids = range(self.last + 1, self.last + count + 1)
        self.last += count
        day = DAY.isoformat()
        headers = [
            (
                *(self.firm_id, pk, str(uuid4()), "charge", day, day, 1, str(uuid4())),
                *("0" * 64, "", "", "", "user:1"),
            )
            for pk in ids
        ]
        postings = [
            (self.firm_id, pk, number, 1, "USD", 1 if number < lines else 1 - lines, "")
            for pk in ids
            for number in range(1, lines + 1)
        ]
        return headers, postings

    def copy(self, headers: list, postings: list) -> None:
        """Write by COPY and commit."""
        with self.connection.cursor() as cursor:
            for table, columns, rows in (
                ("bare.posting", POSTING_COLUMNS, postings),
                ("bare.entry", ENTRY_COLUMNS, headers),
            ):
                with cursor.copy(f"copy {table} ({columns}) from stdin") as copy:
                    for row in rows:
                        copy.write_row(row)
        self.connection.commit()

    def insert(self, headers: list, postings: list) -> None:
        """Write by two multi-row statements and commit."""
        with self.connection.cursor() as cursor:
            for table, columns, rows in (
                ("bare.posting", POSTING_COLUMNS, postings),
                ("bare.entry", ENTRY_COLUMNS, headers),
            ):
                values = ", ".join([f"({', '.join(['%s'] * len(rows[0]))})"] * len(rows))
                flat = [value for row in rows for value in row]
                cursor.execute(f"insert into {table} ({columns}) values {values}", flat)  # noqa: S608 -- names of this file
        self.connection.commit()

    def bulk_create(self, entry_model, posting_model, headers: list, postings: list) -> None:
        """Write by Django's bulk_create and commit."""
        from django.db import transaction

        entry_names = [name.strip() for name in ENTRY_COLUMNS.split(",")]
        posting_names = [name.strip() for name in POSTING_COLUMNS.split(",")]
        with transaction.atomic():
            posting_model._base_manager.bulk_create(
                [posting_model(**dict(zip(posting_names, row, strict=True))) for row in postings]
            )
            entry_model._base_manager.bulk_create(
                [entry_model(**dict(zip(entry_names, row, strict=True))) for row in headers]
            )


def bare_models():
    """Return Django models of the bare tables."""
    from django.db import models

    def model(name: str, table: str, columns: str) -> type[models.Model]:
        kinds: dict[str, Any] = {"uid": models.UUIDField, "booked_on": models.DateField}
        kinds["effective_on"] = models.DateField
        texts = ("kind", "key", "fingerprint", "source", "reason", "correction_group", "actor")
        fields: dict = {"__module__": __name__}
        for column in (name.strip() for name in columns.split(",")):
            is_text = column in (*texts, "currency", "tax_code")
            kind: Any = models.TextField if is_text else kinds.get(column, models.BigIntegerField)
            fields[column] = kind(**({"primary_key": True} if column == "id" else {}))
        options = {"app_label": "bare", "managed": False, "db_table": table}
        fields["Meta"] = type("Meta", (), options)
        return type(name, (models.Model,), fields)

    return (
        model("BareEntry", '"bare"."entry"', ENTRY_COLUMNS),
        model("BarePosting", '"bare"."posting"', POSTING_COLUMNS),
    )
