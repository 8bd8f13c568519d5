"""No two statements follow the same one, and no movement comes with two statements."""

from django.db import migrations, models

# What was imported before is told its place by its day; ledger_verify says where it is broken.
_OPEN = """
ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
ALTER TABLE {table} DISABLE TRIGGER rows_never_change;
"""
_SHUT = """
ALTER TABLE {table} ENABLE TRIGGER rows_never_change;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
"""
_PLACES = """
UPDATE dunning_bankstatement s SET place = found.place
FROM (SELECT id, row_number() OVER (PARTITION BY tenant_id, account ORDER BY closed_on, id) AS place
  FROM dunning_bankstatement) found
WHERE found.id = s.id;
"""
_MOVEMENTS = """
UPDATE dunning_bankline l SET movement = found.movement
FROM (SELECT each.id, concat_ws(':', s.account, each.reference,
    to_char(each.booked_on, 'YYYY-MM-DD'), each.amount, row_number() OVER (
      PARTITION BY s.tenant_id, s.account, each.reference, each.booked_on, each.amount
      ORDER BY each.id)) AS movement
  FROM dunning_bankline each
  JOIN dunning_bankstatement s ON s.tenant_id = each.tenant_id AND s.id = each.statement_id
  WHERE upper(each.reference) NOT IN ('', 'NONREF', 'NOTPROVIDED', 'NOT PROVIDED')) found
WHERE found.id = l.id;
"""
_STATEMENTS, _LINES = {"table": "dunning_bankstatement"}, {"table": "dunning_bankline"}


class Migration(migrations.Migration):
    dependencies = [("dunning", "0004_keys_lead_with_the_firm")]

    operations = [
        migrations.AddField(
            model_name="bankstatement",
            name="place",
            field=models.PositiveIntegerField(
                default=1,
                help_text="Counts the statements of an account from 1: no two follow the same one.",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="bankline",
            name="movement",
            field=models.CharField(
                blank=True,
                default="",
                help_text=(
                    "What names it in any statement: account, reference, day, amount, and a count."
                ),
                max_length=220,
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(
            [
                *(_OPEN.format(**_STATEMENTS), _OPEN.format(**_LINES)),
                *(_PLACES, _MOVEMENTS),
                *(_SHUT.format(**_LINES), _SHUT.format(**_STATEMENTS)),
            ],
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint(
            model_name="bankstatement",
            constraint=models.UniqueConstraint(
                fields=["tenant", "account", "place"], name="bank_statement_follows_one_alone"
            ),
        ),
        migrations.AddConstraint(
            model_name="bankstatement",
            constraint=models.CheckConstraint(
                condition=models.Q(("place__gte", 1)), name="bank_statement_place_counts_from_one"
            ),
        ),
        migrations.AddConstraint(
            model_name="bankline",
            constraint=models.UniqueConstraint(
                condition=models.Q(("movement", ""), _negated=True),
                fields=("tenant", "movement"),
                name="bank_line_movement_comes_once",
            ),
        ),
        migrations.RemoveIndex(model_name="bankstatement", name="bank_statement_last"),
    ]
