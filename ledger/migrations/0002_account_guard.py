from pathlib import Path

from django.db import migrations

GUARDS = Path(__file__).resolve().parent.parent


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0001_initial'),
    ]

    operations = [
        migrations.RunSQL(
            (GUARDS / "account_guards.sql").read_text(),
            (GUARDS / "account_guards_reverse.sql").read_text(),
        ),
    ]
