from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "billing_portal.imports"
    label = "imports"
    verbose_name = "Imports"
