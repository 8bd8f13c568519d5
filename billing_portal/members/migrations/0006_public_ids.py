"""Who and what is opened by an address is named there by no number that all firms share."""

from django.db import migrations, models

from billing_portal.tenancy.operations import give_public_ids


class Migration(migrations.Migration):
    dependencies = [("members", "0005_role_of_another")]

    operations = [
        *give_public_ids("user"),
        *give_public_ids("membership"),
        *give_public_ids("invitation"),
        *give_public_ids("apikey"),
        *give_public_ids("factorreset"),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(fields=["uid"], name="user_uid_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(fields=["uid"], name="membership_uid_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(fields=["uid"], name="invitation_uid_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.UniqueConstraint(fields=["uid"], name="api_key_uid_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="factorreset",
            constraint=models.UniqueConstraint(fields=["tenant", "uid"], name="factor_reset_uid_is_unique"),
        ),
    ]
