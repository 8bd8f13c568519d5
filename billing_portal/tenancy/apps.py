from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "billing_portal.tenancy"
    label = "tenancy"
    verbose_name = "Firms"
