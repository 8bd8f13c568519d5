from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "billing_portal.jobs"
    label = "jobs"
    verbose_name = "Background work"
