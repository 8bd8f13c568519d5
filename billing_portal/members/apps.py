from django.apps import AppConfig


class MembersConfig(AppConfig):
    name = "billing_portal.members"
    label = "members"
    verbose_name = "Members"
