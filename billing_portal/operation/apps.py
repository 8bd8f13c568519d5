from django.apps import AppConfig


class OperationConfig(AppConfig):
    name = "billing_portal.operation"
    label = "operation"
    verbose_name = "Operation"
