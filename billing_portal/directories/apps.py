from django.apps import AppConfig


class DirectoriesConfig(AppConfig):
    name = "billing_portal.directories"
    label = "directories"
    verbose_name = "Sign-in"
