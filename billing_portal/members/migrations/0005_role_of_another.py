"""Who receives a role does not approve it; where one did, another person's word is asked again."""

from django.db import migrations, models
from django.db.models import F, Q, Value
from django.db.models.functions import Cast, Concat

_REF_OF_USER = Concat(Value("user:"), Cast("user_id", models.CharField()))


def ask_again(apps, schema_editor):
    """Turn roles in force that their holders approved back into proposals."""
    approved_by_holder = Q(approved_by=Concat(Value("user:"), Cast(F("user_id"), models.CharField())))
    apps.get_model("members", "Membership").objects.filter(
        approved_by_holder, ended_at__isnull=True
    ).update(approved_by="", approved_at=None)


class Migration(migrations.Migration):
    dependencies = [("members", "0004_key_rotation")]

    operations = [
        migrations.RunPython(ask_again, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=Q(("approved_by", _REF_OF_USER), _negated=True)
                | Q(("ended_at__isnull", False)),
                name="membership_approver_is_not_its_holder",
            ),
        ),
    ]
