"""A login belongs to the site it was given for, and one that was refused is not tried again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("invoices", "0002_runs_and_invoices")]

    operations = [
        # Logins from before name no site: they have to be given anew.
        migrations.AddField(
            model_name="carrierlogin",
            name="origin",
            field=models.CharField(
                default="",
                editable=False,
                help_text="The site it was given for, and no other.",
                max_length=200,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="carrier",
            name="refused_login",
            field=models.BigIntegerField(
                editable=False,
                help_text="The login it did not take; it is not tried again.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="document",
            name="kind",
            field=models.CharField(
                choices=[
                    ("pdf", "PDF"),
                    ("ledes1998b", "LEDES 1998B"),
                    ("ledes98bi", "LEDES 98BI"),
                ],
                max_length=12,
            ),
        ),
    ]
