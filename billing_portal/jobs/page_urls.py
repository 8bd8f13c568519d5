"""The job console below /jobs/; the jobs of the API are in ``urls``."""

from __future__ import annotations

from django.urls import path

from billing_portal.jobs import views

app_name = "jobs"
urlpatterns = [
    path("", views.jobs, name="jobs"),
    path("<str:public_id>/", views.job, name="job"),
    path("<str:public_id>/progress/", views.progress, name="progress"),
    path("<str:public_id>/retry/", views.retry, name="retry"),
    path("<str:public_id>/cancel/", views.cancel, name="cancel"),
]
