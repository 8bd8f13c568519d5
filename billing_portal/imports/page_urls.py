"""Large files below /imports/; those of the API are in ``urls``."""

from __future__ import annotations

from django.urls import path

from billing_portal.imports import views

app_name = "imports"
urlpatterns = [
    path("", views.file_imports, name="file_imports"),
    path("<str:public_id>/", views.file_import, name="file_import"),
]
