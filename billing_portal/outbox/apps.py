from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "billing_portal.outbox"
    label = "outbox"
    verbose_name = "Outbox"
